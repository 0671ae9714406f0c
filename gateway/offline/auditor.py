"""Audits what was recorded since the last time: `python -m gateway.offline.auditor STATE`, a short-lived process beside the daemon.

It writes one JSON line per slice to stdout; whoever started it journals them (`evidence.audited`). What it prints twice after a
crash the reports take once; what got lost between it and the journal is time that was not evaluated, and said so.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway.history import reader
from gateway.offline import setting as settings
from gateway.offline.audit import Audit, Slice
from gateway.offline.background import step_back

PLACE = "audit.state"  # under evidence/: the kernel of the audit and where it stands
SLICE_MS = 3_600_000  # one journal row an hour

_log = logging.getLogger("gatehouse.audit")


def audit(state: Path) -> Iterator[Slice]:
    """Audit every boot above the kept place, a slice at a time; the place is kept behind each. Raises OSError."""
    folder = state / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / PLACE
    kept = _kept(place)
    done = msgspec.msgpack.decode(kept)[0] if kept else 0
    for span in reader.coverage(state / "history"):
        if span.boot < done:
            continue
        follow = _begin(state, span.boot, kept if span.boot == done else b"")
        if follow is None:
            continue
        since_ns = span.first_utc_ns
        while since_ns <= span.last_utc_ns:
            until_ns = since_ns + SLICE_MS * 1_000_000
            items = reader.inputs(
                state / "history", boot=span.boot, from_seq=max(0, follow.seq + 1), to_utc_ns=until_ns
            )
            found = follow.slice(items)
            since_ns = until_ns
            if found is not None:
                yield found
                _keep(place, follow.save())


def _begin(state: Path, boot: int, kept: bytes) -> Audit | None:
    """The audit of a boot, None where nothing tells what rules were in force: then its time is not evaluated."""
    found = reader.snapshots(state / "history", boot=boot)
    if not found:
        return None
    try:
        setting = settings.of_snapshot(state / "bundles", boot, found[0].read())
        follow = Audit(setting.table, setting.rules(), boot)
        if kept:
            follow.load(kept)
    except (OSError, LookupError, ValueError, TypeError, msgspec.MsgspecError) as error:
        _log.error("boot %d is not audited: %s", boot, error)
        return None
    return follow


def _kept(place: Path) -> bytes:
    with suppress(FileNotFoundError, zlib.error):
        return zlib.decompress(place.read_bytes())
    return b""


def _keep(place: Path, data: bytes) -> None:
    part = place.with_suffix(".part")
    part.write_bytes(zlib.compress(data, 1))
    os.replace(part, place)


def main(words: list[str] | None = None) -> int:
    """One run over all that is new."""
    parser = argparse.ArgumentParser(prog="python -m gateway.offline.auditor", description=__doc__)
    parser.add_argument("state", type=Path)
    asked = parser.parse_args(words)
    for found in audit(asked.state):
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    step_back()
    sys.exit(main())
