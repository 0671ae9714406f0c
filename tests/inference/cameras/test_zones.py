"""Polygons, votes, machines and what people wear: from boxes to the numbers of a zone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.cameras.found import FORKLIFT, HELMET, NO_HELMET, PERSON, VEST, Found
from inference.cameras.machines import Machines, overlap
from inference.cameras.polygon import area, fault, inside
from inference.cameras.protection import Answer, answers
from inference.cameras.votes import Rule, Vote
from inference.cameras.zones import Watch, ZoneSpec

MS = 1_000_000
LEAST = {PERSON: 0.4, FORKLIFT: 0.4, HELMET: 0.6, NO_HELMET: 0.5, VEST: 0.6, "no-vest": 0.5}
SQUARE = [(100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0)]


def found(*boxes: tuple[str, float, float, float, float, float]) -> Found:
    """(class, score, left, top, right, bottom) each."""
    places = np.array([one[2:] for one in boxes], np.float32).reshape(-1, 4)
    return Found(places, np.array([one[1] for one in boxes], np.float32), [one[0] for one in boxes])


# --- polygons ---


@pytest.mark.parametrize(
    ("corners", "what"),
    [
        (SQUARE, ""),
        ([(0, 0), (640, 0), (640, 360), (0, 360)], ""),
        ([(100, 100), (300, 300), (300, 100), (100, 300)], "crossing"),
        ([(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)], "crossing"),
        ([(0, 0), (10, 10)], "few"),
        ([(0, 0), (10, 10), (0, 0), (5, 9)], "few"),
        ([(0, 0), (641, 0), (0, 10)], "outside"),
        ([(0, 0), (math.nan, 0), (0, 10)], "outside"),
        ([(0, 0), (10, 10), (20, 20)], "flat"),
    ],
)
def test_what_is_wrong_with_a_polygon(corners: list[tuple[float, float]], what: str) -> None:
    assert fault(corners, 640, 360) == what
    assert fault(corners[::-1], 640, 360) == what, "whichever way it goes round"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.2, 1.0), min_size=5, max_size=12), st.integers(0, 1000))
def test_inside_agrees_with_polar_coordinates(radii: list[float], seed: int) -> None:
    """A star around the middle: a point is inside where it is nearer than the edge in its direction."""
    angles = np.arange(len(radii)) * 2 * math.pi / len(radii)
    corners = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1) * 100 + 100
    assert fault([(float(x), float(y)) for x, y in corners], 200, 200) == ""
    points = np.random.default_rng(seed).uniform(0, 200, (200, 2))
    told = inside(corners, points)
    for (x, y), answer in zip(points - 100, told, strict=True):
        sector = int((math.atan2(y, x) % (2 * math.pi)) / (2 * math.pi / len(radii)))
        a, b = corners[sector] - 100, corners[(sector + 1) % len(radii)] - 100
        side = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
        if abs(side) > 1e-6:
            assert answer == (side > 0)


def test_a_point_on_the_edge_is_inside_and_area_is_area() -> None:
    corners = np.array(SQUARE)
    assert inside(corners, np.array([(100.0, 200.0), (200.0, 300.0), (100.0, 100.0)])).all()
    assert not inside(corners, np.array([(99.9, 200.0), (500.0, 100.0)])).any()
    assert area(SQUARE) == 40_000


# --- votes ---


def run(rule: Rule, shown: str, step_ms: int = 100) -> str:
    vote = Vote(rule)
    return "".join("x" if vote.picture(one == "x", at * step_ms * MS) else "." for at, one in enumerate(shown))


def test_m_of_n_comes_easily_and_goes_hard() -> None:
    assert run(Rule(2, 3, 300, 0), "..x.......") == "..........", "one picture of many is none"
    assert run(Rule(2, 3, 300, 0), "..x.x.....") == "....xxx..."
    assert run(Rule(2, 3, 300, 500), "..xx..........") == "...xxxxx......"
    assert run(Rule(1, 1, 300, 0), ".x.x.") == ".x.x."


def test_the_cap_decides_where_pictures_are_slow() -> None:
    vote = Vote(Rule(3, 5, 300, 500))
    assert not vote.picture(True, 0)
    assert not vote.tick(299 * MS)
    assert vote.tick(300 * MS), "nothing has spoken against it"
    vote = Vote(Rule(3, 5, 300, 500))
    vote.picture(True, 0)
    vote.picture(False, 200 * MS)
    assert not vote.tick(300 * MS), "one of two is less than three of five"
    assert not vote.tick(9_000 * MS)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 4), st.integers(0, 3), st.integers(20, 400))
def test_a_vote_is_never_later_than_its_cap(shown: list[bool], m: int, more: int, step_ms: int) -> None:
    vote, begun = Vote(Rule(m, m + more, 300, 0)), -1
    for at, one in enumerate([*shown, *[True] * 20]):
        now_ms = at * step_ms
        occupied = vote.picture(one, now_ms * MS)
        begun = -1 if not one else now_ms if begun < 0 else begun
        if begun >= 0 and now_ms - begun >= 300:
            assert occupied


# --- machines ---


def test_a_standing_machine_that_trembles_does_not_move_and_a_driving_one_does() -> None:
    random = np.random.default_rng(4)
    standing, driving, coming = Machines(), Machines(), Machines()
    for at in range(20):
        box = np.array([[300, 200, 420, 330]], np.float32)
        jitter = random.normal(0, 2.0, (1, 4)).astype(np.float32)
        still = standing.moving(box + jitter, at * 100 * MS)
        drives = driving.moving(box + jitter + at * 6.0, at * 100 * MS)
        grows = coming.moving(box + jitter + np.array([-3, -3, 3, 3], np.float32) * at, at * 100 * MS)
        assert not still.any()
        assert drives.all() == grows.all() == (at >= 5) or at < 5
    assert drives.all()
    assert grows.all()


def test_two_machines_keep_their_tracks() -> None:
    machines = Machines()
    for at in range(12):
        boxes = np.array([[20, 20, 120, 120], [300 - 8 * at, 20, 400 - 8 * at, 120]], np.float32)
        told = machines.moving(boxes[::-1] if at % 2 else boxes, at * 100 * MS)
    assert sorted(told) == [False, True]
    assert overlap(boxes, boxes).diagonal() == pytest.approx([1, 1])
    assert machines.moving(np.zeros((0, 4), np.float32), 99_000 * MS).shape == (0,)


# --- what people wear ---

MAN = (PERSON, 0.9, 100.0, 100.0, 160.0, 300.0)


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ([(HELMET, 0.9, 110, 95, 150, 130)], Answer.COMPLIANT),
        ([(NO_HELMET, 0.9, 110, 95, 150, 130)], Answer.VIOLATION),
        ([], Answer.UNCERTAIN),
        ([(HELMET, 0.55, 110, 95, 150, 130)], Answer.UNCERTAIN),
        ([(HELMET, 0.9, 110, 95, 150, 130), (NO_HELMET, 0.3, 110, 95, 150, 130)], Answer.UNCERTAIN),
        ([(HELMET, 0.9, 110, 95, 150, 130), (NO_HELMET, 0.8, 110, 95, 150, 130)], Answer.UNCERTAIN),
        ([(HELMET, 0.9, 110, 250, 150, 290)], Answer.UNCERTAIN),  # held in the hand
        ([(HELMET, 0.9, 300, 95, 340, 130)], Answer.UNCERTAIN),  # somebody else's
    ],
)
def test_three_answers(more: list[tuple[str, float, float, float, float, float]], answer: Answer) -> None:
    people = found(MAN)
    assert answers(people, found(MAN, *more), ("helmet",), LEAST) == [answer]


def test_the_worst_item_counts_and_the_far_away_are_uncertain() -> None:
    helmet, vest = (HELMET, 0.9, 110.0, 95.0, 150.0, 130.0), (VEST, 0.9, 100.0, 140.0, 160.0, 220.0)
    both = found(MAN, helmet, vest)
    assert answers(found(MAN), both, ("helmet", "vest"), LEAST) == [Answer.COMPLIANT]
    assert answers(found(MAN), found(MAN, helmet), ("helmet", "vest"), LEAST) == [Answer.UNCERTAIN]
    small = (PERSON, 0.9, 100.0, 100.0, 112.0, 136.0)
    assert answers(found(small), found(small, (HELMET, 0.99, 102, 99, 110, 108)), ("helmet",), LEAST) == [
        Answer.UNCERTAIN
    ]


# --- the whole ---


def test_a_person_stands_where_the_feet_are_and_a_machine_beside_makes_an_intrusion() -> None:
    watch = Watch([ZoneSpec("press", SQUARE, ("helmet",), Rule(2, 3, 300, 500))], (640, 360), LEAST)
    head_only = (PERSON, 0.9, 150.0, 90.0, 250.0, 340.0)  # the head over the zone, the feet before it
    values = watch.picture(found(head_only), (640, 360), 0)
    assert values["persons"] == 1
    assert values["zone.press.persons"] == 0
    inside_man = (PERSON, 0.8, 150.0, 50.0, 200.0, 250.0)
    for at in range(1, 12):
        lift = (FORKLIFT, 0.7, 180.0 + 8 * at, 150.0, 300.0 + 8 * at, 290.0)
        values = watch.picture(found(inside_man, lift), (640, 360), at * 100 * MS)
    assert values["zone.press.persons"] == values["zone.press.occupied"] == values["zone.press.intrusion"] == 1
    assert values["zone.press.machines"] == values["zone.press.moving"] == values["moving"] == 1
    assert values["zone.press.confidence"] == pytest.approx(0.8)
    assert values["zone.press.uncertain"] == 1
    assert values["zone.press.compliant"] == values["zone.press.violations"] == values["zone.press.violation"] == 0


def test_zones_keep_their_place_in_a_stream_of_another_size() -> None:
    watch = Watch([ZoneSpec("press", SQUARE)], (640, 360), LEAST)
    man = (PERSON, 0.8, 300.0, 100.0, 400.0, 500.0)
    assert watch.picture(found(man), (1280, 720), 0)["zone.press.persons"] == 1
    assert watch.picture(found(man), (640, 360), 1)["zone.press.persons"] == 0


def test_what_is_under_its_threshold_is_not_there() -> None:
    watch = Watch([ZoneSpec("press", SQUARE)], (640, 360), LEAST)
    assert watch.picture(found((PERSON, 0.39, 150, 50, 200, 250)), (640, 360), 0)["zone.press.persons"] == 0
