"""The shipped model on a simulated place, second by second: heard, seen, degraded, armed; and as a source in its worker."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from drivers.base import Plan, PlannedTag, PointSpec, load
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import Block, Columns
from gateway.core.tags import Cause, Group, Quality, Tag
from inference.leak import baseline as baselines
from inference.leak import hearing, seeing
from inference.leak.decide import Limits
from inference.leak.job import Job
from inference.leak.judge import Judge, State
from inference.leak.model import Model
from inference.leak.settings import SHIPPED, Settings
from inference.leak.source import Driver, parse
from inference.leak.view import Seen
from inference.leaksim import picture
from inference.leaksim.picture import View
from inference.leaksim.scenario import Scenario, draw
from inference.leaksim.sound import samples
from tests.inference.test_leak_sensors import RATE, wav

ONSET, SECONDS = 14, 26
EARS = hearing.Ears("x", 96_000, 120.0)
EYES = seeing.Eyes("x")

Moment = tuple[hearing.Second | None, seeing.Second | None]


@pytest.fixture(scope="module")
def model() -> Model:
    """With limits that need less than a dozen seconds: those of the card are the campaign's to judge."""
    found = Model(SHIPPED)
    found.limits = {"both": Limits(1.0, 20.0), "sound": Limits(1.0, 30.0), "picture": Limits(1.0, 30.0)}
    return found


def place(*, leak: bool) -> Scenario:
    """A quiet place with a leak of 30 g/s at 5 m that both sensors can tell."""
    drawn = draw("test", 11, leak=leak, metres=5.0, kg_s=0.03)
    return replace(
        drawn,
        rate_hz=EARS.rate_hz,
        neighbours=(),
        sight=replace(drawn.sight, people=0.0, vehicles=0.0, sun_k=0.0, steam=None),
    )


def moments(scenario: Scenario) -> Iterator[Moment]:
    """Samples and counts as the sensors would give them."""
    view, rng = View(scenario, ONSET, 1), np.random.default_rng(2)
    for at in range(SECONDS):
        sound = samples(scenario, at, SECONDS, ONSET) / np.float32(EARS.pascal)
        counts = np.round((picture.frames(scenario, view, at, rng) + 273.15) * 100.0).astype(np.uint16)
        yield hearing.second(EARS, sound), seeing.second(EYES, list(counts))


@pytest.fixture(scope="module")
def leaking() -> list[Moment]:
    return list(moments(place(leak=True)))


def accepted(**more: object) -> baselines.Baseline:
    known = {"source": "f7", "hours": 30.0, "p10": [0.0] * 64, "p50": [100.0] * 64, "p95": [100.0] * 64, "highest_share": 0.2,
             "busy_cells": [], "learned_utc_ms": 1, "accepted_by": "li"}  # fmt: skip
    return baselines.Baseline(**{**known, **more})  # type: ignore[arg-type]


def armed(model: Model, moments_: list[Moment], **more: object) -> Judge:
    """A judge whose baseline was learned from the seconds before the leak."""
    judge = Judge(model, EARS, EYES)
    learner = baselines.Learner("f7")
    for moment in moments_[: ONSET - 2]:
        found = judge.second(*moment)
        learner.second(found.levels, None, found.values["evidence"])
    learned = learner.baseline()
    judge.arm(msgspec.structs.replace(learned, accepted_by="li", highest_share=0.0, **more))
    return judge


@pytest.mark.parametrize("dead", ["neither", "sound", "picture"])
def test_a_leak_is_found_with_both_sensors_and_with_either_dead(model: Model, leaking: list[Moment], dead: str) -> None:
    judge = armed(model, leaking)
    for at, (sound, sight) in enumerate(leaking[ONSET:]):
        found = judge.second(None if dead == "sound" else sound, None if dead == "picture" and at >= 0 else sight)
        if found.began:
            break
    values = found.values
    assert values["alarm"] == 1.0, values
    assert values["degraded"] == float(dead != "neither" and (dead == "sound" or at >= 5))
    assert 3.0 <= values["delay_s"] <= SECONDS - ONSET
    assert values["probability"] > 0.5
    assert {"distance_m", "flow_kg_s", "distance_bin", "flow_bin"} <= set(values)
    if dead == "neither":
        assert values["agreement"] == pytest.approx(
            1.0 - abs(values["sound_probability"] - values["picture_probability"])
        )
        assert values["over_floor_db"] > 3.0
        assert values["plume_cells"] > 0
    elif dead == "sound":
        assert math.isnan(values["sound_probability"])
        assert values["sound_state"] == State.MISSING


def test_the_same_place_without_a_leak_is_quiet(model: Model) -> None:
    quiet = list(moments(place(leak=False)))
    judge = armed(model, quiet)
    assert not any(judge.second(*moment).values["alarm"] for moment in quiet[ONSET:])


def test_until_a_baseline_is_accepted_there_is_no_word_of_an_alarm(model: Model, leaking: list[Moment]) -> None:
    judge = Judge(model, EARS, EYES)
    found = [judge.second(*moment) for moment in leaking]
    assert not any("alarm" in one.values or one.began for one in found)
    assert found[-1].values["evidence"] > 0.3, "what is suspected is told all the same"
    assert found[-1].values["armed"] == 0.0


def test_no_sensor_is_no_evidence(model: Model, leaking: list[Moment]) -> None:
    judge = armed(model, leaking)
    found = [judge.second(None, None) for _ in range(8)][-1].values
    assert found["degraded"] == 1.0
    assert "probability" not in found
    assert math.isnan(found["evidence"])
    assert "alarm" not in found


def test_busy_cells_are_blanked_and_a_noisy_place_needs_more() -> None:
    assert accepted(highest_share=2.0).factor == pytest.approx(2.6)
    assert accepted().factor == 1.0
    learner = baselines.Learner("f7")
    cells = np.zeros((15, 20), np.bool_)
    cells[3, 4] = True
    for _ in range(100):
        learner.second(np.full((64, 16), 41.2, np.float32), cells, 0.4)
    found = learner.baseline()
    assert found.busy_cells == [64]
    assert found.p50 == [41.5] * 64
    assert found.highest_share == 0.4


def test_a_model_is_admitted_by_its_golden_batch(tmp_path: Path) -> None:
    for name in ("leak.onnx", "leak.card.json", "leak.golden.npz"):
        shutil.copy(SHIPPED.parent / name, tmp_path)
    with np.load(tmp_path / "leak.golden.npz") as batch:
        wrong = {name: batch[name] for name in batch.files}
    wrong["logits"] = wrong["logits"] + 3.0
    np.savez_compressed(tmp_path / "leak.golden.npz", **wrong)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="not the golden batch"):
        Model(tmp_path / "leak.onnx")
    card = json.loads((tmp_path / "leak.card.json").read_text("utf-8"))
    import hashlib

    card["golden"]["sha256"] = hashlib.sha256((tmp_path / "leak.golden.npz").read_bytes()).hexdigest()
    (tmp_path / "leak.card.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(SourceError, match=r"logits that is off .* 偏差"):
        Model(tmp_path / "leak.onnx")
    (tmp_path / "leak.card.json").unlink()
    with pytest.raises(SourceError, match="no card"):
        Model(tmp_path / "leak.onnx")


def test_the_card_says_first_that_it_was_trained_on_simulation(model: Model) -> None:
    card = model.card
    assert next(iter(card.title.values())).startswith("Trained on simulation")
    assert "仿真" in card.title["zh-CN"]
    assert all("simulat" in line for line in card.trained_on)
    assert card.licence == "Apache-2.0"


def tag(number: int, name: str, settings: Settings) -> PlannedTag:
    return PlannedTag(Tag(number, name, "f7", 0), parse(settings, PointSpec(name, name, "")), 1.0, 0.0)


NAMES = ("alarm", "evidence", "sound_state", "picture_state", "degraded", "level_db", "ms")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Columns, Seen]:
    """The source in its worker on a recording of five seconds: the first result that has a level, and the view."""
    folder = tmp_path_factory.mktemp("leak")
    noise = np.random.default_rng(1).normal(0.0, 0.01, 8 * RATE)
    settings = Settings(
        sound=f"file:{wav(folder / 'a.wav', noise)}", rate_hz=RATE, picture="v4l2:/dev/nothing-here", provider="cpu"
    )
    plan = Plan(
        "f7", [Group(0, "f7", "f7", 0, len(NAMES), 1000)], [[tag(at, name, settings) for at, name in enumerate(NAMES)]]
    )

    async def first() -> tuple[Columns, Seen]:
        driver, blocks = Driver(settings, plan), asyncio.Queue[Block](16)
        driver.folder = folder
        task = asyncio.create_task(driver.run(blocks.put_nowait))
        try:
            while True:
                got = asyncio.ensure_future(blocks.get())
                await asyncio.wait({got, task}, return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    got.cancel()
                    task.result()
                block = got.result()
                assert isinstance(block, Columns)
                if not math.isnan(block.values[NAMES.index("level_db")]):
                    return block, msgspec.json.decode(driver.view(), type=Seen)
        finally:
            task.cancel()
            await asyncio.wait({task})

    for _ in range(9):  # a loaded machine starts a worker too late for its master, and a supervisor would start it anew
        try:
            return asyncio.run(first())
        except SourceError as error:
            late = error
    raise late


def test_the_source_runs_in_its_worker_with_one_sensor_missing(run: tuple[Columns, Seen]) -> None:
    block, seen = run
    value = dict(zip(NAMES, block.values, strict=True))
    assert value["degraded"] == 1.0
    assert value["picture_state"] == State.MISSING
    assert block.qualities[NAMES.index("alarm")] == Quality.BAD, "no baseline was accepted"
    assert block.causes[NAMES.index("alarm")] == Cause.DEVICE
    assert 0.0 < value["ms"] < 1000.0
    assert seen.values["sound_state"] == value["sound_state"]
    assert len(seen.levels[-1]) == len(seen.bands_hz) == 64
    assert "nothing-here" in seen.picture_error


def test_the_registry_knows_it_and_a_wrong_address_is_refused() -> None:
    module = load("leak")
    with pytest.raises(AddressError, match="alarm, probability"):
        module.parse(Settings(sound="alsa:hw:0"), PointSpec("x", "nonsense", ""))
    assert module.parse(Settings(sound="alsa:hw:0"), PointSpec("x", "alarm", "")).boolean


class Sensor:
    """A feed that gives something or nothing, and knows how long it was waited for."""

    def __init__(self) -> None:
        self.gives: object = "a second"
        self.waited: list[float] = []

    def take(self, within_s: float) -> object:
        self.waited.append(within_s)
        return self.gives


def test_a_dead_sensor_does_not_slow_down_the_other() -> None:
    """Who gave the last second sets the pace; who gave none is only looked at, until it gives again."""
    job, sound, sight = Job(Settings(sound="alsa:hw:0", picture="v4l2:/dev/video2").job("f7", None)), Sensor(), Sensor()
    waits = []
    for sound.gives, sight.gives in [
        ("s", "p"),
        (None, "p"),
        (None, "p"),
        ("s", "p"),
        ("s", "p"),
        ("s", None),
        (None, None),
    ]:
        assert job._taken(sound, sight) == (sound.gives, sight.gives)  # type: ignore[arg-type]
        waits.append((sound.waited[-1] > 1.0, sight.waited[-1] > 1.0))
    by_sound, by_sight = (True, False), (False, True)
    assert waits == [by_sound, by_sound, by_sight, by_sight, by_sound, by_sound, by_sound]
