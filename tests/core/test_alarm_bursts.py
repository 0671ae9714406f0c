"""Floods, chatter and stale alarms of spec/alarms.md §5: when they begin and end, and what is told meanwhile."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage

from gateway.core.effects import Journal
from gateway.core.flood import Area, Chatter
from gateway.core.program import Alarm, Compare
from gateway.core.summary import AlarmSummary
from gateway.core.summary import Chatter as ChatterSummary
from gateway.core.summary import Flood as FloodSummary

WINDOW_NS, BURST_NS = 600 * SECOND, SECOND


def test_a_flood_begins_and_ends_as_a_recount_of_all_alarms_says() -> None:
    dice = random.Random(5)
    area, now_ns, every, flooded = Area("a"), 0, [], False
    begun = 0
    for _ in range(3_000):
        now_ns += int(dice.choice((0.1, 1, 20, 70, 300)) * dice.random() * SECOND)
        if flooded and sum(now_ns - at < WINDOW_NS for at in every) < 5:
            assert area.over_ns() <= now_ns
            area.end()
            flooded = False
        elif flooded:
            assert area.over_ns() > now_ns
        every.append(now_ns)
        many = sum(now_ns - at < WINDOW_NS for at in every) > 10 or sum(now_ns - at < BURST_NS for at in every) > 5
        assert area.raised("x", now_ns) == (many and not flooded)
        begun += many and not flooded
        flooded = flooded or many
        assert area.flooded == flooded
    assert begun > 5


def test_three_cycles_within_a_minute_are_chatter() -> None:
    chatter = Chatter()
    assert [chatter.cycled(at * SECOND) for at in (0, 30, 60, 89)] == [False, False, False, True]
    assert not chatter.cycled(100 * SECOND)
    assert chatter.over_ns() == 160 * SECOND
    assert chatter.end() == 4


Told = TypeVar("Told")


def alarm(name: str, tag: str, priority: int) -> Alarm:
    return Alarm(name=name, when=Compare(tag, ">", 80.0), priority=priority, on_bad="alarm", area="pit")  # type: ignore[arg-type]


def told(made: Stage, kind: type[Told]) -> list[Told]:
    return [e.summary for e in made.effects if isinstance(e, Journal) and isinstance(e.summary, kind)]


def test_a_flood_is_marked_and_what_it_left_active_is_told_at_its_end() -> None:
    made = Stage([alarm(f"LOW{n}", "a1", 3) for n in range(6)] + [alarm("HIGH", "a2", 1)])
    made.boot()
    made.poll(a1=90.0)
    (begin,) = told(made, FloodSummary)
    assert (begin.area, begin.active, begin.count, begin.first_out) == ("pit", True, 6, "LOW0")
    made.run(601, step_ms=900)
    end = told(made, FloodSummary)[1]
    assert (end.active, end.first_out) == (False, "LOW0")
    again = [s.alarm for s in told(made, AlarmSummary) if s.event == "raise"]
    assert again == [f"LOW{n}" for n in range(6)] * 2
    assert made.kinds().index("flood.begin") < len(made.kinds()) - made.kinds()[::-1].index("flood.end")


def cycle(made: Stage, times: int) -> None:
    for _ in range(times):
        made.poll(a1=90.0)
        made.run(2)
        made.poll(a1=50.0)
        made.run(2)


def test_a_chattering_low_alarm_is_told_once_and_a_high_one_each_time() -> None:
    for priority, raised in ((4, 3), (2, 8)):
        made = Stage([alarm("CHAT", "a1", priority)])
        made.boot()
        cycle(made, 8)
        (event,) = told(made, ChatterSummary)
        assert (event.alarm, event.count, event.priority) == ("CHAT", 3, priority)
        assert sum(s.event == "raise" for s in told(made, AlarmSummary)) == raised
        assert made.kinds().count("alarm.raise") == 8
        made.poll(a1=90.0)
        made.run(70, step_ms=5_000)
        assert "alarm.chatter-end" in made.kinds()
        assert told(made, AlarmSummary)[-1].event == "raise"


def test_an_alarm_that_stands_for_a_day_is_stale_and_one_that_returned_is_not() -> None:
    made = Stage([alarm("OLD", "a1", 3), alarm("NEW", "a2", 3)])
    made.boot()
    made.poll(a1=90.0, a2=90.0)
    made.run(1)
    made.poll(a2=50.0)
    made.run(24 * 3600 - 1, step_ms=3_600_000)
    stale = [e.record.subject for e in made.effects if isinstance(e, Journal) and e.record.kind == "alarm.stale"]
    assert stale == ["OLD"] or set(stale) == {"OLD"}


def test_a_snapshot_in_a_flood_goes_on_as_if_nothing_had_been() -> None:
    rules = [alarm(f"LOW{n}", "a1", 3) for n in range(6)]
    made = Stage(rules)
    made.boot()
    cycle(made, 4)
    made.poll(a1=90.0)
    again = Stage(rules)
    data = made.kernel.snapshot()
    again.kernel.restore(data)
    assert again.kernel.snapshot() == data
    until_ns = made.now_ns + 700 * SECOND
    assert again.kernel.wake(until_ns) == made.kernel.wake(until_ns)
