"""5,000 alarms in ten seconds through kernel, journal and outbox: on disk in time, told apart upstream, few lines on the page."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvloop

from gateway.control.views import AlarmView
from gateway.core.effects import Journal as JournalEffect
from gateway.core.kernel import Kernel
from gateway.core.program import Alarm, Compare, Program
from gateway.core.samples import Columns, SelfCheck, Stamp
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.journal.journal import Journal
from gateway.page.stream import shown_alarms
from gateway.upstream.encode import Encoder, Names
from gateway.upstream.outbox import Outbox
from tests.bench.figure import figure

SECOND = 1_000_000_000
TAGS = 1_250  # each raised four times, the last times as chatter too
WAVES, SECONDS = 4, 10
URGENT = 5  # of the tags are P1 or P2


def figures(quick: bool) -> list[dict[str, Any]]:
    """Ten seconds of real time, whether quick or not: what is told upstream is bounded by the second."""
    del quick
    with tempfile.TemporaryDirectory() as folder:
        found = uvloop.run(_flood(Path(folder)))
    alarms, journalled_s, leaving, urgent, lines = found
    return [
        figure("alarms of the flood", alarms, "alarms", ">= 5,000", alarms >= 5_000),
        figure("the last of them on disk", journalled_s, "s after it came", "<= 2 s", journalled_s <= 2),
        figure(
            "records upstream beside P1 and P2",
            max(n for at, n in leaving.items() if at > min(leaving)),
            "most in a second",
            "<= 1",
            _calm(leaving),
        ),
        figure("P1 and P2 upstream, one by one", urgent, "alarms", f"{URGENT * WAVES}", urgent == URGENT * WAVES),
        figure("lines on the page", lines, "lines", "<= 10", lines <= 10),
    ]


def _calm(leaving: Counter[int]) -> bool:
    """At most one a second, once the flood is known to be one: its sixth alarm says so, and the begin is told."""
    return all(count <= 1 for at, count in leaving.items() if at > min(leaving))


def _kernel() -> Kernel:
    tags = [Tag(at, f"t{at}", "plc1", 0, area="pit") for at in range(TAGS)]
    table = TagTable(tags, [Group(0, "poll", "plc1", 0, TAGS, 60_000)], [Source("plc1", "modbus", 100)])
    rules = tuple(
        Alarm(
            name=f"A{at}",
            when=Compare(f"t{at}", ">", 80.0),
            priority=(1 if at % 2 else 2) if at < URGENT else 3 if at % 3 else 4,
            on_bad="alarm",
        )
        for at in range(TAGS)
    )
    return Kernel(table, Program(rules), 1)


async def _flood(folder: Path) -> tuple[int, float, Counter[int], int, int]:
    kernel, encoder = _kernel(), Encoder(Names("works", "gw-1", 1), {})
    outbox = Outbox(folder / "journal.db", encoder)
    journal = Journal(folder, outbox)
    journal.open()
    seq = raised = 0
    began = 0.0

    def give(given: Any) -> None:
        nonlocal seq, raised
        seq += 1
        for effect in kernel.step(Stamp(seq, time.monotonic_ns(), time.time_ns()), given):
            if isinstance(effect, JournalEffect):
                raised += effect.record.kind == "alarm.raise"
                journal.append(effect)

    give(SelfCheck(True))
    zeros = np.zeros(TAGS, np.uint8)
    values = np.zeros(TAGS)
    give(Columns(0, values.copy(), zeros, zeros))
    pieces = 50  # ten a second and more: the flood comes in blocks, as a PLC tells it
    wave = SECONDS / WAVES
    for _ in range(WAVES):
        for piece in range(pieces):
            at = range(piece * TAGS // pieces, (piece + 1) * TAGS // pieces)
            values[list(at)] = 90.0
            give(Columns(0, values.copy(), zeros, zeros))
            began = time.monotonic()
            await asyncio.sleep(wave / pieces)
        if raised < TAGS * WAVES:
            values[:] = 0.0
            give(Columns(0, values.copy(), zeros, zeros))
    while journal.counts().waiting:  # noqa: ASYNC110  what is measured is when it is empty
        await asyncio.sleep(0.005)
    journalled_s = time.monotonic() - began
    lines = len(shown_alarms(_views(kernel)))
    await asyncio.sleep(1.2)  # the last gap record
    leaving, urgent = _leaving(outbox)
    journal.close()
    return raised, journalled_s, leaving, urgent, lines


def _views(kernel: Kernel) -> list[AlarmView]:
    """What the page is given, without the texts."""
    empty: dict[str, Any] = {"title": {}, "cause": {}, "consequence": {}, "response": {}, "unit": "", "limit": None}
    return [
        msgspec.convert(
            {
                **empty,
                **{"name": p.name, "area": p.area, "priority": p.priority, "category": p.category, "state": p.shown},
                **{"active": p.active, "occurrence": f"{p.occurrence[1]:09}", "raised_utc_ms": p.raised_ms},
                **{"value": p.value, "count": p.count, "recorded": True, "flood": kernel.alarms.bursts.flood_of(p)},
            },
            AlarmView,
        )
        for p in kernel.alarms.points.values()
    ]


def _leaving(outbox: Outbox) -> tuple[Counter[int], int]:
    """Records of the lanes that may be many, by second; and raises of P1 and P2."""
    seconds: Counter[int] = Counter()
    urgent = 0
    for lane in (1, 2, 3, 4, 5):
        for row in outbox.page(lane, 0, 10_000):
            fields = json.loads(row.payload)
            if lane <= 2:
                urgent += fields["ev"] == "raise"
            elif row.kind != "chatter" or fields["prio"] > 2:
                seconds[fields["ts_ms"] // 1000] += 1
    return seconds, urgent
