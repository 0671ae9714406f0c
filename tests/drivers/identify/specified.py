"""Frames built from specifications, by hand: for protocols of which no capture is at hand, and as seeds of the fuzz target."""

# ruff: noqa: E501  (a frame is read better on one line)

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import dataclass

from drivers.hj212_wire import crc
from drivers.identify.checks.found import crc16


@dataclass(frozen=True)
class Case:
    """A protocol and what client and server say by turns; `over` tcp, udp or an ethertype; `publishes`: one side only."""

    protocol: str
    over: str | int
    port: int
    turns: tuple[bytes, ...]
    confidence: str = "confirmed"
    model: str = ""


def _h(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def _rtu(body: str) -> bytes:
    raw = _h(body)
    return raw + struct.pack("<H", crc16(raw))


def _slmp(body: bytes, answer: bool) -> bytes:
    head = _h("d000 00ff ff03 00" if answer else "5000 00ff ff03 00")
    return head + struct.pack("<H", len(body)) + body


def _ft12(body: bytes) -> bytes:
    return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def _sampled(counter: int) -> bytes:
    asdu = (
        _tlv(0x80, b"MU01") + _tlv(0x82, struct.pack(">H", counter)) + _tlv(0x83, b"\0\0\0\1") + _tlv(0x87, bytes(64))
    )
    pdu = _tlv(0x60, _tlv(0x80, b"\x01") + _tlv(0xA2, _tlv(0x30, asdu)))
    return struct.pack(">HHHH", 0x4000, 8 + len(pdu), 0, 0) + pdu


def _dlms(source: int, target: int, apdu: bytes) -> bytes:
    return struct.pack(">HHHH", 1, source, target, len(apdu)) + apdu


_AARQ = _tlv(0x60, _h("a109060760857405080101") + _tlv(0xBE, _tlv(0x04, _h("01000000065f1f040000001e1d ffff"))))
_AARE = _tlv(0x61, _h("a109060760857405080101 a203020100 a305a103020100"))


def _knx(service: int, body: bytes) -> bytes:
    return struct.pack(">BBHH", 6, 0x10, service, 6 + len(body)) + body


_KNX_DEVICE = _h("36 01 02 00 1101 0000 00c501021234 e000170c 000102030405") + b"IP Interface Secure".ljust(30, b"\0")


def _roc(target: str, source: str, opcode: int, data: bytes) -> bytes:
    raw = _h(target) + _h(source) + bytes((opcode, len(data))) + data
    return raw + struct.pack("<H", crc16(raw, 0))


def _ethercat(counter: int) -> bytes:
    datagram = struct.pack("<BBIHH", 7, counter, 0x01300000, 2, 0) + bytes(2) + struct.pack("<H", 12)
    return struct.pack("<H", 0x1000 | len(datagram)) + datagram


def _mqtt_publish(topic: bytes, payload: bytes) -> bytes:
    body = struct.pack(">H", len(topic)) + topic + payload
    return bytes((0x30, len(body))) + body


_MQTT_CONNECT = _h("10 10 0004 4d515454 04 02 003c 0004 65646765")


def _cdp() -> bytes:
    parts = ((1, b"sw-hall-3"), (5, b"Cisco IOS 15.2(2)E9"), (6, b"cisco IE-3000-8TC"))
    return _h("02 b4 0000") + b"".join(struct.pack(">HH", kind, 4 + len(text)) + text for kind, text in parts)


def _gb26875(number: int, command: int, data: bytes) -> bytes:
    body = struct.pack("<HH", number, 1) + _h("0b1e0f170a19") + _h("010203040506") + _h("0a0b0c0d0e0f")
    body += struct.pack("<HB", len(data), command) + data
    return b"@@" + body + bytes((sum(body) & 0xFF,)) + b"##"


def _hj212(body: bytes) -> bytes:
    return b"##%04d" % len(body) + body + b"%04X\r\n" % crc(body)


def _jt808(message: int, number: int, body: bytes) -> bytes:
    raw = struct.pack(">HH", message, len(body)) + _h("013912345678") + struct.pack(">H", number) + body
    total = 0
    for byte in raw:
        total ^= byte
    raw += bytes((total,))
    return b"\x7e" + raw.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def _tls(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHHB", 22, 0x0303, len(body) + 4, kind) + struct.pack(">I", len(body))[1:] + body


def _srtp(kind: int, number: int) -> bytes:
    raw = bytearray(56)
    raw[0], raw[2], raw[31] = kind, number, 0xC0 if kind == 2 else 0xD4
    return bytes(raw)


def _codesys3(number: int) -> bytes:
    body = _h("c5 6b 40 40 00") + bytes((number,)) + bytes(14)
    return _h("000117e8") + struct.pack("<I", 8 + len(body)) + body


def _csp(direction: int, command: int, body: bytes) -> bytes:
    return struct.pack(">BBHII", direction, command, len(body), 0x01020304, 0) + bytes(16) + body


_PROBE = (
    b'<?xml version="1.0"?><Envelope xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><d:Probe/></Envelope>'
)
_MATCH = _PROBE.replace(b"<d:Probe/>", b"<d:ProbeMatch>onvif://www.onvif.org/hardware/CAM-200 </d:ProbeMatch>")
_COAP_RD = _h("44 02 7d34 a1b2c3d4") + _h("b2") + b"rd" + _h("47") + b"ep=pump" + _h("ff") + b"</1/0>"

SPECIFIED: tuple[Case, ...] = (
    Case("umas", "tcp", 502, (_h("0001 0000 0004 00 5a 00 02"), _h("0001 0000 0008 00 5a 00 fe 0d300402"), _h("0002 0000 0004 00 5a 00 04"), _h("0002 0000 0006 00 5a 00 fe 0102")), model=""),
    Case("modbus_rtu", "tcp", 4001, (_rtu("0103 0000 0002"), _rtu("0103 04 000a 000b"), _rtu("0103 0002 0001"), _rtu("0103 02 00ff"))),
    Case("csp", "tcp", 2222, (_csp(1, 1, b""), _csp(2, 1, b"")), "likely"),
    Case("melsec_slmp", "tcp", 5007, (_slmp(_h("1000 0101 0000"), False), _slmp(_h("0000") + b"Q03UDVCPU".ljust(16) + _h("6603"), True)), model="Q03UDVCPU"),
    Case("codesys2", "tcp", 2455, (_h("bbbb 01000000 01"), _h("bbbb 04000000 01 020304"), _h("bbbb 02000000 92 00"), _h("bbbb 03000000 92 0001")), "likely"),
    Case("codesys3", "tcp", 11740, (_codesys3(1), _codesys3(2), _codesys3(3)), "likely"),
    Case("ge_srtp", "tcp", 18245, (bytes(56), b"\x01" + bytes(55), _srtp(2, 1), _srtp(3, 1))),
    Case("proconos", "tcp", 20547, (_h("cc01000b4002000047ee"), _h("cc01000b4002ff00 47ee0000") + b"ProConOS V3.0.1040\0ADAM5510KW 1.24\0Project1\0"), model="ADAM5510KW 1.24"),
    Case("pcworx", "tcp", 1962, (_h("0101001a 00000000 78800003 000c494245544830314e305f4d00"), _h("8101 0014 00000000") + bytes(12), _h("0105 0016 00000001") + bytes(14), _h("8105 0014 00000001") + bytes(12)), "likely"),
    Case("crimson", "tcp", 789, (_h("0004 012b 1b00"), _h("000c 012b 1b00") + b"G310C2\0\0", _h("0004 012a 1a00"), _h("0012 012a 1a00") + b"Red Lion Ctls\0"), model="G310C2"),
    Case("fox", "tcp", 1911, (b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n", b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nhostName=s:plant-3\napp.name=s:Station\napp.version=s:4.10.0.154\nbrandId=s:vykon\n};;\n")),
    Case("iec101", "tcp", 4001, (_ft12(_h("73 01 64 01 06 01 00 00 14")), _ft12(_h("08 01 64 01 07 01 00 00 14")), _h("10 5b 01 5c 16")), "likely"),
    Case("iec61850_sv", 0x88BA, 0, (_sampled(1), _sampled(2), _sampled(3)), "likely"),
    Case("dlms", "tcp", 4059, (_dlms(16, 1, _AARQ), _dlms(1, 16, _AARE), _dlms(16, 1, _h("c001c1 0003 0100010800ff 02 00")), _dlms(1, 16, _h("c401c1 00 0600000001")))),
    Case("knx_ip", "udp", 3671, (_knx(0x0203, _h("0801 00000000 0000")), _knx(0x0204, _KNX_DEVICE), _knx(0x0203, _h("0801 0a000001 0e57")), _knx(0x0204, _KNX_DEVICE))),
    Case("moxa_nport", "udp", 4800, (_h("0100000800000000"), _h("81000018 00000000 1051 0080 0000 0090e8123456 0a000002"))),
    Case("lantronix", "udp", 30718, (_h("000000f6"), _h("000000f7 00000000 58325200 000000000000000000000000 00204a123456")), model="X2R"),
    Case("veeder_root", "tcp", 10001, (b"\x01I20100", b"\x01\r\nI20100\r\nNOV 26, 2026  8:00 AM\r\n\x03"), "likely"),
    Case("roc_plus", "tcp", 4000, (_roc("0102", "0301", 6, b""), _roc("0301", "0102", 6, bytes(20)), _roc("0102", "0301", 7, b""), _roc("0301", "0102", 7, _h("002210250b26"))),),
    Case("ethercat", 0x88A4, 0, (_ethercat(1), _ethercat(2), _ethercat(3)), "likely"),
    Case("powerlink", 0x88AB, 0, (_h("01 ff f0") + bytes(43), _h("03 01 f0") + bytes(43), _h("03 02 f0") + bytes(43)), "likely"),
    Case("sercos3", 0x88CD, 0, (_h("00 04 01020304") + bytes(40), _h("01 04 05060708") + bytes(40), _h("40 04 090a0b0c") + bytes(40)), "likely"),
    Case("cdp", 0x2000, 0, (_cdp(),), "likely", "cisco IE-3000-8TC"),
    Case("opcua_pubsub", "udp", 4840, (_h("f101ba08016400014df4e1100000000000000000000000000000000001000d0102030405060708"), b"", _h("f101ba08016400014df4e1110000000000000000000000000000000001000d0102030405060709"), b"", _h("f101ba08016400014df4e1120000000000000000000000000000000001000d010203040506070a")), "likely"),
    Case("sparkplug_b", "tcp", 1883, (_MQTT_CONNECT, _h("20020000"), _mqtt_publish(b"spBv1.0/plant/DDATA/edge7/pump3", _h("0801"))), "likely"),
    Case("lwm2m", "udp", 5683, (_COAP_RD, _h("64 41 7d34 a1b2c3d4"), _COAP_RD.replace(b"pump", b"fan7").replace(_h("7d34"), _h("7d35")), _h("64 41 7d35 a1b2c3d4")), "likely"),
    Case("rtsp", "tcp", 554, (b"OPTIONS rtsp://10.0.0.2/1 RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Cam RTSP 3.2\r\nPublic: DESCRIBE\r\n\r\n"), model="Cam RTSP 3.2"),
    Case("ws_discovery", "udp", 3702, (_PROBE,), "likely"),
    Case("onvif", "udp", 3702, (_PROBE, _MATCH), "likely", "CAM-200"),
    Case("tls", "tcp", 8883, (_tls(1, bytes(80)), _tls(2, bytes(60)))),
    Case("hj212", "tcp", 9002, (_hj212(b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"),), "likely"),
    Case("gb26875", "tcp", 5200, (_gb26875(1, 2, _h("0101")), _gb26875(1, 3, b""))),
    Case("jt808", "tcp", 8808, (_jt808(0x0200, 1, bytes(28)), _jt808(0x8001, 1, _h("0001020000")), _jt808(0x0200, 2, bytes(28))), "likely"),
)  # fmt: skip

# not needed to identify, but known answers of the check sums that the cases above rely on
KNOWN_SUMS = ((crc16(_h("010300000002")), 0x0BC4), (crc_hqx(b"123456789", 0xFFFF), 0x29B1))
