"""The closure rate against rows that a kernel wrote, and against a recount that shares no code with it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from stage import Stage

from gateway.core.effects import Journal
from gateway.core.program import Alarm, Compare
from gateway.journal.reader import Event
from gateway.offline.closure import DEADLINE_MS, closure, occurrences
from gateway.offline.wilson import share

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("n", "d", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_the_interval_of_wilson_as_published(n: int, d: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    found = share(n, d)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_nothing_of_nothing_has_no_value() -> None:
    assert share(0, 0).value is None


def rows(made: Stage) -> list[Event]:
    found = []
    for seq, effect in enumerate((e for e in made.effects if isinstance(e, Journal)), 1):
        r = effect.record
        found.append(Event(seq, *r.id, r.at_ns, r.utc_ms, r.kind, r.subject, r.person, r.detail, False))
    return found


def plant(latch: bool) -> Stage:
    rule = Alarm(name="HOT", when=Compare("a1", ">", 80.0), priority=2, on_bad="alarm", latch=latch)
    made = Stage([rule])
    made.boot()
    made.poll(a1=90.0)
    return made


def closed(made: Stage) -> bool:
    (one,) = [one for one in occurrences(rows(made)) if one.alarm == "HOT"]
    return one.closed_ms() is not None


@pytest.mark.parametrize("latch", [False, True])
def test_closed_needs_a_person_a_disposition_a_return_and_of_a_latch_its_reset(latch: bool) -> None:
    made = plant(latch)
    boot, counter = made.kernel.alarms.points["HOT"].occurrence
    occurrence = f"{boot:x}-{counter}"
    told = {"occurrence": occurrence, "code": "process", "action": "cooling water opened"}
    assert made.ask("alarm.dispose", "HOT", "operator", **{**told, "code": "whatever"}).code == 6
    assert made.ask("alarm.dispose", "HOT", "operator", **{**told, "action": " "}).code == 6
    made.poll(a1=50.0)
    assert not closed(made)
    assert made.ask("alarm.ack", "HOT", "operator", occurrence=occurrence).code == 0
    assert not closed(made)
    assert made.ask("alarm.dispose", "HOT", "operator", **told).code == 0
    assert closed(made) != latch
    if latch:
        assert made.ask("alarm.reset", "HOT", "operator", reason="all is well").code == 0
        assert closed(made)


def test_a_work_order_stands_for_the_return() -> None:
    made = plant(False)
    boot, counter = made.kernel.alarms.points["HOT"].occurrence
    occurrence = f"{boot:x}-{counter}"
    told = {"occurrence": occurrence, "code": "equipment", "action": "spare ordered"}
    assert made.ask("alarm.ack", "HOT", "operator", occurrence=occurrence).code == 0
    assert made.ask("alarm.dispose", "HOT", "operator", **told).code == 0
    assert not closed(made)
    assert made.ask("alarm.dispose", "HOT", "operator", order="WO-1", **told).code == 0
    assert closed(made)


def history(seed: int) -> tuple[list[Event], dict[int, list[int]]]:
    """Random occurrences as rows, and beside them per priority: all, closed in time, closed, eligible, bulk."""
    dice, found, count = random.Random(seed), [], {p: [0, 0, 0, 0] for p in DEADLINE_MS}
    for number in range(1, 900):
        priority, up = dice.choice((1, 2, 3, 4)), dice.randrange(0, 200 * DAY_MS)
        name, person = f"A{number % 40}", f"p{number}"
        occ: dict[str, object] = {"occurrence": [1, number]}
        gaps = [dice.choice((60_000, 1_500_000, 6_000_000, 90_000_000)) for _ in range(3)]
        acked, disposed, gone = (dice.random() < 0.9 for _ in range(3))
        found.append((up, "alarm.raise", name, "", {**occ, "state": "UNACK", "priority": priority}))
        if acked:
            found.append((up + gaps[0], "alarm.ack", name, person, {**occ, "state": "ACKED"}))
        if gone:
            found.append((up + gaps[0] + gaps[1], "alarm.clear", name, "", {**occ, "state": "NORMAL"}))
        if disposed:
            found.append((up + gaps[2], "command.alarm.dispose", name, person, {"occurrence": f"1-{number}"}))
        count[priority][0] += 1
        took = max(gaps[0] + gaps[1], gaps[2]) if acked and disposed and gone else None
        limit = (30, 120, 480, 1440)[priority - 1] * 60_000
        count[priority][1] += up < 200 * DAY_MS - limit
        count[priority][2] += up < 200 * DAY_MS - limit and took is not None and took <= limit
        count[priority][3] += took is not None and up + took < 200 * DAY_MS
    found.sort(key=lambda row: row[0])
    return [
        Event(seq, 1, seq, 0, at, kind, name, person, dict(detail), False)
        for seq, (at, kind, name, person, detail) in enumerate(found, 1)
    ], count


@pytest.mark.parametrize("seed", range(5))
def test_a_recount_of_random_histories_agrees(seed: int) -> None:
    events, count = history(seed)
    figure = closure(events, 0, 200 * DAY_MS, events[-1].seq)
    assert figure.valid
    for priority, (every, eligible, in_time, closed) in count.items():
        found = figure.by_priority[str(priority)]
        assert (found.ahcr.n, found.ahcr.d) == (in_time, eligible)
        assert (found.ahcr_any.n, found.ahcr_any.d) == (closed, every)
    assert sum(found.ahcr_any.d for found in figure.by_month.values()) == figure.every.ahcr_any.d == 899


def test_twenty_one_acknowledgements_in_ten_seconds_are_bulk() -> None:
    for many, bulk in ((20, 0), (21, 21)):
        events = []
        for number in range(many):
            occ: dict[str, object] = {"occurrence": [1, number]}
            events.append((1_000, "alarm.raise", {**occ, "state": "UNACK", "priority": 3}))
            events.append((2_000 + number * 400, "alarm.ack", {**occ, "state": "ACKED"}))
        rows = [
            Event(seq, 1, seq, 0, at, kind, f"A{detail['occurrence']}", "li", dict(detail), False)  # type: ignore[index]
            for seq, (at, kind, detail) in enumerate(sorted(events, key=lambda row: row[0]), 1)
        ]
        assert closure(rows, 0, DAY_MS, 0).every.bulk_acked.n == bulk
