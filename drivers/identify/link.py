"""From packets to payloads, all packets of a batch at once: link layers, VLAN and HSR tags, IPv4, IPv6, TCP, UDP.

Every step narrows a set of rows; a packet that is too short, fragmented or of an unknown link type simply drops out and is
counted. Headers are gathered at offsets that may lie behind a packet's end (never behind the batch: it is padded), and the
length test afterwards decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.identify.source import Batch, Bytes, Ints

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

TCP, UDP, FRAME = 6, 17, 0
_VLAN, _HSR, _IP4, _IP6, _CDP = (0x8100, 0x88A8, 0x9100), 0x892F, 0x0800, 0x86DD, 0x2000
# link types, from the registry of the pcap project
_NULL, _ETHERNET, _RAW, _LOOP, _SLL, _SLL2 = (0,), (1,), (12, 14, 101, 228, 229), (108,), (113,), (276,)
KNOWN_LINKS = (*_NULL, *_ETHERNET, *_RAW, *_LOOP, *_SLL, *_SLL2)


@dataclass(slots=True)
class Payloads:
    """Columns, one row per packet that has a payload or opens a connection; offsets into `data`.

    `kind` TCP, UDP or FRAME (a frame of its own ethertype); `whole` False where the capture cut the payload.
    `low` the hash of the smaller end, `key` that of the flow, `forward` whether the packet left the smaller end.
    """

    data: Bytes
    kind: Ints
    ether: Ints
    head: Ints
    mac: Ints
    start: Ints
    size: Ints
    whole: Flags
    version: Ints
    source_port: Ints
    target_port: Ints
    sequence: Ints
    flags: Ints
    key: Hashes
    forward: Flags


@dataclass(slots=True)
class Tally:
    """What the decoder could not use, over the whole capture."""

    packets: int = 0
    octets: int = 0
    fragments: int = 0
    cut: int = 0
    unknown_link: int = 0
    malformed: int = 0


class Decoder:
    """Decodes batches; `tally` counts what was left out. The hash is salted: nobody can prepare two flows to meet."""

    def __init__(self, salt: int) -> None:
        self.tally = Tally()
        self._a = np.uint64(0x9E3779B97F4A7C15 ^ (salt & 0xFFFFFFFFFFFFFFFE))
        self._b = np.uint64(0xC2B2AE3D27D4EB4F ^ ((salt >> 64) & 0xFFFFFFFFFFFFFFFE))

    def decode(self, batch: Batch) -> Payloads:
        """The payloads of a batch, in the order of its packets."""
        tally, data = self.tally, batch.data
        tally.packets += len(batch.start)
        tally.octets += int(batch.wire.sum())
        rows = np.arange(len(batch.start))
        end = batch.start + batch.size
        cut = np.maximum(batch.wire - batch.size, 0)
        at, ether, mac, good = _link(data, batch)
        tally.unknown_link += int(np.count_nonzero(~_among(batch.link, KNOWN_LINKS)))
        rows = rows[good]
        at, ether, mac, end, cut = at[good], ether[good], mac[good], end[good], cut[good]
        at, ether = _tags(data, at, ether)
        return self._layers(data, at, ether, mac, end, cut)

    def _layers(self, data: Bytes, at: Ints, ether: Ints, mac: Ints, end: Ints, cut: Ints) -> Payloads:
        n = len(at)
        out = Payloads(
            data, np.full(n, FRAME), ether, at, mac, at.copy(), np.maximum(end - at, 0), cut == 0,
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
            np.zeros(n, np.int64), np.zeros(n, np.uint64), np.ones(n, bool),
        )  # fmt: skip
        keep = np.zeros(n, bool)
        protocol = np.full(n, -1)
        one, two = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        self._ip4(data, out, np.nonzero(ether == _IP4)[0], end, keep, protocol, one, two)
        self._ip6(data, out, np.nonzero(ether == _IP6)[0], end, keep, protocol, one, two)
        self._tcp(data, out, np.nonzero(keep & (protocol == TCP))[0], keep)
        self._udp(data, out, np.nonzero(keep & (protocol == UDP))[0], keep)
        keep &= _among(protocol, (TCP, UDP))
        self._keys(out, one, two)
        frames = np.nonzero((ether >= 0x600) & (ether != _IP4) & (ether != _IP6) | (ether == _CDP))[0]
        self._frames(data, out, frames, keep)
        # a packet that was cut may still be counted, but nothing about its lengths can be checked
        self.tally.cut += int(np.count_nonzero(keep & ~out.whole))
        return _rows(out, np.nonzero(keep)[0])

    def _ip4(
        self, data: Bytes, out: Payloads, rows: Ints, end: Ints, keep: Flags, protocol: Ints, one: Hashes, two: Hashes
    ) -> None:
        at = out.head[rows]
        first, total = data[at].astype(np.int64), _be16(data, at + 2)
        header = (first & 15) * 4
        shape = (first >> 4 == 4) & (header >= 20) & ((total >= header) | (total == 0)) & (at + header <= end[rows])
        broken = (_be16(data, at + 6) & 0x3FFF) != 0
        self.tally.malformed += int(np.count_nonzero(~shape))
        self.tally.fragments += int(np.count_nonzero(shape & broken))
        good = shape & ~broken
        rows, at, header, total = rows[good], at[good], header[good], total[good]
        # 0 stands where the network card was to fill it in: then the packet ends where the capture says
        stop = np.where(total == 0, end[rows], at + total)
        self._set(out, rows, at + header, stop, end[rows], 4)
        protocol[rows] = data[at + 9]
        one[rows] = self._mix(_be32(data, at + 12).astype(np.uint64))
        two[rows] = self._mix(_be32(data, at + 16).astype(np.uint64))
        keep[rows] = True

    def _ip6(
        self, data: Bytes, out: Payloads, rows: Ints, end: Ints, keep: Flags, protocol: Ints, one: Hashes, two: Hashes
    ) -> None:
        at = out.head[rows]
        size = _be16(data, at + 4)
        good = (data[at] >> 4 == 6) & (at + 40 <= end[rows])
        self.tally.malformed += int(np.count_nonzero(~good))
        rows, at, size = rows[good], at[good], size[good]
        stop = np.where(size == 0, end[rows], at + 40 + size)
        following, payload = data[at + 6].astype(np.int64), at + 40
        for _ in range(4):  # hop-by-hop, routing, destination options: each 8 (n + 1) bytes
            more = _among(following, (0, 43, 60)) & (payload + 8 <= stop) & (payload + 8 <= end[rows])
            step = np.minimum(payload, len(data) - 8)
            following = np.where(more, data[step].astype(np.int64), following)
            payload = np.where(more, payload + (data[step + 1].astype(np.int64) + 1) * 8, payload)
        broken = following == 44
        self.tally.fragments += int(np.count_nonzero(broken))
        good = ~broken & (payload <= end[rows])
        rows, at = rows[good], at[good]
        self._set(out, rows, payload[good], stop[good], end[rows], 6)
        protocol[rows] = following[good]
        for side, offset in ((one, 8), (two, 24)):
            folded = np.zeros(len(at), np.uint64)
            for word in range(0, 16, 4):
                folded = self._mix(folded ^ _be32(data, at + offset + word).astype(np.uint64))
            side[rows] = folded
        keep[rows] = True

    def _set(self, out: Payloads, rows: Ints, start: Ints, stop: Ints, end: Ints, version: int) -> None:
        out.start[rows] = start
        out.size[rows] = np.maximum(np.minimum(stop, end) - start, 0)
        out.whole[rows] = stop <= end
        out.version[rows] = version

    def _tcp(self, data: Bytes, out: Payloads, rows: Ints, keep: Flags) -> None:
        at, size = out.start[rows], out.size[rows]
        inside = np.minimum(at, len(data) - 20)
        header = (data[inside + 12].astype(np.int64) >> 4) * 4
        good = (size >= 20) & (header >= 20) & (header <= size)
        self.tally.malformed += int(np.count_nonzero(~good))
        keep[rows[~good]] = False
        rows, at, header = rows[good], at[good], header[good]
        out.kind[rows] = TCP
        out.source_port[rows], out.target_port[rows] = _be16(data, at), _be16(data, at + 2)
        out.sequence[rows] = _be32(data, at + 4)
        out.flags[rows] = data[at + 13]
        out.start[rows] += header
        out.size[rows] -= header

    def _udp(self, data: Bytes, out: Payloads, rows: Ints, keep: Flags) -> None:
        at, size = out.start[rows], out.size[rows]
        inside = np.minimum(at, len(data) - 8)
        length = _be16(data, inside + 4)
        good = (size >= 8) & (length >= 8)
        self.tally.malformed += int(np.count_nonzero(~good))
        keep[rows[~good]] = False
        rows, at, size, length = rows[good], at[good], size[good], length[good]
        out.kind[rows] = UDP
        out.source_port[rows], out.target_port[rows] = _be16(data, at), _be16(data, at + 2)
        out.start[rows] += 8
        out.whole[rows] &= length <= size
        out.size[rows] = np.minimum(size, length) - 8

    def _keys(self, out: Payloads, one: Hashes, two: Hashes) -> None:
        one = one + out.source_port.astype(np.uint64)
        two = two + out.target_port.astype(np.uint64)
        out.forward = one <= two
        low, high = np.minimum(one, two), np.maximum(one, two)
        out.key = self._mix(self._mix(low) ^ (high * self._b) ^ out.kind.astype(np.uint64))

    def _frames(self, data: Bytes, out: Payloads, rows: Ints, keep: Flags) -> None:
        """A frame of an ethertype of its own: its flow is the sending station."""
        mac = out.mac[rows]
        station = np.zeros(len(rows), np.uint64)
        known = mac >= 0
        station[known] = (_be32(data, mac[known]).astype(np.uint64) << np.uint64(16)) | _be16(
            data, mac[known] + 4
        ).astype(np.uint64)
        out.key[rows] = self._mix(station ^ self._mix(out.ether[rows].astype(np.uint64)))
        out.forward[rows] = True
        keep[rows] = True

    def _mix(self, value: Hashes) -> Hashes:
        value = (value ^ (value >> np.uint64(29))) * self._a
        value ^= value >> np.uint64(32)
        return value * self._b


def _rows(out: Payloads, rows: Ints) -> Payloads:
    return Payloads(
        out.data, out.kind[rows], out.ether[rows], out.head[rows], out.mac[rows], out.start[rows], out.size[rows],
        out.whole[rows], out.version[rows], out.source_port[rows], out.target_port[rows], out.sequence[rows],
        out.flags[rows], out.key[rows], out.forward[rows],
    )  # fmt: skip


def _link(data: Bytes, batch: Batch) -> tuple[Ints, Ints, Ints, Flags]:
    """Where the network layer begins, its ethertype, where the sender's hardware address lies (-1: nowhere), and which are good."""
    at, size, link = batch.start.copy(), batch.size, batch.link
    n = len(at)
    ether, mac, good = np.zeros(n, np.int64), np.full(n, -1), np.zeros(n, bool)
    for kinds, header, type_at, mac_at in ((_ETHERNET, 14, 12, 6), (_SLL, 16, 14, 6), (_SLL2, 20, 0, 12)):
        rows = np.nonzero(_among(link, kinds) & (size >= header))[0]
        ether[rows] = _be16(data, at[rows] + type_at)
        mac[rows] = at[rows] + mac_at
        at[rows] += header
        good[rows] = True
    rows = np.nonzero(_among(link, _RAW) & (size >= 20))[0]
    ether[rows] = _of_version(data[at[rows]])
    good[rows] = True
    rows = np.nonzero(_among(link, _NULL + _LOOP) & (size >= 24))[0]  # 4 bytes of address family in any order
    ether[rows] = _of_version(data[at[rows] + 4])
    at[rows] += 4
    good[rows] = True
    _llc(data, at, ether)
    return at, ether, mac, good


def _of_version(first: Bytes) -> Ints:
    version = first.astype(np.int64) >> 4
    return np.where(version == 4, _IP4, np.where(version == 6, _IP6, 0))


def _llc(data: Bytes, at: Ints, ether: Ints) -> None:
    """Frames of 802.3 with a SNAP header carry an ethertype too; CDP is Cisco's 0x2000 in there."""
    rows = np.nonzero((ether > 8) & (ether < 0x600))[0]
    if not len(rows):
        return
    head = at[rows]
    snap = (data[head] == 0xAA) & (data[head + 1] == 0xAA) & (data[head + 2] == 3)
    owner = (_be32(data, head + 3) >> 8) & 0xFFFFFF
    inner = _be16(data, head + 6)
    good = snap & ((owner == 0) & (inner >= 0x600) | (owner == 0x00000C) & (inner == _CDP))
    ether[rows] = np.where(good, inner, 0)
    at[rows] += np.where(good, 8, 0)


def _tags(data: Bytes, at: Ints, ether: Ints) -> tuple[Ints, Ints]:
    for _ in range(3):
        vlan, hsr = _among(ether, _VLAN), ether == _HSR
        if not (vlan.any() or hsr.any()):
            break
        step = np.where(vlan, 4, np.where(hsr, 6, 0))
        inside = np.minimum(at + step - 2, len(data) - 2)
        ether = np.where(step > 0, _be16(data, inside), ether)
        at = at + step
    return at, ether


def _among(values: Ints, few: tuple[int, ...]) -> Flags:
    """Which of `values` are one of `few`."""
    out: Flags = np.equal(values, few[0])
    for one in few[1:]:
        out |= values == one
    return out


def _be16(data: Bytes, at: Ints) -> Ints:
    at = np.minimum(at, len(data) - 2)
    return (data[at].astype(np.int64) << 8) | data[at + 1]


def _be32(data: Bytes, at: Ints) -> Ints:
    return (_be16(data, at) << 16) | _be16(data, at + 2)
