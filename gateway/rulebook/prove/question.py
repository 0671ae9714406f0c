"""Asking the solver: is there a state of the plant in which this holds? With a time limit, and an example that is rounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import z3

from gateway.core.program import Expression
from gateway.rulebook.prove.example import Example, changes, merely_for, roundings, times
from gateway.rulebook.prove.plant import Plant, Steps
from gateway.rulebook.prove.scene import DEPTH_MAX, Logic, Scene, depth_of

Verdict = Literal["yes", "no", "open"]
Claim = Callable[[Scene], list[Logic]]
LOST = "lost:"  # unknowns of this name say that a tag is lost


@dataclass(slots=True)
class Asker:
    """Asks one question after the other about a plant, each for at most `limit_ms`; counts them, and those left open."""

    plant: Plant
    limit_ms: int = 2_000
    asked: int = 0
    left_open: int = 0

    def ask(
        self, expressions: Sequence[Expression], claim: Claim, *, example: bool = True
    ) -> tuple[Verdict, Example | None]:
        """Can the claim hold, over all values that are GOOD, by any way from the start? Short ways are tried first."""
        verdict, found = self._ask(1, claim, example)
        depth = depth_of(expressions)
        if verdict == "no" and depth > 1:
            verdict, found = self._ask(min(depth, DEPTH_MAX), claim, example)
            if verdict == "no" and depth > DEPTH_MAX:
                verdict = "open"
        self.left_open += verdict == "open"
        return verdict, found

    def never(self, expressions: Sequence[Expression], claim: Claim) -> bool:
        """Is it proven that the claim cannot hold?"""
        return self.ask(expressions, claim, example=False)[0] == "no"

    def _ask(self, depth: int, claim: Claim, example: bool) -> tuple[Verdict, Example | None]:
        self.asked += 1
        scene = Scene(self.plant, depth)
        claims = claim(scene)
        solver = z3.Solver()
        solver.set("timeout", self.limit_ms)
        solver.add(*claims, *scene.side)
        answer = solver.check()
        if answer == z3.unsat:
            return "no", None
        if answer != z3.sat:
            return "open", None
        return "yes", _Rounding(scene, solver).example() if example else None


class _Rounding:
    """A model, made simple: each number the roundest that still leaves a model."""

    def __init__(self, scene: Scene, solver: Any) -> None:
        self.scene = scene
        self.solver = solver
        self.model = solver.model()

    def example(self) -> Example:
        """The example, its values as the devices would give them."""
        scene = self.scene
        lost = {str(one)[len(LOST) :] for one in self.model.decls() if str(one).startswith(LOST) and self.model[one]}
        instants: list[dict[str, float | None]] = [{} for _ in range(scene.depth)]
        for (tag, at), unknown in scene.values.items():
            value = self._fixed(unknown, scene.plant.steps.get(tag))
            instants[at][tag] = None if tag in lost and at == scene.depth - 1 else value
        for tag in sorted(lost - instants[-1].keys()):
            instants[-1][tag] = None
        free = {key: self._fixed(unknown) for key, unknown in scene.free.items()}
        return Example(changes(instants), times(free, scene.plant.units), timed=not merely_for(free))

    def _fixed(self, unknown: Any, steps: Steps | None = None) -> float:
        """The value of an unknown, rounded; it stays so for all that follow."""
        if z3.is_bool(unknown):
            yes = z3.is_true(self.model.eval(unknown, model_completion=True))
            self.solver.add(unknown == yes)
            return float(yes)
        middle = _fraction(self.model.eval(unknown, model_completion=True))
        if z3.is_int(unknown):
            return self._whole(unknown, int(middle), steps or Steps())
        for candidate in roundings(middle):
            if self._takes(unknown == z3.Q(candidate.numerator, candidate.denominator)):
                return float(candidate)
        return float(middle)  # an irrational root, or out of time: as near as the model says

    def _whole(self, unknown: Any, count: int, steps: Steps) -> float:
        """A count whose value is a round number, else the one of the model."""
        for candidate in roundings(Fraction(repr(steps.value(count)))):
            near = steps.nearest(float(candidate))
            if steps.value(near) == float(candidate) and self._takes(unknown == near):
                return steps.value(near)
        self._takes(unknown == count)
        return steps.value(count)

    def _takes(self, equal: Logic) -> bool:
        if self.solver.check(equal) != z3.sat:
            return False
        self.model = self.solver.model()
        self.solver.add(equal)
        return True


def _fraction(value: Any) -> Fraction:
    if z3.is_algebraic_value(value):
        value = value.approx(12)
    return (
        Fraction(value.as_long())
        if z3.is_int_value(value)
        else Fraction(value.numerator_as_long(), value.denominator_as_long())
    )
