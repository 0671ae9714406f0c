"""Two functions on one output: in every order of trips, clearings and resets it is energised only while both ask."""

from __future__ import annotations

import itertools
import sys
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


def play(story: tuple[str, ...], data: bytes, start: Stage) -> Watched:
    stage = Watched([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    stage.kernel.restore(data)
    stage.now_ns, stage.seq, stage._commands = start.now_ns, start.seq, start._commands
    stage.field, stage.values = dict(start.field), dict(start.values)
    for move in story:
        what, which = move.split()
        name, tag = FUNCTIONS[which]
        if what == "reset":
            stage.ask("interlock.reset", name)
        else:
            stage.poll(**{tag: 10.0 if what == "trip" else 50.0})
        stage.run(6, step_ms=900)
    return stage


@pytest.fixture(scope="module")
def energised() -> Stage:
    stage = Stage([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    stage.energise("ONE", "TWO")
    assert stage.field["y0"] == 1.0
    return stage


@pytest.mark.parametrize("first", MOVES[:2])
def test_every_order_of_moves_after_a_trip(first: str, energised: Stage) -> None:
    """Resets that are refused change nothing, so stories are as good as those without them."""
    data, again = energised.kernel.snapshot(), 0
    for rest in itertools.product(MOVES, repeat=4 if first == "trip one" else 3):
        stage = play((first, *rest), data, energised)
        again += stage.field["y0"] == 1.0
    assert again, "some order of clearing and resetting energises it again"


def test_every_order_of_one_trip_clear_and_reset_of_each(energised: Stage) -> None:
    """All 720 orders of the six moves; energised at the end exactly where each was reset after its last clearing."""
    data = energised.kernel.snapshot()
    for story in itertools.permutations(MOVES):
        if any(story.index(f"trip {w}") > story.index(f"clear {w}") for w in FUNCTIONS):
            continue
        stage = play(story, data, energised)
        for which, (name, _) in FUNCTIONS.items():
            reset = story.index(f"reset {which}") > story.index(f"clear {which}")
            assert (stage.state(name) in ("ARMED", "ARMING")) == reset, story
        assert stage.field["y0"] == float(all(f.state.name == "ARMED" for f in stage.kernel.functions.values()))
        both_ready = all(story.index(f"reset {w}") > story.index(f"clear {w}") for w in FUNCTIONS)
        assert (stage.field["y0"] == 1.0) == both_ready, story


def test_trips_of_both_in_one_instant(energised: Stage) -> None:
    stage = play((), energised.kernel.snapshot(), energised)
    stage.poll(a0=10.0, a1=10.0)
    assert (stage.state("ONE"), stage.state("TWO"), stage.field["y0"]) == ("TRIPPED", "TRIPPED", 0.0)
    assert {f.first_out.causes for f in stage.kernel.functions.values() if f.first_out} == {("a0 < 30",), ("a1 < 30",)}


def test_a_failed_read_back_fails_both(energised: Stage) -> None:
    stage = play((), energised.kernel.snapshot(), energised)
    stage.obeys, stage.answer = False, lambda write: (False, 1.0)
    stage.poll(a0=10.0)
    stage.run(3)
    assert stage.state("ONE") == "TRIP_FAILED"
    stage.poll(a1=10.0)
    assert stage.state("TWO") in ("TRIPPING", "TRIP_FAILED")
    stage.answer = lambda write: (True, write.value)
    stage.run(2)
    assert (stage.state("ONE"), stage.state("TWO")) == ("TRIPPED", "TRIPPED")
