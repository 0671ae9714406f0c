"""Voting by the table of spec/interlocks.md §3, bypass by I19, and the laws of three-valued truth with its marks."""

from __future__ import annotations

import itertools

import pytest

from gateway.core.voting import BOTH, EITHER, FALSE, LEFT, SOFT, SOFT_FALSE, SOFT_TRUE, TRUE, UNKNOWN, demand, negate

TRIP = "trip"
# (voted, policy): the vote that is left with 0, 1, 2, 3 bad channels. (k, n) or TRIP. With policy `trip` the vote that
# is left is written over the good channels: one vote is in already.
VOTE_LEFT: dict[tuple[int, int, str], list[tuple[int, int] | str]] = {
    (1, 1, "trip"): [(1, 1), TRIP],
    (1, 1, "safe"): [(1, 1), TRIP],
    (1, 1, "avail"): [(1, 1), TRIP],
    (1, 2, "trip"): [(1, 2), TRIP, TRIP],
    (1, 2, "safe"): [(1, 2), (1, 1), TRIP],
    (1, 2, "avail"): [(1, 2), (1, 1), TRIP],
    (2, 2, "trip"): [(2, 2), (1, 1), TRIP],
    (2, 2, "safe"): [(2, 2), (1, 1), TRIP],
    (2, 2, "avail"): [(2, 2), (1, 1), TRIP],
    (2, 3, "trip"): [(2, 3), (1, 2), TRIP, TRIP],
    (2, 3, "safe"): [(2, 3), (1, 2), (1, 1), TRIP],
    (2, 3, "avail"): [(2, 3), (2, 2), (1, 1), TRIP],
}


@pytest.mark.parametrize(("k", "n", "policy"), VOTE_LEFT)
def test_every_row_of_the_table(k: int, n: int, policy: str) -> None:
    row = VOTE_LEFT[k, n, policy]
    assert len(row) == n + 1
    for bad, left in enumerate(row):
        for true in range(n - bad + 1):
            if isinstance(left, str):
                assert demand(k, n, policy, true, bad), (bad, true)
            else:
                assert left[1] == n - bad
                assert demand(k, n, policy, true, bad) == (true >= left[0]), (bad, true)


def oracle(k: int, policy: str, channels: tuple[str, ...]) -> bool:
    """The same by taking the bad channels out one by one."""
    good = [c for c in channels if c != "b"]
    if policy == "trip":
        return sum(c in "tb" for c in channels) >= k
    votes = k
    for taken in range(channels.count("b")):
        left = len(channels) - taken - 1
        votes = min(votes, left) if policy == "avail" else max(votes - 1, 1)
    return not good or good.count("t") >= votes


@pytest.mark.parametrize("policy", ["trip", "safe", "avail"])
def test_every_small_vote(policy: str) -> None:
    for n in range(1, 7):
        for channels in itertools.product("tfb", repeat=n):
            for k in range(1, n + 1):
                found = demand(k, n, policy, channels.count("t"), channels.count("b"))
                assert found == oracle(k, policy, channels), (k, channels)


@pytest.mark.parametrize("policy", ["trip", "safe", "avail"])
def test_more_votes_never_undo_a_demand(policy: str) -> None:
    for n, k, bad, true in itertools.product(range(1, 8), range(1, 8), range(8), range(8)):
        if k <= n and true + bad < n and demand(k, n, policy, true, bad):
            assert demand(k, n, policy, true + 1, bad)


# --- three-valued truth ---

ALL = (LEFT, FALSE, SOFT_FALSE, UNKNOWN, SOFT_TRUE, TRUE)
KLEENE_AND = {
    (TRUE, TRUE): TRUE,
    (TRUE, UNKNOWN): UNKNOWN,
    (TRUE, FALSE): FALSE,
    (UNKNOWN, UNKNOWN): UNKNOWN,
    (UNKNOWN, FALSE): FALSE,
    (FALSE, FALSE): FALSE,
}
KLEENE_OR = {
    (TRUE, TRUE): TRUE,
    (TRUE, UNKNOWN): TRUE,
    (TRUE, FALSE): TRUE,
    (UNKNOWN, UNKNOWN): UNKNOWN,
    (UNKNOWN, FALSE): UNKNOWN,
    (FALSE, FALSE): FALSE,
}


def test_the_plain_part_is_kleene() -> None:
    for (a, b), value in KLEENE_AND.items():
        assert BOTH[a][b] == BOTH[b][a] == value
    for (a, b), value in KLEENE_OR.items():
        assert EITHER[a][b] == EITHER[b][a] == value
    assert [negate(v) for v in ALL] == [LEFT, TRUE, SOFT_TRUE, UNKNOWN, SOFT_FALSE, FALSE]


def test_the_mark_never_changes_the_plain_part() -> None:
    for a, b in itertools.product(ALL[1:], repeat=2):
        assert BOTH[a][b] & 3 == KLEENE_AND.get((a & 3, b & 3), KLEENE_AND.get((b & 3, a & 3)))
        assert EITHER[a][b] & 3 == KLEENE_OR.get((a & 3, b & 3), KLEENE_OR.get((b & 3, a & 3)))


def test_a_firm_answer_rests_on_firm_values_alone() -> None:
    """Firm means: replacing every marked or unknown operand by anything gives the same firm answer."""
    firm = (FALSE, TRUE)
    for table in (BOTH, EITHER):
        for a, b in itertools.product(ALL[1:], repeat=2):
            possible_a = [a] if a in firm else list(firm)
            possible_b = [b] if b in firm else list(firm)
            outcomes = {table[x][y] for x, y in itertools.product(possible_a, possible_b)}
            if table[a][b] in firm:
                assert outcomes == {table[a][b]}, (a, b)
            else:
                assert len(outcomes) == 2 or (a & SOFT and b & SOFT), (a, b)


def test_what_left_is_no_operand() -> None:
    for value in ALL:
        assert BOTH[LEFT][value] == BOTH[value][LEFT] == value
        assert EITHER[LEFT][value] == EITHER[value][LEFT] == value


def test_laws() -> None:
    for table in (BOTH, EITHER):
        for a, b in itertools.product(ALL, repeat=2):
            assert table[a][b] == table[b][a]
            assert table[a][b] in ALL
        for a, b, c in itertools.product(ALL, repeat=3):
            assert table[table[a][b]][c] == table[a][table[b][c]], (a, b, c)
        for a in ALL:
            assert table[a][a] == a
    for a, b in itertools.product(ALL, repeat=2):
        assert EITHER[a][b] == negate(BOTH[negate(a)][negate(b)])


def test_more_truth_in_means_more_truth_out() -> None:
    order = {FALSE: 0, SOFT_FALSE: 0, UNKNOWN: 1, SOFT_TRUE: 2, TRUE: 2}
    operands = ALL[1:]
    for table in (BOTH, EITHER):
        for a, b, other in itertools.product(operands, repeat=3):
            if order[a] <= order[b]:
                assert order[table[a][other]] <= order[table[b][other]]
