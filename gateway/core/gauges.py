"""Leaves that are more than one tag and one limit: computed numbers, the presence of a good value, observed events.

They share the life of `core.leaves.Leaf`: bypass, badness with its own time, loss. Where something asks a leaf for `node`
it gets a comparison of the first tag that stands for it; `describe` says the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.image import Image
from gateway.core.leaves import BAD, BYPASSED, DOUBTFUL, FIT, GOOD, OPPOSITE, Inputs, Leaf
from gateway.core.limits import EVENT_KEYS_MAX
from gateway.core.program import Compare, Consecutive, Good, Measure, Tally
from gateway.core.terms import OPERATORS, AgeTerm, Reading, build, keeping, tags_of
from gateway.core.voting import FALSE, LEFT, SOFT, SOFT_FALSE, TRUE
from gateway.core.written import NO_UNITS, leaf_text


class _Wide(Leaf):
    """A leaf that reads several tags; `_whole` is what is written of it."""

    __slots__ = ("_whole",)

    _whole: Measure | Consecutive | Tally

    def quality(self) -> int:
        """The worst quality of what it reads."""
        quality = 0
        for number in self.numbers:
            quality |= self._qualities[number]
        return quality

    def describe(self, units: Mapping[str, str] = NO_UNITS) -> str:
        """The whole in words."""
        return leaf_text(self._whole, units)


class Gauge(_Wide):
    """A comparison of a computed number. Its windows see every instant, bypassed or not."""

    __slots__ = ("_reading", "_term")

    _whole: Measure

    def __init__(
        self, node: Measure, image: Image, numbers: dict[str, int], inputs: Inputs, vote: int, negated: bool
    ) -> None:
        tags = tags_of(node.term)
        face = Compare(tags[0], node.op, node.limit, node.hyst)
        super().__init__(face, numbers[tags[0]], image, inputs, vote, negated)
        self.tags, self.numbers = tuple(tags), tuple(numbers[tag] for tag in tags)
        self._whole = node
        self._reading = Reading(image, numbers, inputs.schedule)
        self._term = build(node.term, self._reading)

    def read(self, now_ns: int) -> int:
        """Truth of the comparison now."""
        reading = self._reading
        reading.filling = reading.outside = False
        value = self._term.read(now_ns)
        if isinstance(self._term, AgeTerm) and (due_ns := self._term.due_ns(self._limit, now_ns)) >= 0:
            self.inputs.schedule(due_ns)
        if self.state == BYPASSED:
            return LEFT
        truth = self._judge(value, now_ns)
        if self.state != FIT:
            self._unfit_truth = truth
        return truth

    def _judge(self, value: float, now_ns: int) -> int:
        quality = self.quality()
        known = value == value
        true = known and self._test(value, self._hold if self.held == TRUE else self._limit)
        if quality == BAD or (not known and not self._reading.filling):
            # Out of range on the demand side is demand at once, if nothing else is missing.
            if true == (self.against == TRUE) and known and self._reading.outside and self.inputs.demanding:
                self._turn(DOUBTFUL, now_ns)
                self._hold_truth(self.against, now_ns)
                return self.against
            return self._read_bad(now_ns)
        if not known:
            self._turn(DOUBTFUL, now_ns)
            return (self.held or self.against ^ TRUE ^ FALSE) | SOFT  # neither a demand yet nor a reason to clear
        if quality == GOOD:
            self._turn(FIT, now_ns)
            truth = TRUE if true else FALSE
            if truth != self.held:
                self._hold_truth(truth, now_ns)
            return truth
        self._turn(DOUBTFUL, now_ns)
        if true:
            self._hold_truth(TRUE, now_ns)
            return TRUE | SOFT
        return SOFT_FALSE

    def opposite(self) -> str:
        """What is the cause where the comparison stands under `not`."""
        whole = self._whole
        return leaf_text(Measure(whole.term, OPPOSITE[whole.op], whole.limit))

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [*super().save(), [part.save() for part in keeping(self._term)]]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        super().load(state[:-1])
        for part, data in zip(keeping(self._term), state[-1], strict=True):
            part.load(data)


class Presence(Leaf):
    """`good(tag)`: a bad value is an answer here, so it is never unknown."""

    __slots__ = ()

    def __init__(
        self, node: Good, image: Image, numbers: dict[str, int], inputs: Inputs, vote: int, negated: bool
    ) -> None:
        super().__init__(Compare(node.tag, "=", 1.0), numbers[node.tag], image, inputs, vote, negated)

    def read(self, now_ns: int) -> int:
        """Is the value GOOD now?"""
        if self.state == BYPASSED:
            return LEFT
        self._turn(FIT, now_ns)
        truth = TRUE if self._qualities[self.number] == GOOD else FALSE
        if truth != self.held:
            self._hold_truth(truth, now_ns)
        return truth

    def bypass(self, on: bool, now_ns: int) -> None:
        """Take the question out of the vote, or put it back."""
        self._turn(BYPASSED if on else FIT, now_ns)

    def describe(self, units: Mapping[str, str] = NO_UNITS) -> str:
        """The question in words."""
        return f"good({self.node.tag})"

    def opposite(self) -> str:
        """What is the cause where it stands under `not`."""
        return f"not good({self.node.tag})"


class Events(_Wide):
    """Observations of one event as its source numbers them. The keys are pseudonyms; they are never described."""

    __slots__ = ("_due_ns", "_keys", "_last", "_number_of", "_runs", "occasions")

    _whole: Consecutive | Tally

    def __init__(
        self,
        node: Consecutive | Tally,
        image: Image,
        numbers: dict[str, int],
        inputs: Inputs,
        vote: int,
        negated: bool,
    ) -> None:
        super().__init__(Compare(node.event, ">=", float(node.n)), numbers[node.event], image, inputs, vote, negated)
        self.tags = (node.event, f"{node.event}.event", *(f"{node.event}.{key}" for key in node.by))
        self.numbers = tuple(numbers[tag] for tag in self.tags)
        self._whole = node
        self._number_of, self._keys = self.numbers[1], self.numbers[2:]
        self._last: float | None = None  # number of the last observation
        # Consecutive: first key -> [the other keys, length of the run, its last instant]. Tally: keys -> instants.
        self._runs: dict[tuple[float, ...], list[Any]] = {}
        self._due_ns = -1
        self.occasions = 0  # how often the demand came up for any key: it may again while it stands

    def read(self, now_ns: int) -> int:
        """Truth of the pattern now."""
        quality = self.quality()
        if quality != BAD:
            self._observe(now_ns)
        if self.state == BYPASSED:
            return LEFT
        if quality == BAD:
            self._unfit_truth = truth = self._read_bad(now_ns)
            return truth
        self._turn(FIT, now_ns)
        truth = TRUE if self._stands(now_ns) else FALSE
        if truth != self.held:
            self._hold_truth(truth, now_ns)
        return truth

    def _observe(self, now_ns: int) -> None:
        number = self._values[self._number_of]
        if number == self._last:
            return
        first, self._last = self._last is None, number
        if first:
            return  # what happened before the start is not known to have happened now
        keys = tuple(self._values[key] for key in self._keys)
        seen = self._values[self.number] != 0
        if isinstance(self._whole, Consecutive):
            self._run(self._whole, keys, seen, now_ns)
        elif seen:
            self._tally(self._whole, keys, now_ns)
        while len(self._runs) > EVENT_KEYS_MAX:  # those seen last stay
            del self._runs[next(iter(self._runs))]

    def _run(self, node: Consecutive, keys: tuple[float, ...], seen: bool, now_ns: int) -> None:
        who, rest = keys[:1], list(keys[1:])
        run = self._runs.pop(who, None)
        if not seen:
            return
        if run is None or run[0] != rest or now_ns - run[2] >= node.within_ns:
            run = [rest, 0, now_ns]
        run[1], run[2] = run[1] + 1, now_ns
        self.occasions += run[1] == node.n
        self._runs[who] = run

    def _tally(self, node: Tally, keys: tuple[float, ...], now_ns: int) -> None:
        most = node.n + 1  # more need not be remembered to compare with n
        before = self._over(self._runs.get(keys, []), now_ns)
        instants = [*self._runs.pop(keys, []), now_ns][-most:]
        self.occasions += not before and self._over(instants, now_ns)
        self._runs[keys] = instants

    def _over(self, instants: Sequence[int], now_ns: int) -> bool:
        node = self._whole
        assert isinstance(node, Tally)
        within = sum(now_ns - at < node.ns for at in instants)
        return OPERATORS[node.op](within, node.n)

    def _stands(self, now_ns: int) -> bool:
        """Does the pattern hold for any key? Schedules the instant at which one may end."""
        node, ends = self._whole, []
        if isinstance(node, Consecutive):
            ends = [run[2] + node.within_ns for run in self._runs.values() if run[1] >= node.n]
            ends = [end for end in ends if end > now_ns]
        else:
            standing = [instants for instants in self._runs.values() if self._over(instants, now_ns)]
            ends = [next(at for at in instants if now_ns - at < node.ns) + node.ns for instants in standing]
        if ends and (self._due_ns <= now_ns or min(ends) < self._due_ns):
            self._due_ns = min(ends)
            self.inputs.schedule(self._due_ns)
        return bool(ends)

    def opposite(self) -> str:
        """What is the cause where it stands under `not`."""
        return f"not {leaf_text(self._whole)}"

    def save(self) -> list[Any]:
        """State for a snapshot."""
        runs = [[list(keys), run] for keys, run in self._runs.items()]
        return [*super().save(), self._last, runs, self._due_ns, self.occasions]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        super().load(state[:-4])
        self._last, runs, self._due_ns, self.occasions = state[-4:]
        self._runs = {tuple(float(key) for key in keys): list(run) for keys, run in runs}
