"""Findings: flows brought together by protocol and device, with their evidence; hints that are no identification apart."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from drivers.identify.evidence import Hits
from drivers.identify.flow import Flow
from drivers.identify.link import FRAME, TCP
from drivers.identify.oui import maker
from drivers.identify.signatures import Table

MOST_DEVICES, MOST_HINTS, MOST_PEERS = 4096, 256, 8
_RANK = {"": 0, "likely": 1, "confirmed": 2}
_EPHEMERAL = 32_768
_ENVELOPES = ("iso_tsap",)  # not worth a line of its own where its content is known


@dataclass(slots=True)
class Device:
    """One protocol at one device, over all its flows."""

    protocol: str
    address: str
    port: int
    transport: str
    mac: str
    confidence: str
    rule: str = ""
    bits: float = 0.0
    frames: int = 0
    answered: int = 0
    packets: int = 0
    octets: int = 0
    sample: bytes = b""
    answer: bytes = b""
    facts: dict[str, str] = field(default_factory=dict)
    peers: set[str] = field(default_factory=set)


class Report:
    """Grows by flows; `rows` are the findings. Bounded: what is beyond is counted in `left_out`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.devices: dict[tuple[str, str, int], Device] = {}
        self.hints: dict[tuple[str, str, int], int] = {}
        self.left_out = 0

    def add(self, flow: Flow) -> None:
        """One flow, with all that was understood of it."""
        sure = {name: hits.confidence(flow.missed) for name, hits in flow.hits.items()}
        inner = {self._table.protocols[name].within for name, confidence in sure.items() if confidence}
        known = False
        for name, hits in flow.hits.items():
            if sure[name]:
                known = True
                if name not in inner or name not in _ENVELOPES:
                    self._device(flow, hits, sure[name])
        if not known and flow.octets and flow.kind != FRAME:
            self._hint(flow)

    def _device(self, flow: Flow, hits: Hits, confidence: str) -> None:
        end = _device_end(flow, hits)
        address, port, mac = flow.ends[end]
        # a client that publishes from a port of the moment is one device, however many ports it used
        shown = port if port < _EPHEMERAL or hits.votes[end] else 0
        key = (hits.protocol, _address(flow, address), shown)
        device = self.devices.get(key)
        if device is None:
            if len(self.devices) >= MOST_DEVICES:
                self.left_out += 1
                return
            transport = "ethernet" if flow.kind == FRAME else "tcp" if flow.kind == TCP else "udp"
            device = self.devices[key] = Device(key[0], key[1], shown, transport, mac.hex(":"), confidence, hits.rule)
        if _RANK[confidence] > _RANK[device.confidence]:
            device.confidence = confidence
        device.mac = device.mac or mac.hex(":")
        if hits.best_bits > device.bits:
            device.bits, device.sample = hits.best_bits, hits.sample
        device.answer = device.answer or hits.answer
        device.frames += hits.frames
        device.answered += hits.answered
        device.packets += flow.packets
        device.octets += flow.octets
        device.facts |= hits.facts[end]
        peer = flow.ends[1 - end][0]
        if peer and len(device.peers) < MOST_PEERS:
            device.peers.add(_address(flow, peer))

    def _hint(self, flow: Flow) -> None:
        """A known port without a frame that proves it: never an identification."""
        for end in (0, 1):
            address, port, _ = flow.ends[end]
            over = "tcp" if flow.kind == TCP else "udp"
            for variant in self._table.by_port.get((over, port), ()):
                key = (variant.protocol, _address(flow, address), port)
                if key in self.hints or len(self.hints) < MOST_HINTS:
                    self.hints[key] = self.hints.get(key, 0) + flow.packets

    def rows(self) -> list[dict[str, Any]]:
        """The findings, plain: those that are surest first."""
        rows = [self._row(device) for device in self.devices.values()]
        return sorted(rows, key=lambda row: (-_RANK[row["confidence"]], row["protocol"], row["address"], row["port"]))

    def _row(self, device: Device) -> dict[str, Any]:
        text = self._table.protocols[device.protocol]
        facts = dict(device.facts)
        facts.setdefault("mac_maker", maker(facts.get("mac") or device.mac))
        hint = ""
        if device.protocol == "tls":
            hint = next(
                (v.protocol for v in self._table.by_port.get(("tcp", device.port), ()) if v.protocol != "tls"), ""
            )
        return {
            "protocol": device.protocol,
            "name": {"en": text.en, "zh-CN": text.zh},
            "kind": text.kind,
            "confidence": device.confidence,
            "address": device.address,
            "port": device.port,
            "transport": device.transport,
            "mac": device.mac,
            "brand": facts.pop("brand", ""),
            "model": facts.pop("model", "") or facts.get("order_number", ""),
            "firmware": facts.pop("firmware", ""),
            "facts": {name: value for name, value in sorted(facts.items()) if value},
            "port_hint": hint,
            "frames": device.frames,
            "answered": device.answered,
            "packets": device.packets,
            "bytes": device.octets,
            "peers": sorted(device.peers),
            "evidence": {
                "rule": device.rule,
                "bits": round(device.bits),
                "frame_hex": device.sample.hex(),
                "answer_hex": device.answer.hex(),
                "source": text.source,
            },
        }

    def hint_rows(self) -> list[dict[str, Any]]:
        """Ports that are known, where nothing was understood."""
        return [
            {"protocol": protocol, "address": address, "port": port, "packets": packets}
            for (protocol, address, port), packets in sorted(self.hints.items())
        ]


def _device_end(flow: Flow, hits: Hits) -> int:
    """Which end the protocol belongs to: who is asked, else who has its port, who was connected to, who sent."""
    if flow.kind == FRAME:
        return 0  # its flow is the sending station
    silent = [not hits.senders[end] and _to_many(flow.ends[end][0]) for end in (0, 1)]
    if silent[0] != silent[1]:
        return int(silent[0])
    if hits.votes[0] != hits.votes[1]:
        return int(hits.votes[1] > hits.votes[0])
    ports = flow.locked.ports if flow.locked is not None else frozenset()
    own = [flow.ends[end][1] in ports for end in (0, 1)]
    if own[0] != own[1]:
        return int(own[1])
    if flow.opener >= 0:
        return 1 - flow.opener
    return int(hits.senders[1] > hits.senders[0])


def _to_many(address: bytes) -> bool:
    """Whether `address` is one of a group or of all: nobody's own."""
    if len(address) == 4:
        return address[0] >= 224 or address[3] == 255
    return len(address) == 16 and address[0] == 0xFF


def _address(flow: Flow, raw: bytes) -> str:
    if flow.kind == FRAME:
        return raw.hex(":")
    return str(ipaddress.ip_address(raw)) if len(raw) in (4, 16) else ""
