"""What the journalled audits say of a window: raw candidates, demands, evaluated time; each slice taken once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from gateway.journal.reader import Event
from gateway.offline.audit import KIND, Demand, Slice


@dataclass(slots=True)
class Audited:
    """The slices that touch a window. Times are UTC ms; what lies outside the window is left out."""

    from_ms: int
    to_ms: int
    evaluated_ms: int = 0
    left_out: int = 0
    clock_ms: list[int] = field(default_factory=list)  # of each slice
    alarms: dict[str, int] = field(default_factory=dict)  # alarm -> priority
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)  # function -> priority, budget ms
    candidates: list[tuple[str, int]] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    spans: list[tuple[int, int, int]] = field(default_factory=list)  # begin, end, evaluated

    def covers(self, at_ms: int) -> bool:
        """An audit looked at this time."""
        return any(begin <= at_ms <= end for begin, end, _ in self.spans)


def audited(events: Iterable[Event], from_ms: int, to_ms: int) -> Audited:
    """Collect them in the order of the journal."""
    out, seen = Audited(from_ms, to_ms), dict[int, int]()
    for event in events:
        if event.kind != KIND:
            continue
        one = msgspec.convert(event.detail, Slice)
        if one.first_seq <= seen.get(one.of_boot, -1):
            continue  # printed again after a crash
        seen[one.of_boot] = one.last_seq
        if one.to_ms < from_ms or one.from_ms >= to_ms:
            continue
        out.spans.append((one.from_ms, one.to_ms, one.evaluated_ms))
        inside_ms = min(one.to_ms, to_ms) - max(one.from_ms, from_ms)
        out.evaluated_ms += min(one.evaluated_ms, max(inside_ms, 0))
        out.left_out += one.left_out
        out.clock_ms.append(one.clock_ms)
        out.alarms |= one.alarms
        out.functions |= one.functions
        out.candidates += [c for c in one.candidates if from_ms <= c[1] < to_ms]
        out.demands += [d for d in one.demands if from_ms <= d.at_ms < to_ms]
    return out
