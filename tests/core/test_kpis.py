"""The key figures kept up alarm by alarm, against a slow recount of the journal's rows (spec/alarms.md §2)."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, table

from gateway.core.annunciation import AlarmPlan, Route
from gateway.core.effects import Journal, Record
from gateway.core.kernel import Kernel
from gateway.core.kpis import DAY_MS, HOUR_MS, MINUTE_MS, PERIOD_MS, Day, Figures, Place
from gateway.core.limits import KPI_DAYS, KPI_NAMES_MAX
from gateway.core.program import Alarm, Compare, Program
from gateway.core.samples import SelfCheck

START_MS = 20_000 * DAY_MS
Raise = tuple[int, str, int]  # at ms, alarm, priority


def recount(name: str, raises: list[Raise], from_ms: int, now_ms: int) -> Figures:
    """Every figure from the list of all alarms alone, second by second where need be. Observed from `from_ms` to `now_ms`."""
    times = [at for at, _, _ in raises]
    floods = _floods(times, now_ms)
    upset = {p for begin, end in floods for p in range(begin // PERIOD_MS, -(-end // PERIOD_MS) or 1)}
    upset |= {begin // PERIOD_MS for begin, _ in floods}
    periods, hours = Counter(at // PERIOD_MS for at in times), Counter(at // HOUR_MS for at in times)
    days = range(from_ms // DAY_MS, now_ms // DAY_MS + 1)
    minutes = Counter(at // MINUTE_MS for at in times)
    most = dict.fromkeys(days, 0)
    for at in times:
        last = sum(minutes[m] for m in range(at // MINUTE_MS - 9, at // MINUTE_MS + 1))
        most[at // DAY_MS] = max(most[at // DAY_MS], last)
    observed = now_ms - from_ms
    watched = sum(1 for day in days if min(now_ms, (day + 1) * DAY_MS) > max(from_ms, day * DAY_MS))
    named = Counter(alarm for _, alarm, _ in raises)
    mix = Counter(priority for _, _, priority in raises)
    n = len(raises)
    steady = sum(count for period, count in periods.items() if period not in upset)
    return Figures(
        name,
        observed / DAY_MS,
        n,
        n * DAY_MS / observed,
        n * HOUR_MS / observed,
        ratio(steady, observed / PERIOD_MS - len(upset)),
        sum(most.values()) / watched,
        sum(count > 10 for count in periods.values()) / (observed / PERIOD_MS),
        sum(count > 30 for count in hours.values()) / (observed / HOUR_MS),
        max(most.values()),
        sum(end - begin for begin, end in floods) / observed,
        ratio(sum(count for _, count in sorted(named.items(), key=lambda r: (-r[1], r[0]))[:10]), n),
        0,
        0,
        (mix[1], mix[2], mix[3], mix[4]),
        0,
    )


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _floods(times: list[int], now_ms: int) -> list[tuple[int, int]]:
    """From the eleventh alarm of ten minutes until fewer than five of ten minutes are left, counted anew at each alarm."""
    floods: list[tuple[int, int]] = []
    begun: int | None = None
    for at, time in enumerate(times):
        seen = times[: at + 1]
        if begun is not None and seen[-6:-1][0] + PERIOD_MS <= time:
            floods.append((begun, seen[-6:-1][0] + PERIOD_MS))
            begun = None
        if begun is None and sum(time - each < PERIOD_MS for each in seen) > 10:
            begun = time
    if begun is not None:
        floods.append((begun, min(now_ms, times[-5] + PERIOD_MS)))
    return floods


GAPS = st.sampled_from([0, 500, 2_000, 20_000, 55_000, 119_000, 400_000, 700_000, 4_000_000])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(GAPS, st.integers(0, 999), st.sampled_from(["a", "b", "c"]), st.integers(1, 4)), max_size=120),
    st.booleans(),
)
def test_figures_are_those_of_a_recount(steps: list[tuple[int, int, str, int]], through_disk: bool) -> None:
    begin, place, raises = START_MS + 7 * HOUR_MS, Place("box"), []
    now = begin
    for gap, jitter, alarm, priority in steps:
        before, now = now, now + gap + jitter
        place.advance(before, now, observed=True)
        place.raised(alarm, priority, now)
        raises.append((now, alarm, priority))
        if through_disk:
            again = Place("box")
            again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(place.save())))
            place = again
    end = now + 3 * HOUR_MS
    place.advance(now, end, observed=True)
    observed = {day.day: day.observed_ms for day in place.days}
    ours, theirs = place.figures(end, observed), recount("box", raises, begin, end)
    for field in Figures.__struct_fields__:
        mine, right = getattr(ours, field), getattr(theirs, field)
        assert mine == (pytest.approx(right) if isinstance(right, float) else right), field


def test_thirty_one_days_and_no_more_are_kept_and_names_are_bounded() -> None:
    place = Place("box")
    for day in range(60):
        for alarm in range(600 if day == 59 else 5):
            place.raised(f"A{alarm}", 3, START_MS + day * DAY_MS + alarm)
    assert len(place.days) == KPI_DAYS
    assert len(place.days[-1].names) == KPI_NAMES_MAX
    found = place.figures(START_MS + 59 * DAY_MS, {})
    assert found.annunciated == 29 * 5 + 600, "counted, if not by name"
    assert len(msgspec.msgpack.encode(place.save())) < 40_000


def test_a_clock_that_is_set_is_not_observed_time() -> None:
    place = Place("box")
    place.day(START_MS)
    place.advance(START_MS, START_MS + MINUTE_MS, observed=True)
    place.advance(START_MS + MINUTE_MS, START_MS + 5 * DAY_MS, observed=False)
    place.raised("A", 1, START_MS + 5 * DAY_MS)
    place.raised("A", 1, START_MS + 4 * DAY_MS)
    assert [(day.day - 20_000, sum(day.periods.values())) for day in place.days] == [(0, 0), (5, 2)]
    assert sum(day.observed_ms for day in place.days) == MINUTE_MS


def test_days_come_back_in_any_order_and_one_overwrites_itself() -> None:
    place = Place("box")
    for number, count in ((7, 1), (5, 2), (7, 3)):
        place.restore(msgspec.msgpack.encode(Day(number, periods={3: count})))
    assert [(day.day, day.periods) for day in place.days] == [(5, {3: 2}), (7, {3: 3})]


# --- on the kernel, against its own journal ---


def site_alarm(name: str, tag: str, priority: int, area: str) -> Alarm:
    return Alarm(name=name, when=Compare(tag, ">", 80.0), priority=priority, on_bad="alarm", area=area)  # type: ignore[arg-type]


RULES = (site_alarm("A", "a0", 2, "hall"), site_alarm("B", "a1", 3, "hall"), site_alarm("C", "a2", 4, "yard"))
PLAN = AlarmPlan(routes=(Route(areas=("yard",), position="gate"),), realarm_ms={2: 120_000})


def stage(kept: dict[str, bytes] | None = None, boot: int = 1, at_s: float = 0) -> Stage:
    made = Stage(RULES, table(), kept, boot)
    made.kernel = Kernel(made.table, Program(RULES), boot, kept, plan=PLAN)
    made.now_ns += int(at_s * SECOND)
    made.boot()
    return made


def annunciated(rows: list[Record]) -> list[Raise]:
    """What the journal says was annunciated: each new occurrence, and each re-alarm."""
    seen: set[tuple[int, ...]] = set()
    found: list[Raise] = []
    for row in rows:
        occurrence = tuple(row.detail.get("occurrence", ()))
        if row.kind == "alarm.raise" and (occurrence not in seen or row.detail.get("realarm")):
            seen.add(occurrence)
            found.append((row.utc_ms, row.subject, row.detail["priority"]))
    return found


def rows_of(made: Stage) -> list[Record]:
    return [effect.record for effect in made.effects if isinstance(effect, Journal)]


def drive(made: Stage, seed: list[tuple[str, float]]) -> None:
    for tag, wait_s in seed:
        made.poll(**{tag: 90.0})
        made.run(wait_s, step_ms=1000)
        point = made.kernel.alarms.points[{"a0": "A", "a1": "B", "a2": "C"}[tag]]
        made.ask("alarm.ack", point.name, occurrence=f"{point.occurrence[0]:x}-{point.occurrence[1]}")
        if wait_s != 5:
            made.poll(**{tag: 50.0})
            made.run(wait_s / 2, step_ms=1000)


WALK = [("a0", 30.0), ("a1", 3.0), ("a2", 65.0), ("a0", 5.0), ("a1", 200.0), ("a2", 7.0), ("a1", 12.0), ("a0", 400.0)]


def figures(made: Stage, name: str) -> Figures:
    return made.kernel.scores.figures(name, made.kernel.utc_ms(made.now_ns))


def test_the_kernel_counts_what_its_journal_holds_by_box_area_and_position() -> None:
    made = stage()
    drive(made, WALK * 3)
    every = annunciated(rows_of(made))
    areas = {"A": "hall", "B": "hall", "C": "yard"}
    assert figures(made, "box").annunciated == len(every)
    assert len(every) > 20
    for area, position in (("hall", "main"), ("yard", "gate")):
        expected = sum(areas[name] == area for _, name, _ in every)
        assert (
            figures(made, f"area:{area}").annunciated == figures(made, f"position:{position}").annunciated == expected
        )
    assert figures(made, "box").fleeting == 2, "B and C were once gone within ten seconds"


@pytest.mark.parametrize("graceful", [False, True])
def test_after_a_kill_or_a_stop_the_figures_are_those_of_both_journals(graceful: bool) -> None:
    made = stage()
    drive(made, WALK)
    made.poll(a0=50.0)
    made.run(660, step_ms=1000)  # a period is full: the figures are on disk
    drive(made, WALK[:3])
    if graceful:
        made.kernel.scores.keep(made.now_ns)
    rows = rows_of(made)
    kept = {row.key: row.keep for row in rows if row.key and row.keep is not None}
    after = stage(kept, 2, (made.now_ns / SECOND) - 1 + 20)
    assert figures(after, "box").annunciated == len(annunciated(rows + rows_of(after)))
    drive(after, WALK[:2])
    rows += rows_of(after)
    assert figures(after, "box").annunciated == len(annunciated(rows))
    kept = {row.key: row.keep for row in rows if row.key and row.keep is not None}
    third = stage(kept, 3, (after.now_ns / SECOND) - 1 + 5)
    assert figures(third, "box").annunciated == len(annunciated(rows + rows_of(third)))
    assert figures(third, "box").priorities == tuple(
        sum(priority == p for _, _, priority in annunciated(rows + rows_of(third))) for p in (1, 2, 3, 4)
    )


def test_an_attempt_to_silence_without_the_right_is_counted() -> None:
    made = stage()
    reason = "transmitter is being cleaned"
    assert made.ask("alarm.oos", "A", role="operator", moc="MOC-1", measure="rounds", reason=reason).code == 5
    made.give(SelfCheck(True))
    assert figures(made, "box").refused == 1
