"""Buildings and process instruments: BACnet/IP, KNXnet/IP, LonTalk/IP, HART-IP, and small serial servers."""

from __future__ import annotations

from drivers.identify.checks.found import REQUEST, RESPONSE, Found, be, check, facts, le, text

_BVLC = frozenset(range(0x0D))
_UNCONFIRMED = {0: "i_am", 1: "i_have", 8: "who_is"}
_BACNET_PROPERTIES = {
    121: "brand",
    70: "model",
    44: "firmware",
    12: "application",
    77: "name",
    120: "vendor_id",
    58: "location",
}


@check
def bacnet(frame: bytes) -> Found | None:
    """BVLC of its length, NPDU of version 1 whose addresses fit, APDU of a known kind (ANSI/ASHRAE 135, annex J, 6, 20)."""
    kind = frame[1]
    if kind not in (0x04, 0x09, 0x0A, 0x0B):
        return Found(8) if kind in _BVLC else None
    at = 10 if kind == 0x04 else 4
    if len(frame) < at + 2 or frame[at] != 1:
        return None
    control, at = frame[at + 1], at + 2
    for mask in (0x20, 0x08):
        if control & mask:
            if at + 3 > len(frame):
                return None
            at += 3 + frame[at + 2]
    at += 1 if control & 0x20 else 0
    if control & 0x50:
        return None
    if control & 0x80:
        return Found(8 + 8 + 4)
    return _apdu(frame[at:])


def _apdu(apdu: bytes) -> Found | None:
    if len(apdu) < 2 or apdu[0] >> 4 > 7:
        return None
    kind = apdu[0] >> 4
    bits = 8 + 8 + 1
    if kind == 1:
        if apdu[1] > 11:
            return None
        role = RESPONSE if apdu[1] in (0, 1) else REQUEST if apdu[1] in (7, 8) else 0
        told = _i_am(apdu[2:]) if apdu[1] == 0 else ()
        return Found(bits + 4 + (16 if told else 0), key=b"whois" if apdu[1] in (0, 8) else b"", role=role, facts=told)
    if kind == 0:
        at = 3 if not apdu[0] & 8 else 5
        if len(apdu) <= at or apdu[at] > 34:
            return None
        return Found(bits + 3, key=apdu[2:3] + apdu[at : at + 1], role=REQUEST)
    if len(apdu) < 3 and kind != 4:
        return None
    service = apdu[2] if kind in (2, 5) else apdu[4] if kind == 3 and apdu[0] & 8 and len(apdu) > 4 else apdu[2]
    if kind in (2, 3, 5) and service > 34:
        return None
    told = _property(apdu[3:]) if kind == 3 and service == 12 and not apdu[0] & 8 else ()
    return Found(bits + (3 if kind in (2, 3, 5) else 0), key=apdu[1:2] + bytes((service,)), role=RESPONSE, facts=told)


def _i_am(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Object id (C4), maximum APDU (2x), segmentation (91), vendor id (2x)."""
    if len(raw) < 9 or raw[0] != 0xC4 or be(raw, 1, 4) >> 22 != 8 or raw[5] >> 3 != 4:
        return ()
    at = 6 + (raw[5] & 7)
    if raw[at : at + 1] != b"\x91" or len(raw) < at + 4 or raw[at + 2] >> 3 != 4:
        return ()
    vendor = be(raw, at + 3, raw[at + 2] & 7)
    return facts(instance=str(be(raw, 1, 4) & 0x3FFFFF), vendor_id=str(vendor))


def _property(raw: bytes) -> tuple[tuple[str, str], ...]:
    """ReadProperty-ACK of the device object: 0C object, 19 property, 3E text 3F."""
    if raw[:1] != b"\x0c" or be(raw, 1, 4) >> 22 != 8 or len(raw) < 10 or raw[5] != 0x19 or raw[7] != 0x3E:
        return ()
    name = _BACNET_PROPERTIES.get(raw[6])
    if name is None or raw[-1] != 0x3F:
        return ()
    if raw[8] >> 3 == 4:
        return facts(**{name: str(be(raw, 9, raw[8] & 7))})
    if raw[8] & 0xF8 != 0x70:
        return ()
    size, at = (raw[9], 10) if raw[8] & 7 == 5 else (raw[8] & 7, 9)
    return facts(**{name: text(raw[at + 1 : at + size])}) if raw[at : at + 1] == b"\0" else ()


@check
def knx(frame: bytes) -> Found | None:
    """KNXnet/IP: a known service; the description answers with name, serial number and address (KNX 03/08/02)."""
    service = be(frame, 2)
    family, low = service >> 8, service & 0xFF
    if family not in (2, 3, 4, 5, 6, 7, 9) or low not in (
        *range(1, 0x0D),
        *range(0x10, 0x15),
        0x20,
        0x21,
        *range(0x30, 0x33),
        0x40,
        0x41,
        0x42,
    ):
        return None
    answers = {
        0x0202: 0x0201,
        0x0204: 0x0203,
        0x020C: 0x020B,
        0x0206: 0x0205,
        0x0208: 0x0207,
        0x020A: 0x0209,
        0x0421: 0x0420,
        0x0311: 0x0310,
    }
    role = RESPONSE if service in answers else REQUEST
    key = be(frame, 2).to_bytes(2, "big") if role == REQUEST else answers[service].to_bytes(2, "big")
    block = frame[6:] if service == 0x0204 else frame[14:] if service == 0x0202 else b""
    told = (
        facts(name=text(block[24:54]), serial=block[8:14].hex(), mac=block[18:24].hex(":"))
        if len(block) >= 54 and block[1] == 1
        else ()
    )
    return Found(8, key=key, role=role, facts=told)


@check
def hart_ip(frame: bytes) -> Found | None:
    """HART-IP: version, kind, a known message id; a token-passing PDU holds a HART frame with its check byte (HCF_SPEC-85)."""
    kind, message = frame[1], frame[2]
    role = {0: REQUEST, 1: RESPONSE}.get(kind & 0x0F, 0)
    told: tuple[tuple[str, str], ...] = ()
    bits = 11.0
    body = frame[8:]
    if message == 3 and body:
        if not _hart_pdu(body):
            return None
        bits, told = bits + 16, _hart_identity(body) if kind == 1 else ()
    elif message in (1, 2) and body and len(body) != 5 and message == 2:
        return None
    return Found(bits, key=frame[2:3] + frame[4:6], role=role, facts=told)


def _hart_pdu(pdu: bytes) -> bool:
    """A HART frame: delimiter, address, command, count to the end, and the XOR of all."""
    address = 5 if pdu[0] & 0x80 else 1
    at = 1 + address + ((pdu[0] >> 5) & 3)
    if len(pdu) < at + 3 or at + 3 + pdu[at + 1] != len(pdu):
        return False
    total = 0
    for byte in pdu:
        total ^= byte
    return total == 0


def _hart_identity(pdu: bytes) -> tuple[tuple[str, str], ...]:
    """Command 0: expansion FE, expanded device type, revisions, device id (HCF_SPEC-127, 6.1)."""
    at = 1 + (5 if pdu[0] & 0x80 else 1) + ((pdu[0] >> 5) & 3)
    data = pdu[at + 4 : -1]
    if pdu[at] != 0 or len(data) < 12 or data[0] != 0xFE:
        return ()
    told = {
        "device_type": f"{be(data, 1):04X}",
        "hart_revision": str(data[4]),
        "firmware": str(data[6]),
        "serial": data[9:12].hex().upper(),
    }
    if len(data) >= 19:
        told["brand"] = f"HART manufacturer {be(data, 17):04X}"
    return facts(**told)


@check
def nport(frame: bytes) -> Found | None:
    """Moxa DSCI: an operation, a length that is the whole; the answer sets bit 7 and tells the model code and address."""
    answer = bool(frame[0] & 0x80)
    told = (
        facts(brand="Moxa", mac=frame[14:20].hex(":"))
        if answer and len(frame) >= 24 and frame[14:17] in (b"\x00\x90\xe8", b"\x00\x04\xbe")
        else ()
    )
    return Found(
        16 + (24 if told else 0), key=bytes((frame[0] & 0x7F,)), role=RESPONSE if answer else REQUEST, facts=told
    )


@check
def lantronix(frame: bytes) -> Found | None:
    """Lantronix query 00 00 00 F6 and its answer F7 of 30 bytes, with type and hardware address."""
    if frame == b"\0\0\0\xf6":
        return Found(8, key=b"q", role=REQUEST)
    if frame[3] != 0xF7 or len(frame) != 30:
        return None
    known = frame[24:27] in (b"\x00\x20\x4a", b"\x00\x80\xa3")
    kind = text(frame[8:12].rstrip(b"\0"))
    return Found(
        24 if known else 8,
        key=b"q",
        role=RESPONSE,
        facts=facts(brand="Lantronix" if known else "", model=kind, mac=frame[24:30].hex(":")),
    )


@check
def roc_plus(frame: bytes) -> Found | None:
    """ROC: addresses, a known opcode, a length to the end and a CRC-16 (Emerson A6127)."""
    from drivers.identify.checks.found import crc16

    if len(frame) < 8 or crc16(frame[:-2], 0) != le(frame, len(frame) - 2):
        return None
    pair = b"".join(sorted((frame[0:2], frame[2:4])))
    return Found(16, key=pair + frame[4:5])


@check
def cnip(frame: bytes) -> Found | None:
    """EIA-852: the length is the whole, version 1, a known packet type, an extended header that fits."""
    if frame[3] not in (*range(0x01, 0x09), *range(0x60, 0x64), *range(0x70, 0x73), 0x7F) or 20 + 4 * frame[4] > len(
        frame
    ):
        return None
    return Found(5 + 4 + (16 if be(frame, 6) == 0 else 0))
