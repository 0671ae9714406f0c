"""Recorded inputs through the same kernel again: identical effects, and the same decisions as the journal's."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.effects import Effect, Journal
from gateway.core.kernel import Kernel
from gateway.core.privacy import APART
from gateway.core.samples import Input, Stamp
from gateway.history import reader
from gateway.journal.reader import rows

Row = tuple[str, str, int, dict[str, Any]]

_encode = msgspec.msgpack.Encoder().encode


class Outcome(msgspec.Struct, frozen=True):
    """What a replay found. `digest` is SHA-256 over all effects; `differing` names the first decisions that are not the journal's."""

    boot: int
    from_seq: int
    to_seq: int
    inputs: int
    effects: int
    digest: str
    recorded_s: float
    took_s: float
    times_real: float
    decisions: int
    equal: int
    differing: tuple[str, ...]
    withheld: int  # inputs that are not there: personal ones, and holes that the coverage states


def effects(kernel: Kernel, inputs: Iterable[tuple[Stamp, Input]]) -> Iterator[Effect]:
    """All effects of `inputs`, in order. The kernel stands where its snapshot left it."""
    for stamp, given in inputs:
        yield from kernel.step(stamp, given)


def replay(
    directory: Path,
    make: Callable[[], Kernel],
    *,
    boot: int | None = None,
    snapshot: int = 0,
    journal: Path | None = None,
) -> Outcome:
    """Replay one boot (the latest) from its `snapshot`-th snapshot. Raises LookupError where nothing was recorded, ValueError
    where the snapshot is of another rule set."""
    found = reader.snapshots(directory, boot=boot)
    if not found:
        raise LookupError("no snapshot was recorded")
    boot = max(info.boot for info in found) if boot is None else boot
    found = [info for info in found if info.boot == boot]
    if not 0 <= snapshot < len(found):
        raise LookupError(f"boot {boot} has {len(found)} snapshots")
    start = found[snapshot]
    kernel = make()
    kernel.restore(start.read())
    decisions = _decisions(journal, boot) if journal is not None else {}
    digest, count, inputs, first_ns, last_seq = hashlib.sha256(), 0, 0, 0, start.seq
    decided, equal, withheld = 0, 0, 0
    differing: list[str] = []
    began_s = time.perf_counter()
    for stamp, given in reader.inputs(directory, boot=boot, from_seq=start.seq + 1):
        first_ns = first_ns or stamp.admit_ns
        inputs, last_seq = inputs + 1, stamp.seq
        if stamp.seq != kernel.seq + 1:
            withheld += stamp.seq - kernel.seq - 1
            kernel.seq = stamp.seq - 1
        for effect in kernel.step(stamp, given):
            count += 1
            digest.update(_encode(effect))
            if decisions and isinstance(effect, Journal) and effect.record.id[1] < APART:
                decided += 1
                why = _difference(effect, decisions.get(effect.record.id[1]))
                equal += not why
                if why and len(differing) < 10:
                    differing.append(why)
    took_s = time.perf_counter() - began_s
    recorded_s = (kernel.now_ns - first_ns) / 1e9 if inputs else 0.0
    return Outcome(
        boot=boot,
        from_seq=start.seq + 1,
        to_seq=last_seq,
        inputs=inputs,
        effects=count,
        digest=digest.hexdigest(),
        recorded_s=round(recorded_s, 3),
        took_s=round(took_s, 3),
        times_real=round(recorded_s / took_s, 1) if took_s else 0.0,
        decisions=decided,
        equal=equal,
        differing=tuple(differing),
        withheld=withheld,
    )


def _decisions(journal: Path, boot: int) -> dict[int, Row]:
    """The kernel's rows of one boot by counter: kind, subject, kernel time and detail."""
    live = (event for event in rows(journal) if event.boot == boot and event.counter > 0)
    return {event.counter: (event.kind, event.subject, event.at_ns, event.detail) for event in live}


def _difference(effect: Journal, row: Row | None) -> str:
    """ "" where the journal says the same."""
    record = effect.record
    mine = (record.kind, record.subject, record.at_ns, msgspec.json.decode(msgspec.json.encode(record.detail)))
    if row is None:
        return f"{record.id[1]}: replay decided {mine[0]} {mine[1]}, the journal has no such row"
    return "" if row == mine else f"{record.id[1]}: replay decided {mine}, the journal says {row}"
