"""Electric power: DNP3, IEC 60870-5-104 and -101, GOOSE and sampled values, C37.118, ANSI C12.22, DLMS."""

from __future__ import annotations

from binascii import crc_hqx

from drivers.identify.checks.found import (
    REQUEST,
    RESPONSE,
    Found,
    be,
    ber,
    check,
    crc16,
    elements,
    exact,
    facts,
    le,
    text,
)

_ASDU_RANGES = ((1, 22), (30, 41), (45, 52), (58, 65), (70, 71), (100, 108), (110, 114), (120, 128))
_ASDU_TYPES = frozenset(kind for low, high in _ASDU_RANGES for kind in range(low, high))
_U_FRAMES = frozenset((0x07, 0x0B, 0x13, 0x23, 0x43, 0x83))


@check
def dnp3(frame: bytes) -> Found | None:
    """The link header's CRC and that of every block of 16 bytes (IEEE 1815, 9.2)."""
    if len(frame) < 10 or _dnp3_crc(frame[:8]) != le(frame, 8):
        return None
    at, blocks = 10, 0
    while at < len(frame):
        size = min(16, len(frame) - at - 2)
        if size <= 0 or _dnp3_crc(frame[at : at + size]) != le(frame, at + size):
            return None
        at, blocks = at + size + 2, blocks + 1
    control = frame[3]
    role = REQUEST if control & 0x80 else RESPONSE
    pair = (frame[4:6], frame[6:8])
    key = b"".join(sorted(pair))
    if len(frame) >= 13:
        key += bytes((frame[11] & 0x0F,))
        role = RESPONSE if frame[12] in (0x81, 0x82, 0x83) else REQUEST if frame[12] < 0x22 else role
    station = le(frame, 6) if role == RESPONSE else le(frame, 4)
    return Found(
        16 + 16 * min(blocks, 4), key=key, role=role, facts=facts(address=str(station)) if role == RESPONSE else ()
    )


def _dnp3_crc(data: bytes) -> int:
    return crc16(data, 0, 0xA6BC) ^ 0xFFFF


@check
def iec104(frame: bytes) -> Found | None:
    """An APCI of the three formats; an I frame carries an ASDU of a known type with a cause."""
    if frame[2] & 1 == 0:
        if len(frame) < 12 or frame[4] & 1 or frame[6] not in _ASDU_TYPES or not frame[8] & 0x3F:
            return None
        return Found(2 + 3 + 6, key=bytes((104, frame[6])), role=0)
    if len(frame) != 6 or frame[3]:
        return None
    if frame[2] == 1:
        return Found(16) if not frame[4] & 1 else None
    if frame[2] not in _U_FRAMES or frame[4] or frame[5]:
        return None
    act = frame[2] in (0x07, 0x13, 0x43)
    kind = {0x07: 0, 0x0B: 0, 0x13: 1, 0x23: 1, 0x43: 2, 0x83: 2}[frame[2]]
    return Found(29, key=bytes((105, kind)), role=REQUEST if act else RESPONSE)


@check
def ft12(frame: bytes) -> Found | None:
    """FT 1.2 (IEC 60870-5-1): the length twice, the sum and 0x16 at the end; a fixed frame of 5 bytes."""
    if frame[0] == 0x10:
        good = len(frame) == 5 and frame[4] == 0x16 and (frame[1] + frame[2]) & 0xFF == frame[3]
        return Found(16) if good else None
    if frame[0] != 0x68 or len(frame) < 8 or frame[3] != 0x68 or frame[1] != frame[2] or frame[1] + 6 != len(frame):
        return None
    good = frame[-1] == 0x16 and sum(frame[4:-2]) & 0xFF == frame[-2]
    return Found(40) if good else None


@check
def goose(frame: bytes) -> Found | None:
    """APPID, length and a goosePdu (IEC 61850-8-1, annex A). One that is cut short agrees less, by its length."""
    length = be(frame, 2)
    if length < 10:
        return None
    outer = ber(frame, 8, length) if length <= len(frame) else (0x61, 11, len(frame))
    if outer is None:
        return Found(12)
    fits = 12 if length <= len(frame) else 0
    named: dict[int, str] = {}
    count = 0
    for one in elements(frame, outer[1], outer[2], 16):
        if one is None:
            break
        count += 1
        if one[0] in (0x80, 0x82, 0x83):
            named[one[0]] = text(frame[one[1] : one[2]])
    reserved = 16 if not frame[6] and not frame[7] else 0
    told = facts(name=named.get(0x80, "").partition("/")[0], gocb_ref=named.get(0x80, ""), go_id=named.get(0x83, ""))
    return Found(fits + 8 + reserved + min(count, 8) * 6, facts=told)


@check
def sampled_values(frame: bytes) -> Found | None:
    """APPID, length and a savPdu with ASDUs (IEC 61850-9-2)."""
    length = be(frame, 2)
    if length < 10 or length > len(frame):
        return None
    parts = exact(frame, 8, length)
    if parts is None or parts[0][0] != 0x60:
        return None
    inner = exact(frame, parts[0][1], parts[0][2])
    if inner is None or inner[0][0] != 0x80 or inner[-1][0] != 0xA2:
        return None
    asdu = ber(frame, inner[-1][1], inner[-1][2])
    name = ber(frame, asdu[1], asdu[2]) if asdu is not None and asdu[0] == 0x30 else None
    told = facts(sv_id=text(frame[name[1] : name[2]])) if name is not None and name[0] == 0x80 else ()
    return Found(48, facts=told)


@check
def c37_118(frame: bytes) -> Found | None:
    """The CRC-CCITT over the whole frame (IEEE C37.118.2, 6.2); a configuration frame names the station."""
    if len(frame) < 16 or crc_hqx(frame[:-2], 0xFFFF) != be(frame, len(frame) - 2):
        return None
    kind = frame[1] >> 4 & 7
    told: tuple[tuple[str, str], ...] = ()
    if kind in (2, 3) and len(frame) > 36:
        told = facts(name=text(frame[20:36]).strip(), id=str(be(frame, 4)))
    role = REQUEST if kind == 4 else 0
    return Found(16, key=frame[4:6], role=role or RESPONSE, facts=told)


@check
def c12_22(frame: bytes) -> Found | None:
    """An ACSE PDU whose elements fill it exactly, with a calling id and user information (IEEE 1703, 5.3.4)."""
    outer = ber(frame, 0, len(frame))
    parts = exact(frame, outer[1], outer[2]) if outer is not None and outer[2] == len(frame) else None
    if parts is None or {tag for tag, _, _ in parts} - {0xA1, 0xA2, 0xA4, 0xA6, 0xA7, 0xA8, 0xAB, 0xAC, 0xBE, 0x8B}:
        return None
    inside = {tag: frame[start:end] for tag, start, end in parts}
    if 0xBE not in inside or not ({0xA8, 0xA4, 0xA6} & set(inside)):
        return None
    user = ber(frame, parts[-1][1], parts[-1][2])
    if user is None or parts[-1][0] != 0xBE or user[0] != 0x28 or user[2] != parts[-1][2]:
        return None
    answer = 0xA4 in inside and 0xA8 not in inside
    key = inside.get(0xA8, inside.get(0xA4, b""))[-4:]
    return Found(12 + 14 * len(parts), key=key, role=RESPONSE if answer else 0)


@check
def dlms(frame: bytes) -> Found | None:
    """A wrapper APDU (IEC 62056-47): a known tag, and for the association its nested lengths and the DLMS context."""
    tag = frame[8] if len(frame) > 8 else 0
    source, target = frame[2:4], frame[4:6]
    key = b"".join(sorted((source, target)))
    if tag in (0x60, 0x61):
        outer = ber(frame, 8, len(frame))
        if outer is None or outer[2] != len(frame) or b"\x60\x85\x74\x05\x08" not in frame:
            return None
        return Found(48, key=key, role=REQUEST if tag == 0x60 else RESPONSE)
    if tag in (0xC0, 0xC1, 0xC3, 0xC4, 0xC5, 0xC7, 0xC8, 0xCB, 0xCC, 0x0E, 0xD8):
        asking = tag in (0xC0, 0xC1, 0xC3, 0xC8, 0xCB)
        return Found(4, key=key + frame[10:11], role=REQUEST if asking else RESPONSE)
    return None
