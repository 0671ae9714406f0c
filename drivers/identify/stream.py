"""One direction of a TCP connection put in order, within bounds: what is lost is left out, never waited for for long."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_BYTES = 65_536 + 4096  # one frame of the largest protocol, and a segment behind it
MOST_HELD = 4  # segments that came too early; a capture that lost one goes on after these


@dataclass(slots=True)
class Stream:
    """`buffer` is what has not been understood yet; it begins where a frame should."""

    buffer: bytes = b""
    following: int = -1
    held: dict[int, bytes] = field(default_factory=dict)

    def feed(self, sequence: int, payload: bytes) -> bool:
        """Take a segment in; True where `buffer` has grown."""
        if self.following < 0:
            self.following = sequence
        ahead = (sequence - self.following) & 0xFFFFFFFF
        if ahead >= 0x80000000:  # sent again
            known = 0x100000000 - ahead
            if known >= len(payload):
                return False
            payload = payload[known:]
        elif ahead:
            self.held[sequence] = payload
            if len(self.held) <= MOST_HELD:
                return False
            sequence = min(self.held, key=lambda at: (at - self.following) & 0xFFFFFFFF)
            payload, self.buffer, self.following = self.held.pop(sequence), b"", sequence
        self._append(payload)
        while self.following in self.held:
            self._append(self.held.pop(self.following))
        return True

    def _append(self, payload: bytes) -> None:
        self.buffer = self.buffer + payload if self.buffer else payload
        self.following = (self.following + len(payload)) & 0xFFFFFFFF
        if len(self.buffer) > MOST_BYTES:
            self.buffer = b""

    def rest(self) -> list[bytes]:
        """The segments that waited for lost ones, in order; they wait no longer."""
        order = sorted(self.held, key=lambda at: (at - self.following) & 0xFFFFFFFF)
        return [self.held.pop(at) for at in order]

    def octets(self) -> int:
        """Bytes kept."""
        return len(self.buffer) + sum(map(len, self.held.values()))
