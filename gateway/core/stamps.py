"""What people noted as done, and the checklists whose items several of them confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.core.limits import DAY, MS, STAMP_SKEW_MS

NEVER_MS = -1


class Checklist(msgspec.Struct, frozen=True):
    """`items` are confirmed one by one, each by another person, all within `within_ns`; then the list itself is done."""

    name: str
    items: tuple[str, ...]
    within_ns: int


class Stamp(msgspec.Struct, frozen=True):
    """Who noted something as done, when by both clocks, and in which boot: kernel time means nothing in another one."""

    person: str
    at_ns: int
    utc_ms: int
    boot: int


class Stamps:
    """The stamps by name. Age counts by both clocks: the larger one is the age, and clocks that disagree make it void."""

    def __init__(self, boot: int, checklists: Sequence[Checklist]) -> None:
        self._boot = boot
        self.checklists: Mapping[str, Checklist] = {each.name: each for each in checklists}
        self.done: dict[str, Stamp] = {}
        self.confirmed: dict[str, dict[str, Stamp]] = {}  # checklist -> item -> who and when

    def age_ns(self, name: str, now_ns: int, utc_ms: int) -> int:
        """Age of a stamp in ns, -1 where there is none that counts.

        Within a boot both clocks must tell about the same time; one of an earlier boot has the wall clock only, and that
        is believed for what may be older than a day (a calibration, not a gas test).
        """
        stamp = self.done.get(name)
        if stamp is None or utc_ms < stamp.utc_ms - STAMP_SKEW_MS:
            return -1
        by_wall_ns = max(0, utc_ms - stamp.utc_ms) * MS
        if stamp.boot != self._boot:
            return max(by_wall_ns, DAY)
        by_kernel_ns = now_ns - stamp.at_ns
        if abs(by_kernel_ns - by_wall_ns) > STAMP_SKEW_MS * MS:
            return -1
        return max(by_kernel_ns, by_wall_ns)

    def note(self, name: str, person: str, now_ns: int, utc_ms: int) -> Stamp:
        """Something is done, now."""
        self.done[name] = stamp = Stamp(person, now_ns, utc_ms, self._boot)
        return stamp

    def confirm(self, name: str, item: str, person: str, now_ns: int, utc_ms: int) -> bool:
        """A person confirms an item of a checklist; True if that makes the list complete."""
        checklist = self.checklists[name]
        items = self.confirmed.setdefault(name, {})
        items[item] = Stamp(person, now_ns, utc_ms, self._boot)
        for old in [key for key, stamp in items.items() if now_ns - stamp.at_ns > checklist.within_ns]:
            del items[old]
        if len(items) < len(checklist.items):
            return False
        del self.confirmed[name]
        return True

    def confirmed_by(self, name: str, person: str, now_ns: int) -> str:
        """The item of a checklist that this person has confirmed already in its time, "" for none."""
        within_ns = self.checklists[name].within_ns
        found = self.confirmed.get(name, {}).items()
        return next((item for item, by in found if by.person == person and now_ns - by.at_ns <= within_ns), "")

    # --- restart and snapshot ---

    def restore(self, name: str, data: bytes) -> None:
        """Take what the journal kept. Half-confirmed checklists are not kept: they are begun anew."""
        self.done[name] = msgspec.msgpack.decode(data, type=Stamp)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [
            self._boot,
            sorted(self.done.items()),
            [[k, sorted(v.items())] for k, v in sorted(self.confirmed.items())],
        ]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._boot = state[0]
        self.done = dict(msgspec.convert(state[1], list[tuple[str, Stamp]]))
        self.confirmed = {name: dict(msgspec.convert(items, list[tuple[str, Stamp]])) for name, items in state[2]}
