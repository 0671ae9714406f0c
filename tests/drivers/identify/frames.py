"""Captures made by hand: frames of Ethernet, IP, TCP and UDP in pcap and pcapng of any byte order."""

from __future__ import annotations

import struct
from collections.abc import Iterable

MAC_A, MAC_B = bytes.fromhex("0200000000aa"), bytes.fromhex("001b1b0000bb")


def ethernet(ether: int, payload: bytes, source: bytes = MAC_A) -> bytes:
    """One frame, filled up to 60 bytes."""
    return (MAC_B + source + struct.pack(">H", ether) + payload).ljust(60, b"\0")


def ip(protocol: int, payload: bytes, source: str = "10.0.0.1", target: str = "10.0.0.2", fragment: int = 0) -> bytes:
    """IPv4 without options."""
    ends = bytes(map(int, source.split("."))) + bytes(map(int, target.split(".")))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, fragment, 64, protocol, 0) + ends + payload


def ip6(protocol: int, payload: bytes, swap: bool = False) -> bytes:
    """IPv6 between fd00::1 and fd00::2."""
    one, two = bytes.fromhex("fd" + "00" * 14 + "01"), bytes.fromhex("fd" + "00" * 14 + "02")
    return struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64) + (two + one if swap else one + two) + payload


def udp(source: int, target: int, payload: bytes) -> bytes:
    """A datagram."""
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def tcp(source: int, target: int, sequence: int, payload: bytes, flags: int = 0x18) -> bytes:
    """A segment."""
    return struct.pack(">HHIIBBHHH", source, target, sequence & 0xFFFFFFFF, 0, 0x50, flags, 8192, 0, 0) + payload


def pcap(packets: Iterable[bytes], order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1, cut: int = 65535) -> bytes:
    """A pcap file."""
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for packet in packets:
        out += struct.pack(f"{order}IIII", 1, 2, min(len(packet), cut), len(packet)) + packet[:cut]
    return out


def pcapng(packets: Iterable[bytes], order: str = "<", link: int = 1) -> bytes:
    """A pcapng file with one section and one interface."""
    out = _block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += _block(order, 1, struct.pack(f"{order}HHI", link, 0, 0) + struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0))
    for packet in packets:
        head = struct.pack(f"{order}5I", 0, 0, 1000, len(packet), len(packet))
        out += _block(order, 6, head + packet + bytes(-len(packet) % 4))
    return out


def _block(order: str, kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", size)


def dialogue(port: int, turns: Iterable[bytes], client: int = 50_000) -> list[bytes]:
    """Segments of one connection: the client and the server by turns, client first."""
    sequence, out = [1000, 9000], [ethernet(0x800, ip(6, tcp(client, port, 999, b"", 2)))]
    for number, payload in enumerate(turns):
        asks = number % 2 == 0
        ends = (client, port) if asks else (port, client)
        segment = tcp(*ends, sequence[not asks], payload)
        packet = ip(6, segment) if asks else ip(6, segment, "10.0.0.2", "10.0.0.1")
        out.append(ethernet(0x800, packet))
        sequence[not asks] += len(payload)
    return out


def datagrams(port: int, turns: Iterable[bytes], client: int = 50_000) -> list[bytes]:
    """Datagrams of client and server by turns, client first."""
    out = []
    for number, payload in enumerate(turns):
        if number % 2 == 0:
            out.append(ethernet(0x800, ip(17, udp(client, port, payload))))
        else:
            out.append(ethernet(0x800, ip(17, udp(port, client, payload), "10.0.0.2", "10.0.0.1")))
    return out
