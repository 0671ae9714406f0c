"""The last seconds of a camera as it sent them: whole groups of pictures, so that what is cut begins with a key frame.

A group is thrown away only when the younger ones alone cover what may be asked. In the bounds of memory it keeps less, and says how much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture. `at_ns`: CLOCK_MONOTONIC of its capture; `pts` and `dts` in ns of the stream's own time."""

    data: bytes
    at_ns: int
    pts: int
    dts: int
    key: bool


@dataclass(slots=True)
class _Group:
    packets: list[Packet] = field(default_factory=list)
    size: int = 0


class Ring:
    """Packets of one connection: another stream begins with `clear`."""

    def __init__(self, keep_ns: int, bytes_max: int) -> None:
        self._keep_ns, self._bytes_max = keep_ns, bytes_max
        self._groups: deque[_Group] = deque()
        self.size = 0

    def add(self, packet: Packet) -> None:
        """One more; those before the first key frame are of no use and are not kept."""
        if packet.key:
            self._groups.append(_Group())
        elif not self._groups:
            return
        self._groups[-1].packets.append(packet)
        self._groups[-1].size += len(packet.data)
        self.size += len(packet.data)
        while len(self._groups) > 1 and (
            packet.at_ns - self._groups[1].packets[0].at_ns >= self._keep_ns or self.size > self._bytes_max
        ):
            self.size -= self._groups.popleft().size
        if self.size > self._bytes_max:  # one endless group: nothing whole is left of it
            self.clear()

    def since(self, from_ns: int) -> Sequence[Packet]:
        """From the last key frame at or before `from_ns` on, or from the oldest kept; empty where nothing is kept."""
        first = 0
        for at, group in enumerate(self._groups):
            if group.packets[0].at_ns <= from_ns:
                first = at
        return [packet for group in list(self._groups)[first:] for packet in group.packets]

    @property
    def seconds(self) -> float:
        """How much is kept."""
        if not self._groups:
            return 0.0
        return (self._groups[-1].packets[-1].at_ns - self._groups[0].packets[0].at_ns) / SECOND

    def clear(self) -> None:
        """Another stream."""
        self._groups.clear()
        self.size = 0
