"""The leaves of a condition: comparisons with an input that can be bad, doubtful, lost or bypassed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.core.image import Image
from gateway.core.program import Compare, Operator
from gateway.core.tags import Cause, Quality, Tag
from gateway.core.terms import OPERATORS
from gateway.core.voting import FALSE, LEFT, SOFT, SOFT_FALSE, TRUE, UNKNOWN
from gateway.core.written import NO_UNITS

OPPOSITE: dict[Operator, Operator] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "=": "!=",
    "!=": "=",
}  # what `not` makes of a comparison
GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)
ABOVE, BELOW = int(Cause.ABOVE_RANGE), int(Cause.BELOW_RANGE)

# States of an input; anything but FIT takes the slow path.
FIT, DOUBTFUL, MISSING, LOST, BYPASSED = range(5)


class Inputs:
    """What the leaves of one rule share: its deadlines, and how many of them are not GOOD or lost."""

    __slots__ = ("bad_after_ns", "demanding", "dirty", "fit_since_ns", "leaves", "lost", "schedule", "unfit")

    def __init__(self, bad_after_ns: int, schedule: Callable[[int], None], demanding: bool) -> None:
        self.bad_after_ns = bad_after_ns
        self.demanding = demanding  # False in a permissive: there no bad value and no missing vote may say yes
        self.schedule = schedule
        self.leaves: list[Leaf] = []
        self.unfit = 0  # leaves still in the vote that are not GOOD
        self.lost = 0  # leaves whose badness has lasted
        self.fit_since_ns = 0
        self.dirty = True  # a leaf changed state: the rule must look again even if its truth did not change


class Leaf:
    """One comparison. A bad input holds its last truth, softly, until its badness has lasted `on bad ... after T`."""

    __slots__ = (
        "_beyond",
        "_causes",
        "_hold",
        "_limit",
        "_qualities",
        "_test",
        "_unfit_truth",
        "_values",
        "against",
        "bad_since_ns",
        "held",
        "inputs",
        "node",
        "number",
        "numbers",
        "state",
        "tags",
        "true_since_ns",
        "vote",
    )

    def __init__(self, node: Compare, number: int, image: Image, inputs: Inputs, vote: int, negated: bool) -> None:
        self.node = node  # of a `Gauge` a comparison that stands for it, see there
        self.number = number
        self.numbers: tuple[int, ...] = (number,)  # of all tags that it reads
        self.tags: tuple[str, ...] = (node.tag,)
        self.vote = vote  # the voting group: at most one bypass in each
        self.inputs = inputs
        self._values, self._qualities, self._causes = image.values, image.qualities, image.causes
        self._test = OPERATORS[node.op]
        self._limit = node.limit
        self._hold = node.limit + node.hyst if node.op in ("<", "<=") else node.limit - node.hyst
        # Out of range on the demand side is demand at once; under `not` the demand side is the other one.
        self._beyond = {BELOW if (node.op in ("<", "<=")) != negated else ABOVE: FALSE if negated else TRUE}
        if node.op in ("=", "!=") or not inputs.demanding:
            self._beyond = {}
        self.against = FALSE if negated else TRUE  # the truth that asks for the safe state
        self.held = 0  # last truth at GOOD quality, 0 = never
        self._unfit_truth = UNKNOWN
        self.state = MISSING  # until the first value; lost if none has come when badness counts
        self.bad_since_ns = -1
        self.true_since_ns = 0
        inputs.leaves.append(self)
        inputs.unfit += 1

    def read(self, now_ns: int) -> int:
        """Truth of the comparison now."""
        number = self.number
        if self.state == FIT and self._qualities[number] == GOOD:
            truth = (
                TRUE if self._test(self._values[number], self._hold if self.held == TRUE else self._limit) else FALSE
            )
            if truth != self.held:
                self._hold_truth(truth, now_ns)
            return truth
        self._unfit_truth = truth = self._read_unfit(now_ns)
        return truth

    @property
    def last(self) -> int:
        """The truth of the last `read`, for display: looking must not move a timer."""
        return self.held if self.state == FIT else self._unfit_truth

    def _hold_truth(self, truth: int, now_ns: int) -> None:
        if truth == self.against and self.held != truth:
            self.true_since_ns = now_ns
        self.held = truth

    def _read_unfit(self, now_ns: int) -> int:
        if self.state == BYPASSED:
            return LEFT
        quality = self._qualities[self.number]
        if quality == GOOD:
            self._turn(FIT, now_ns)
            return self.read(now_ns)
        if quality == UNCERTAIN:
            self._turn(DOUBTFUL, now_ns)
            if self._test(self._values[self.number], self._hold if self.held == TRUE else self._limit):
                self._hold_truth(TRUE, now_ns)
                return TRUE | SOFT
            return SOFT_FALSE
        beyond = self._beyond.get(self._causes[self.number])
        if beyond is not None:
            self._turn(DOUBTFUL, now_ns)
            self._hold_truth(beyond, now_ns)
            return beyond
        return self._read_bad(now_ns)

    def _read_bad(self, now_ns: int) -> int:
        if self.state != LOST:
            if self.state != MISSING or self.bad_since_ns < 0:
                self._turn(MISSING, now_ns)
                self.bad_since_ns = now_ns
                self.inputs.schedule(now_ns + self.inputs.bad_after_ns)
            if now_ns - self.bad_since_ns < self.inputs.bad_after_ns:
                # Nothing held since boot: neither a demand yet nor ever a reason to clear.
                return (self.held or self.against ^ TRUE ^ FALSE) | SOFT
            self._turn(LOST, now_ns)
        return UNKNOWN

    def _turn(self, state: int, now_ns: int) -> None:
        """Change the input's state and keep the rule's counts."""
        if state == self.state:
            return
        inputs, before = self.inputs, self.state
        inputs.dirty = True
        inputs.lost += (state == LOST) - (before == LOST)
        if state == LOST:
            self.true_since_ns = now_ns
        fit, was_fit = state in (FIT, BYPASSED), before in (FIT, BYPASSED)
        if fit != was_fit:
            inputs.unfit += -1 if fit else 1
            if inputs.unfit == 0:
                inputs.fit_since_ns = now_ns
        self.state = state

    def bypass(self, on: bool, now_ns: int) -> None:
        """Take the input out of the vote, or put it back; the next read finds out how it is."""
        if on:
            self._turn(BYPASSED, now_ns)
        elif self.state == BYPASSED:
            # Badness had its time while it was bypassed: what is bad now is lost now.
            self._turn(LOST if self.quality() == BAD else DOUBTFUL, now_ns)

    def quality(self) -> int:
        """The worst quality of what it reads."""
        return self._qualities[self.number]

    def describe(self, units: Mapping[str, str] = NO_UNITS) -> str:
        """The comparison in words, with the units that are given."""
        return f"{self.node.tag} {self.node.op} {self.node.limit:g} {units.get(self.node.tag, '')}".rstrip()

    def shown(self, tags: Sequence[Tag]) -> str:
        """The comparison in words with its units, for display."""
        return self.describe({tag: tags[number].unit for tag, number in zip(self.tags, self.numbers, strict=True)})

    def opposite(self) -> str:
        """What is the cause where the comparison stands under `not`."""
        return f"{self.node.tag} {OPPOSITE[self.node.op]} {self.node.limit:g}"

    def cause(self) -> str:
        """Why it demands, in words: the comparison, or that its input was lost."""
        if self.held != self.against or self.state not in (FIT, DOUBTFUL):
            return f"{self.bad_tag()} bad"
        return self.describe() if self.against == TRUE else self.opposite()

    def bad_tag(self) -> str:
        """The first of its tags that is not GOOD; the first of all where each is."""
        bad = (tag for tag, number in zip(self.tags, self.numbers, strict=True) if self._qualities[number] != GOOD)
        return next(bad, self.tags[0])

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.held, self.state, self.bad_since_ns, self.true_since_ns, self._unfit_truth]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self.held, self.state, self.bad_since_ns, self.true_since_ns, self._unfit_truth = state
