"""Simulated values: known answers in time, wrong addresses in both languages, outputs, privacy, cancel."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from drivers.base import Plan, PlannedTag, PointSpec, WriteCommand
from drivers.simulated import Driver, Settings, Wave, parse, shape
from gateway.core.errors import AddressError
from gateway.core.samples import Block, Columns, Few, Personal
from gateway.core.tags import Group, Tag

SETTINGS = Settings(period_ms=10)


def plan(*addresses: str, personal: frozenset[int] = frozenset()) -> Plan:
    """One group of simulated tags, numbered from 10."""
    tags = []
    for number, address in enumerate(addresses, start=10):
        point = parse(SETTINGS, PointSpec(f"t{number}", address, "bool" if address.startswith("square") else ""))
        tag = Tag(number, f"t{number}", "sim", 3, personal=number in personal)
        tags.append(PlannedTag(tag, point, 2.0 if address.startswith("ramp") else 1.0, 0.0))
    return Plan("sim", [Group(3, "", "sim", 10, len(tags), 1000)], [tags])


def collect(driver: Driver, seconds: float) -> list[Block]:
    """What a driver emits in this time; it must end at once when cancelled."""
    blocks: list[Block] = []

    async def body() -> None:
        task = asyncio.create_task(driver.run(blocks.append))
        await asyncio.sleep(seconds)
        task.cancel()
        begun = time.monotonic()
        await asyncio.wait([task])
        assert task.cancelled()
        assert time.monotonic() - begun < 0.5
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(body())
    return blocks


@pytest.mark.parametrize(
    ("kind", "keys", "at_s", "value"),
    [
        ("sine", {"mean": 50.0, "amplitude": 10.0, "period_s": 60.0, "phase_s": 0.0}, 15.0, 60.0),
        ("sine", {"mean": 50.0, "amplitude": 10.0, "period_s": 60.0, "phase_s": 15.0}, 30.0, 40.0),
        ("square", {"low": 0.0, "high": 1.0, "period_s": 10.0, "duty": 0.2}, 1.9, 1.0),
        ("square", {"low": 0.0, "high": 1.0, "period_s": 10.0, "duty": 0.2}, 12.1, 0.0),
        ("ramp", {"low": 10.0, "high": 20.0, "period_s": 10.0}, 15.0, 15.0),
        ("constant", {"value": 7.0}, 1e6, 7.0),
    ],
)
def test_known_answers(kind: str, keys: dict[str, float], at_s: float, value: float) -> None:
    assert shape(Wave(kind, keys))(at_s) == pytest.approx(value)


def test_a_walk_depends_on_time_not_on_how_often_it_is_asked() -> None:
    point = parse(SETTINGS, PointSpec("t", "walk?seed=7&start=5&step=2&low=0&high=10", ""))
    often, rarely = shape(point.key), shape(point.key)
    values = [often(tenth / 10.0) for tenth in range(1, 1001)]
    assert rarely(100.0) == values[-1]
    assert min(values) >= 0.0
    assert max(values) <= 10.0
    assert len(set(values)) > 100


@pytest.mark.parametrize(
    ("address", "kind", "writable"),
    [
        ("cosine?mean=1", "", False),
        ("sine?men=1", "", False),
        ("sine?mean=one", "", False),
        ("sine?mean=nan", "", False),
        ("sine?period_s=0", "", False),
        ("walk?every_s=0.0000001", "", False),
        ("constant?value=1", "int16", False),
        ("constant?value=1", "", True),
    ],
)
def test_wrong_addresses_are_refused_in_both_languages(address: str, kind: str, writable: bool) -> None:
    with pytest.raises(AddressError) as caught:
        parse(SETTINGS, PointSpec("t", address, kind, writable=writable))
    assert caught.value.en
    assert any("一" <= letter <= "鿿" for letter in caught.value.zh)


def test_every_point_says_that_it_is_a_simulation() -> None:
    note = parse(SETTINGS, PointSpec("t", "constant", "")).note
    assert note is not None
    assert "simulated" in note[0]
    assert "仿真" in note[1]


def test_columns_each_period_scaled_and_boolean() -> None:
    blocks = collect(Driver(SETTINGS, plan("constant?value=4", "ramp?low=3&high=3", "square?low=0&high=5&duty=1")), 0.1)
    assert 5 <= len(blocks) <= 12
    for block in blocks:
        assert isinstance(block, Columns)
        assert block.group == 3
        assert block.values.tolist() == [4.0, 6.0, 1.0]
        assert block.qualities.tolist() == block.causes.tolist() == [0, 0, 0]
        assert block.clock == "none"


def test_an_output_is_read_back_and_nothing_else_is_written() -> None:
    driver = Driver(SETTINGS, plan("output?initial=1", "constant?value=2"))
    answer = asyncio.run(driver.write(WriteCommand(10, 5.0)))
    assert (answer.ok, answer.value) == (True, 5.0)
    refused = asyncio.run(driver.write(WriteCommand(11, 5.0)))
    assert not refused.ok
    assert math.isnan(refused.value)
    last = collect(driver, 0.03)[-1]
    assert isinstance(last, Columns)
    assert last.values.tolist() == [5.0, 2.0]


def test_personal_values_leave_in_their_own_type_only() -> None:
    blocks = collect(Driver(SETTINGS, plan("constant?value=70", "constant?value=2", personal=frozenset({10}))), 0.03)
    assert {type(block) for block in blocks} == {Personal, Few}
    for block in blocks:
        assert isinstance(block, Personal | Few)
        assert block.tags == ([10] if isinstance(block, Personal) else [11])
    spec = PointSpec("hr", "constant", "", columns={"privacy": "personal"})
    assert parse(SETTINGS, spec).group == "personal"
