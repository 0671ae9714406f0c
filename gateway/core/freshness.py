"""Freshness of groups and the PLC's own counter: who was heard when, judged by kernel time only."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from gateway.core.cards import DRIVER
from gateway.core.limits import MS
from gateway.core.tags import Cause, TagTable

NEVER = -1


class Freshness:
    """When each group was last confirmed. One deadline per source, at the earliest limit of its groups, lazily moved."""

    def __init__(self, table: TagTable) -> None:
        self._fresh = array("q", [0]) * len(table.groups)
        self._limit = array("q", [max(g.stale_ms, 1) * MS for g in table.groups])
        self.down = bytearray([Cause.NEVER]) * len(table.groups)  # cause why a group is not fresh, 0 = it is
        index = {source.name: at for at, source in enumerate(table.sources)}
        members: list[list[int]] = [[] for _ in table.sources]
        computed = {
            source.name for source in table.sources if source.driver == DRIVER
        }  # never late: the kernel steps them
        for group in table.groups:
            tags = table.tags[group.first : group.first + group.count]
            if group.source not in computed and not all(tag.hidden and tag.writable for tag in tags):
                members[index[group.source]].append(group.number)
        self.members = members
        self._indices = [np.array(groups, dtype=np.intp) for groups in members]

    def heard(self, group: int, now_ns: int) -> Cause:
        """The group was confirmed; why it had not been fresh (NONE where it was)."""
        self._fresh[group] = now_ns
        cause = self.down[group]
        if cause:
            self.down[group] = 0
        return Cause(cause)

    def age_ns(self, group: int, now_ns: int) -> int:
        """Time since the group was last confirmed."""
        return now_ns - self._fresh[group]

    def expired(self, source: int, now_ns: int) -> tuple[list[int], int]:
        """Groups of `source` that just went stale, and when to look again (NEVER if nothing of it is fresh)."""
        members = self._indices[source]
        if not len(members):
            return [], NEVER
        due = np.frombuffer(self._fresh, np.int64)[members] + np.frombuffer(self._limit, np.int64)[members]
        fresh = np.frombuffer(self.down, np.uint8)[members] == 0
        stale = members[fresh & (due <= now_ns)].tolist()
        waiting = due[fresh & (due > now_ns)]
        return stale, int(waiting.min()) if len(waiting) else NEVER

    def due_ns(self, group: int) -> int:
        """When `group` goes stale if it is not heard again."""
        return self._fresh[group] + self._limit[group]

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._fresh.tobytes(), bytes(self.down)]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        memoryview(self._fresh).cast("B")[:] = state[0]
        self.down[:] = state[1]
