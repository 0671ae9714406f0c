"""From batches of packets to flows to findings: counting for all packets at once, looking only at those that may tell."""

from __future__ import annotations

import numpy as np

from drivers.identify.flow import End, Flow
from drivers.identify.link import FRAME, TCP, Decoder, Payloads, Tally
from drivers.identify.report import Report
from drivers.identify.signatures import Table
from drivers.identify.source import Batch, Ints

MOST_FLOWS = 50_000
MOST_KEPT = 32 << 20  # bytes in all streams; beyond, streams are forgotten and found again at their next segment
MOST_GLANCES = 64  # packets of a known flow that are looked at again


class Engine:
    """Takes batches; `report` holds what has been found. Memory is bounded whatever comes."""

    def __init__(self, table: Table, salt: int) -> None:
        self._table = table
        self._decoder = Decoder(salt)
        self._flows: dict[int, Flow] = {}
        self._kept = 0
        self.report = Report(table)
        self.dropped = 0

    @property
    def tally(self) -> Tally:
        """What was decoded and what could not be."""
        return self._decoder.tally

    def take(self, batch: Batch) -> None:
        """One batch of packets."""
        payloads = self._decoder.decode(batch)
        if not len(payloads.key):
            return
        self._room()
        keys, first, inverse = np.unique(payloads.key, return_index=True, return_inverse=True)
        flows = [self._flow(key, payloads, at) for key, at in zip(keys.tolist(), first.tolist(), strict=True)]
        counts = np.bincount(inverse, minlength=len(flows))
        octets = np.bincount(inverse, weights=payloads.size, minlength=len(flows))
        for flow, count, size in zip(flows, counts.tolist(), octets.tolist(), strict=True):
            flow.packets += count
            flow.octets += int(size)
        self._open(payloads, flows, inverse)
        self._look(payloads, flows, inverse)
        self._glance(payloads, flows, inverse)

    def finish(self) -> Report:
        """All flows into the report."""
        for flow in self._flows.values():
            flow.flush(self._table)
            self.report.add(flow)
        self._flows.clear()
        return self.report

    def settle(self) -> None:
        """What is known so far into the report, flows forgotten: for a live capture that goes on."""
        self.finish()
        self._kept = 0

    def _room(self) -> None:
        """Flows are handed to the report when they are too many: the plant's own come back with their next packet."""
        if len(self._flows) > MOST_FLOWS:
            self.dropped += sum(flow.open for flow in self._flows.values())
            self.settle()

    def _flow(self, key: int, payloads: Payloads, at: int) -> Flow:
        flow = self._flows.get(key)
        if flow is None:
            ends = _ends(payloads, at)
            flow = self._flows[key] = Flow(int(payloads.kind[at]), int(payloads.ether[at]), ends)
            if flow.kind == FRAME and flow.ether not in self._table.by_ether:
                flow.close()
        return flow

    def _open(self, payloads: Payloads, flows: list[Flow], inverse: Ints) -> None:
        """Who opened a connection: SYN without ACK."""
        rows = np.nonzero((payloads.kind == TCP) & (payloads.flags & 0x12 == 2))[0]
        for row in rows.tolist():
            flow = flows[inverse[row]]
            if flow.opener < 0:
                flow.opener = 0 if payloads.forward[row] else 1

    def _look(self, payloads: Payloads, flows: list[Flow], inverse: Ints) -> None:
        still = np.fromiter((flow.open for flow in flows), bool, len(flows))
        rows = np.nonzero(still[inverse] & (payloads.size > 0) & payloads.whole)[0]
        data = payloads.data
        columns = zip(
            inverse[rows].tolist(), payloads.start[rows].tolist(), payloads.size[rows].tolist(),
            payloads.forward[rows].tolist(), payloads.sequence[rows].tolist(), strict=True,
        )  # fmt: skip
        table = self._table
        for which, start, size, forward, sequence in columns:
            flow = flows[which]
            if flow.open:
                self._kept += flow.feed(table, 0 if forward else 1, sequence, data[start : start + size].tobytes())
        if self._kept > MOST_KEPT:
            self._forget()

    def _forget(self) -> None:
        self._kept = 0
        for flow in self._flows.values():
            for stream in flow.streams or ():
                stream.buffer = b""
                stream.held.clear()

    def _glance(self, payloads: Payloads, flows: list[Flow], inverse: Ints) -> None:
        """Packets of known flows that a signature asks to see, because they may name the device."""
        places = np.full(len(flows), -1)
        for at, flow in enumerate(flows):
            if (
                not flow.open
                and flow.locked is not None
                and flow.locked.watch is not None
                and flow.watch < MOST_GLANCES
            ):
                places[at] = flow.locked.watch.at
        rows = np.nonzero((places[inverse] >= 0) & (payloads.size > places[inverse]) & payloads.whole)[0]
        if not len(rows):
            return
        seen = payloads.data[payloads.start[rows] + places[inverse[rows]]]
        for row, byte in zip(rows.tolist(), seen.tolist(), strict=True):
            flow = flows[inverse[row]]
            watch = flow.locked.watch if flow.locked is not None else None
            if watch is not None and byte in watch.values and flow.watch < MOST_GLANCES:
                flow.watch += 1
                start = payloads.start[row]
                payload = payloads.data[start : start + payloads.size[row]].tobytes()
                flow.glance(0 if payloads.forward[row] else 1, payload)


def _ends(payloads: Payloads, at: int) -> tuple[End, End]:
    """The two ends of the flow of packet `at`, the one with the smaller hash first."""
    data, head, mac_at = payloads.data, int(payloads.head[at]), int(payloads.mac[at])
    mac = data[mac_at : mac_at + 6].tobytes() if mac_at >= 0 else b""
    version = int(payloads.version[at])
    if version == 4:
        source, target = data[head + 12 : head + 16].tobytes(), data[head + 16 : head + 20].tobytes()
    elif version == 6:
        source, target = data[head + 8 : head + 24].tobytes(), data[head + 24 : head + 40].tobytes()
    else:
        return (mac, 0, mac), (b"", 0, b"")
    ends = (source, int(payloads.source_port[at]), mac), (target, int(payloads.target_port[at]), b"")
    return ends if payloads.forward[at] else (ends[1], ends[0])
