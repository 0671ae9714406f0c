"""What a rule costs the kernel: memory that is bounded, and work per change of an input.

The microseconds are what `scripts/bench prove` measures with CPython 3.11 on one shared core of a server, rounded up; each machine has
its own. They are there to find the rule that costs a hundred times the others. The bytes are bounds by the objects that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.core.limits import EVENT_KEYS_MAX
from gateway.core.program import (
    Age,
    Both,
    Compare,
    Consecutive,
    Count,
    Eta,
    Expression,
    For,
    Good,
    Measure,
    Rule,
    Since,
    Tally,
    Trend,
)
from gateway.core.windows import BUCKETS
from gateway.rulebook.prove.walk import conditions, parts, terms

NODE_BYTES = 400  # a node with its slots, its children and its stamps
WINDOW_BYTES = (BUCKETS + 1) * 176 + 500  # by bucket: a list of an integral and a time, and the first value
RUN_BYTES = 300  # one remembered person or kind, without its instants
INSTANT_BYTES = 40
NODE_US = 0.2  # reading one node
WINDOW_US = 1.3  # one value into a window
ROLL_US = 25.0  # the end of a bucket: slope and mean over all of them
LINE_US = 60.0  # a robust line through them
RUN_US = 0.08  # looking at one remembered person or kind of a row of observations
TALLY_US = 1.1  # the same where they are counted,
INSTANT_US = 0.07  # and for each of their instants


class Cost(msgspec.Struct, frozen=True):
    """The bounds of one rule."""

    bytes: int
    comparisons: int  # per change of an input: every one is looked at, because timers must see every instant
    change_us: float
    bucket_us: float  # where a bucket of a window ends; 0 without windows


def cost(rule: Rule) -> Cost:
    """The bounds of a rule, from its nodes and windows."""
    nodes = [part for condition in conditions(rule) for part in parts(condition)]
    windows = _windows(nodes)
    most = sum(map(_bytes, nodes)) + windows * WINDOW_BYTES
    looked = sum(isinstance(node, Compare | Measure | Good | Consecutive | Tally) for node in nodes)
    change_us = sum(map(_us, nodes)) + windows * WINDOW_US
    return Cost(
        most,
        looked,
        round(change_us, 2),
        round(change_us + windows * ROLL_US + _lines(nodes) * LINE_US, 2) if windows else 0.0,
    )


def _windows(nodes: Sequence[Expression]) -> int:
    measures = [node for node in nodes if isinstance(node, Measure)]
    return sum(isinstance(one, Trend | Eta) for node in measures for one in terms(node.term))


def _lines(nodes: Sequence[Expression]) -> int:
    measures = [node for node in nodes if isinstance(node, Measure)]
    return sum(isinstance(one, Trend | Eta) and one.sure > 0 for node in measures for one in terms(node.term))


def _bytes(node: Expression) -> int:
    match node:
        case Consecutive():
            return NODE_BYTES + EVENT_KEYS_MAX * (RUN_BYTES + INSTANT_BYTES)
        case Tally(n=n):
            return NODE_BYTES + EVENT_KEYS_MAX * (RUN_BYTES + (n + 1) * INSTANT_BYTES)
        case Count(n=n):
            return NODE_BYTES + (n + 1) * INSTANT_BYTES
        case Measure(term=term):
            return NODE_BYTES * (1 + sum(1 for _ in terms(term)))
        case For() | Both() | Since():
            return NODE_BYTES + 8 * INSTANT_BYTES
        case _:
            return NODE_BYTES


def _us(node: Expression) -> float:
    if isinstance(node, Consecutive):
        return NODE_US + EVENT_KEYS_MAX * RUN_US
    if isinstance(node, Tally):
        return NODE_US + EVENT_KEYS_MAX * (TALLY_US + (node.n + 1) * INSTANT_US)
    if isinstance(node, Measure):
        return NODE_US * (1 + sum(not isinstance(one, Age) for one in terms(node.term)))
    return NODE_US
