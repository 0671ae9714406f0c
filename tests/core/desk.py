"""One condition on a desk: its tags are set by hand, its deadlines come by themselves."""

from __future__ import annotations

import math
from typing import Any

from gateway.core.evaluate import Condition
from gateway.core.leaves import Leaf
from gateway.core.program import Expression
from gateway.core.tags import Cause
from gateway.core.voting import FALSE, LEFT, SOFT_FALSE, SOFT_TRUE, TRUE, UNKNOWN

SECOND = 1_000_000_000
NAMES = {LEFT: "left", FALSE: "no", TRUE: "yes", UNKNOWN: "?", SOFT_FALSE: "no~", SOFT_TRUE: "yes~"}
BAD, SOFT, OVER, UNDER = "bad", "soft", "over", "under"  # in place of a value, or (quality, value)


class Image:
    """The three columns that a condition reads."""

    def __init__(self, count: int) -> None:
        self.values = [math.nan] * count
        self.qualities = [3] * count
        self.causes = [int(Cause.NEVER)] * count


class Desk:
    """`at(seconds, tag=value)` gives the truth in a word: yes, no, ?, left, with ~ where it rests on a doubtful value."""

    def __init__(
        self, expression: Expression, *tags: str, policy: str = "safe", after_s: float = 2.0, **more: Any
    ) -> None:
        self.names = {tag: at for at, tag in enumerate(tags)}
        self.image = Image(len(tags))
        self.due: list[int] = []
        self.made = (expression, self.image, self.names, policy, int(after_s * SECOND), self.due.append)
        self.more = more
        self.condition = Condition(*self.made, **more)  # type: ignore[arg-type]

    def set(self, **values: object) -> None:
        """Values of tags: a number is GOOD, `bad` is lost, ("soft", 3) is UNCERTAIN, ("over", 3) beyond its range."""
        for tag, value in values.items():
            at = self.names[tag]
            kind, number = value if isinstance(value, tuple) else (value if isinstance(value, str) else "", value)
            assert isinstance(kind, str)
            if isinstance(number, int | float):
                self.image.values[at] = float(number)
            self.image.qualities[at] = {"": 0, SOFT: 1}.get(kind, 3)
            causes = {"": Cause.NONE, SOFT: Cause.DEVICE, OVER: Cause.ABOVE_RANGE, UNDER: Cause.BELOW_RANGE}
            self.image.causes[at] = int(causes.get(kind, Cause.COMMS))

    def at(self, seconds: float, **values: object) -> str:
        """Read at this time."""
        self.set(**values)
        return NAMES[self.condition.root.read(round(seconds * SECOND))]

    def dues(self) -> list[float]:
        """The deadlines that were asked for since the last look, in seconds."""
        found = [due / SECOND for due in self.due]
        self.due.clear()
        return found

    def leaf(self, at: int = 0) -> Leaf:
        """A leaf of the condition."""
        return self.condition.leaves()[at]

    def bypass(self, on: bool, seconds: float, at: int = 0) -> None:
        """Take a leaf out of the vote, or put it back."""
        self.leaf(at).bypass(on, round(seconds * SECOND))

    def causes(self) -> list[str]:
        """What would be the first-out now."""
        return [leaf.cause() for leaf in self.condition.first_true()]

    def reloaded(self) -> Desk:
        """The same from a snapshot; it is checked that a snapshot of the copy is the same."""
        twin = Desk(self.made[0], *self.names, policy=self.made[3], after_s=self.made[4] / SECOND, **self.more)
        for mine, its in ((self.image.values, twin.image.values), (self.image.qualities, twin.image.qualities),
                          (self.image.causes, twin.image.causes)):  # fmt: skip
            its[:] = mine  # type: ignore[index]
        saved = self.condition.save()
        twin.condition.load(saved)
        assert repr(twin.condition.save()) == repr(saved)
        return twin
