"""The two capture formats: pcap (libpcap 2.4, every byte order, micro- and nanoseconds) and pcapng (IETF draft)."""

from __future__ import annotations

import struct

from drivers.identify.source import MAX_PACKET, PIECE, CaptureError, Format, Piece

_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x34\xcd\xb2\xa1": ("<", 1000),  # the “modified” form with longer record headers
    b"\xa1\xb2\xcd\x34": (">", 1000),
}
_MODIFIED = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
_SECTION, _INTERFACE, _OLD, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_MAX_INTERFACES = 4096


def recognise(head: bytes) -> Format:
    """The format of a capture by its first bytes. Raises CaptureError."""
    if head[:4] in _PCAP:
        return Pcap(head)
    if head[:4] == b"\x0a\x0d\x0d\x0a":
        return Pcapng()
    raise CaptureError("unknown" if head else "empty", 0, head[:8].hex(" "))


class Pcap(Format):
    """libpcap: a file header of 24 bytes, then records of 16 (or 24) bytes of header and the packet."""

    def __init__(self, head: bytes) -> None:
        if len(head) < 24:
            raise CaptureError("cut", len(head), str(len(head)))
        self._order, self._ns = _PCAP[head[:4]]
        self._header = 24 if head[:4] in _MODIFIED else 16
        self._link: int = struct.unpack_from(f"{self._order}I", head, 20)[0] & 0xFFFF
        self._begun = False

    def walk(self, data: bytes, offset: int) -> Piece:
        out = Piece(used=0 if self._begun else 24)
        self._begun = True
        read = struct.Struct(f"{self._order}IIII").unpack_from
        header, at, end = self._header, out.used, len(data)
        starts, sizes, wires = out.start.append, out.size.append, out.wire.append
        first = at
        while at + header <= end:
            _, _, size, wire = read(data, at)
            if size > MAX_PACKET:
                out.error = CaptureError("length", offset + at, str(size))
                break
            if at + header + size > end:
                break
            starts(at + header)
            sizes(size)
            wires(wire)
            at += header + size
        out.used = at
        out.link = [self._link] * len(out.start)
        if out.start:
            out.first_ns = self._time(data, first)
            out.last_ns = self._time(data, out.start[-1] - header)
        return out

    def _time(self, data: bytes, at: int) -> int:
        seconds, fraction = struct.unpack_from(f"{self._order}II", data, at)
        return int(seconds * 1_000_000_000 + fraction * self._ns)


class Pcapng(Format):
    """pcapng: blocks of type, length, body, length; sections may differ in byte order, interfaces in link type."""

    def __init__(self) -> None:
        self._order = "<"
        self._interfaces: list[tuple[int, int, int]] = []  # link type, snapshot length, ticks a second

    def walk(self, data: bytes, offset: int) -> Piece:
        out = Piece()
        try:
            self._blocks(out, data, offset)
        except CaptureError as damage:
            out.error = damage
        return out

    def _blocks(self, out: Piece, data: bytes, offset: int) -> None:
        end = len(data)
        while out.used + 12 <= end:
            at = out.used
            if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
                self._section(data, at, offset)
            kind, size = struct.unpack_from(f"{self._order}II", data, at)
            if size < 12 or size > 4 * PIECE:
                raise CaptureError("length", offset + at, str(size))
            if at + size + (-size % 4) > end:
                break
            self._block(out, data, at, kind, size, offset)
            out.used += size + (-size % 4)

    def _section(self, data: bytes, at: int, offset: int) -> None:
        mark = data[at + 8 : at + 12]
        if mark not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
            raise CaptureError("order", offset + at, mark.hex(" "))
        self._order = "<" if mark[0] == 0x4D else ">"
        self._interfaces = []

    def _block(self, out: Piece, data: bytes, at: int, kind: int, size: int, offset: int) -> None:
        if kind == _ENHANCED and size >= 32:
            interface, high, low, kept, wire = struct.unpack_from(f"{self._order}5I", data, at + 8)
            self._packet(out, at + 28, size - 32, kept, wire, interface, (high << 32) | low, offset)
        elif kind == _OLD and size >= 32:
            interface, _, high, low, kept, wire = struct.unpack_from(f"{self._order}HH4I", data, at + 8)
            self._packet(out, at + 28, size - 32, kept, wire, interface, (high << 32) | low, offset)
        elif kind == _SIMPLE and size >= 16 and self._interfaces:
            wire = struct.unpack_from(f"{self._order}I", data, at + 8)[0]
            kept = min(wire, size - 16, self._interfaces[0][1] or wire)
            self._packet(out, at + 12, size - 16, kept, wire, 0, 0, offset)
        elif kind == _INTERFACE and size >= 20 and len(self._interfaces) < _MAX_INTERFACES:
            link, _, snapshot = struct.unpack_from(f"{self._order}HHI", data, at + 8)
            self._interfaces.append((link, snapshot, _ticks(data[at + 16 : at + size - 4], self._order)))

    def _packet(
        self, out: Piece, start: int, room: int, kept: int, wire: int, interface: int, ticks: int, offset: int
    ) -> None:
        if kept > room or kept > MAX_PACKET:
            raise CaptureError("length", offset + start, str(kept))
        if interface >= len(self._interfaces):
            raise CaptureError("interface", offset + start, str(interface))
        out.start.append(start)
        out.size.append(kept)
        out.wire.append(wire)
        out.link.append(self._interfaces[interface][0])
        if ticks:
            out.last_ns = ticks * 1_000_000_000 // self._interfaces[interface][2]
            out.first_ns = out.first_ns or out.last_ns


def _ticks(options: bytes, order: str) -> int:
    """Ticks a second of an interface: its option if_tsresol (9), else 10^6."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(f"{order}HH", options, at)
        if code == 0:
            break
        if code == 9 and size == 1 and at + 4 < len(options):
            value = options[at + 4]
            power = value & 0x7F
            return int((1 << min(power, 63)) if value & 0x80 else 10 ** min(power, 18))
        at += 4 + size + (-size % 4)
    return 1_000_000
