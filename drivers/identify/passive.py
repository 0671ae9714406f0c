"""Passive identification of what comes from a descriptor: a capture file, or a packet socket that somebody else opened."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from drivers.identify.engine import Engine
from drivers.identify.formats import recognise
from drivers.identify.oui import maker
from drivers.identify.signatures import table
from drivers.identify.source import PAD, Batch, CaptureError, batches

_SNAPSHOT = 65_535
_BATCH_PACKETS, _BATCH_MS = 4096, 250


# one Modbus request over IPv4 and one over IPv6: enough to run every line that loads something when it first runs
_REHEARSAL = tuple(
    bytes.fromhex(head + "c00001f600000001000000005018100000000000" + "0001000000060103000a0001")
    for head in (
        "0200000000010200000000020800" + "4500003400000000400600000a0000010a000002",
        "02000000000102000000000286dd" + "6000000000200640" + "fd" + "00" * 14 + "01" + "fd" + "00" * 14 + "02",
    )
)


def rehearse() -> None:
    """Run once over known packets, so that nothing is left to be loaded when no file can be opened any more."""
    maker("")
    engine = Engine(table(), 1)
    engine.take(_batch(list(_REHEARSAL)))
    _result(engine, 0, 0, None)


def from_file(descriptor: int) -> dict[str, Any]:
    """What the capture open at `descriptor` tells; a problem is told beside what was found before it."""
    engine = Engine(table(), secrets.randbits(128))
    problem: dict[str, Any] | None = None
    first = last = 0
    try:
        for batch in batches(lambda most: os.read(descriptor, most), recognise):
            engine.take(batch)
            first, last = first or batch.first_ns, batch.last_ns or last
    except CaptureError as error:
        problem = {"reason": error.reason, "offset": error.offset, "found": error.found}
    return _result(engine, first, last, problem)


def from_socket(descriptor: int, seconds: float) -> dict[str, Any]:
    """What is heard at the packet socket `descriptor` for `seconds` (0: until SIGINT or SIGTERM)."""
    engine = Engine(table(), secrets.randbits(128))
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: asked.append(got))
    listening = socket.socket(fileno=descriptor)
    end = time.monotonic() + seconds if seconds else float("inf")
    began = time.time_ns()
    for batch in _heard(listening, lambda: bool(asked) or time.monotonic() >= end):
        engine.take(batch)
    listening.close()
    return _result(engine, began, time.time_ns(), None)


def _heard(listening: socket.socket, ended: Callable[[], bool]) -> Iterator[Batch]:
    # not settimeout(): that polls, and a process that may open no descriptor may not poll either
    listening.setblocking(True)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, _BATCH_MS * 1000))
    packets: list[bytes] = []
    since = time.monotonic()
    while not ended():
        with contextlib.suppress(BlockingIOError, TimeoutError, InterruptedError):
            packets.append(listening.recv(_SNAPSHOT))
        if packets and (len(packets) >= _BATCH_PACKETS or time.monotonic() - since > _BATCH_MS / 1000):
            yield _batch(packets)
            packets, since = [], time.monotonic()
    if packets:
        yield _batch(packets)


def _batch(packets: list[bytes]) -> Batch:
    size = np.fromiter(map(len, packets), np.int64, len(packets))
    start = np.concatenate(([0], np.cumsum(size)[:-1])).astype(np.int64)
    data = np.frombuffer(b"".join(packets) + bytes(PAD), np.uint8)
    return Batch(data, start, size, size, np.ones(len(packets), np.int64))


def _result(engine: Engine, first: int, last: int, problem: dict[str, Any] | None) -> dict[str, Any]:
    report, tally = engine.finish(), engine.tally
    return {
        "capture": {
            "packets": tally.packets,
            "bytes": tally.octets,
            "first_utc_ms": first // 1_000_000,
            "last_utc_ms": last // 1_000_000,
            "fragments": tally.fragments,
            "cut": tally.cut,
            "malformed": tally.malformed,
            "unknown_link": tally.unknown_link,
            "left_out": engine.dropped + report.left_out,
        },
        "problem": problem,
        "findings": report.rows(),
        "hints": report.hint_rows(),
    }
