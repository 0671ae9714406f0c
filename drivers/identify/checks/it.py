"""Protocols shared with the office that also tell about devices: SNMP, MQTT, CoAP, RTSP, OPC UA, PTP, DDS, AMQP, IPMI, TLS."""

from __future__ import annotations

import re

from drivers.identify.checks.found import REQUEST, RESPONSE, Found, be, ber, check, exact, facts, le, printable, text

_SYS = b"\x2b\x06\x01\x02\x01\x01"  # 1.3.6.1.2.1.1


@check
def snmp(frame: bytes) -> Found | None:
    """SNMP in BER: version, community or v3 header, a PDU; sysDescr and sysName are told (RFC 1157, 3416, 3412)."""
    outer = ber(frame, 0, len(frame))
    parts = (
        exact(frame, outer[1], outer[2]) if outer is not None and outer[0] == 0x30 and outer[2] == len(frame) else None
    )
    if parts is None or parts[0][0] != 2 or parts[0][2] - parts[0][1] != 1:
        return None
    version = frame[parts[0][1]]
    if version == 3:
        return _snmp3(frame, parts)
    if version not in (0, 1) or len(parts) != 3 or parts[1][0] != 4:
        return None
    pdu = parts[2]
    inner = exact(frame, pdu[1], pdu[2])
    if inner is None or pdu[0] not in range(0xA0, 0xA9):
        return None
    if pdu[0] == 0xA4:
        return (
            Found(16 + 24 + 12, role=RESPONSE) if [part[0] for part in inner] == [6, 0x40, 2, 2, 0x43, 0x30] else None
        )
    if [part[0] for part in inner] != [2, 2, 2, 0x30]:
        return None
    answer = pdu[0] == 0xA2
    told = _system(frame, inner[3]) if answer else ()
    ident = frame[inner[0][1] : inner[0][2]]
    return Found(12 + 24 + 8 + 5 + 24, key=ident, role=RESPONSE if answer else REQUEST, facts=told)


def _system(frame: bytes, bindings: tuple[int, int, int]) -> tuple[tuple[str, str], ...]:
    told = {}
    for one in exact(frame, bindings[1], bindings[2]) or []:
        pair = exact(frame, one[1], one[2])
        if pair is None or len(pair) != 2 or pair[0][0] != 6:
            continue
        oid, value = frame[pair[0][1] : pair[0][2]], frame[pair[1][1] : pair[1][2]]
        if oid[:-2] == _SYS and pair[1][0] == 4:
            name = {1: "model", 5: "name", 6: "location"}.get(oid[-2])
            if name:
                told[name] = text(value)
    return facts(**told)


def _snmp3(frame: bytes, parts: list[tuple[int, int, int]]) -> Found | None:
    if [part[0] for part in parts[1:3]] != [0x30, 4] or len(parts) != 4:
        return None
    head = exact(frame, parts[1][1], parts[1][2])
    if head is None or [part[0] for part in head] != [2, 2, 4, 2]:
        return None
    return Found(12 + 24 + 24, key=frame[head[0][1] : head[0][2]])


@check
def mqtt(frame: bytes) -> Found | None:
    """MQTT 3.1, 3.1.1 and 5: control packets by the rules of their flags and contents."""
    kind, flags = frame[0] >> 4, frame[0] & 0x0F
    at = 2
    while frame[at - 1] & 0x80 and at < 5 and at < len(frame):
        at += 1
    body = frame[at:]
    if kind == 1:
        return _mqtt_connect(body) if not flags else None
    if kind == 2:
        good = not flags and len(body) >= 2 and body[0] <= 1 and (body[1] <= 5 or body[1] >= 0x80)
        return Found(24, key=b"connect", role=RESPONSE) if good else None
    if kind == 3:
        return _mqtt_publish(body, flags)
    wanted = 2 if kind in (6, 8, 10) else 0
    if flags != wanted:
        return None
    if kind in (12, 13):
        return Found(14, key=b"ping", role=REQUEST if kind == 12 else RESPONSE) if not body else None
    if kind == 14:
        return Found(6)
    if len(body) < 2:
        return None
    asking = kind in (8, 10)
    key = (bytes((kind,)) if asking else bytes((kind - 1,))) + body[:2]
    return Found(8, key=key if kind in (8, 9, 10, 11) else b"", role=REQUEST if asking else RESPONSE)


def _mqtt_connect(body: bytes) -> Found | None:
    for name, levels in ((b"\x00\x04MQTT", (4, 5)), (b"\x00\x06MQIsdp", (3,))):
        if (
            body.startswith(name)
            and len(body) > len(name) + 3
            and body[len(name)] in levels
            and not body[len(name) + 1] & 1
        ):
            return Found(64, key=b"connect", role=REQUEST)
    return None


def _mqtt_publish(body: bytes, flags: int) -> Found | None:
    size = be(body, 0)
    topic = body[2 : 2 + size]
    if flags & 6 == 6 or not 1 <= size <= len(body) - 2 or not printable(topic) or b"#" in topic or b"+" in topic:
        return None
    if topic.startswith(b"spBv1.0/"):
        words = topic.split(b"/")
        if len(words) < 4 and words[1:2] != [b"STATE"]:
            return None
        told = facts(group=text(words[1]), node=text(words[3])) if len(words) > 3 else ()
        return Found(64, "sparkplug_b", facts=told)
    return Found(10 + min(8, size // 2))


@check
def coap(frame: bytes) -> Found | None:
    """CoAP: version 1, token, a known code, options in order with their lengths, a payload mark (RFC 7252, 3)."""
    size, code = frame[0] & 0x0F, frame[1]
    kind = frame[0] >> 4 & 3
    if size > 8 or code not in (*range(0, 8), *range(0x41, 0x46), 0x5F, *range(0x80, 0x90), *range(0xA0, 0xA6)):
        return None
    if code == 0:
        return Found(10, key=frame[2:4], role=RESPONSE if kind in (2, 3) else 0) if len(frame) == 4 else None
    at, number, options = 4 + size, 0, []
    while at < len(frame) and frame[at] != 0xFF:
        parts = _coap_option(frame, at)
        if parts is None:
            return None
        delta, length, at = parts
        number += delta
        if at + length > len(frame) or number > 2100:
            return None
        options.append((number, frame[at : at + length]))
        at += length
    if at < len(frame) and at + 1 == len(frame):
        return None
    known = [
        one for one in options if one[0] in (1, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 17, 20, 23, 27, 28, 35, 39, 60, 258)
    ]
    if len(known) != len(options):
        return None
    path = b"/".join(value for one, value in options if one == 11)
    lwm2m = path == b"rd" and any(one == 15 and value.startswith((b"ep=", b"lwm2m=")) for one, value in options)
    return Found(2 + 4 + 3 + 5 * len(options), "lwm2m" if lwm2m else "", frame[2:4], REQUEST if code < 8 else RESPONSE)


def _coap_option(frame: bytes, at: int) -> tuple[int, int, int] | None:
    """Delta, length and where the value begins."""
    values, head = [frame[at] >> 4, frame[at] & 15], at + 1
    for part in (0, 1):
        if values[part] == 15:
            return None
        width = {13: 1, 14: 2}.get(values[part], 0)
        if head + width > len(frame):
            return None
        if width:
            values[part] = int.from_bytes(frame[head : head + width], "big") + (13 if width == 1 else 269)
            head += width
    return values[0], values[1], head


@check
def opcua(frame: bytes) -> Found | None:
    """OPC UA TCP: HEL and ACK by their sizes, secure conversation by its ids (OPC 10000-6, 7.1, 6.7)."""
    kind = frame[:3]
    if kind == b"HEL":
        size = le(frame, 28, 4) if len(frame) >= 32 else -1
        return Found(32, key=b"hello", role=REQUEST) if size + 32 == len(frame) or size == 0xFFFFFFFF else None
    if kind == b"ACK":
        return Found(24, key=b"hello", role=RESPONSE) if len(frame) == 28 else None
    if kind == b"OPN":
        policy = frame[16 : 16 + le(frame, 12, 4)] if len(frame) > 16 else b""
        good = policy.startswith(b"http://opcfoundation.org/UA/SecurityPolicy#")
        return Found(64, facts=facts(policy=text(policy.rpartition(b"#")[2]))) if good else None
    if kind == b"MSG" and len(frame) > 28:
        return _opcua_message(frame)
    return Found(8)


def _opcua_message(frame: bytes) -> Found:
    """A message in clear: the type id of its body, the request handle in the header (OPC 10000-4, 7.33)."""
    node = le(frame, 26) if frame[24:26] == b"\x01\x00" else 0
    role = 0
    if 400 < node < 900:
        role = RESPONSE if node in _OPCUA_RESPONSES else REQUEST
    told = _application(frame) if node in (431, 425) else ()
    return Found(8 + (8 if node else 0), key=frame[20:24] if role else b"", role=role, facts=told)


_OPCUA_RESPONSES = frozenset(
    (425, 431, 449, 464, 470, 476, 530, 554, 634, 676, 715, 790, 829, 754, 760, 766, 784, 796, 799, 850, 397)
)


def _application(frame: bytes) -> tuple[tuple[str, str], ...]:
    """The first application description in an answer to GetEndpoints or FindServers: uri, product, name."""
    at = frame.find(b"urn:")
    if at < 4 or le(frame, at - 4, 4) > 1024:
        return ()
    parts = []
    for _ in range(2):
        size = le(frame, at - 4, 4)
        if size > 1024:
            break
        parts.append(text(frame[at : at + size], 256))
        at += size + 4
    mask = frame[at - 4 : at - 3]
    name = ""
    if mask and mask[0] & 2:
        start = at - 3
        if mask[0] & 1:
            start += 4 + (le(frame, start, 4) if le(frame, start, 4) != 0xFFFFFFFF else 0)
        name = text(frame[start + 4 : start + 4 + min(le(frame, start, 4), 256)])
    product = parts[1] if len(parts) > 1 else ""
    # the nearest to a model that is told outside a session
    return facts(application=parts[0] if parts else "", product=product, model=product, name=name)


@check
def ptp(frame: bytes) -> Found | None:
    """PTP version 2: a message of the size its type needs (IEEE 1588-2019, 13.3); Announce names the grandmaster."""
    sizes = {0: 44, 1: 44, 2: 54, 3: 54, 8: 44, 9: 54, 0xA: 54, 0xB: 64, 0xC: 44, 0xD: 48}
    kind = frame[0] & 15
    if kind not in sizes or be(frame, 2) < sizes[kind] or be(frame, 2) > len(frame):
        return None
    told = facts(grandmaster=frame[53:61].hex(), clock_class=str(frame[48])) if kind == 0xB and len(frame) >= 64 else ()
    return Found(6 + 8, facts=told)


@check
def rtps(frame: bytes) -> Found | None:
    """DDS-RTPS: the submessages fill the datagram (OMG DDSI-RTPS 2.5, 8.3.3)."""
    at = 20
    while at + 4 <= len(frame):
        size = le(frame, at + 2) if frame[at + 1] & 1 else be(frame, at + 2)
        at = len(frame) if size == 0 else at + 4 + size
    return Found(12) if at == len(frame) else None


@check
def amqp(frame: bytes) -> Found | None:
    """AMQP 0-9-1: a frame by its length and the end octet CE; the header names the version."""
    return Found(8, key=frame[1:3]) if frame[-1] == 0xCE else None


@check
def rmcp(frame: bytes) -> Found | None:
    """RMCP: ASF presence ping and pong, or IPMI with its two header sums (IPMI 2.0, 13)."""
    if frame[3] & 0x1F == 6:
        good = be(frame, 4, 4) == 4542 and len(frame) == 12 + frame[11]
        return Found(48, key=frame[9:10], role=REQUEST if frame[8] == 0x80 else RESPONSE) if good else None
    if frame[3] & 0x1F != 7 or len(frame) < 14:
        return None
    if frame[4] == 6:
        return Found(28) if len(frame) == 16 + le(frame, 14) else None
    at = 13 + (16 if frame[4] else 0)
    size = frame[at] if at < len(frame) else 0
    message = frame[at + 1 : at + 1 + size]
    if len(message) != size or size < 7 or sum(message[:3]) & 0xFF:
        return None
    return Found(32 + (8 if not sum(message[3:]) & 0xFF else 0), key=message[4:5])


@check
def rtsp(frame: bytes) -> Found | None:
    """RTSP: a request line or a status line; Server names the maker (RFC 2326)."""
    head = frame.partition(b"\r\n\r\n")[0].decode("latin-1")
    first, _, rest = head.partition("\r\n")
    server = re.search(r"^Server: *(.+)$", rest, re.MULTILINE | re.IGNORECASE)
    number = re.search(r"^CSeq: *(\d+)", rest, re.MULTILINE | re.IGNORECASE)
    if number is None:
        return None
    answer = first.startswith("RTSP/1.")
    return Found(48, key=number[1].encode(), role=RESPONSE if answer else REQUEST,
                 facts=facts(model=text(server[1].encode("latin-1"))) if server and answer else ())  # fmt: skip


@check
def wsd(frame: bytes) -> Found | None:
    """WS-Discovery: a SOAP probe or match; ONVIF scopes name hardware and device."""
    if b"schemas.xmlsoap.org/ws/2005/04/discovery" not in frame:
        return None
    answer = b"ProbeMatch" in frame or b"/Hello" in frame
    told = {}
    for name, key in ((rb"hardware", "model"), (rb"name", "name")):
        found = re.search(rb"onvif://www\.onvif\.org/" + name + rb"/([^\s<]{1,64})", frame)
        if found:
            told[key] = text(found[1].replace(b"%20", b" "))
    onvif = b"onvif" in frame
    return Found(64, "onvif" if onvif else "", role=RESPONSE if answer else REQUEST, facts=facts(**told))


@check
def tls(frame: bytes) -> Found | None:
    """A TLS record whose handshake length fits, or further records (RFC 8446, 5.1)."""
    if frame[0] == 22:
        inner = be(frame, 6, 3)
        return (
            Found(16, key=b"hello", role={1: REQUEST, 2: RESPONSE}.get(frame[5], 0))
            if frame[5] in (1, 2) and inner + 9 <= len(frame) + 65536
            else None
        )
    return Found(0)


@check
def uadp(frame: bytes) -> Found | None:
    """UADP: the headers that its flags announce, and message sizes that fit (OPC 10000-14, 7.2.4)."""
    flags = frame[0]
    if not flags & 0x50:
        return None
    at, extended, more = 1, 0, 0
    if flags & 0x80:
        extended, at = frame[1], 2
        if extended & 0x80 and len(frame) < 3:
            return None
        if extended & 0x80:
            more, at = frame[2], 3
    kind = extended & 7
    if kind > 4 or more >> 2 & 7 > 2:
        return None
    publisher = ""
    if flags & 0x10:
        width = (1, 2, 4, 8)[kind] if kind < 4 else 4 + min(le(frame, at, 4), 256)
        publisher = str(le(frame, at, width)) if kind < 4 else text(frame[at + 4 : at + width])
        at += width
    at += 16 if extended & 8 else 0
    if flags & 0x20:
        group = frame[at] if at < len(frame) else 0xFF
        if group & 0xF0:
            return None
        at += 1 + 2 * (group & 1) + 4 * (group >> 1 & 1) + 2 * (group >> 2 & 1) + 2 * (group >> 3 & 1)
    count = 1
    if flags & 0x40:
        count = frame[at] if at < len(frame) else 0
        at += 1 + 2 * count
    at += (8 if extended & 0x20 else 0) + (2 if extended & 0x40 else 0)
    if not count or at >= len(frame):
        return None
    if count > 1:
        sizes = [le(frame, at + 2 * row) for row in range(count)]
        if at + 2 * count + max(sum(sizes), 1) > len(frame):  # a first message of one byte at least
            return None
        at += 2 * count
    message = frame[at]
    if not extended & 0x10 and (not message & 1 or message >> 1 & 3 > 2):
        return None
    return Found(20 + (12 if count > 1 else 0) + 4, facts=facts(publisher=publisher))
