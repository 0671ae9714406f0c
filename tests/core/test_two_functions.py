"""Two functions on one output: in every order of trips, clearings and resets it is energised only while both ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import Stage, low_level

from gateway.core.effects import Effect, Write
from gateway.core.interlocks import ENERGISED

MOVES = ("trip one", "trip two", "clear one", "clear two", "reset one", "reset two")
FUNCTIONS = {"one": ("ONE", "a0"), "two": ("TWO", "a1")}


class Watched(Stage):
    """A stage that looks at every write and at the field after every step of the kernel."""

    obeys = True

    def _took(self, effects: list[Effect]) -> list[Effect]:
        asked = all(function.state in ENERGISED for function in self.kernel.functions.values())
        for effect in effects:
            if isinstance(effect, Write):
                assert effect.value == 0.0 or asked, "energised while a function is tripped"
        everything = super()._took(effects)
        if self.obeys:
            assert self.field.get("y0", 0.0) == 0.0 or all(f.state in ENERGISED for f in self.kernel.functions.values())
        return everything


def like(stage: Stage) -> Watched:
    """Another stage that stands where `stage` stands."""
    other = Watched([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    other.kernel.restore(stage.kernel.snapshot())
    other.now_ns, other.seq, other._commands = stage.now_ns, stage.seq, stage._commands
    other.field, other.values = dict(stage.field), dict(stage.values)
    return other


def after(stage: Stage, move: str) -> Watched:
    """Where one more move leads; `stage` itself stays, so that all stories with the same beginning share it."""
    moved = like(stage)
    what, which = move.split()
    name, tag = FUNCTIONS[which]
    if what == "reset":
        moved.ask("interlock.reset", name)
    else:
        moved.poll(**{tag: 10.0 if what == "trip" else 50.0})
    moved.run(6, step_ms=900)
    return moved


def orders(stage: Stage, story: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Stage]]:
    """Every order of the six moves in which each trips before it clears, and where it ends."""
    if len(story) == len(MOVES):
        yield story, stage
        return
    for move in MOVES:
        if move not in story and (not move.startswith("clear") or move.replace("clear", "trip") in story):
            yield from orders(after(stage, move), (*story, move))


@pytest.fixture(scope="module")
def energised() -> Stage:
    stage = Stage([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    stage.energise("ONE", "TWO")
    assert stage.field["y0"] == 1.0
    return stage


@pytest.mark.parametrize("first", MOVES[:2])
def test_every_order_of_moves_after_a_trip(first: str, energised: Stage) -> None:
    """Resets that are refused change nothing, so stories are as good as those without them."""
    stages: list[Stage] = [after(energised, first)]
    for _ in range(4 if first == "trip one" else 3):
        stages = [after(stage, move) for stage in stages for move in MOVES]
    again = sum(stage.field["y0"] == 1.0 for stage in stages)
    assert again, "some order of clearing and resetting energises it again"


def test_every_order_of_one_trip_clear_and_reset_of_each(energised: Stage) -> None:
    """The 180 orders in which each trips before it clears; energised at the end exactly where each was reset after that."""
    seen = set()
    for story, stage in orders(energised):
        seen.add(story)
        for which, (name, _) in FUNCTIONS.items():
            reset = story.index(f"reset {which}") > story.index(f"clear {which}")
            assert (stage.state(name) in ("ARMED", "ARMING")) == reset, story
        assert stage.field["y0"] == float(all(f.state.name == "ARMED" for f in stage.kernel.functions.values()))
        both_ready = all(story.index(f"reset {w}") > story.index(f"clear {w}") for w in FUNCTIONS)
        assert (stage.field["y0"] == 1.0) == both_ready, story
    assert len(seen) == 720 // 4


def test_trips_of_both_in_one_instant(energised: Stage) -> None:
    stage = like(energised)
    stage.poll(a0=10.0, a1=10.0)
    assert (stage.state("ONE"), stage.state("TWO"), stage.field["y0"]) == ("TRIPPED", "TRIPPED", 0.0)
    assert {f.first_out.causes for f in stage.kernel.functions.values() if f.first_out} == {("a0 < 30",), ("a1 < 30",)}


def test_a_failed_read_back_fails_both(energised: Stage) -> None:
    stage = like(energised)
    stage.obeys, stage.answer = False, lambda write: (False, 1.0)
    stage.poll(a0=10.0)
    stage.run(3)
    assert stage.state("ONE") == "TRIP_FAILED"
    stage.poll(a1=10.0)
    assert stage.state("TWO") in ("TRIPPING", "TRIP_FAILED")
    stage.answer = lambda write: (True, write.value)
    stage.run(2)
    assert (stage.state("ONE"), stage.state("TWO")) == ("TRIPPED", "TRIPPED")
