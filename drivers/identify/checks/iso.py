"""What travels in TPKT/COTP on port 102: S7comm, S7CommPlus, MMS (RFC 1006, ISO 8073, ISO 8650, ISO 9506)."""

from __future__ import annotations

from drivers.identify.checks.found import REQUEST, RESPONSE, Found, be, ber, check, exact, facts, text

_MMS_SYNTAX = b"\x28\xca\x22\x02\x01"  # OID 1.0.9506.2.1
_S7_FUNCTIONS = frozenset((0x00, 0x04, 0x05, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x28, 0x29, 0xF0))
_CONNECT = {0xE0: REQUEST, 0xD0: RESPONSE, 0x80: REQUEST}


@check
def tpkt(frame: bytes) -> Found | None:
    """A COTP TPDU whose header length fits; what it carries decides the protocol."""
    header = frame[4] + 5
    if len(frame) < 7 or header > len(frame) or frame[4] < 2:
        return None
    kind, body = frame[5] & 0xF0, frame[header:]
    if kind in _CONNECT:
        return _connect(frame[5:header], kind, body)
    if frame[5] != 0xF0 or frame[4] != 2 or frame[6] & 0x7F:
        return None
    if not body:
        return Found(16)
    if body[0] == 0x32:
        return _s7(body)
    if body[0] == 0x72:
        return _plus(body)
    return _mms(body)


def _connect(head: bytes, kind: int, rest: bytes) -> Found | None:
    """CR or CC: class 0 and parameters that fill the header."""
    at = 6
    while at + 2 <= len(head):
        if head[at] not in (0xC0, 0xC1, 0xC2):
            return None
        at += 2 + head[at + 1]
    if at != len(head) or rest or len(head) < 6 or head[5] & 0xF0:
        return None
    plus = b"SIMATIC-ROOT-" in head
    reference = head[3:5] if kind == 0xE0 else head[1:3]
    return Found(24, "s7comm_plus" if plus else "", b"cotp" + reference, _CONNECT[kind])


def _s7(body: bytes) -> Found | None:
    if len(body) < 10 or body[1] not in (1, 2, 3, 7):
        return None
    header = 12 if body[1] in (2, 3) else 10
    parameters, data = be(body, 6), be(body, 8)
    if header + parameters + data != len(body):
        return None
    kind = body[1]
    bits = 8 + 6 + 24 + (16 if be(body, 2) == 0 else 0)
    key = b"s7" + body[4:6]
    if kind in (1, 3) and parameters:
        if body[header] not in _S7_FUNCTIONS:
            return None
        key += body[header : header + 1]
        bits += 4
    if kind == 7:
        return _userdata(body, header, parameters, bits)
    return Found(bits, "s7comm", key, {1: REQUEST, 3: RESPONSE, 2: RESPONSE}[kind], ())


def _userdata(body: bytes, header: int, parameters: int, bits: float) -> Found | None:
    """Userdata: its parameter has the head 000112; a system status list tells the order number and the names."""
    p = body[header : header + parameters]
    if p[:3] != b"\x00\x01\x12" or len(p) < 8 or p[3] + 4 != len(p):
        return None
    answer = p[5] >> 4 in (8, 0) and p[4] == 0x12
    told: tuple[tuple[str, str], ...] = ()
    data = body[header + parameters :]
    if answer and p[5] & 0x0F == 4 and len(data) > 12 and data[0] == 0xFF:
        told = _szl(data[4:])
    return Found(bits + 24, "s7comm", b"s7" + body[4:6], RESPONSE if answer else REQUEST, told)


def _szl(data: bytes) -> tuple[tuple[str, str], ...]:
    """SZL 0x0011 (module identification) and 0x001C (component identification): Siemens, System Software Reference, ch. 34."""
    ident, width, count = be(data, 0), be(data, 4), be(data, 6)
    out: dict[str, str] = {}
    for row in range(min(count, 16)):
        item = data[8 + row * width : 8 + (row + 1) * width]
        if len(item) < width or width < 4:
            break
        index = be(item, 0)
        if ident & 0xFF == 0x11 and width >= 28:
            if index == 1:
                out["order_number"] = text(item[2:22]).strip()
            if index == 7 and item[22:23] == b"V":
                out["firmware"] = f"V{item[23]}.{item[24]}.{item[25]}"
        elif ident & 0xFF == 0x1C:
            name = {1: "system_name", 2: "module_name", 3: "plant", 5: "serial", 7: "model"}.get(index)
            if name is not None:
                out[name] = text(item[2:34]).strip()
    return facts(brand="Siemens", **out) if out else ()


def _plus(body: bytes) -> Found | None:
    """S7CommPlus: 72, version, length, and after the data an end mark 72 version 0000 (absent inside a fragment)."""
    if len(body) < 8 or body[1] not in (1, 2, 3, 0xFE):
        return None
    length = be(body, 2)
    if body[1] == 0xFE:
        return Found(32, "s7comm_plus") if length + 4 == len(body) or len(body) == 8 else None
    ends = body[-4:] == bytes((0x72, body[1], 0, 0)) and length + 8 == len(body)
    if not ends and length + 4 != len(body):
        return None
    op = body[4:5] if body[1] != 3 else body[4 + 1 + body[4] : 6 + body[4]]
    role = {b"\x31": REQUEST, b"\x32": RESPONSE}.get(op, 0)
    start = 4 if body[1] != 3 else 5 + body[4]
    key = b"s7+" + body[start + 3 : start + 5] + body[start + 7 : start + 9]
    told: tuple[tuple[str, str], ...] = ()
    at = body.find(b"1;6ES7")
    if at > 0:
        parts = text(body[at : at + 64]).split(";")
        told = facts(
            brand="Siemens", order_number=parts[1].strip(), firmware=parts[2].strip() if len(parts) > 2 else ""
        )
    return Found(32 + (32 if ends else 0), "s7comm_plus", key if role else b"", role, told)


def _mms(body: bytes) -> Found | None:
    """MMS in session and presentation: an association with its syntax, or a PDV list that carries one MMS PDU."""
    if body[0] in (0x0D, 0x0E):
        found = body.find(_MMS_SYNTAX) > 0 and len(body) > 2 and (body[1] + 2 == len(body) or body[1] == 0xFF)
        return Found(64, "iec61850_mms", b"mms-open", REQUEST if body[0] == 0x0D else RESPONSE) if found else None
    if body[:4] != b"\x01\x00\x01\x00":
        return None
    outer = ber(body, 4, len(body))
    if outer is None or outer[0] != 0x61 or outer[2] != len(body):
        return None
    pdv = ber(body, outer[1], outer[2])
    inner = exact(body, pdv[1], pdv[2]) if pdv is not None and pdv[0] == 0x30 else None
    if inner is None or inner[0][0] != 0x02 or inner[-1][0] != 0xA0:
        return None
    pdu = ber(body, inner[-1][1], inner[-1][2])
    if pdu is None or pdu[2] != inner[-1][2] or (pdu[0] not in range(0xA0, 0xAE) and pdu[0] not in (0x8B, 0x8C)):
        return None
    role = {0xA0: REQUEST, 0xA1: RESPONSE, 0xA2: RESPONSE}.get(pdu[0], 0)
    first = ber(body, pdu[1], pdu[2])
    key = b"mms" + body[first[1] : first[2]] if first is not None and first[0] == 2 and role else b""
    return Found(32 + 24 + 16, "iec61850_mms", key, role, _identify(body, pdu) if pdu[0] == 0xA1 else ())


def _identify(body: bytes, pdu: tuple[int, int, int]) -> tuple[tuple[str, str], ...]:
    """The answer to Identify (tag 0xA2): vendor, model, revision."""
    parts = exact(body, pdu[1], pdu[2])
    if parts is None or len(parts) < 2 or parts[1][0] != 0xA2:
        return ()
    told = exact(body, parts[1][1], parts[1][2]) or []
    named = {0x80: "brand", 0x81: "model", 0x82: "firmware"}
    return facts(**{named[tag]: text(body[start:end]) for tag, start, end in told if tag in named})
