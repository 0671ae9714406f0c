"""Passive identification: bytes of capture a second on one core, beside a loop that only walks the records of the same file."""

from __future__ import annotations

import io
import random
import struct
import time
from typing import Any

from drivers.identify.formats import recognise
from drivers.identify.source import CaptureError, batches
from tests.bench.figure import figure
from tests.drivers.identify.frames import datagrams, dialogue, pcap
from tests.drivers.identify.run import CAPTURES, engine_of
from tests.drivers.identify.specified import SPECIFIED

MUST_MB_S = 50.0


def figures(quick: bool) -> list[dict[str, Any]]:
    """The mix of the licensed captures where they are, else traffic made of specified frames."""
    octets = 120_000_000 if quick else 400_000_000
    mixed, name = _licensed(), "identify_captures"
    if not mixed:
        mixed, name = _made(), "identify_made_traffic"
    capture = pcap([]) + mixed * max(1, octets // len(mixed))
    rounds = [(_walk(capture), _identify(capture)) for _ in range(3 if quick else 5)]
    walked = len(capture) / 1e6 / min(one for one, _ in rounds)
    rate = len(capture) / 1e6 / min(one for _, one in rounds)
    packet = len(mixed) / max(1, _count(mixed))
    return [
        figure(
            name,
            rate,
            f"MB/s of CPU time, {packet:.0f} bytes a packet",
            f">= {MUST_MB_S:g} MB/s",
            rate >= MUST_MB_S,
            walked,
        )
    ]


def _walk(capture: bytes) -> float:
    """Seconds of CPU to find where every record begins and no more."""
    began = time.process_time()
    at, read = 24, struct.Struct("<I").unpack_from
    while at < len(capture):
        at += 16 + read(capture, at + 8)[0]
    return time.process_time() - began


def _identify(capture: bytes) -> float:
    began = time.process_time()
    engine, problem = engine_of(capture)
    assert problem is None
    assert engine.finish().rows()
    return time.process_time() - began


def _count(records: bytes) -> int:
    at, count = 0, 0
    while at < len(records):
        at, count = at + 16 + struct.unpack_from("<I", records, at + 8)[0], count + 1
    return count


def _licensed() -> bytes:
    """The Ethernet packets of all licensed captures, as records."""
    out = []
    for path in sorted(CAPTURES.glob("*.pcap*")):
        try:
            for batch in batches(io.BytesIO(path.read_bytes()).read, recognise):
                for start, size, link in zip(batch.start, batch.size, batch.link, strict=True):
                    if link == 1:
                        out.append(struct.pack("<IIII", 1, 1, size, size) + batch.data[start : start + size].tobytes())
        except CaptureError:  # some end inside a packet, on purpose
            pass
    return b"".join(out)


def _made() -> bytes:
    """Connections of the specified frames among bulk data nobody can identify."""
    noise = random.Random(5)
    bulk = [noise.randbytes(1200) for _ in range(400)]
    cases = [case for case in SPECIFIED if isinstance(case.over, str)]
    made = [one for case in cases for one in (dialogue if case.over == "tcp" else datagrams)(case.port, case.turns)]
    return pcap([*made, *dialogue(9999, bulk)])[24:]
