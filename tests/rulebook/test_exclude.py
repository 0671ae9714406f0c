"""Comparisons that exclude each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.program import Compare, Operator
from gateway.rulebook.exclude import excluded

X: dict[str, list[Compare]] = {
    "below and above": [Compare("x", "<", 10.0), Compare("x", ">", 20.0)],
    "touching, open": [Compare("x", "<", 10.0), Compare("x", ">=", 10.0)],
    "two values": [Compare("x", "=", 1.0), Compare("x", "=", 2.0)],
    "a value and not it": [Compare("x", "!=", 1.0), Compare("x", "=", 1.0)],
}
Y: dict[str, list[Compare]] = {
    "touching, closed": [Compare("x", "<=", 10.0), Compare("x", ">=", 10.0)],
    "other tags": [Compare("x", "<", 10.0), Compare("y", ">", 20.0)],
    "held by its hysteresis": [Compare("x", "<", 10.0, 15.0), Compare("x", ">", 20.0)],
    "a band": [Compare("x", ">", 10.0), Compare("x", "<", 20.0), Compare("x", "!=", 15.0)],
}


@pytest.mark.parametrize("name", X)
def test_excluded(name: str) -> None:
    assert excluded(X[name]) == (0, 1)
    assert excluded(list(reversed(X[name]))) == (0, 1)


@pytest.mark.parametrize("name", Y)
def test_not_excluded(name: str) -> None:
    assert excluded(Y[name]) is None


_OPERATORS: list[Operator] = ["<", "<=", ">", ">=", "=", "!="]
_compares = st.builds(Compare, st.just("x"), st.sampled_from(_OPERATORS), st.integers(0, 6).map(float))


@given(st.lists(_compares, min_size=1, max_size=5))
def test_agrees_with_trying_every_value(nodes: list[Compare]) -> None:
    def true(node: Compare, x: float) -> bool:
        return {
            "<": x < node.limit,
            "<=": x <= node.limit,
            ">": x > node.limit,
            ">=": x >= node.limit,
            "=": x == node.limit,
            "!=": x != node.limit,
        }[node.op]

    possible = any(all(true(node, half / 2) for node in nodes) for half in range(-2, 16))
    assert (excluded(nodes) is None) == possible
