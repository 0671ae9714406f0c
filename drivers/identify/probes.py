"""What may be asked of a device: an enumeration of reads. Nothing else can be encoded, so nothing else can be sent."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto


class Read(Enum):
    """Every request that exists. Opening and closing a conversation is part of reading; no member changes a device."""

    MODBUS_IDENTITY = auto()  # function 43/14, basic objects
    S7_CONNECT = auto()
    S7_SETUP = auto()
    S7_MODULE = auto()  # system status list 0x0011
    S7_COMPONENT = auto()  # system status list 0x001C
    ENIP_IDENTITY = auto()  # ListIdentity
    OPCUA_HELLO = auto()
    OPCUA_CHANNEL = auto()  # security None: nothing but endpoints may be asked on it
    OPCUA_ENDPOINTS = auto()
    BACNET_WHO_IS = auto()
    BACNET_MODEL = auto()
    BACNET_VENDOR = auto()
    BACNET_FIRMWARE = auto()
    SNMP_SYSTEM = auto()  # GET sysDescr, sysName
    MQTT_CONNECT = auto()  # clean session, no will, no name, no password
    FINS_CONTROLLER = auto()  # command 05 01


@dataclass(slots=True)
class Values:
    """What answers told and requests must repeat; all are masked to their width when they are encoded."""

    number: int = 1
    channel: int = 0
    token: int = 0
    instance: int = 0x3FFFFF
    unit: int = 1
    community: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one protocol is asked: transport, its port, and the reads in order; the first that is not answered ends it.

    `spare`: reads that devices may answer to all instead of to who asked; their silence does not end it, for a network may keep
    what goes to all from us.
    """

    id: str
    over: str
    port: int
    reads: tuple[Read, ...]
    spare: tuple[Read, ...] = ()


_BACNET = {Read.BACNET_MODEL: 70, Read.BACNET_VENDOR: 121, Read.BACNET_FIRMWARE: 44}  # properties of the device object

PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("ethernet_ip", "udp", 44818, (Read.ENIP_IDENTITY,)),
    Protocol("bacnet_ip", "udp", 47808, (Read.BACNET_WHO_IS, *_BACNET), spare=(Read.BACNET_WHO_IS,)),
    Protocol("snmp", "udp", 161, (Read.SNMP_SYSTEM,)),
    Protocol("omron_fins", "udp", 9600, (Read.FINS_CONTROLLER,)),
    Protocol("modbus_tcp", "tcp", 502, (Read.MODBUS_IDENTITY,)),
    Protocol("s7comm", "tcp", 102, (Read.S7_CONNECT, Read.S7_SETUP, Read.S7_MODULE, Read.S7_COMPONENT)),
    Protocol("opcua_binary", "tcp", 4840, (Read.OPCUA_HELLO, Read.OPCUA_CHANNEL, Read.OPCUA_ENDPOINTS)),
    Protocol("mqtt", "tcp", 1883, (Read.MQTT_CONNECT,)),
)


def encode(read: Read, values: Values) -> bytes:
    """The bytes of one read."""
    number = values.number & 0xFFFF
    if read is Read.MODBUS_IDENTITY:
        return struct.pack(">HHHB", number, 0, 5, values.unit & 0xFF) + b"\x2b\x0e\x01\x00"
    if read in _S7:
        return _S7[read][:11] + struct.pack(">H", number) + _S7[read][13:] if read is not Read.S7_CONNECT else _S7[read]
    if read is Read.ENIP_IDENTITY:
        return struct.pack("<HHII8sI", 0x63, 0, 0, 0, struct.pack(">Q", number), 0)
    if read in (Read.OPCUA_HELLO, Read.OPCUA_CHANNEL, Read.OPCUA_ENDPOINTS):
        return _opcua(read, values)
    if read is Read.BACNET_WHO_IS:
        return bytes.fromhex("810a000801001008")
    if read in _BACNET:
        device = struct.pack(">I", 8 << 22 | values.instance & 0x3FFFFF)
        head = bytes.fromhex("810a001101040005") + bytes((number & 0xFF, 12, 0x0C))
        return head + device + bytes((0x19, _BACNET[read]))
    if read is Read.SNMP_SYSTEM:
        return _snmp(values)
    if read is Read.MQTT_CONNECT:
        client = b"gatehouse-%04x" % number
        return (
            b"\x10" + bytes((12 + len(client),)) + b"\0\x04MQTT\x04\x02\0\x3c" + struct.pack(">H", len(client)) + client
        )
    return bytes.fromhex("800002000000006300") + bytes((number & 0xFF,)) + b"\x05\x01\x00"


_S7 = {
    Read.S7_CONNECT: bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102"),
    Read.S7_SETUP: bytes.fromhex("0300001902f08032010000000000080000f0000001000101e0"),
    Read.S7_MODULE: bytes.fromhex("0300002102f080320700000000000800080001120411440100ff09000400110001"),
    Read.S7_COMPONENT: bytes.fromhex("0300002102f080320700000000000800080001120411440100ff090004001c0001"),
}


def _snmp(values: Values) -> bytes:
    name = values.community.encode("ascii", "replace")[:64]
    names = b"".join(b"\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01" + bytes((one, 0)) + b"\x05\x00" for one in (1, 5))
    ident = struct.pack(">H", values.number & 0x7FFF)
    pdu = b"\x02\x02" + ident + b"\x02\x01\x00\x02\x01\x00\x30" + bytes((len(names),)) + names
    body = b"\x02\x01\x01\x04" + bytes((len(name),)) + name + b"\xa0" + bytes((len(pdu),)) + pdu
    return b"\x30" + (bytes((len(body),)) if len(body) < 128 else b"\x81" + bytes((len(body),))) + body


def _opcua(read: Read, values: Values) -> bytes:
    url = b"opc.tcp://device:4840"
    text = struct.pack("<I", len(url)) + url
    if read is Read.OPCUA_HELLO:
        body = struct.pack("<5I", 0, 65536, 65536, 0, 0) + text
        return b"HELF" + struct.pack("<I", 8 + len(body)) + body
    number = values.number & 0xFFFF
    header = bytes(2) + bytes(8) + struct.pack("<IIiI", number, 0, -1, 3000) + bytes(3)
    if read is Read.OPCUA_CHANNEL:
        policy = b"http://opcfoundation.org/UA/SecurityPolicy#None"
        body = struct.pack("<II", 0, len(policy)) + policy + struct.pack("<iiII", -1, -1, 1, number)
        body += b"\x01\x00" + struct.pack("<H", 446) + header + struct.pack("<IIIiI", 0, 0, 1, -1, 60_000)
        return b"OPNF" + struct.pack("<I", 8 + len(body)) + body
    body = struct.pack("<IIII", values.channel & 0xFFFFFFFF, values.token & 0xFFFFFFFF, 2, number)
    body += b"\x01\x00" + struct.pack("<H", 428) + header + text + struct.pack("<ii", -1, -1)
    return b"MSGF" + struct.pack("<I", 8 + len(body)) + body


# what a device does for these costs it about the same; any other read is like none but itself
_ALIKE = (
    (Read.S7_CONNECT, Read.S7_SETUP),
    (Read.S7_MODULE, Read.S7_COMPONENT),
    tuple(_BACNET),
)


def likeness(read: Read) -> Read:
    """The read that stands for all whose latencies may be compared with that of `read`."""
    return next((group[0] for group in _ALIKE if read in group), read)


_I_AM = b"\x10\x00\xc4"  # unconfirmed request, I-Am, an object identifier


def answers_to_all(read: Read, heard: bytes) -> bool:
    """Whether `heard`, which a device sent to everybody, answers `read`: it sends much else to everybody too."""
    return read is Read.BACNET_WHO_IS and _I_AM in heard


def learn(read: Read, answer: bytes, values: Values) -> None:
    """Keep from an answer what the next read must repeat."""
    if read is Read.OPCUA_CHANNEL and len(answer) > 60:
        values.channel = int.from_bytes(answer[8:12], "little")
        # behind policy, certificate fields, sequence and the response header: protocol version, channel, token
        at = 16 + int.from_bytes(answer[12:16], "little") + 8 + 8 + 4 + 24 + 4
        values.token = int.from_bytes(answer[at + 4 : at + 8], "little")
    elif read is Read.BACNET_WHO_IS and _I_AM in answer:
        at = answer.index(_I_AM) + 3
        values.instance = int.from_bytes(answer[at : at + 4], "big") & 0x3FFFFF
