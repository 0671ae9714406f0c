"""Where a frame ends, for protocols whose length is not one field: bytes of the frame at `at`, 0 more needed, -1 none."""

from __future__ import annotations

from collections.abc import Callable

_MOST = 65_536


def _dnp3(data: bytes, at: int) -> int:
    """Each block of 16 bytes of user data has a CRC behind it (IEEE 1815, 9.2)."""
    if at + 3 > len(data):
        return 0
    user = data[at + 2] - 5
    return 10 + user + 2 * -(-user // 16) if user >= 0 else -1


def _mqtt(data: bytes, at: int) -> int:
    """The remaining length of MQTT, 7 bits a byte, four bytes at most."""
    size, shift = 0, 0
    for place in range(at + 1, at + 5):
        if place >= len(data):
            return 0
        size |= (data[place] & 0x7F) << shift
        shift += 7
        if not data[place] & 0x80:
            return place + 1 - at + size
    return -1


def _ber(data: bytes, at: int) -> int:
    """An element of BER with a definite length."""
    if at + 2 > len(data):
        return 0
    size = data[at + 1]
    if size < 0x80:
        return 2 + size
    width = size & 0x7F
    if not 1 <= width <= 3:
        return -1
    if at + 2 + width > len(data):
        return 0
    return 2 + width + int.from_bytes(data[at + 2 : at + 2 + width], "big")


def _genisys(data: bytes, at: int) -> int:
    """To the end character F6."""
    end = data.find(b"\xf6", at + 1, at + 600)
    return end + 1 - at if end >= 0 else 0 if len(data) - at < 600 else -1


def _ft12(data: bytes, at: int) -> int:
    """FT 1.2: five bytes after 10, the length after 68."""
    if at + 4 > len(data):
        return 0
    return 5 if data[at] == 0x10 else data[at + 1] + 6 if data[at + 3] == 0x68 else -1


def _hj212(data: bytes, at: int) -> int:
    """Four digits of length."""
    if at + 6 > len(data):
        return 0
    digits = data[at + 2 : at + 6]
    return 12 + int(digits) if digits.isdigit() else -1


def _jt808(data: bytes, at: int) -> int:
    """To the next 7E."""
    end = data.find(b"\x7e", at + 1, at + 2100)
    return end + 1 - at if end >= 0 else 0 if len(data) - at < 2100 else -1


CUTS: dict[str, Callable[[bytes, int], int]] = {
    "dnp3": _dnp3,
    "mqtt": _mqtt,
    "ber": _ber,
    "genisys": _genisys,
    "ft12": _ft12,
    "hj212": _hj212,
    "jt808": _jt808,
}
