"""Rules whose doing comes back as their own cause: through the output they drive, or the effect that confirms it.

What the process does in between is not known here; what the site says is: a condition may read a writable tag, and an
interlock that stops an output confirms it by the tag that shows the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import z3

from gateway.core.program import Compare, Control, Interlock, Measure, Program
from gateway.rulebook.prove.finding import Desk
from gateway.rulebook.prove.linkage import goes_off, goes_on
from gateway.rulebook.prove.question import Asker
from gateway.rulebook.prove.scene import Logic, Scene
from gateway.rulebook.prove.truth import Compared, Reading
from gateway.rulebook.prove.walk import conditions, tags

CIRCLE_MAX = 6  # controls in one circle: 64 joint states

Shown = Mapping[str, Mapping[float, float]]  # tag -> value of its output -> what the tag then reads


def effects(program: Program, output: str, safe: float) -> Shown:
    """The tags that show the state of `output`: itself, and those that confirm that it went safe."""
    found: dict[str, dict[float, float]] = {output: {0.0: 0.0, 1.0: 1.0}}
    for rule in program.rules:
        if isinstance(rule, Interlock) and any(stop.output == output for stop in rule.stops):
            for confirm in rule.confirms:
                if confirm.op == "=" and confirm.value in (0.0, 1.0) and len(rule.stops) == 1:
                    found[confirm.tag] = {safe: confirm.value, 1.0 - safe: 1.0 - confirm.value}
    return found


class Circles:
    """The rules of a program by what they drive and what they read."""

    def __init__(self, program: Program, desk: Desk, asker: Asker) -> None:
        self.program = program
        self.desk = desk
        self.asker = asker
        self._safe = {name: tag.safe for name, tag in desk.plant.tags.items()}
        self._shown: dict[str, Shown] = {}

    def find(self) -> None:
        """Lay down the circles, and what becomes of them."""
        for rule in self.program.rules:
            if isinstance(rule, Interlock):
                self._interlock(rule)
        for circle in self._circles():
            self._controls(circle)

    def shown(self, rule: Interlock | Control) -> dict[str, Mapping[float, float]]:
        """The tags that show what a rule drives."""
        outputs = [stop.output for stop in rule.stops] if isinstance(rule, Interlock) else [s.output for s in rule.sets]
        found: dict[str, Mapping[float, float]] = {}
        for output in outputs:
            if output not in self._shown:
                self._shown[output] = effects(self.program, output, self._safe[output])
            found |= self._shown[output]
        return found

    # --- interlocks ---

    def _interlock(self, rule: Interlock) -> None:
        back = [tag for tag in tags(rule.when) if tag in self.shown(rule)]
        if not back:
            return
        values = self.tripped(rule)
        verdict, _ = self.asker.ask(
            [rule.when],
            lambda scene: [z3.Not(Reading(scene, fixed(scene, values)).holds(rule.when))],
            example=False,
        )
        if verdict == "open":
            self.desk.undecided("loop", rule)
        elif verdict == "no":
            self.desk.say("check.locks-itself", rule, None, tags=_listed(back))
        else:
            self.desk.say("check.reads-itself", rule, None, rules=rule.name, tags=_listed(back))

    def tripped(self, rule: Interlock) -> dict[str, float]:
        """What the tags that show the outputs of an interlock read once it has tripped."""
        return {
            tag: reads[self._safe[stop.output]]
            for stop in rule.stops
            for tag, reads in effects(self.program, stop.output, self._safe[stop.output]).items()
        }

    # --- controls ---

    def _circles(self) -> list[list[Control]]:
        """Controls that reach themselves: the sets of those that reach each other."""
        controls = [rule for rule in self.program.rules if isinstance(rule, Control)]
        after: dict[str, list[str]] = {}
        for rule in controls:
            shown = self.shown(rule)
            after[rule.name] = [one.name for one in controls if any(tag in shown for tag in tags(*conditions(one)))]
        reach = {name: _reached(name, after) for name in after}
        found: list[list[Control]] = []
        for rule in controls:
            if rule.name in reach[rule.name] and not any(rule in circle for circle in found):
                found.append([one for one in controls if one.name in reach[rule.name] and rule.name in reach[one.name]])
        return found

    def _controls(self, circle: Sequence[Control]) -> None:
        first = circle[0]
        if len(circle) > CIRCLE_MAX:
            self.desk.undecided("loop", first)
            return
        read = [one for rule in circle for one in conditions(rule)]
        verdict, example = self.asker.ask(
            read, lambda scene: [z3.Not(stands) for stands in self._standing(circle, scene)]
        )
        names = ", ".join(rule.name for rule in circle)
        if verdict == "open":
            self.desk.undecided("loop", first)
        elif verdict == "no":
            back = [tag for rule in circle for tag in self.shown(rule) if tag in tags(*read)]
            self.desk.say("check.reads-itself", first, None, rules=names, tags=_listed(list(dict.fromkeys(back))))
        else:
            told = example is not None and any(example.instants)
            self.desk.say("check.loop" if told else "check.loop-always", first, example if told else None, rules=names)

    def _standing(self, circle: Sequence[Control], scene: Scene) -> list[Logic]:
        """Of every joint state of the controls: nothing moves in it."""
        found = []
        for state in product((False, True), repeat=len(circle)):
            values = self.moved(circle, state)
            reading = Reading(scene, fixed(scene, values), lasting=True)
            moves = [
                goes_off(rule, reading, self.desk.plant) if on else goes_on(rule, reading)
                for rule, on in zip(circle, state, strict=True)
            ]
            found.append(z3.And([z3.Not(move) for move in moves]))
        return found

    def moved(self, circle: Sequence[Control], state: Sequence[bool]) -> dict[str, float]:
        """What the tags that show their outputs read while the controls stand so."""
        values: dict[str, float] = {}
        for rule, on in zip(circle, state, strict=True):
            for one in rule.sets:
                stands = one.value if on else 1.0 - one.value
                shown = effects(self.program, one.output, self._safe[one.output])
                values |= {tag: reads[stands] for tag, reads in shown.items()}
        return values


def fixed(scene: Scene, values: Mapping[str, float]) -> Compared:
    """Comparisons of tags that read just these values; of all others the state of the scene."""

    def compared(node: Compare | Measure) -> Logic:
        if isinstance(node, Compare) and node.tag in values:
            return z3.BoolVal((values[node.tag] == node.limit) == (node.op == "="))
        return scene.state(node)

    return compared


def _reached(name: str, after: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(after[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += after[one]
    return found


def _listed(names: Sequence[str]) -> tuple[str, str]:
    return ", ".join(names), "、".join(names)
