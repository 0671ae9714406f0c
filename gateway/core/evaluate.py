"""Expressions of `core.program` as living nodes: `read(now_ns)` gives a truth of `core.voting`.

Every node of a rule is read whenever one of the rule's tags changed or a deadline of the rule is due; there is no
short-circuit, because timers must see every instant.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.core.image import Image
from gateway.core.program import And, Compare, Expression, For, Not, Or, Vote
from gateway.core.tags import Cause, Quality
from gateway.core.voting import BOTH, EITHER, FALSE, LEFT, SOFT, SOFT_FALSE, TRUE, UNKNOWN, demand, negate

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}  # what `not` makes of a comparison
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
        "state",
        "true_since_ns",
        "vote",
    )

    def __init__(self, node: Compare, number: int, image: Image, inputs: Inputs, vote: int, negated: bool) -> None:
        self.node = node
        self.number = number
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
            self._turn(LOST if self._qualities[self.number] == BAD else DOUBTFUL, now_ns)

    def save(self) -> list[int]:
        """State for a snapshot."""
        return [self.held, self.state, self.bad_since_ns, self.true_since_ns, self._unfit_truth]

    def load(self, state: Sequence[int]) -> None:
        """Take a snapshot's state."""
        self.held, self.state, self.bad_since_ns, self.true_since_ns, self._unfit_truth = state


class _All:
    """`and` or `or`; items that left the vote drop out of it."""

    __slots__ = ("_combine", "items", "last", "word")

    def __init__(self, word: str, items: tuple[Node, ...], combine: tuple[tuple[int, ...], ...]) -> None:
        self.word = word
        self.items = items
        self.last = UNKNOWN
        self._combine = combine

    def read(self, now_ns: int) -> int:
        truth = LEFT
        for item in self.items:
            truth = self._combine[truth][item.read(now_ns)]
        self.last = truth
        return truth


class _Negation:
    """`not`."""

    __slots__ = ("items", "last", "word")

    def __init__(self, item: Node) -> None:
        self.word = "not"
        self.items = (item,)
        self.last = UNKNOWN

    def read(self, now_ns: int) -> int:
        self.last = truth = negate(self.items[0].read(now_ns))
        return truth


class Ballot:
    """`k of (...)`."""

    __slots__ = ("_k", "_kleene", "_policy", "items", "last", "word")

    def __init__(self, k: int, policy: str, items: tuple[Node, ...], kleene: bool) -> None:
        self._k = k
        self._policy = "safe" if policy == "alarm" else policy
        self._kleene = kleene  # in a permissive and under `not` a vote for a bad channel would be one against demand
        self.word = f"{k} of {len(items)}"
        self.items = items
        self.last = UNKNOWN

    @property
    def counts_bad(self) -> bool:
        """A bad channel is a vote here; elsewhere it has left."""
        return self._kleene or self._policy == "trip"

    def read(self, now_ns: int) -> int:
        self.last = truth = self._count(now_ns)
        return truth

    def _count(self, now_ns: int) -> int:
        truths = [item.read(now_ns) for item in self.items]
        left = truths.count(LEFT)
        n = len(truths) - left
        if n == 0:
            return LEFT
        firm = truths.count(TRUE)
        true = firm + truths.count(TRUE | SOFT)
        bad = truths.count(UNKNOWN)
        k = max(1, self._k - left)
        if self._kleene:
            return _count_kleene(k, n, firm, true, truths.count(FALSE), bad)
        if demand(k, n, self._policy, true, bad):
            # With no vote of a channel behind it the demand comes from badness alone, which has had its own delay.
            return (TRUE if firm else TRUE | SOFT) if true else UNKNOWN
        return FALSE if truths.count(FALSE) == n else SOFT_FALSE


def _count_kleene(k: int, n: int, firm: int, true: int, false: int, bad: int) -> int:
    """`k of n` by what is known: `true` of them say yes, `firm` of these and `false` firmly, `bad` say nothing."""
    if true >= k:
        return TRUE if firm >= k else TRUE | SOFT
    if n - false < k:
        return FALSE
    return UNKNOWN if true + bad >= k else SOFT_FALSE


class Lasting:
    """`item for T`: starts when it turns true; only a GOOD false resets it; unknown lets it run on."""

    __slots__ = ("_due_ns", "_inputs", "_ns", "_since_ns", "items", "last", "word")

    def __init__(self, item: Node, ns: int, inputs: Inputs) -> None:
        self.items = (item,)
        self._ns = ns
        self._inputs = inputs
        self._since_ns = -1
        self._due_ns = -1
        self.word = f"for {ns / 1e9:g} s"
        self.last = UNKNOWN

    def read(self, now_ns: int) -> int:
        self.last = truth = self._time(now_ns)
        return truth

    def _time(self, now_ns: int) -> int:
        truth = self.items[0].read(now_ns)
        if truth in (FALSE, LEFT):
            self._since_ns = -1
            return truth
        if self._since_ns < 0:
            if truth & 3 != TRUE:
                return truth
            self._since_ns = now_ns
        if now_ns - self._since_ns >= self._ns:
            return TRUE if truth == TRUE else TRUE | SOFT
        if self._due_ns <= now_ns:  # one pending deadline is enough: if it comes too early it asks again
            self._due_ns = self._since_ns + self._ns
            self._inputs.schedule(self._due_ns)
        return UNKNOWN if truth == UNKNOWN else SOFT_FALSE

    def save(self) -> list[int]:
        """State for a snapshot."""
        return [self._since_ns, self._due_ns]

    def load(self, state: Sequence[int]) -> None:
        """Take a snapshot's state."""
        self._since_ns, self._due_ns = state


Node = Leaf | _All | _Negation | Ballot | Lasting


class Condition:
    """A compiled expression with its inputs; `read` gives its truth and clears `inputs.dirty` for the caller to see changes."""

    __slots__ = ("inputs", "root")

    def __init__(
        self,
        expression: Expression,
        image: Image,
        numbers: dict[str, int],
        policy: str,
        bad_after_ns: int,
        schedule: Callable[[int], None],
        *,
        demanding: bool = True,
    ) -> None:
        self.inputs = Inputs(bad_after_ns, schedule, demanding)
        votes = iter(range(1, 1 << 30))

        def build(node: Expression, vote: int, negated: bool) -> Node:
            match node:
                case Compare():
                    return Leaf(node, numbers[node.tag], image, self.inputs, vote, negated)
                case And(items=items):
                    return _All("and", tuple(build(item, vote, negated) for item in items), BOTH)
                case Or(items=items):
                    return _All("or", tuple(build(item, vote, negated) for item in items), EITHER)
                case Not(item=item):
                    return _Negation(build(item, vote, not negated))
                case Vote(k=k, items=items):
                    group = next(votes)
                    return Ballot(
                        k, policy, tuple(build(item, group, negated) for item in items), negated or not demanding
                    )
                case For(item=item, ns=ns):
                    return Lasting(build(item, vote, negated), ns, self.inputs)

        self.root = build(expression, 0, False)

    def leaves(self) -> list[Leaf]:
        """The comparisons, in the order they are written."""
        return self.inputs.leaves

    def first_true(self) -> list[Leaf]:
        """The inputs behind a demand: those that turned true or were lost first; several are simultaneous."""
        against = list(_behind(self.root, TRUE)) or [
            leaf
            for leaf in self.leaves()
            if leaf.state == LOST or (leaf.held == leaf.against and leaf.state != BYPASSED)
        ]
        first = min((leaf.true_since_ns for leaf in against), default=0)
        return [leaf for leaf in against if leaf.true_since_ns == first]

    def _nodes(self) -> Iterator[Leaf | Lasting]:
        waiting: list[Node] = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Leaf | Lasting):
                yield node
            if not isinstance(node, Leaf):
                waiting.extend(node.items)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        inputs = self.inputs
        return [[inputs.unfit, inputs.lost, inputs.fit_since_ns, inputs.dirty], [n.save() for n in self._nodes()]]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self.inputs.unfit, self.inputs.lost, self.inputs.fit_since_ns, self.inputs.dirty = state[0]
        for node, data in zip(self._nodes(), state[1], strict=True):
            node.load(data)


def _behind(node: Node, side: int) -> Iterator[Leaf]:
    """The leaves on which the truth of `node` rests, where it is (or may be) `side`."""
    if not node.last & side:
        return
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, _Negation):
        yield from _behind(node.items[0], side ^ 3)
    else:
        items = node.items
        if isinstance(node, Ballot) and not node.counts_bad and any(item.last & 3 == TRUE for item in items):
            items = tuple(item for item in items if item.last & 3 != UNKNOWN)  # a bad channel has left this vote
        for item in items:
            yield from _behind(item, side)
