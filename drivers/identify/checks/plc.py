"""PLC makers' own protocols: Modbus, EtherNet/IP, FINS, MELSEC, ADS, CODESYS, S-Bus and others."""

from __future__ import annotations

from binascii import crc_hqx

from drivers.identify.checks.found import REQUEST, RESPONSE, Found, be, check, crc16, facts, le, printable, text

_CIP_VENDORS = {
    1: "Rockwell Automation", 2: "Namco Controls", 5: "Rockwell Automation (Reliance)", 26: "Festo", 34: "Endress+Hauser",
    40: "WAGO", 44: "Honeywell", 46: "ABB", 47: "Omron", 50: "Real Time Automation", 53: "Bosch Rexroth",
    57: "Advantech", 58: "Danfoss", 90: "HMS", 108: "Beckhoff", 145: "Siemens", 161: "Mitsubishi Electric",
    235: "Lenze", 243: "Schneider Electric", 283: "Hilscher", 341: "Phoenix Contact", 562: "Phoenix Contact",
    678: "Cognex", 799: "Delta Electronics", 1251: "Softing",
}  # fmt: skip


@check
def modbus(frame: bytes) -> Found | None:
    """A PDU whose own counts fit its length (MODBUS Application Protocol V1.1b3, 6)."""
    function, pdu = frame[7], frame[7:]
    size = len(pdu)
    key = frame[:2] + frame[6:7] + bytes((function & 0x7F,))
    if function & 0x80:
        return Found(10, key=key, role=RESPONSE) if size == 2 and 1 <= pdu[1] <= 11 else None
    if function == 0x5A:
        return Found(2, "umas", key)
    asked, answered = _modbus_shape(function, pdu)
    if function == 0x2B and size > 2 and pdu[1] == 0x0E:
        return Found(8, key=key, role=REQUEST if size == 4 else RESPONSE, facts=_mei(pdu))
    if function == 0x11 and size > 3 and answered:
        return Found(6, key=key, role=RESPONSE, facts=facts(server_id=text(pdu[2:]) if printable(pdu[4:]) else ""))
    if asked is None:
        return Found(0, key=key)
    if not (asked or answered):
        return None
    return Found(8, key=key, role=REQUEST if asked and not answered else RESPONSE if answered and not asked else 0)


def _modbus_shape(function: int, pdu: bytes) -> tuple[bool | None, bool]:
    """Whether the PDU is shaped as a request and as an answer; None where the function has no fixed shape."""
    size = len(pdu)
    counted = size >= 2 and pdu[1] == size - 2
    if function in (1, 2, 3, 4):
        return size == 5 and 1 <= be(pdu, 3) <= 2000, counted and size > 2
    if function in (5, 6):
        return size == 5, size == 5
    if function in (15, 16):
        return size > 6 and pdu[5] == size - 6, size == 5
    if function == 17:
        return size == 1, counted
    if function in (20, 21):
        return counted, counted
    if function == 22:
        return size == 7, size == 7
    if function == 23:
        return size > 10 and pdu[9] == size - 10, counted
    if function in (7, 11, 12):
        return size == 1, size > 1
    return None, False


def _mei(pdu: bytes) -> tuple[tuple[str, str], ...]:
    """Objects of Read Device Identification: 0 vendor, 1 product code, 2 revision, 4 product, 5 model."""
    if len(pdu) < 7:
        return ()
    at, told = 7, {}
    names = {0: "brand", 1: "product_code", 2: "firmware", 4: "product", 5: "model", 6: "application"}
    for _ in range(pdu[6]):
        if at + 2 > len(pdu):
            break
        name, size = names.get(pdu[at]), pdu[at + 1]
        if name:
            told[name] = text(pdu[at + 2 : at + 2 + size])
        at += 2 + size
    told.setdefault("model", told.get("product_code", ""))
    return facts(**told)


@check
def modbus_rtu(frame: bytes) -> Found | None:
    """A serial Modbus frame: the CRC over all of it, and a known function."""
    if not 4 <= len(frame) <= 256 or crc16(frame[:-2]) != le(frame, len(frame) - 2):
        return None
    if not 1 <= frame[0] <= 247 or frame[1] & 0x7F not in (
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        11,
        12,
        15,
        16,
        17,
        20,
        21,
        22,
        23,
        24,
        43,
    ):
        return None
    return Found(16 + 3, key=frame[:1] + bytes((frame[1] & 0x7F,)))


@check
def enip(frame: bytes) -> Found | None:
    """EtherNet/IP encapsulation (CIP volume 2, chapter 2): commands by shape; ListIdentity tells who it is."""
    command, size = le(frame, 0), len(frame) - 24
    key = frame[:2] + frame[12:20]
    if command in (0x63, 0x64, 0x04):
        if size == 0:
            return Found(8, key=key[:2], role=REQUEST)
        told = _identity(frame) if command == 0x63 else ()
        return Found(16, key=key[:2], role=RESPONSE, facts=told)
    if command == 0x65:
        return Found(20, key=frame[:2] + frame[12:20]) if size == 4 and frame[24:26] == b"\x01\x00" else None
    if command in (0x6F, 0x70):
        if size < 6:
            return Found(4, key=key) if size == 0 and frame[8:12] != bytes(4) else None
        return _items(frame, key) if le(frame, 24, 4) == 0 else None
    return Found(4, key=key) if size <= 4 else None


def _items(frame: bytes, key: bytes) -> Found | None:
    """The item list of SendRRData and SendUnitData fills the rest; the CIP service has its answer bit."""
    at, count = 32, le(frame, 30)
    if not 1 <= count <= 4:
        return None
    told: tuple[tuple[str, str], ...] = ()
    role, sequence = 0, b""
    for _ in range(count):
        if at + 4 > len(frame):
            return None
        kind, size = le(frame, at), le(frame, at + 2)
        body = frame[at + 4 : at + 4 + size]
        if kind in (0xB1, 0xB2) and size > 2:
            sequence = body[:2] if kind == 0xB1 else b""
            cip = body[2:] if kind == 0xB1 else body
            role = RESPONSE if cip[:1] and cip[0] & 0x80 else REQUEST
            told = _cip_identity(cip)
        at += 4 + size
    return Found(32, key=key + sequence, role=role, facts=told) if at == len(frame) else None


def _identity(frame: bytes) -> tuple[tuple[str, str], ...]:
    if le(frame, 26) != 0x0C or len(frame) < 63:
        return ()
    item = frame[30 : 30 + le(frame, 28)]
    return _identity_object(item[18:])


def _identity_object(raw: bytes) -> tuple[tuple[str, str], ...]:
    """vendor, device type, product code, revision, status, serial, name (CIP volume 1, 5-2)."""
    if len(raw) < 15:
        return ()
    vendor = le(raw, 0)
    name = text(raw[15 : 15 + raw[14]])
    return facts(
        brand=_CIP_VENDORS.get(vendor, f"CIP vendor {vendor}"), device_type=str(le(raw, 2)), product_code=str(le(raw, 4)),
        firmware=f"{raw[6]}.{raw[7]}", serial=f"{le(raw, 10, 4):08X}", model=name,
    )  # fmt: skip


def _cip_identity(cip: bytes) -> tuple[tuple[str, str], ...]:
    """An answer to Get_Attributes_All has no class in it; it is taken for an identity only where all of it fits one."""
    if cip[:2] != b"\x81\x00" or len(cip) < 20 or cip[2:4] != b"\0\0":
        return ()
    raw = cip[4:]
    shaped = (
        15 + raw[14] <= len(raw) and raw[14] >= 3 and printable(raw[15 : 15 + raw[14]]) and le(raw, 0) in _CIP_VENDORS
    )
    return _identity_object(raw) if shaped else ()


@check
def cip_io(frame: bytes) -> Found | None:
    """CIP I/O: two items, the sequenced address (8 bytes) and the connected data (CIP volume 2, 2-6)."""
    if len(frame) < 18 or (18 + le(frame, 16) != len(frame) and 14 + 4 + le(frame, 16) != len(frame)):
        return None
    return Found(28, key=b"") if le(frame, 14) == 0xB1 else None


@check
def fins(frame: bytes) -> Found | None:
    """A FINS header and a command of the manual (Omron W342); 05 01 answers with the model."""
    at = 16 if frame[:4] == b"FINS" else 0
    if at and be(frame, 8, 4) != 2:
        return Found(24) if be(frame, 8, 4) in (0, 1, 3, 6) and be(frame, 12, 4) <= 0x25 else None
    head = frame[at:]
    if len(head) < 12 or head[0] & 0x3E or not head[0] & 0x80 or head[1] or head[2] > 7:
        return None
    command = head[10:12]
    if head[10] not in (1, 2, 3, 4, 5, 6, 7, 9, 0x0A, 0x0C, 0x21, 0x22, 0x23, 0x26) or head[11] > 0x40:
        return None
    answer = bool(head[0] & 0x40)
    if answer and len(head) < 14:
        return None
    told: tuple[tuple[str, str], ...] = ()
    if answer and command == b"\x05\x01" and head[12:14] in (b"\0\0", b"\0\x40"):
        told = facts(brand="Omron", model=text(head[14:34]).strip(), firmware=text(head[34:54]).strip())
    near, far = (head[6:9], head[3:6]) if answer else (head[3:6], head[6:9])
    return Found(7 + 8 + 5 + 5 + 6, key=near + far + head[9:12], role=RESPONSE if answer else REQUEST, facts=told)


@check
def slmp(frame: bytes) -> Found | None:
    """MELSEC 3E/4E binary (SLMP, SH-080956): subheader, route, length to the end, a command or an end code."""
    four = frame[:1] in (b"\x54", b"\xd4")
    at = 6 if four else 2
    if len(frame) < at + 9 or le(frame, at + 5) != len(frame) - at - 7:
        return None
    if frame[at + 2 : at + 4] not in (
        b"\xff\x03",
        b"\xe0\x03",
        b"\xe1\x03",
        b"\xe2\x03",
        b"\xe3\x03",
        b"\xd0\x03",
        b"\xd1\x03",
    ):
        return None
    answer = frame[0] & 0x80 != 0
    key = (frame[2:4] if four else b"") + frame[at : at + 5]
    if answer:
        model = frame[at + 9 : at + 25]
        named = len(frame) == at + 27 and le(frame, at + 7) == 0 and printable(model)
        told = facts(brand="Mitsubishi Electric", model=text(model).strip()) if named else ()
        return Found(12 + 14, key=key, role=RESPONSE, facts=told)
    command = le(frame, at + 9)
    known = command in (0x0101, 0x0401, 0x1401, 0x0403, 0x1402, 0x0406, 0x1406, 0x0619, 0x0801, 0x0802, 0x1001, 0x1002)
    return Found(12 + 14 + 10, key=key, role=REQUEST) if known else None


@check
def melsoft(frame: bytes) -> Found | None:
    """MELSOFT: 57 with its answer D7, the route and a length to the end; 5A 00 00 xx finds stations."""
    if frame[0] in (0x5A, 0xDA):
        short = len(frame) == 4 if frame[0] == 0x5A else len(frame) in (14, 28)
        return Found(16, key=b"find" + frame[3:4], role=REQUEST if frame[0] == 0x5A else RESPONSE) if short else None
    if len(frame) < 22 or le(frame, 19) != len(frame) - 21 or frame[5:7] != b"\x11\x11":
        return None
    answer = frame[0] == 0xD7
    if bool(frame[21] & 0x80) != answer:
        return None
    return Found(12 + 16 + 6, key=frame[1:2] + bytes((frame[21] & 0x7F,)), role=RESPONSE if answer else REQUEST,
                 facts=_melsoft_cpu(frame) if answer else ())  # fmt: skip


def _melsoft_cpu(frame: bytes) -> tuple[tuple[str, str], ...]:
    """The answer to command 01 21 begins its data with the name of the CPU."""
    at = frame.find(b"\x01\x21\x01", 21, 56)
    name = frame[at + 7 : at + 23] if at > 0 else b""
    return (
        facts(brand="Mitsubishi Electric", model=text(name))
        if name[:1].isalpha() and printable(name.rstrip(b"\0"))
        else ()
    )


@check
def ads(frame: bytes) -> Found | None:
    """AMS header (Beckhoff TE1000): length of data to the end, a known command, the answer flag, an invoke id."""
    if len(frame) < 38 or le(frame, 26, 4) != len(frame) - 38:
        return None
    command, state = le(frame, 22), le(frame, 24)
    if command > 9 or state & 0xFF not in (4, 5):
        return None
    answer = bool(state & 1)
    told: tuple[tuple[str, str], ...] = ()
    if answer and command == 1 and len(frame) >= 62:
        told = facts(brand="Beckhoff", firmware=f"{frame[42]}.{frame[43]}.{le(frame, 44)}", model=text(frame[46:62]))
    device = frame[14:20] if answer else frame[6:12]
    net = ".".join(map(str, device))
    return Found(12 + 12 + 6 + 14, key=frame[34:38] + bytes((command,)), role=RESPONSE if answer else REQUEST,
                 facts=told + (facts(ams_net_id=net) if answer else ()))  # fmt: skip


@check
def ads_udp(frame: bytes) -> Found | None:
    """TwinCAT discovery: magic, service with answer bit, net id and port, tagged blocks (1 status, 3 version, 4 OS, 5 host)."""
    service = le(frame, 8, 4)
    if service & 0x7FFFFFFF not in (1, 2, 3, 4, 5, 6, 7, 8, 9):
        return None
    answer, told = bool(service & 0x80000000), {}
    at, left = 24, le(frame, 20, 4)
    while answer and left and at + 4 <= len(frame):
        tag, size = le(frame, at), le(frame, at + 2)
        body = frame[at + 4 : at + 4 + size]
        if tag == 5:
            told["name"] = text(body)
        if tag == 3 and size >= 4:
            told["firmware"] = f"TwinCAT {body[0]}.{body[1]}.{le(body, 2)}"
        at, left = at + 4 + size, left - 1
    return Found(
        24, key=frame[8:9], role=RESPONSE if answer else REQUEST, facts=facts(brand="Beckhoff", **told) if told else ()
    )


@check
def sbus(frame: bytes) -> Found | None:
    """SAIA Ether-S-Bus: the length is the whole, and the CRC at the end holds."""
    if crc_hqx(frame[:-2], 0) != be(frame, len(frame) - 2):
        return None
    return Found(16, key=frame[6:8], role=REQUEST if frame[8] == 0 else RESPONSE)


@check
def codesys3(frame: bytes) -> Found | None:
    """CODESYS V3 block driver over TCP: magic, then the length of all; over UDP the layer below: C5 and a header length."""
    if frame[:4] == b"\x00\x01\x17\xe8":
        return Found(12) if le(frame, 4, 4) == len(frame) else None
    return (
        Found(12)
        if len(frame) >= 10 and frame[1] >> 3 in range(8, 16) and frame[3] in (0x40, 0x41, 0x42, 0x43)
        else None
    )


@check
def srtp(frame: bytes) -> Found | None:
    """GE SRTP mailbox of 56 bytes: type 2 asks, 3 answers; the length at 4 is of text behind it. The initial one is all zero."""
    if len(frame) < 56:
        return None
    if frame[0] in (0, 1) and not any(frame[1:56]):
        return Found(40, key=b"init", role=REQUEST if frame[0] == 0 else RESPONSE) if len(frame) == 56 else None
    if frame[0] not in (2, 3) or le(frame, 4) != len(frame) - 56 or frame[31] not in (0xC0, 0x80, 0xD4, 0xD1, 0x94):
        return None
    return Found(40, key=frame[2:3], role=REQUEST if frame[0] == 2 else RESPONSE)


@check
def crimson(frame: bytes) -> Found | None:
    """Red Lion Crimson v3: length of the rest, register, operation; text answers name maker and model."""
    told: tuple[tuple[str, str], ...] = ()
    words = frame[6:].rstrip(b"\0")
    if be(frame, 2) in (0x012A, 0x012B) and len(words) > 2 and printable(words):
        told = facts(**{"brand" if be(frame, 2) == 0x012A else "model": text(words)})
    return Found(12, key=frame[2:4], role=RESPONSE if told else REQUEST, facts=told)


@check
def fox(frame: bytes) -> Found | None:
    """Tridium Fox: “fox a|c|…” and a body in braces; the answer names host, product and version."""
    body = frame.decode("latin-1")
    answer = body.startswith("fox a 0 ")
    if "fox hello" not in body:
        return Found(8) if body[4:5].isalpha() and body[5:6] == " " else None
    named = {
        "hostName": "name",
        "app.version": "firmware",
        "brandId": "brand",
        "app.name": "product",
        "os.name": "system",
    }
    told = {}
    for line in body.splitlines():
        name, _, value = line.partition("=")
        if name in named:
            told[named[name]] = text(value.partition(":")[2].rstrip(";").encode("latin-1"))
    return Found(40, key=b"fox", role=RESPONSE if answer else REQUEST, facts=facts(**told))


@check
def proconos(frame: bytes) -> Found | None:
    """ProConOS: CC 01, operation, its length; the answer holds runtime, PLC type and project as text."""
    names = [part for part in frame[12:].split(b"\0") if len(part) > 3 and printable(part)]
    answer = len(names) >= 2
    told = facts(firmware=text(names[0]), model=text(names[1])) if answer else ()
    return Found(24 if answer else 12, key=b"pco", role=RESPONSE if answer else REQUEST, facts=told)


@check
def genisys(frame: bytes) -> Found | None:
    """Genisys: a control character F1–FE, escapes by F0, a CRC-16 over the unescaped rest, F6 at the end."""
    if frame[-1] != 0xF6 or len(frame) < 3:
        return None
    raw, at = bytearray(), 1
    while at < len(frame) - 1:
        byte = frame[at]
        if byte == 0xF0:
            at += 1
            byte |= frame[at] if at < len(frame) - 1 else 0
        elif byte > 0xF0:
            return None
        raw.append(byte)
        at += 1
    role = RESPONSE if frame[0] in (0xF1, 0xF2, 0xF3) else REQUEST
    key = bytes(raw[:1])
    if len(raw) == 1 and frame[0] in (0xF1, 0xFA):
        return Found(8, key=key, role=role)
    whole = frame[:1] + bytes(raw)
    good = len(raw) >= 3 and crc16(whole[:-2]) == le(whole, len(whole) - 2)
    return Found(24, key=key, role=role) if good else None
