"""Expressions of `core.program` as living nodes: `read(now_ns)` gives a truth of `core.voting`.

Every node of a rule is read whenever one of the rule's tags changed or a deadline of the rule is due; there is no
short-circuit, because timers must see every instant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.core.gauges import Events, Gauge, Presence
from gateway.core.image import Image
from gateway.core.leaves import BAD, BYPASSED, DOUBTFUL, FIT, GOOD, LOST, MISSING, OPPOSITE, Inputs, Leaf
from gateway.core.limits import SECOND
from gateway.core.program import (
    And,
    Both,
    Compare,
    Consecutive,
    Count,
    Done,
    Expression,
    For,
    Good,
    Measure,
    Not,
    Or,
    Since,
    Tally,
    Vote,
)
from gateway.core.terms import OPERATORS
from gateway.core.voting import BOTH, EITHER, FALSE, LEFT, SOFT, SOFT_FALSE, TRUE, UNKNOWN, demand, negate
from gateway.core.written import duration, leaf_text

__all__ = [
    "BAD", "BYPASSED", "DOUBTFUL", "FIT", "GOOD", "LOST", "MISSING", "OPERATORS", "OPPOSITE",
    "Ballot", "Condition", "Inputs", "Leaf", "Node", "Stamped",
]  # fmt: skip

Stamped = Callable[[str, int], int]  # (name, now_ns) -> age in ns of what a person noted as done, -1 where none counts
STAMP_LOOK_NS = 600 * SECOND  # the wall clock may be set, so a stamp is looked at again at least so often


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
        self._policy = policy if policy in ("trip", "safe", "avail") else "safe"
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
        # Firm where all that is doubtful or bad could not make k of them: the others are GOOD falses.
        return FALSE if n - truths.count(FALSE) < k else SOFT_FALSE


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


class Recent:
    """What `item` was at its strongest within the last `ns`: one side of `both`."""

    __slots__ = ("_due_ns", "_inputs", "_last", "_ns", "_seen_ns", "items", "last", "word")

    def __init__(self, item: Node, ns: int, inputs: Inputs) -> None:
        self.items = (item,)
        self.word = f"within {duration(ns)}"
        self.last = UNKNOWN
        self._ns = ns
        self._inputs = inputs
        self._seen_ns = [-1] * 8  # by truth: until when it was seen
        self._last = LEFT  # the truth that holds since the read before
        self._due_ns = -1

    def read(self, now_ns: int) -> int:
        self.last = truth = self._strongest(now_ns)
        return truth

    def _strongest(self, now_ns: int) -> int:
        truth = self.items[0].read(now_ns)
        self._seen_ns[self._last] = self._seen_ns[truth] = now_ns
        self._last = truth
        if truth == LEFT:
            return LEFT
        found, due_ns = truth, -1
        for kind in (FALSE, SOFT_FALSE, UNKNOWN, TRUE | SOFT, TRUE):
            seen_ns = self._seen_ns[kind]
            if seen_ns >= 0 and now_ns - seen_ns < self._ns:
                found = EITHER[found][kind]
                if kind != truth and kind != FALSE:
                    due_ns = seen_ns + self._ns if due_ns < 0 else min(due_ns, seen_ns + self._ns)
        if due_ns >= 0 and (self._due_ns <= now_ns or due_ns < self._due_ns):
            self._due_ns = due_ns
            self._inputs.schedule(due_ns)
        return found

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._seen_ns, self._last, self._due_ns]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._seen_ns, self._last, self._due_ns = list(state[0]), state[1], state[2]


class Elapsed:
    """`since(item) op T`: counts from when it was last true, so at most from the start of the gateway."""

    __slots__ = ("_due_ns", "_firm", "_inputs", "_ns", "_since_ns", "_test", "_was", "items", "last", "word")

    def __init__(self, item: Node, node: Since, inputs: Inputs) -> None:
        self.items = (item,)
        self.word = f"since {node.op} {duration(node.ns)}"
        self.last = UNKNOWN
        self._test, self._ns = OPERATORS[node.op], node.ns
        self._inputs = inputs
        self._since_ns = -1
        self._firm = (
            False  # it was seen true: before that the time since then is at least, not exactly, what is counted
        )
        self._due_ns = -1
        self._was = False  # true at the read before: nothing is heard while it stays so, and it was until now

    def read(self, now_ns: int) -> int:
        self.last = truth = self._time(now_ns)
        return truth

    def _time(self, now_ns: int) -> int:
        truth = self.items[0].read(now_ns)
        before, self._was = self._was, truth & 3 == TRUE
        if truth == LEFT:
            return LEFT
        if before or self._was or self._since_ns < 0:
            self._since_ns = now_ns
            self._firm |= self._was
        elapsed_ns = now_ns - self._since_ns
        self._look_again(elapsed_ns, now_ns)
        found = TRUE if self._test(elapsed_ns, self._ns) else FALSE
        if truth == UNKNOWN and self._test(0, self._ns) != (found == TRUE):
            return UNKNOWN  # it may be true this instant
        sure = self._firm or self._test(1 << 62, self._ns) == (found == TRUE)
        return found if sure and not truth & SOFT else found | SOFT

    def _look_again(self, elapsed_ns: int, now_ns: int) -> None:
        due_ns = self._since_ns + self._ns + (elapsed_ns >= self._ns)  # at the time, and just beyond it
        if now_ns < due_ns and self._due_ns <= now_ns:  # one pending deadline is enough: too early, it asks again
            self._due_ns = due_ns
            self._inputs.schedule(due_ns)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._since_ns, self._firm, self._due_ns, self._was]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._since_ns, self._firm, self._due_ns, self._was = state


class Turns:
    """`count(item, T) op n`: how often it turned true. Only the last n + 1 turns matter, so only they are kept."""

    __slots__ = ("_due_ns", "_inputs", "_n", "_ns", "_soft_ns", "_test", "_turns", "_was", "items", "last", "word")

    def __init__(self, item: Node, node: Count, inputs: Inputs) -> None:
        self.items = (item,)
        self.word = f"count in {duration(node.ns)} {node.op} {node.n}"
        self.last = UNKNOWN
        self._test, self._n, self._ns = OPERATORS[node.op], node.n, node.ns
        self._inputs = inputs
        self._turns: deque[int] = deque(maxlen=node.n + 1)
        self._soft_ns = -1  # the last turn that rests on a doubtful value
        self._was = FALSE
        self._due_ns = -1

    def read(self, now_ns: int) -> int:
        self.last = truth = self._count(now_ns)
        return truth

    def _count(self, now_ns: int) -> int:
        truth, turns = self.items[0].read(now_ns), self._turns
        if truth == LEFT:
            return LEFT
        if truth & 3 == TRUE and self._was & 3 != TRUE:
            turns.append(now_ns)
            if truth & SOFT:
                self._soft_ns = now_ns
        if truth != UNKNOWN:
            self._was = truth
        while turns and now_ns - turns[0] >= self._ns:
            turns.popleft()
        self._look_again(now_ns)
        found = TRUE if self._test(len(turns), self._n) else FALSE
        if truth == UNKNOWN and self._test(len(turns) + 1, self._n) != (found == TRUE):
            return UNKNOWN  # it may be turning this instant
        soft = truth & SOFT or (0 <= now_ns - self._soft_ns < self._ns and self._soft_ns >= 0)
        return found | SOFT if soft else found

    def _look_again(self, now_ns: int) -> None:
        """When the oldest turn leaves the window, or the last doubtful one; one pending deadline is enough."""
        ends = [at + self._ns for at in (*list(self._turns)[:1], self._soft_ns) if at >= 0 and now_ns - at < self._ns]
        if ends and (self._due_ns <= now_ns or min(ends) < self._due_ns):
            self._due_ns = min(ends)
            self._inputs.schedule(self._due_ns)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [list(self._turns), self._soft_ns, self._was, self._due_ns]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._turns.clear()
        self._turns.extend(state[0])
        self._soft_ns, self._was, self._due_ns = state[1:]


class Noted:
    """`done(name, max_age = T)`: reads no tag; the kernel wakes the rule when something is noted as done."""

    __slots__ = ("_due_ns", "_inputs", "_node", "_stamped", "items", "last", "name", "word")

    def __init__(self, node: Done, inputs: Inputs, stamped: Stamped) -> None:
        self.items: tuple[Node, ...] = ()
        self.word = leaf_text(node)
        self.name = node.name
        self.last = FALSE
        self._node = node
        self._inputs = inputs
        self._stamped = stamped
        self._due_ns = -1

    def read(self, now_ns: int) -> int:
        age_ns = self._stamped(self.name, now_ns)
        left_ns = self._node.max_age_ns - age_ns
        self.last = truth = TRUE if age_ns >= 0 and left_ns >= 0 else FALSE
        if truth == TRUE:
            due_ns = now_ns + min(left_ns + 1, STAMP_LOOK_NS)
            if self._due_ns <= now_ns or due_ns < self._due_ns:  # one pending deadline is enough
                self._due_ns = due_ns
                self._inputs.schedule(due_ns)
        return truth

    def save(self) -> list[int]:
        """State for a snapshot."""
        return [self._due_ns]

    def load(self, state: Sequence[int]) -> None:
        """Take a snapshot's state."""
        (self._due_ns,) = state


def _never(_name: str, _now_ns: int) -> int:
    return -1


Node = Leaf | _All | _Negation | Ballot | Lasting | Recent | Elapsed | Turns | Noted
_Keeping = Leaf | Lasting | Recent | Elapsed | Turns | Noted


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
        stamped: Stamped = _never,
    ) -> None:
        self.inputs = Inputs(bad_after_ns, schedule, demanding)
        votes = iter(range(1, 1 << 30))

        def build(node: Expression, vote: int, negated: bool) -> Node:
            match node:
                case Compare():
                    return Leaf(node, numbers[node.tag], image, self.inputs, vote, negated)
                case Measure():
                    return Gauge(node, image, numbers, self.inputs, vote, negated)
                case Good():
                    return Presence(node, image, numbers, self.inputs, vote, negated)
                case Consecutive() | Tally():
                    return Events(node, image, numbers, self.inputs, vote, negated)
                case Done():
                    return Noted(node, self.inputs, stamped)
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
                case Both(items=items, ns=ns):
                    sides = tuple(Recent(build(item, vote, negated), ns, self.inputs) for item in items)
                    return _All("both", sides, BOTH)
                case Since(item=item, op=op):  # a long time since it was true is like its being false
                    return Elapsed(build(item, vote, negated ^ (op in (">", ">="))), node, self.inputs)
                case Count(item=item, op=op):
                    return Turns(build(item, vote, negated ^ (op in ("<", "<="))), node, self.inputs)

        self.root = build(expression, 0, False)

    def leaves(self) -> list[Leaf]:
        """The comparisons, in the order they are written."""
        return self.inputs.leaves

    def reads(self) -> set[int]:
        """The numbers of all tags whose change can change the condition."""
        return {number for leaf in self.leaves() for number in leaf.numbers}

    def occasions(self) -> int:
        """How often a pattern of events came up in it: it may again, for another person, while the condition stands."""
        return sum(leaf.occasions for leaf in self.leaves() if isinstance(leaf, Events))

    def first_true(self) -> list[Leaf]:
        """The inputs behind a demand: those that turned true or were lost first; several are simultaneous."""
        against = list(_behind(self.root, TRUE)) or [
            leaf
            for leaf in self.leaves()
            if leaf.state == LOST or (leaf.held == leaf.against and leaf.state != BYPASSED)
        ]
        first = min((leaf.true_since_ns for leaf in against), default=0)
        return [leaf for leaf in against if leaf.true_since_ns == first]

    def _nodes(self) -> Iterator[_Keeping]:
        waiting: list[Node] = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _Keeping):
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
    elif isinstance(node, Recent | Elapsed | Turns) and node.items[0].last & 3 != side:
        yield from _beneath(node)  # it rests on what they were
    else:
        items = node.items
        if isinstance(node, Ballot) and not node.counts_bad and any(item.last & 3 == TRUE for item in items):
            items = tuple(item for item in items if item.last & 3 != UNKNOWN)  # a bad channel has left this vote
        for item in items:
            yield from _behind(item, side)


def _beneath(node: Node) -> Iterator[Leaf]:
    """Every leaf of a node."""
    if isinstance(node, Leaf):
        yield node
        return
    for item in node.items:
        yield from _beneath(item)
