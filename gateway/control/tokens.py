"""Tokens of a plan: they let the person who asked do just what was planned, once and soon."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

SECOND_NS = 1_000_000_000
TOKEN_S = 120  # spec/operators.md
TOKENS_MAX = 64  # a plan is made by hand; the oldest goes first
_FREE_TEXT = frozenset({"reason", "measure"})  # may be worded better the second time; it decides nothing


@dataclass(frozen=True, slots=True)
class _Ticket:
    bound: tuple[str, ...]
    until_ns: int


def binding(verb: str, target: str, person: str, role: str, args: dict[str, str]) -> tuple[str, ...]:
    """What a token is good for; free text is left out, every argument that decides something is in."""
    decides = sorted(f"{name}={value}" for name, value in args.items() if name not in _FREE_TEXT)
    return (verb, target, person, role, *decides)


@dataclass(slots=True)
class Tokens:
    """Open tokens, in order of issue. `now_ns` is a monotonic clock."""

    now_ns: Callable[[], int]
    _open: dict[str, _Ticket] = field(default_factory=dict)

    def issue(self, bound: tuple[str, ...]) -> str:
        """A new token for `bound`, good for TOKEN_S."""
        while len(self._open) >= TOKENS_MAX:
            del self._open[next(iter(self._open))]
        token = secrets.token_hex(8)
        self._open[token] = _Ticket(bound, self.now_ns() + TOKEN_S * SECOND_NS)
        return token

    def redeem(self, token: str, bound: tuple[str, ...]) -> bool:
        """Whether `token` was issued for exactly `bound` and is still good; a good one is used up."""
        ticket = self._open.get(token)
        if ticket is None or ticket.bound != bound:
            return False
        del self._open[token]
        return self.now_ns() < ticket.until_ns
