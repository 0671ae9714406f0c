"""Positions: ranges with and without walls, zones by table, what a site of workers reads when fixes are good, bad, old or missing."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers.base_worn import Position
from gateway.core.tags import Quality
from gateway.people.places import Places
from gateway.people.uwb import UNKNOWN_M, locate, spacing
from gateway.people.zones import INSIDE, OUTSIDE, UNCERTAIN, Zone, confidence, decide, depth
from tests.people.uwb_campaign import ANCHORS, ZONES, campaign, hall

SQUARE = Zone("square", ((0, 0), (10, 0), (10, 10), (0, 10)))


@pytest.mark.parametrize(
    ("x", "y", "error_m", "verdict"),
    [
        (5, 5, 1, INSIDE),
        (5, 5, 6, UNCERTAIN),
        (9.5, 5, 1, UNCERTAIN),
        (-0.5, 5, 1, UNCERTAIN),
        (-2, 5, 1, OUTSIDE),
        (-2, 5, 4, UNCERTAIN),  # 4 m off cannot be a confident anything at 2 m
        (14, 14, 4, OUTSIDE),
        (float("nan"), 5, 1, UNCERTAIN),
    ],
)
def test_zones_by_table(x: float, y: float, error_m: float, verdict: int) -> None:
    assert decide(SQUARE, np.array([[x, y]]), np.array([error_m])).tolist() == [verdict]


def test_depth_is_the_distance_to_the_border_also_of_a_concave_zone() -> None:
    notched = Zone("notched", ((0, 0), (10, 0), (10, 10), (5, 5), (0, 10)))
    found = depth(notched, np.array([[5.0, 2.0], [5.0, 8.0], [-3.0, -4.0]]))
    assert found[0] == pytest.approx(2.0)
    assert found[1] == pytest.approx(-(2.0**0.5) * 1.5)
    assert found[2] == pytest.approx(-5.0)


def test_walls_are_left_out_and_few_ranges_are_no_fix() -> None:
    rng = np.random.default_rng(11)
    truth, ranges = hall(rng, 300, 0.0, 1.0, 0.0)
    clean = locate(ANCHORS, ranges)
    assert np.hypot(*(clean.xy - truth).T).max() < 0.6
    ranges[:, 3] += 3.0  # one wall
    walled = locate(ANCHORS, ranges)
    known = walled.error_m < UNKNOWN_M
    assert known.mean() > 0.9
    assert np.hypot(*(walled.xy - truth).T)[known].max() < 0.8
    ranges[:, 4:] = np.nan
    assert (locate(ANCHORS, ranges).error_m == UNKNOWN_M).all()


def test_a_small_hall_of_walls_has_no_confident_false_violation() -> None:
    found = campaign(2_000, 4, 0.3, 1.5)
    assert found["wrong_violations"] == 0
    assert found["p95_m"] <= 0.8
    assert found["found_of_inside"] > 0.2


def test_the_survey_measures_the_spacing() -> None:
    assert spacing(ANCHORS).tolist() == [15.0] * 12
    assert spacing(np.array([[0.0, 0, 4], [20, 0, 4], [20, 5, 4]])).tolist() == [20.0, 5.0, 5.0]


class Now:
    ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def read(places: Places, zone: str = "crane_bay") -> dict[str, tuple[float, int]]:
    return {
        name: (value, quality)
        for group, found in places.zones()
        if group.split("/")[1] == zone
        for name, (value, quality, _) in found.items()
    }


def test_a_zone_is_what_its_fixes_say_and_no_more() -> None:
    now = Now()
    places = Places({}, {"crane_bay": SQUARE.corners}, 1.2, now)
    assert places.zones() == []
    good, doubt = int(Quality.GOOD), int(Quality.UNCERTAIN)
    places.position("w1", Position(20, 20, 0.2))
    assert read(places)["occupied"] == (0.0, good)
    places.position("w2", Position(5, 5, 0.2))
    assert read(places)["occupied"] == (1.0, good)
    assert read(places)["worker"] == (1.0, good)
    assert read(places)["confidence"][0] > 0.8
    places.position("w2", Position(9.9, 5, 0.2))
    assert read(places)["occupied"] == (1.0, doubt), "held, and not certain any more"
    places.position("w2", Position(15, 5, 0.2))
    assert read(places)["occupied"] == (0.0, good)
    places.position("w2", Position(12, 5, 1.5))  # 4.5 m at three sigma
    assert read(places)["occupied"] == (0.0, doubt)
    assert read(places)["confidence"][0] == pytest.approx(confidence(-2.0, 4.5))
    now.ms += 4_000
    assert places.zones() == [], "nobody was located: the tags go stale"
    places.position("w1", Position(20, 20, 0.2))
    assert read(places)["occupied"] == (0.0, doubt), "where w2 is now is not known"
    now.ms += 60_000
    places.position("w1", Position(20, 20, 0.2))
    assert read(places)["occupied"] == (0.0, good), "w2 has gone home"


def test_ranges_of_all_workers_are_solved_together() -> None:
    now = Now()
    anchors = {f"A{at}": (float(x), float(y), float(z)) for at, (x, y, z) in enumerate(ANCHORS)}
    places = Places(anchors, {zone.name: zone.corners for zone in ZONES}, 1.2, now)
    truth, ranges = hall(np.random.default_rng(2), 5, 0.0, 1.0, 0.0)
    for at, row in enumerate(ranges):
        known = {f"A{number}": float(metres) for number, metres in enumerate(row) if metres == metres}
        places.ranges(f"w{at}", {**known, "unknown": 3.0})

    async def run() -> None:
        places.solve()
        await places.close()

    asyncio.run(run())
    for at, (x, y) in enumerate(truth):
        fix = places.fixes[f"w{at}"]
        assert np.hypot(fix.x - x, fix.y - y) < min(1.0, fix.error_m)
    places.ranges("w0", known)

    async def withdrawn() -> None:
        places.solve()
        places.forget("w0")
        await places.close()

    asyncio.run(withdrawn())
    assert "w0" not in places.fixes, "not put back by a batch that was on its way"
