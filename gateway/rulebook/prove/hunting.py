"""Would a control hunt? Where its on and off regions overlap or touch, the smallest movement switches it."""

from __future__ import annotations

from typing import Any

import z3

from gateway.core.program import Compare, Control, Expression, For, Measure
from gateway.core.voting import TRUE
from gateway.rulebook.prove.finding import Desk, seen
from gateway.rulebook.prove.linkage import goes_off, goes_on
from gateway.rulebook.prove.plant import step_test
from gateway.rulebook.prove.question import Asker
from gateway.rulebook.prove.rehearse import replayed
from gateway.rulebook.prove.scene import Logic, Scene, exact, good_range, held_at, test
from gateway.rulebook.prove.truth import Reading
from gateway.rulebook.prove.walk import parts


class Trembling:
    """The comparisons of a plant that stands still but for the smallest movement: `copy` is one end of it.

    A comparison with hysteresis does not follow so small a movement: it is the same at both ends. A device that counts
    moves by one count. Equality is no matter of hunting: a mode does not tremble.
    """

    def __init__(self, scene: Scene, copy: str) -> None:
        self.scene = scene
        self.copy = copy
        self._at = scene.depth - 1

    def compared(self, node: Compare | Measure) -> Logic:
        """The comparison at this end of the movement."""
        if not node.hyst:
            return self._moved(node, node.limit)
        stands = self.scene.state(node)  # what it came to by its way here
        fresh, held = self._moved(node, node.limit), self._moved(node, held_at(node))
        self.scene.side += [z3.Implies(stands, held), z3.Implies(fresh, stands)]
        return stands

    def _moved(self, node: Compare | Measure, limit: float) -> Logic:
        if node.op in ("=", "!="):
            return self.scene.plain(node, self._at, limit)
        if isinstance(node, Measure):
            return self._beside(node, self.scene.number(node.term, self._at), exact(limit), node.term)
        steps = self.scene.plant.steps.get(node.tag)
        unknown = self.scene.value(node.tag, self._at)
        low, high = good_range(self.scene.plant.tags[node.tag])
        if steps is None:
            step = self._step(node.tag)
            self.scene.side += [z3.Implies(unknown == exact(end), sign * step >= 0) for sign, end in _ends(low, high)]
            return self._beside(node, unknown, exact(limit), node.tag)
        whole = step_test(node.op, limit, steps)
        assert whole is not None
        moved = unknown + self._step(node.tag, least=0)
        self.scene.side += [moved >= steps.low, moved <= steps.high]
        for op, end in ((">=", low), ("<=", high)):
            bound = step_test(op, end, steps) if abs(end) < float("inf") else None  # type: ignore[arg-type]
            if bound is not None:
                self.scene.side.append(test(bound[0], moved, bound[1]))  # type: ignore[arg-type]
        return test(whole[0], moved, whole[1])  # type: ignore[arg-type]

    def _beside(self, node: Compare | Measure, value: Any, limit: Any, what: Any) -> Logic:
        """`value` moved by as little as you like, against `limit`."""
        return z3.Or(
            test(node.op, value, limit)
            if node.op in ("<", ">")
            else z3.And(value != limit, test(node.op, value, limit)),
            z3.And(value == limit, test(node.op, self._step(what), 0)),
        )

    def _step(self, what: Any, least: int = -1) -> Any:
        scene, key = self.scene, (f"step{self.copy}", what)
        if key not in scene.still:
            scene.still[key] = z3.Int(f"step{self.copy}{len(scene.still)}")
            scene.side += [scene.still[key] >= least, scene.still[key] <= 1]
        return scene.still[key]


def _ends(low: float, high: float) -> list[tuple[int, float]]:
    """The ends of a range that are there, with the sign of the way back into it."""
    return [(sign, end) for sign, end in ((1, low), (-1, high)) if abs(end) < float("inf")]


def hunting(rule: Control, desk: Desk, asker: Asker) -> None:
    """Lay down where a control would hunt."""
    if rule.clear is not None and _overlap(rule, rule.clear, desk, asker):
        return

    def claim(scene: Scene) -> list[Logic]:
        one, other = (Reading(scene, Trembling(scene, copy).compared, "", lasting=True) for copy in ("a", "b"))
        return [goes_on(rule, one), goes_off(rule, other, desk.plant)]

    verdict, example = asker.ask([rule.when, *([] if rule.clear is None else [rule.clear])], claim)
    if verdict == "yes":
        slow = rule.min_on_ns or rule.min_off_ns or any(isinstance(part, For) for part in parts(rule.when))
        desk.say("check.slow-hunting" if slow else "check.no-hysteresis", rule, example)
    elif verdict == "open":
        desk.undecided("hunting", rule)


def _overlap(rule: Control, clear: Expression, desk: Desk, asker: Asker) -> bool:
    """Are `when` and `clear when` true together anywhere? Lays it down."""
    both = [rule.when, clear]

    def claim(scene: Scene) -> list[Logic]:
        reading = Reading(scene, lasting=True)
        return [reading.holds(one) for one in both]

    verdict, example = asker.ask(both, claim)
    if verdict == "yes" and example is not None:
        again = replayed(example, both, lambda truths: all(truth & 3 == TRUE for truth in truths), desk.plant)
        desk.say("check.overlap", rule, seen(example, replayed=again))
    elif verdict == "open":
        desk.undecided("hunting", rule)
    return verdict != "no"
