"""One data set writer as we follow it: its sequence numbers, its values, and what a message does to them.

Sequence (Part 14, 7.2.3): newer is at most a quarter of the number range ahead. What is older or the same was said before
and is dropped. After a silence of the group's freshness limit any number is accepted: the publisher started again.
A gap in front of a message that does not repeat every field leaves the other fields UNCERTAIN until they are told again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivers.base import Emit, PlannedTag
from drivers.base_held import Held, Places
from drivers.base_ua import EVERY, store
from drivers.pubsub_message import DELTA, EVENT, KEEP_ALIVE, DataSet, WriterKey
from gateway.core.tags import Cause, Group, Quality

NO_VERSION = (-1, -1)


@dataclass(slots=True)
class Counts:
    """What did not become a value, since the driver started."""

    malformed: int = 0
    refused: int = 0  # not signed as it must be, or a replay of a signed message
    skipped: int = 0  # data sets that no tag reads
    repeated: int = 0  # said before, or out of order
    lost: int = 0  # sequence numbers that never came
    mismatched: int = 0  # another version of the data set than configured
    overflowed: int = 0  # messages that found the queue full, or values told to follow a loss


class Writer(Held):
    """The tags of one data set writer. `numbers` are their fields' positions, `names` their names."""

    __slots__ = ("as_sent", "by_name", "by_number", "heard_s", "key", "modulus", "numbers", "sequence", "version")

    def __init__(
        self, key: WriterKey, group: Group, tags: Sequence[PlannedTag], names: Sequence[str], modulus: int
    ) -> None:
        super().__init__(group, tags)
        self.key = key
        self.modulus = modulus
        self.version = NO_VERSION  # as configured
        self.sequence = -1
        self.heard_s = -math.inf
        self.by_name = [entry.point.key.name for entry in tags]
        told = {name: at for at, name in enumerate(names)}
        self.numbers = np.array(
            [told.get(name, int(name) if name.isdecimal() else -1) for name in self.by_name], np.int64
        )
        self.by_number = {int(number): at for at, number in enumerate(self.numbers) if number >= 0}
        self.as_sent = np.array_equal(self.numbers, self.places)  # the tags are the first fields in their order

    def hear(self, found: DataSet, now_s: float, counts: Counts, emit: Emit) -> None:
        """What one data set message says."""
        missed = self._missed(found, now_s)
        if found.kind == EVENT:
            return  # what happened once is no value that holds
        if missed < 0:
            counts.repeated += 1
            return
        counts.lost += missed
        self.heard_s = now_s
        if self._another(found.version):
            counts.mismatched += 1
            self.spoil(Cause.DECODE, emit)
        elif not found.valid or found.status >> 30 >= 2:
            self.spoil(Cause.DEVICE, emit)
        elif found.kind == KEEP_ALIVE:
            self._doubt(missed)
            self.confirm(emit)
        elif found.named is not None:
            self._doubt(missed if found.kind == DELTA else 0)
            counts.overflowed += self._names(found, emit)
        else:
            self._doubt(missed if found.kind == DELTA else 0)
            counts.overflowed += self._numbers(found, emit)

    def _missed(self, found: DataSet, now_s: float) -> int:
        """How many messages are missing in front of this one; -1 where it was said before. Moves the window."""
        if found.sequence < 0:
            return 0
        before, modulus = self.sequence, self.modulus
        fresh = before < 0 or (now_s - self.heard_s) * 1000.0 > self.group.stale_ms
        ahead = (found.sequence - before - 1) % modulus
        if found.kind == KEEP_ALIVE:  # it tells the number of the next message, or of the last; it has none of its own
            if not fresh and ahead >= modulus // 4 and found.sequence != before:
                return -1
            self.sequence = before if not fresh and found.sequence == before else (found.sequence - 1) % modulus
            return 0 if fresh or found.sequence == before else ahead
        if not fresh and ahead >= modulus // 4:
            return -1
        self.sequence = found.sequence
        return 0 if fresh else ahead

    def _another(self, version: tuple[int, int]) -> bool:
        """Whether it is another data set than the one that was configured."""
        if self.version == NO_VERSION:
            return False
        return any(
            -1 not in (mine, theirs) and mine != theirs for mine, theirs in zip(self.version, version, strict=True)
        )

    def _doubt(self, missed: int) -> None:
        if missed:
            good = self.qualities == Quality.GOOD
            self.qualities[good] = Quality.UNCERTAIN
            self.causes[good] = Cause.COMMS

    def _numbers(self, found: DataSet, emit: Emit) -> int:
        """Fields by their position."""
        fields = found.fields
        assert fields is not None
        doubtful = found.status >> 30 == 1
        statuses = fields.statuses
        if doubtful:
            statuses = (np.zeros(len(fields.values), np.uint32) if statuses is None else statuses) | np.uint32(
                0x4000_0000
            )
        if fields.places is not None:
            return self._some(found, statuses, emit)
        if self.as_sent and len(fields.values) == len(self.places):
            dropped = store(self, EVERY, fields.values, statuses)
            self.tell(self.places, self._stamps(found, fields.stamps), emit)
            return dropped
        known = (self.numbers >= 0) & (self.numbers < len(fields.values))
        self._absent(~known)
        at = np.flatnonzero(known)
        mine = self.numbers[at]
        dropped = store(self, at, fields.values[mine], None if statuses is None else statuses[mine])
        whole = fields.stamps is not None and len(at) == len(self.places)
        self.tell(
            self.places, self._stamps(found, fields.stamps[mine] if whole and fields.stamps is not None else None), emit
        )
        return dropped

    @staticmethod
    def _stamps(found: DataSet, stamps: Places | None) -> Places | int:
        """Times of the fields, where a field has none that of the message."""
        return found.stamp if stamps is None else np.where(stamps == 0, found.stamp, stamps)

    def _some(self, found: DataSet, statuses: np.ndarray[tuple[int], np.dtype[np.uint32]] | None, emit: Emit) -> int:
        """A delta frame: the fields it holds; the others are confirmed as they stand."""
        fields = found.fields
        assert fields is not None
        assert fields.places is not None
        dropped = 0
        for number, place in enumerate(fields.places.tolist()):
            at = self.by_number.get(place)
            if at is not None:
                one = slice(number, number + 1)
                code = None if statuses is None else statuses[one]
                dropped += store(self, self.places[at : at + 1], fields.values[one], code)
        self.tell(self.places, found.stamp, emit)
        return dropped

    def _names(self, found: DataSet, emit: Emit) -> int:
        """Fields by their name."""
        named = found.named
        assert named is not None
        told = [named.get(name) for name in self.by_name]
        missing = np.array([one is None for one in told])
        if found.kind != DELTA:
            self._absent(missing)
        at = np.flatnonzero(~missing)
        if len(at):
            values = np.array([one.value for one in told if one is not None], np.float64)
            doubtful = 0x4000_0000 if found.status >> 30 == 1 else 0
            codes = np.array([one.status | doubtful for one in told if one is not None], np.uint32)
            stamps = [one.stamp for one in told if one is not None]
            dropped = store(self, at, values, codes if codes.any() else None)
            found.stamp = max([found.stamp, *stamps])
        self.tell(self.places, found.stamp, emit)
        return dropped if len(at) else 0

    def _absent(self, missing: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Fields that the data set does not have."""
        self.values[missing] = math.nan
        self.qualities[missing] = Quality.BAD
        self.causes[missing] = Cause.DECODE
