"""Keeps a bundle of every trip: `python -m gateway.offline.keeper STATE`, a short-lived process beside the daemon.

The journal is the one truth of which trips there were: what an earlier run could not finish (restart, full disk), the next one
does. `bundles/through.json` says up to which row every trip is bundled.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.history import reader
from gateway.journal.reader import Event, Reader
from gateway.offline import setting as settings
from gateway.offline.background import step_back
from gateway.offline.bundle import SUFFIX, NotYetError, collect, cut, file_name
from gateway.offline.clips import references
from gateway.offline.evidence import Trip, line
from gateway.offline.keys import box_key
from gateway.runtime import log_lines

DONE, LEFT = 0, 75  # exit codes; LEFT = ask again later
DAY_S = 86_400
PATIENCE_MS = 600_000  # history that does not come: the bundle is made of what there is
RESERVE_BYTES = 64 << 20  # left free for the journal, as history does
LOOK_BACK = 4_000  # journal rows read at once, backwards from a trip

# Nothing recorded, or by a version whose kernel this one cannot take up: the trip stays in the journal, without a bundle.
UNUSABLE = (LookupError, ValueError, TypeError, msgspec.MsgspecError)

_log = logging.getLogger("gatehouse.bundles")


DAYS = 1095  # three years: the longest that audits of interlocks usually ask for
BYTES_MAX = 2 << 30


@dataclass(frozen=True, slots=True)
class Keep:
    """How long bundles are kept; the newest one always is."""

    days: int = DAYS
    bytes_max: int = BYTES_MAX


class _Through(msgspec.Struct, frozen=True):
    seq: int


@dataclass(slots=True)
class Kept:
    """What one run did."""

    made: int = 0
    waiting: int = 0
    lost: int = 0  # trips of which nothing was recorded


def keep(state: Path, running_boot: int, limits: Keep, *, now_s: float | None = None) -> Kept:
    """Bundle every trip of the journal that has none yet. Raises OSError where the disk does not take it."""
    now_s = time.time() if now_s is None else now_s
    folder = state / "bundles"
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.glob("*.part"):
        part.unlink(missing_ok=True)
    key, done = box_key(state), Kept()
    journal = Reader(state / "journal" / "journal.db")
    try:
        for event in _trips(journal, _through(folder)):
            trip = Trip(event.boot, event.counter, event.at_ns, event.utc_ms, event.subject)
            running = event.boot == running_boot and now_s * 1000 - event.utc_ms < PATIENCE_MS
            try:
                part_of_history = cut(state / "history", trip, running=running)
                setting = settings.of_snapshot(folder, trip.boot, part_of_history.state)
                clips = references(state / "clips", trip, wait=running)
                data = collect(
                    trip, part_of_history, setting, lambda *span, at=event: _rows(journal, at, *span), key, clips
                )
                _write(folder / file_name(trip), data)
                done.made += 1
            except NotYetError:
                done.waiting += 1
                break
            except (*UNUSABLE, FileNotFoundError) as error:
                _log.error("trip %s of %s: no bundle, %s", trip.id, trip.function, error or "nothing recorded")
                done.lost += 1
            _store(folder / "through.json", msgspec.json.encode(_Through(event.seq)))
    finally:
        journal.close()
    retire(folder, limits, now_s)
    boots = [info.index.boot for info in reader.segments(state / "history")]
    settings.forget(folder, min(boots, default=0))
    return done


def list_bundles(folder: Path) -> list[Path]:
    """Bundles, oldest first: their names begin with the time of the trip."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def retire(folder: Path, limits: Keep, now_s: float) -> int:
    """Delete the oldest bundles over the limits, never the newest one; how many."""
    found = list_bundles(folder)
    sizes = [path.stat() for path in found]
    total, gone = sum(size.st_size for size in sizes), 0
    for path, size in zip(found[:-1], sizes, strict=False):
        if total <= limits.bytes_max and now_s - size.st_mtime <= limits.days * DAY_S:
            break
        path.unlink()
        total -= size.st_size
        gone += 1
    return gone


def _through(folder: Path) -> int:
    try:
        return msgspec.json.decode((folder / "through.json").read_bytes(), type=_Through).seq
    except (FileNotFoundError, msgspec.DecodeError):
        return 0


def _trips(journal: Reader, since: int) -> Iterator[Event]:
    """Trips after a row, oldest first; an orderly stop is none."""
    return (event for event in journal.walk(since, ("interlock.tripping",)) if event.detail.get("because") != "STOP")


def _rows(journal: Reader, trip: Event, boot: int, first: int, last: int) -> Iterable[bytes]:
    """The kernel's live rows of a boot by counter, around a trip's own row."""
    since = trip.seq
    while since:
        since = max(0, since - LOOK_BACK)
        page = journal.events(since, limit=1)
        if not page or page[0].boot < boot or 0 < page[0].counter < first:
            break
    while page := journal.events(since, limit=LOOK_BACK):
        since = page[-1].seq
        yield from (line(event) for event in page if event.boot == boot and first <= event.counter <= last)
        if any(event.boot > boot or (event.boot == boot and event.counter > last) for event in page):
            return


def _write(path: Path, data: bytes) -> None:
    if shutil.disk_usage(path.parent).free < RESERVE_BYTES + len(data):
        raise OSError(28, "no space is left for a trip bundle", str(path))
    _store(path, data)


def _store(path: Path, data: bytes) -> None:
    """The whole file or none, on the disk when this returns."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main(words: list[str] | None = None) -> int:
    """One run; LEFT where a trip waits for its last seconds or the disk refused."""
    log_lines.set_up()
    parser = argparse.ArgumentParser(prog="python -m gateway.offline.keeper", description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--running", type=int, default=0, metavar="BOOT", help="the boot that is still recording")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--bytes", type=int, default=BYTES_MAX)
    asked = parser.parse_args(words)
    try:
        done = keep(asked.state, asked.running, Keep(asked.days, asked.bytes))
    except (OSError, sqlite3.Error) as error:
        _log.error("trip bundles wait: %s", error)
        return LEFT
    if done.made:
        _log.info("%d trip bundle(s) written", done.made)
    return LEFT if done.waiting else DONE


if __name__ == "__main__":
    step_back()
    sys.exit(main())
