"""One flow: two ends and what has been understood of what they say. It is looked at until it is clear, then only counted."""

from __future__ import annotations

from drivers.identify.checks.found import Found
from drivers.identify.evidence import Hits
from drivers.identify.link import FRAME, TCP, UDP
from drivers.identify.signatures import Table, Variant
from drivers.identify.stream import Stream

_NOTHING = Found(0.0)
MOST_UNKNOWN = 24  # payloads without any frame that fits, after which a flow is given up
MOST_KNOWN = 96  # payloads after which a flow is clear enough
PORT_BITS = 8.0  # an assigned port is a hint; it never suffices alone
ETHER_BITS = 16.0  # an ethertype belongs to one protocol, a port does not
_MOST_WAITING, _MOST_FRAMES = 16_384, 64
End = tuple[bytes, int, bytes]  # address, port, hardware address
Taken = tuple[bytes, float, Found]  # a frame, its bits of agreement, what its check found


class Flow:
    """`ends[0]` is the end with the smaller hash; `opener` the end that sent the first SYN, -1 where none was seen."""

    __slots__ = ("ends", "ether", "hits", "kind", "locked", "looked", "missed",
                 "octets", "open", "opener", "packets", "streams", "watch")  # fmt: skip

    def __init__(self, kind: int, ether: int, ends: tuple[End, End]) -> None:
        self.kind, self.ether, self.ends = kind, ether, ends
        self.packets = self.octets = self.looked = self.missed = 0
        self.opener = -1
        self.open = True
        self.locked: Variant | None = None
        self.streams: tuple[Stream, Stream] | None = (Stream(), Stream()) if kind == TCP else None
        self.hits: dict[str, Hits] = {}
        self.watch = 0

    def feed(self, table: Table, sender: int, sequence: int, payload: bytes) -> int:
        """Look at one payload; returns by how many bytes the kept streams have grown."""
        self.looked += 1
        grown = 0
        if self.kind == FRAME:
            self._whole(table.by_ether.get(self.ether, []), payload, sender)
        elif self.kind == UDP:
            self._datagram(table, payload, sender)
        elif self.streams is not None:
            stream = self.streams[sender]
            before = stream.octets()
            if stream.feed(sequence, payload):
                self._segment(table, stream, sender)
            grown = stream.octets() - before
        limit = MOST_KNOWN if self.hits else MOST_UNKNOWN
        if self.looked >= limit:
            self.close()
        return grown

    def glance(self, sender: int, payload: bytes) -> None:
        """Look at one payload of a flow that is known already, for what it may tell of its sender."""
        if self.locked is not None:
            self._take(self.locked, _parse(self.locked, payload)[1], sender, tiled=False)

    def flush(self, table: Table) -> None:
        """The capture is over: what waited for lost segments is looked at as it is."""
        for sender, stream in enumerate(self.streams or ()):
            for payload in stream.rest():
                stream.buffer = payload
                self._segment(table, stream, sender)
        self.close()

    def close(self) -> None:
        """From now on only counted."""
        self.open = False
        self.streams = None

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the two ends."""
        return self.ends[0][1], self.ends[1][1]

    # --- one payload ---

    def _whole(self, variants: list[Variant], payload: bytes, sender: int) -> None:
        for variant in variants:
            taken = _weight(variant, payload)
            if taken is not None:
                self.locked = variant
                self._take(variant, [taken], sender, tiled=False)
                return
        self.missed += 1

    def _datagram(self, table: Table, payload: bytes, sender: int) -> None:
        if self.locked is not None:
            used, frames = _parse(self.locked, payload)
            if used == len(payload):
                self._take(self.locked, frames, sender, tiled=True)
                return
        best: tuple[float, Variant, list[Taken]] | None = None
        for variant in table.candidates("udp", payload[0], self.ports):
            used, frames = _parse(variant, payload)
            if used == len(payload):
                bits = self._bits(variant, frames, tiled=True)
                if best is None or bits > best[0]:
                    best = bits, variant, frames
        if best is None:
            self.missed += 1
        else:
            self.locked = best[1]
            self._take(best[1], best[2], sender, tiled=True)

    def _segment(self, table: Table, stream: Stream, sender: int) -> None:
        if self.locked is None:
            self._choose(table, stream, sender)
            return
        used, frames = _parse(self.locked, stream.buffer)
        self._take(self.locked, frames, sender, tiled=used == len(stream.buffer))
        if used >= 0:
            stream.buffer = stream.buffer[used:]
            return
        if frames:
            stream.buffer = b""
            self.missed += 1
            return
        before, self.locked = self.locked, None  # another shape of the same protocol, or another protocol after all
        self._choose(table, stream, sender)
        self.locked = self.locked or before

    def _choose(self, table: Table, stream: Stream, sender: int) -> None:
        """The protocol that agrees most with what stands in the buffer; nothing is decided while all need more."""
        data, waits = stream.buffer, False
        best: tuple[float, Variant, list[Taken], int] | None = None
        for variant in table.candidates("tcp", data[0], self.ports):
            used, frames = _parse(variant, data)
            if used < 0:
                continue
            if not frames:
                waits = waits or len(data) < _MOST_WAITING
                continue
            bits = self._bits(variant, frames, tiled=used == len(data))
            if best is None or bits > best[0]:
                best = bits, variant, frames, used
        if best is not None:
            self.locked = best[1]
            self._take(best[1], best[2], sender, tiled=best[3] == len(data))
            stream.buffer = data[best[3] :]
        elif not waits:
            stream.buffer = b""
            self.missed += 1

    # --- frames ---

    def _bits(self, variant: Variant, frames: list[Taken], *, tiled: bool) -> float:
        """Bits by which `frames` agree with `variant`; the length field counts where the frames end with the data."""
        return sum(bits for _, bits, _ in frames) + self._extra(variant, tiled)

    def _extra(self, variant: Variant, tiled: bool) -> float:
        bits = variant.frame.size_bits if tiled and variant.sized else 0.0
        bits += PORT_BITS if not variant.ports.isdisjoint(self.ports) else 0.0
        return bits + (ETHER_BITS if self.kind == FRAME else 0.0)

    def _take(self, variant: Variant, frames: list[Taken], sender: int, *, tiled: bool) -> None:
        """Count frames for their protocol."""
        if not frames:
            return
        extra = self._extra(variant, tiled)
        for frame, bits, found in frames:
            protocol = found.protocol or variant.protocol
            hits = self.hits.get(protocol)
            if hits is None:
                hits = self.hits[protocol] = Hits(protocol, variant.rule)
            hits.add(frame, sender, bits + extra, found)


def _parse(variant: Variant, data: bytes) -> tuple[int, list[Taken]]:
    """The whole frames at the front of `data`: bytes used and the frames; -1 where it does not go on like this."""
    frames: list[Taken] = []
    at = 0
    while at < len(data) and len(frames) < _MOST_FRAMES:
        if not _begins(variant, data, at):
            return -1, frames if at else []
        size = variant.size_of(data, at)
        if size < 0:
            return -1, frames
        if size == 0 or at + size > len(data):  # worth waiting for only where the head is right already
            head = data[at : at + variant.frame.least]
            return (at if len(head) < variant.frame.least or variant.frame.holds(head) else -1), frames
        taken = _weight(variant, data[at : at + size])
        if taken is None:
            return -1, frames
        frames.append(taken)
        at += size
    return (len(data) if at < len(data) else at), frames


def _begins(variant: Variant, data: bytes, at: int) -> bool:
    """Whether the first byte at `at` may begin a frame; the cheap test before all others."""
    field = variant.frame.fields[0]
    if field.allowed is None or at + field.width > len(data):
        return True
    return variant.frame.value(field, data, at) & field.mask in field.allowed


def _weight(variant: Variant, frame: bytes) -> Taken | None:
    """One whole frame with its bits of agreement and what its check found; None where it does not fit."""
    if not variant.frame.holds(frame):
        return None
    if variant.check is None:
        return frame, variant.frame.bits, _NOTHING
    found = variant.check(frame)
    return None if found is None else (frame, variant.frame.bits + found.bits, found)
