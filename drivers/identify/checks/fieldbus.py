"""Industrial Ethernet below IP: PROFINET, EtherCAT, POWERLINK, and the neighbours that announce themselves (LLDP, CDP)."""

from __future__ import annotations

from drivers.identify.checks.found import REQUEST, RESPONSE, Found, be, check, facts, le, text

_DCP_NAMES = {(2, 1): "model", (2, 2): "name", (2, 3): "ids", (1, 2): "ip"}
_PNIO_OBJECT = bytes.fromhex("dea000006c9711d1827100")


@check
def profinet(frame: bytes) -> Found | None:
    """A frame id of PROFINET: DCP by its blocks, RT data by its trailer, PTCP by its range (IEC 61158-6-10, 4.2)."""
    ident = be(frame, 0)
    if 0xFEFC <= ident <= 0xFEFF:
        return _dcp(frame)
    if 0xFF80 <= ident <= 0xFF8F:  # a fragment: its length in units of 8 bytes, rounded down for the last one
        return Found(16, "profinet_rt") if len(frame) > 4 and frame[2] == (len(frame) - 4) // 8 else None
    if 0xFF00 <= ident <= 0xFF43 or ident in (0x0020, 0x0080, 0xFF20, 0xFF21, 0xFF22):
        return Found(24, "profinet_ptcp")
    if 0x0100 <= ident <= 0x0FFF or 0x8000 <= ident <= 0xFBFF:
        # the trailer is cycle counter, data status (bits 3 and 7 are 0) and transfer status 0
        shaped = len(frame) >= 40 and frame[-1] == 0 and not frame[-2] & 0x88 and frame[-2] & 0x04
        return Found(16, "profinet_rt") if shaped else None
    if ident in (0xFC01, 0xFE01) and len(frame) >= 12:
        return Found(16, "profinet_rt")
    return None


def _dcp(frame: bytes) -> Found | None:
    """DCP: service, kind, transaction, delay, length, blocks padded to even (IEC 61158-6-10, 4.3)."""
    if len(frame) < 12 or frame[2] not in (3, 4, 5, 6) or frame[3] not in (0, 1, 5):
        return None
    end = 12 + be(frame, 10)
    if end > len(frame):
        return None
    answer = frame[3] != 0
    told: dict[str, str] = {}
    at = 12
    while at + 4 <= end:
        option, size = (frame[at], frame[at + 1]), be(frame, at + 2)
        if at + 4 + size > end:
            return None
        body = frame[at + 6 : at + 4 + size] if answer else b""
        _block(told, option, body)
        at += 4 + size + size % 2
    role = RESPONSE if answer else REQUEST
    return Found(32, "profinet_dcp", frame[4:8], role, facts(**told))


def _block(told: dict[str, str], option: tuple[int, int], body: bytes) -> None:
    name = _DCP_NAMES.get(option)
    if name == "ids" and len(body) >= 4:
        told["vendor_id"], told["device_id"] = f"{be(body, 0):04X}", f"{be(body, 2):04X}"
        if be(body, 0) == 0x002A:
            told["brand"] = "Siemens"
    elif name == "ip" and len(body) >= 12:
        told["ip"] = ".".join(map(str, body[:4]))
    elif name in ("model", "name"):
        told[name] = text(body)


@check
def dcerpc(frame: bytes) -> Found | None:
    """Connectionless DCE/RPC 4 whose object or interface is PROFINET's (IEC 61158-6-10, 4.10)."""
    little = frame[4] & 0x10
    size = le(frame, 74) if little else be(frame, 74)
    if len(frame) < 80 or frame[1] > 10 or size != len(frame) - 80:
        return None
    plain = b"\x00\x00\xa0\xde\x97\x6c\xd1\x11\x82\x71\x00" if little else _PNIO_OBJECT
    if frame[8:19] != plain and frame[24:35] != plain:
        return None
    role = {0: REQUEST, 2: RESPONSE, 3: RESPONSE, 6: RESPONSE}.get(frame[1], 0)
    return Found(96, key=frame[40:56] + frame[64:68], role=role)


@check
def ethercat(frame: bytes) -> Found | None:
    """An EtherCAT frame of type 1 and its datagrams by their lengths; the working counter counts the slaves (ETG.1000.4)."""
    head = le(frame, 0)
    length, at, counted, slaves = head & 0x7FF, 2, 0, 0
    if head >> 12 != 1 or length + 2 > len(frame) or head & 0x800:
        return None
    end, more = length + 2, True
    while more and at + 12 <= end:
        size = le(frame, at + 6)
        if frame[at] > 14 or at + 12 + (size & 0x7FF) > end:
            return None
        more = bool(size & 0x8000)
        if frame[at] == 7:  # a broadcast read is answered by every slave
            slaves = max(slaves, le(frame, at + 10 + (size & 0x7FF)))
        at, counted = at + 12 + (size & 0x7FF), counted + 1
    if at != end or more or not counted:
        return None
    return Found(4 + 12 + 4 * counted + 8, facts=facts(slaves=str(slaves) if slaves else ""))


@check
def powerlink(frame: bytes) -> Found | None:
    """Ethernet POWERLINK V2: SoC from the managing node to all, PReq to one node, PRes to all (EPSG DS 301, 4.6)."""
    kind, target, source = frame[0] & 0x7F, frame[1], frame[2]
    if kind == 1:
        return Found(24) if target == 255 and source == 240 else None
    if kind == 3:
        return Found(16, key=bytes((target,)), role=REQUEST) if 1 <= target <= 239 and source == 240 else None
    if kind == 4:
        return Found(16, key=bytes((source,)), role=RESPONSE) if target == 255 and 1 <= source <= 240 else None
    return Found(12) if kind in (5, 6, 7, 13) and target else None


@check
def sercos(frame: bytes) -> Found | None:
    """SERCOS III: MDT or AT of telegram 0–3 in a phase 0–4; bit 7 tells the channel."""
    kind, phase = frame[0], frame[1]
    if not any(frame[2:6]):  # the check sum of the header
        return None
    return Found(10) if not kind & 0x0C and phase & 0x0F <= 4 and not phase & 0x70 else None


@check
def lldp(frame: bytes) -> Found | None:
    """LLDP: chassis, port, lifetime first and an end (IEEE 802.1AB, 8.4)."""
    order: list[int] = []
    told: dict[str, str] = {}
    at = 0
    for _ in range(64):
        if at + 2 > len(frame):
            return None
        head = be(frame, at)
        kind, size = head >> 9, head & 0x1FF
        body = frame[at + 2 : at + 2 + size]
        if len(body) != size:
            return None
        order.append(kind)
        at += 2 + size
        if kind == 0:
            break
        _lldp_tlv(told, kind, body)
    if order[:3] != [1, 2, 3] or order[-1] != 0:
        return None
    return Found(21 + 7, facts=facts(**told))


def _lldp_tlv(told: dict[str, str], kind: int, body: bytes) -> None:
    if kind == 1 and body:
        told["chassis"] = body[1:7].hex(":") if body[0] == 4 else text(body[1:])
    elif kind == 5:
        told["name"] = text(body)
    elif kind == 6:
        told["model"] = text(body)
    elif kind == 127 and body[:4] == b"\x00\x0e\xcf\x05" and len(body) >= 10:
        told["mac"] = body[4:10].hex(":")


@check
def cdp(frame: bytes) -> Found | None:
    """CDP: TLVs to the end; 1 device, 5 version, 6 platform."""
    at, told, names = 4, {}, {1: "name", 5: "firmware", 6: "model"}
    while at + 4 <= len(frame):
        kind, size = be(frame, at), be(frame, at + 2)
        if size < 4 or at + size > len(frame) or kind > 0x1FFF:
            return None
        if kind in names:
            told[names[kind]] = text(frame[at + 4 : at + size])
        at += size
    return Found(32, facts=facts(**told)) if told else None
