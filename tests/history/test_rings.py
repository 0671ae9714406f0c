"""Trends: what was stored, what was thinned, and that a spike stays visible at every zoom."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from gateway.core import samples as s
from gateway.core.tags import Group, Quality, Source, Tag, TagTable
from gateway.history.rings import Rings, build_rings

UTC_MS = 1_780_000_000_000
MS = 1_000_000


def table(count: int, deadband: float = 0.0) -> TagTable:
    tags = [Tag(n, f"t{n}", "plc", 0, deadband=deadband) for n in range(count)]
    tags.append(Tag(count, "pulse", "watch", 1, personal=True))
    return TagTable(
        tags, [Group(0, "poll", "plc", 0, count, 500), Group(1, "w", "watch", count, 1, 500)], [Source("plc", "x")]
    )


def stamp(ms: int, utc_ms: int | None = None) -> s.Stamp:
    return s.Stamp(1, (ms + 5000) * MS, ((UTC_MS + ms) if utc_ms is None else utc_ms) * MS)


def columns(values: list[float], quality: int = 0) -> s.Columns:
    qualities = np.full(len(values), quality, np.uint8)
    return s.Columns(0, np.array(values, np.float64), qualities, qualities)


def trend(rings: Rings, tag: int, first_ms: int, last_ms: int, points: int = 1000) -> list[tuple[int, float, int]]:
    ms, value, quality = rings.trend(tag, UTC_MS + first_ms, UTC_MS + last_ms, points)
    assert len(ms) == len(value) == len(quality)
    assert (np.diff(ms) >= 0).all()
    return [(int(t) - UTC_MS, float(v), int(q)) for t, v, q in zip(ms, value, quality, strict=True)]


@pytest.mark.parametrize("form", ["columns", "few"])
def test_samples_come_back_with_their_time_and_quality(form: str) -> None:
    rings = build_rings(table(2))
    for n in range(5):
        if form == "columns":
            rings.append(stamp(n * 100), columns([float(n), -1.0]))
        else:
            rings.append(stamp(n * 100), s.Few(0, [0, 1], [float(n), -1.0], [0, 0], [0, 0]))
    assert trend(rings, 0, 0, 400) == [
        (0, 0.0, 0),
        (100, 1.0, 0),
        (200, 2.0, 0),
        (300, 3.0, 0),
        (400, 4.0, 0),
        (400, 4.0, 0),
    ]
    assert trend(rings, 1, 0, 400) == [(0, -1.0, 0), (400, -1.0, 0)]  # unchanged: its beginning and its end
    assert trend(rings, 0, 150, 250) == [(150, 1.0, 0), (200, 2.0, 0)]  # what was held when the window opens


def test_deadband_thins_but_a_change_of_quality_never_hides() -> None:
    rings = build_rings(table(1, deadband=0.5))
    for n, (value, quality) in enumerate([(1.0, 0), (1.4, 0), (1.6, 0), (1.6, 3), (1.6, 0)]):
        rings.append(stamp(n), columns([value], quality))
    assert trend(rings, 0, 0, 3) == [(0, 1.0, 0), (2, 1.6, 0), (3, 1.6, 3)]


@pytest.mark.parametrize("points", [40, 200, 4000])
@pytest.mark.parametrize("span_s", [600, 3600, 24 * 3600])
def test_a_spike_is_seen_at_every_zoom(points: int, span_s: int) -> None:
    rings = build_rings(table(3), 4 << 20)
    period = max(span_s // 4000, 1)
    for second in range(0, span_s, period):
        spike = 99.0 if second == span_s // 2 // period * period else 0.0
        rings.append(stamp(second * 1000), columns([second % 7, spike, -spike]))
    assert max(value for _, value, _ in trend(rings, 1, 0, span_s * 1000, points)) == 99.0
    assert min(value for _, value, _ in trend(rings, 2, 0, span_s * 1000, points)) == -99.0
    assert len(trend(rings, 0, 0, span_s * 1000, points)) <= points + 2


def test_bad_is_seen_at_every_zoom_and_nan_does_not_spread() -> None:
    rings = build_rings(table(1))
    for second in range(4000):
        bad = second == 1000
        rings.append(stamp(second * 1000), columns([np.nan if bad else 5.0 + second % 2], 3 if bad else 0))
    found = trend(rings, 0, 0, 4_000_000, 50)
    assert sum(quality == 3 for _, _, quality in found) == 2
    assert all(5.0 <= value <= 6.0 for _, value, _ in found)


def test_both_forms_fill_the_tiers_alike() -> None:
    one, two = build_rings(table(2), 200_000), build_rings(table(2), 200_000)
    rng = np.random.default_rng(5)
    for n in range(20_000):
        values, quality = [float(v) for v in rng.normal(size=2).round(1)], int(rng.random() < 0.01) * 3
        one.append(stamp(n * 700), columns(values, quality))
        two.append(stamp(n * 700), s.Few(0, [0, 1], values, [quality] * 2, [0, 0]))
    for first in (0, 13_000_000, 13_990_000):
        assert trend(one, 1, first, 14_000_000) == trend(two, 1, first, 14_000_000)


def test_a_silent_hour_is_held_not_empty() -> None:
    rings = build_rings(table(1), 100_000)
    rings.append(stamp(0), columns([7.0]))
    rings.append(stamp(3_000_000), s.Alive(0))
    assert {value for _, value, _ in trend(rings, 0, 0, 3_000_000)} == {7.0}
    for n in range(8000):  # pushes the first sample out of the raw ring
        rings.append(stamp(3_000_000 + n), columns([float(n % 2)]))
    early = [value for ms, value, _ in trend(rings, 0, 60_000, 3_008_000) if ms < 2_900_000]
    assert len(early) > 10
    assert set(early) == {7.0}


def test_a_lost_group_is_bad_from_then_on() -> None:
    rings = build_rings(table(2))
    rings.append(stamp(0), columns([1.0, 2.0]))
    rings.lost(stamp(50), 0)
    assert trend(rings, 1, 0, 60) == [(0, 2.0, 0), (50, 2.0, 3), (50, 2.0, 3)]


def test_a_step_of_the_clock_moves_the_trend_and_keeps_its_order() -> None:
    rings = build_rings(table(1))
    rings.append(stamp(0), columns([1.0]))
    rings.append(stamp(1000, UTC_MS - 3_600_000 + 1000), columns([2.0]))
    assert [v for _, v, _ in trend(rings, 0, -3_600_000, -3_599_000)] == [1.0, 2.0, 2.0]


def test_infinite_and_huge_values_are_taken_without_complaint() -> None:
    rings = build_rings(table(1))
    for n, value in enumerate([np.inf, np.inf, -np.inf, 1e300, np.nan, 0.0]):
        rings.append(stamp(n * 20_000), columns([value], Quality.BAD))
    assert len(trend(rings, 0, 0, 200_000)) > 2


def test_personal_never_enters() -> None:
    rings = build_rings(table(2))
    with pytest.raises(TypeError, match="Personal"):
        rings.append(stamp(0), s.Personal(1, [2], [61.0], [0], [0]))
    with pytest.raises(KeyError):
        rings.trend(2, 0, UTC_MS, 10)
    with pytest.raises(KeyError):
        rings.trend(99, 0, UTC_MS, 10)


@pytest.mark.parametrize("count", [1, 100, 2000, 20_000])
def test_the_budget_holds(count: int) -> None:
    site = table(count)
    tracemalloc.start()
    try:
        rings = build_rings(site, 32 << 20)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used <= (32 << 20) * 1.02
    assert rings.raw >= 4


def test_a_budget_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        build_rings(table(1000), 100_000)


def test_a_window_without_data_is_empty() -> None:
    rings = build_rings(table(1))
    assert trend(rings, 0, 0, 10) == []
    rings.append(stamp(0), columns([1.0]))
    assert trend(rings, 0, 10, 5) == []
    assert trend(rings, 0, -100, -50) == []
