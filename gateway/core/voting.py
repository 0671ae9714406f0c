"""The voting table of spec/interlocks.md §3 as one rule, and three-valued truth with a mark for uncertainty.

Truth is a small integer: bit 0 "may be false", bit 1 "may be true", bit 2 "rests on an UNCERTAIN or held value".
"""

from __future__ import annotations

LEFT = 0  # a bypassed channel: it is not in the vote
FALSE = 1
TRUE = 2
UNKNOWN = 3
SOFT = 4  # never permits, clears or resets
SOFT_FALSE = FALSE | SOFT
SOFT_TRUE = TRUE | SOFT


def demand(k: int, n: int, policy: str, true: int, bad: int) -> bool:
    """Does a k-out-of-n group with `true` channels voting to trip and `bad` channels trip? Bypassed channels are not in n.

    `trip`: a bad channel votes to trip. `safe`: it leaves and takes one vote off k. `avail`: it leaves and k stays while it
    can. With no channel left every policy trips.
    """
    if policy == "trip":
        return true + bad >= k
    good = n - bad
    if good == 0:
        return True
    return true >= (min(k, good) if policy == "avail" else max(1, k - bad))


def negate(value: int) -> int:
    """Kleene negation; what left the vote stays out of it."""
    kind = value & 3
    if kind in (LEFT, UNKNOWN):
        return value
    return (kind ^ 3) | (value & SOFT)


def _both(a: int, b: int) -> int:
    if LEFT in (a, b):
        return a | b
    if FALSE in (a, b):
        return FALSE
    if FALSE in (a & 3, b & 3):
        return SOFT_FALSE
    if UNKNOWN in (a & 3, b & 3):
        return UNKNOWN
    return TRUE | ((a | b) & SOFT)


def _either(a: int, b: int) -> int:
    return negate(_both(negate(a), negate(b)))


# Looked up rather than computed: this is the inner loop of every rule.
BOTH = tuple(tuple(_both(a, b) for b in range(8)) for a in range(8))
EITHER = tuple(tuple(_either(a, b) for b in range(8)) for a in range(8))
