"""What Chinese plants send to authorities: HJ 212 (environment), GB/T 26875.3 (fire), JT/T 808 (vehicles)."""

from __future__ import annotations

from drivers.hj212_wire import crc
from drivers.identify.checks.found import REQUEST, RESPONSE, Found, check, facts, le, text


@check
def hj212(frame: bytes) -> Found | None:
    """`##`, four digits of length, the data, four hex digits of CRC, CR LF."""
    if not frame[2:6].isdigit():
        return None
    size = int(frame[2:6])
    body, tail = frame[6 : 6 + size], frame[6 + size : 12 + size]
    if len(body) != size or tail[4:6] != b"\r\n":
        return None
    try:
        good = int(tail[:4], 16) == crc(body)
    except ValueError:
        return None
    if not good:
        return None
    words = dict(part.partition("=")[::2] for part in body.decode("latin-1").split(";"))
    return Found(
        48,
        key=words.get("QN", "").encode("latin-1"),
        role=REQUEST,
        facts=facts(station=text(words.get("MN", "").encode()), system=text(words.get("ST", "").encode())),
    )


@check
def gb26875(frame: bytes) -> Found | None:
    """`@@`, a control unit of 25 bytes with the length of the data, a sum, `##` (GB/T 26875.3-2011, 6)."""
    if len(frame) < 30 or frame[-2:] != b"##":
        return None
    size = le(frame, 24)
    if len(frame) != 30 + size or sum(frame[2:-3]) & 0xFF != frame[-3]:
        return None
    answer = frame[26] == 3
    return Found(
        40,
        key=frame[2:4],
        role=RESPONSE if answer else REQUEST,
        facts=facts(station=frame[12:18].hex()) if not answer else (),
    )


@check
def jt808(frame: bytes) -> Found | None:
    """7E … 7E, 7D escapes, the XOR of all is 0, the length in the header (JT/T 808-2019, 4.4)."""
    if frame[-1] != 0x7E or len(frame) < 15 or b"\x7e" in frame[1:-1]:
        return None
    raw = frame[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
    total = 0
    for byte in raw:
        total ^= byte
    size = int.from_bytes(raw[2:4], "big") & 0x3FF
    header = (17 if raw[2] & 0x40 else 12) + (4 if raw[2] & 0x20 else 0)
    if total or len(raw) != header + size + 1:
        return None
    terminal = raw[5:15].hex() if raw[2] & 0x40 else raw[4:10].hex()
    return Found(8 + 10 + 16, role=RESPONSE if raw[0] & 0x80 else REQUEST, facts=facts(station=terminal))
