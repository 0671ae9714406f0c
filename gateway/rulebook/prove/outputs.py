"""Rules that drive one output: two controls on it are refused, and an interlock beats a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from gateway.core.program import Control, Expression, Interlock, Program
from gateway.core.voting import FALSE, TRUE
from gateway.core.written import number
from gateway.rulebook.prove.finding import Desk, seen
from gateway.rulebook.prove.linkage import goes_off, goes_on
from gateway.rulebook.prove.question import Asker
from gateway.rulebook.prove.rehearse import replayed
from gateway.rulebook.prove.scene import Logic, Scene
from gateway.rulebook.prove.truth import Reading
from gateway.rulebook.sheet import Argument


@dataclass(frozen=True, slots=True)
class Wish:
    """A control that is `on` or not, and what it then wants of an output."""

    rule: Control
    on: bool
    value: float

    def expressions(self) -> list[Expression]:
        """What decides it: what must be true last."""
        clear = self.rule.clear
        return [self.rule.when] if self.on or clear is None else [self.rule.when, clear]

    def claim(self, scene: Scene, copy: str) -> list[Logic]:
        """It stands there."""
        reading = Reading(scene, copy=copy)
        return [goes_on(self.rule, reading) if self.on else goes_off(self.rule, reading, scene.plant)]

    def judge(self, truths: Sequence[int]) -> bool:
        """Do these truths of its expressions put it there?"""
        if self.on:
            return truths[0] & 3 == TRUE
        return truths[0] & 3 == FALSE and all(truth & 3 == TRUE for truth in truths[1:])

    def words(self) -> tuple[str, str]:
        """What it wants, as part of a sentence."""
        return f"wants {number(self.value)}", f"要求 {number(self.value)}"


def wishes(rule: Control, output: str) -> list[Wish]:
    """What a control wants of an output while it is on, and while it is off."""
    value = next(one.value for one in rule.sets if one.output == output)
    return [Wish(rule, True, value), Wish(rule, False, 1.0 - value)]


def driven(program: Program) -> dict[str, tuple[list[Interlock], list[Control]]]:
    """By output, in the order of the program: the interlocks that stop it and the controls that set it."""
    found: dict[str, tuple[list[Interlock], list[Control]]] = {}
    for rule in program.rules:
        if isinstance(rule, Interlock):
            for stop in (*rule.stops, *rule.otherwise):
                found.setdefault(stop.output, ([], []))[0].append(rule)
        elif isinstance(rule, Control):
            for one in rule.sets:
                found.setdefault(one.output, ([], []))[1].append(rule)
    return found


def conflicts(program: Program, desk: Desk, asker: Asker) -> None:
    """Lay down which rules can want different states of one output at one time."""
    for output, (interlocks, controls) in driven(program).items():
        for one, other in combinations(controls, 2):
            _two_controls(one, other, output, desk, asker)
        for interlock in interlocks:
            for control in controls:
                _interlock_wins(interlock, control, output, desk, asker)


def _two_controls(one: Control, other: Control, output: str, desk: Desk, asker: Asker) -> None:
    for here in wishes(one, output):
        for there in wishes(other, output):
            if here.value != there.value and _differ(here, there, output, desk, asker):
                return
    desk.say("check.two-controls-same", one, None, other=other.name, output=output)


def _differ(here: Wish, there: Wish, output: str, desk: Desk, asker: Asker) -> bool:
    """Can both stand so at one time? Lays it down."""
    first = here.expressions()
    both = first + there.expressions()
    verdict, example = asker.ask(both, lambda scene: here.claim(scene, "a") + there.claim(scene, "b"))
    if verdict == "open":
        desk.undecided("conflict", here.rule, other=there.rule.name, output=output)
    if example is None:
        return False

    def judge(truths: Sequence[int]) -> bool:
        return here.judge(truths[: len(first)]) and there.judge(truths[len(first) :])

    shown = seen(example, replayed=replayed(example, both, judge, desk.plant))
    words: dict[str, Argument] = {"other": there.rule.name, "output": output}
    desk.say("check.two-controls", here.rule, shown, here=here.words(), there=there.words(), **words)
    return True


def _interlock_wins(interlock: Interlock, control: Control, output: str, desk: Desk, asker: Asker) -> None:
    safe = desk.plant.tags[output].safe
    wish = next(wish for wish in wishes(control, output) if wish.value != safe)
    both = [interlock.when, *wish.expressions()]
    verdict, example = asker.ask(
        both, lambda scene: [Reading(scene, copy="a").holds(interlock.when), *wish.claim(scene, "b")]
    )
    if verdict == "open":
        desk.undecided("conflict", interlock, other=control.name, output=output)
    if example is None:
        return

    def judge(truths: Sequence[int]) -> bool:
        return truths[0] & 3 == TRUE and wish.judge(truths[1:])

    shown = seen(example, replayed=replayed(example, both, judge, desk.plant))
    desk.say("check.interlock-wins", interlock, shown, other=control.name, output=output, wanted=number(wish.value))
