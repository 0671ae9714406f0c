"""Lock-out by person: five wrong ones, then 60 s, 120 s, 240 s … to a quarter of an hour. It survives a restart.

A failure is on disk before its answer is given, so pulling the plug gives no further try. Only signing in is locked out:
what needs no login (acknowledging, tripping, silence) never asks here. A name that nobody has is locked out as one that somebody
has, so that the answers do not tell which names there are; the last STRANGERS_MAX of them are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway.access.store import DamagedError, load, save

FAILURES = 5
FIRST_S = 60
LONGEST_S = 900
STRANGERS_MAX = 256  # made-up names cost an attacker a slow hash each, and the box no more than this many rows
SECOND_NS = 1_000_000_000


class Row(msgspec.Struct):
    """One person: failures since the last success or lock-out, lock-outs since the last success, and its end in UTC."""

    failures: int = 0
    rounds: int = 0
    until_utc_ms: int = 0
    stranger: bool = False


class Lockouts:
    """`utc_ms` and `monotonic_ns` are clocks. Every method but `left_s` writes the file: call it in a thread. Raises OSError."""

    def __init__(self, file: Path, utc_ms: Callable[[], int], monotonic_ns: Callable[[], int]) -> None:
        self._file, self._utc_ms, self._monotonic_ns = file, utc_ms, monotonic_ns
        self._rows: dict[str, Row] = {}
        self._until_ns: dict[str, int] = {}

    def read(self) -> None:
        """Take up what is on disk. A damaged file locks nobody in or out for longer than the longest: it begins anew. Raises OSError."""
        try:
            self._rows = load(self._file, dict[str, Row]) or {}
        except DamagedError:
            self._rows = {}
        for person, row in self._rows.items():
            left_s = min(max((row.until_utc_ms - self._utc_ms()) / 1000, 0.0), LONGEST_S)  # the clock may have moved
            self._until_ns[person] = self._monotonic_ns() + int(left_s * SECOND_NS)

    def left_s(self, person: str) -> int:
        """Seconds that `person` is still locked out, rounded up; 0 = may try."""
        left_ns = self._until_ns.get(person, 0) - self._monotonic_ns()
        return max(-(-left_ns // SECOND_NS), 0)

    def failed(self, person: str, *, stranger: bool = False) -> int:
        """Count a wrong one; the seconds of the lock-out that begins with it, 0 if none does. `stranger`: nobody has this name."""
        row = self._rows.setdefault(person, Row(stranger=stranger))
        row.failures += 1
        wait_s = 0
        if row.failures >= FAILURES:
            wait_s = min(FIRST_S << min(row.rounds, 8), LONGEST_S)
            row.failures, row.rounds = 0, row.rounds + 1
            row.until_utc_ms = self._utc_ms() + wait_s * 1000
            self._until_ns[person] = self._monotonic_ns() + wait_s * SECOND_NS
        if stranger:
            self._forget_strangers()
        save(self._file, self._rows)
        return wait_s

    def passed(self, person: str) -> None:
        """A right one: everything before is forgotten."""
        self._until_ns.pop(person, None)
        if self._rows.pop(person, None) is not None:
            save(self._file, self._rows)

    def _forget_strangers(self) -> None:
        """The oldest made-up names beyond the bound."""
        strangers = [name for name, row in self._rows.items() if row.stranger]
        for name in strangers[:-STRANGERS_MAX]:
            del self._rows[name]
            self._until_ns.pop(name, None)
