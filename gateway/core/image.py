"""The latest value of everything: one memory, two views (scalar access at list speed, vectors for free)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.limits import SECOND
from gateway.core.samples import Columns, Few, Personal
from gateway.core.tags import Cause, Quality, TagTable

BAD = int(Quality.BAD)
LARGEST = (
    1.7976931348623157e308  # stands for "no limit", so that infinity fails the same comparison as any other excess
)


@dataclass(slots=True)
class _Slices:
    """A group's pre-made views."""

    first: int
    end: int
    values: NDArray[np.float64]
    bits: NDArray[np.int64]
    qualities: NDArray[np.uint8]
    causes: NDArray[np.uint8]
    own_qualities: NDArray[np.uint8]
    own_causes: NDArray[np.uint8]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    watched: tuple[int, ...]  # tags with frozen_s or rate_max_per_s


class Image:
    """Values, qualities and causes by tag number, conditioned on the way in: NaN, range, NE 43, rate, frozen, silent peer.

    A group that is stale or of a silent PLC is masked: BAD as a whole. Beneath the mask every tag keeps its own quality,
    which is what it is again when the group is confirmed unchanged.
    """

    def __init__(self, table: TagTable) -> None:
        count = len(table.tags)
        self.tags = table.tags
        self.values = array("d", [math.nan]) * count
        self.qualities = bytearray([BAD]) * count
        self.causes = bytearray([Cause.NEVER]) * count
        self._own_qualities = bytearray(self.qualities)
        self._own_causes = bytearray(self.causes)
        self._masked = bytearray(len(table.groups))
        self._said: dict[int, tuple[int, int]] = {}  # watched tags: what the source said, before rate and frozen
        self.changed_ns = array("q", [0]) * count  # kept for watched tags only
        self.sampled_ns = array("q", [0]) * count  # likewise: the sample before this one
        self._low = np.array([max(t.low, t.fault_low, -LARGEST) for t in table.tags], dtype=np.float64)
        self._high = np.array([min(t.high, t.fault_high, LARGEST) for t in table.tags], dtype=np.float64)
        self._groups = [self._slices(group.first, group.first + group.count) for group in table.groups]
        self._source_of_group = [group.source for group in table.groups]
        self._forced: dict[str, Cause] = {}  # sources whose peer is silent: nothing of theirs is GOOD
        self.source_ns = array("q", [0]) * len(table.groups)

    def _slices(self, first: int, end: int) -> _Slices:
        part = slice(first, end)
        values = np.frombuffer(self.values, np.float64) if self.values else np.empty(0)
        watched = tuple(t.number for t in self.tags[first:end] if t.frozen_s > 0 or t.rate_max_per_s > 0)
        return _Slices(
            first,
            end,
            values[part],
            values.view(np.int64)[part],
            np.frombuffer(self.qualities, np.uint8)[part],
            np.frombuffer(self.causes, np.uint8)[part],
            np.frombuffer(self._own_qualities, np.uint8)[part],
            np.frombuffer(self._own_causes, np.uint8)[part],
            self._low[part],
            self._high[part],
            watched,
        )

    def store_columns(self, block: Columns, now_ns: int) -> NDArray[np.bool_] | None:
        """Store a whole group; the mask of tags whose bits, quality or cause changed, None where none did."""
        group = self._groups[block.group]
        values, qualities, causes = block.values, block.qualities, block.causes
        if isinstance(block.source_ns, int):
            self.source_ns[block.group] = block.source_ns
        inside = (values >= group.low) & (values <= group.high)
        if not inside.all() or group.watched:
            qualities, causes = qualities.copy(), causes.copy()
            self._condition(group, values, qualities, causes, inside, now_ns)
        group.own_qualities[:] = qualities
        group.own_causes[:] = causes
        forced = self._forced.get(self._source_of_group[block.group])
        self._masked[block.group] = forced is not None
        if forced is not None:
            causes = np.where(qualities == BAD, causes, np.uint8(forced))
            qualities = np.full_like(qualities, BAD)
        changed: NDArray[np.bool_] = values.view(np.int64) != group.bits
        changed |= qualities != group.qualities
        changed |= causes != group.causes
        if not changed.any():
            return None
        group.values[:] = values
        group.qualities[:] = qualities
        group.causes[:] = causes
        return changed

    def _condition(
        self,
        group: _Slices,
        values: NDArray[np.float64],
        qualities: NDArray[np.uint8],
        causes: NDArray[np.uint8],
        inside: NDArray[np.bool_],
        now_ns: int,
    ) -> None:
        for at in np.flatnonzero(~inside).tolist():
            tag = group.first + at
            qualities[at], causes[at] = self._range(tag, float(values[at]), int(qualities[at]), int(causes[at]))
        for tag in group.watched:
            at = tag - group.first
            self._said[tag] = said = (int(qualities[at]), int(causes[at]))
            qualities[at], causes[at] = self._watch(tag, float(values[at]), *said, now_ns)

    def store_few(self, block: Few | Personal, now_ns: int) -> list[int]:
        """Store up to 64 values; the tags whose bits, quality or cause changed."""
        values, qualities, causes = self.values, self.qualities, self.causes
        self.source_ns[block.group] = block.source_ns
        group = self._groups[block.group]
        forced = self._forced.get(self._source_of_group[block.group])
        if forced is not None:
            self._masked[block.group] = 1
        changed = []
        for tag, value, quality, cause in zip(block.tags, block.values, block.qualities, block.causes, strict=True):
            if not self._low[tag] <= value <= self._high[tag]:
                quality, cause = self._range(tag, value, quality, cause)
            if group.watched and tag in group.watched:
                self._said[tag] = (quality, cause)
                quality, cause = self._watch(tag, value, quality, cause, now_ns)
            self._own_qualities[tag], self._own_causes[tag] = quality, cause
            if forced is not None and quality != BAD:
                quality, cause = BAD, int(forced)
            old = values[tag]
            same = value == old and (value != 0 or math.copysign(1, value) == math.copysign(1, old))
            if not (same or _same_nan(value, old)) or quality != qualities[tag] or cause != causes[tag]:
                values[tag] = value
                qualities[tag] = quality
                causes[tag] = cause
                changed.append(tag)
        return changed

    def _range(self, number: int, value: float, quality: int, cause: int) -> tuple[int, int]:
        """Quality and cause of a value outside its limits; what the source already called BAD keeps its cause."""
        if quality == BAD:
            return quality, cause
        tag = self.tags[number]
        if not math.isfinite(value):
            return BAD, int(Cause.NOT_A_NUMBER)
        if value < tag.fault_low or value > tag.fault_high:
            return BAD, int(Cause.SIGNAL_FAULT)
        return BAD, int(Cause.BELOW_RANGE if value < tag.low else Cause.ABOVE_RANGE)

    def _watch(self, number: int, value: float, quality: int, cause: int, now_ns: int) -> tuple[int, int]:
        """Rate and frozen checks, opt-in per tag (I5)."""
        tag, old = self.tags[number], self.values[number]
        before_ns, self.sampled_ns[number] = self.sampled_ns[number], now_ns
        if value != old or not self.changed_ns[number]:
            self.changed_ns[number] = now_ns
        if quality == BAD:
            return quality, cause
        if tag.frozen_s > 0 and now_ns - self.changed_ns[number] >= int(tag.frozen_s * SECOND):
            return BAD, int(Cause.FROZEN)
        if tag.rate_max_per_s <= 0 or not before_ns or now_ns <= before_ns or not math.isfinite(old):
            return quality, cause
        if abs(value - old) * SECOND > tag.rate_max_per_s * (now_ns - before_ns):
            return BAD, int(Cause.RATE)
        return quality, cause

    def confirm(self, number: int, now_ns: int) -> list[int]:
        """The group of `number` was confirmed unchanged: note the sample; the group's tags that froze or recovered by it."""
        changed = []
        for tag in self._groups[number].watched:
            said = self._said.get(tag, (self._own_qualities[tag], self._own_causes[tag]))
            changed += self._settle(number, tag, *self._watch(tag, self.values[tag], *said, now_ns))
        return changed

    def _settle(self, number: int, tag: int, quality: int, cause: int) -> list[int]:
        """Give a tag its own quality; the tag where that shows."""
        self._own_qualities[tag], self._own_causes[tag] = quality, cause
        if self._masked[number] or (quality, cause) == (self.qualities[tag], self.causes[tag]):
            return []
        self.qualities[tag], self.causes[tag] = quality, cause
        return [tag]

    def watched(self, number: int) -> tuple[int, ...]:
        """Tags of a group with a frozen or rate check."""
        return self._groups[number].watched

    def freeze(self, number: int, now_ns: int) -> list[int]:
        """A frozen deadline of the group is due: the tags that stood still for their `frozen_s` turn BAD."""
        changed = []
        for tag in self._groups[number].watched:
            limit_s = self.tags[tag].frozen_s
            if (
                limit_s > 0
                and now_ns - self.changed_ns[tag] >= int(limit_s * SECOND)
                and self._own_qualities[tag] != BAD
            ):
                changed += self._settle(number, tag, BAD, int(Cause.FROZEN))
        return changed

    def mask(self, number: int, cause: Cause) -> list[int]:
        """Hold the group BAD with `cause` until it is heard again; the tags that changed. The values stay, never as live."""
        self._masked[number] = 1
        return self._degrade(number, cause)

    def unmask(self, number: int) -> list[int]:
        """The group is heard again: its tags are what they were, unless the PLC is silent; the tags that changed."""
        if not self._masked[number]:
            return []
        forced = self._forced.get(self._source_of_group[number])
        if forced is not None:
            return self._degrade(number, forced)
        self._masked[number] = 0
        group = self._groups[number]
        changed = (group.qualities != group.own_qualities) | (group.causes != group.own_causes)
        group.qualities[:] = group.own_qualities
        group.causes[:] = group.own_causes
        found: list[int] = (np.flatnonzero(changed) + group.first).tolist()
        return found

    def lose(self, number: int, cause: Cause) -> list[int]:
        """The group's source is lost: BAD with `cause`, and nothing beneath it to come back to; the tags that changed."""
        group = self._groups[number]
        group.own_qualities[:] = BAD
        group.own_causes[:] = cause
        for tag in group.watched:
            self._said.pop(tag, None)
        return self._degrade(number, cause)

    def _degrade(self, number: int, cause: Cause) -> list[int]:
        group = self._groups[number]
        changed = (group.qualities != BAD) | (group.causes != cause)
        group.qualities[:] = BAD
        group.causes[:] = cause
        found: list[int] = (np.flatnonzero(changed) + group.first).tolist()
        return found

    def force(self, source: str, cause: Cause | None) -> None:
        """Hold everything of `source` BAD from now on, or end that."""
        if cause is None:
            self._forced.pop(source, None)
        else:
            self._forced[source] = cause

    def save(self, withheld: Sequence[int] = ()) -> list[Any]:
        """State for a snapshot; tags that are `withheld` stand in it as never received."""
        columns: list[Any] = [self.values, self.qualities, self.causes, self.changed_ns, self.sampled_ns]
        columns += [self._own_qualities, self._own_causes]
        if withheld:
            columns = [column[:] for column in columns]
            for column, blank in zip(columns, (0.0, BAD, int(Cause.NEVER), 0, 0, BAD, int(Cause.NEVER)), strict=True):
                for tag in withheld:
                    column[tag] = blank
        values, qualities, causes, changed_ns, sampled_ns, own_qualities, own_causes = columns
        return [
            values.tobytes(),
            bytes(qualities),
            bytes(causes),
            changed_ns.tobytes(),
            sampled_ns.tobytes(),
            self.source_ns.tobytes(),
            [[name, int(cause)] for name, cause in sorted(self._forced.items())],
            bytes(own_qualities),
            bytes(own_causes),
            bytes(self._masked),
            [[tag, *said] for tag, said in sorted(self._said.items()) if tag not in withheld],
        ]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state; the memory stays where it is because views point into it."""
        memoryview(self.values).cast("B")[:] = state[0]
        self.qualities[:] = state[1]
        self.causes[:] = state[2]
        for target, data in zip((self.changed_ns, self.sampled_ns, self.source_ns), state[3:6], strict=True):
            memoryview(target).cast("B")[:] = data
        self._forced = {name: Cause(cause) for name, cause in state[6]}
        self._own_qualities[:], self._own_causes[:], self._masked[:] = state[7:10]
        self._said = {tag: (quality, cause) for tag, quality, cause in state[10]}


def _same_nan(a: float, b: float) -> bool:
    """Two NaN count as equal: a scalar path cannot tell their payloads apart as the vector path could, so neither may."""
    return a != a and b != b
