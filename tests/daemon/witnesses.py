"""Comparing what a receiver holds with what the journal says."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.journal.reader import Event
from tests.daemon.rig import Rig, event_ids


@dataclass(slots=True)
class Verdict:
    """Everything here but the counts must be empty."""

    rows: int = 0
    announced: int = 0  # rows that had to leave
    received: int = 0
    deliveries: int = 0
    lost: list[str] = field(default_factory=list)  # in the journal, never received
    foreign: list[str] = field(default_factory=list)  # received, not in the journal
    two_events: list[str] = field(default_factory=list)  # one id, two payloads

    @property
    def ok(self) -> bool:
        return not (self.lost or self.foreign or self.two_events)


def compare(rig: Rig, rows: list[Event] | None = None) -> Verdict:
    """The receiver against the journal as it stands now."""
    assert rig.receiver is not None
    records, _ = rig.receiver.snapshot()
    rows = rig.journal() if rows is None else rows
    known = event_ids(rows)
    announced = event_ids([row for row in rows if row.summary and row.boot > rig.boots_before])
    return Verdict(
        rows=len(rows),
        announced=len(announced),
        received=len(records),
        deliveries=rig.receiver.deliveries,
        lost=sorted(announced - records.keys()),
        foreign=sorted(records.keys() - known),
        two_events=[one for one, forms in records.items() if len(forms) > 1],
    )
