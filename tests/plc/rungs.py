"""Ladder in the neutral text of rungs: contacts, branches, coils, timers, compare, move and add; scan by scan."""

from __future__ import annotations

import re
from typing import Any

from tests.plc.st import RANGES, Scope, StError

WORD = re.compile(r"(?P<name>[A-Z]+)\((?P<args>[^()]*)\)|(?P<sign>[\[\],;])")


class Ladder:
    """The rungs of a text over tags; timers are made on first use."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.rungs = []
        for line in text.replace("\n", "").split(";"):
            if line:
                words = list(WORD.finditer(line))
                if "".join(match[0] for match in words) != line:
                    raise StError(f"cannot read the rung {line}")
                self.rungs.append(words)
        self.scope = scope
        self.since: dict[str, float] = {}

    def run(self, now_ms: float) -> None:
        """One scan."""
        for words in self.rungs:
            end = self._series(words, 0, True, now_ms)[0]
            assert end == len(words)

    def _series(self, words: list[re.Match[str]], at: int, power: bool, now_ms: float) -> tuple[int, bool]:
        while at < len(words) and words[at][0] not in ("]", ","):
            if words[at][0] == "[":
                at, power = self._branches(words, at, power, now_ms)
            else:
                power = self._one(words[at]["name"], words[at]["args"].split(","), power, now_ms)
                at += 1
        return at, power

    def _branches(self, words: list[re.Match[str]], at: int, power: bool, now_ms: float) -> tuple[int, bool]:
        found = False
        while words[at][0] != "]":
            at, out = self._series(words, at + 1, power, now_ms)
            found = found or out
        return at + 1, found

    def _value(self, word: str) -> Any:
        return int(word) if word.isdigit() else self.scope.get(word)

    def _one(self, name: str, args: list[str], power: bool, now_ms: float) -> bool:
        scope = self.scope
        match name:
            case "XIC":
                return power and bool(self._value(args[0]))
            case "XIO":
                return power and not self._value(args[0])
            case "NEQ" | "LES" | "GEQ":
                a, b = self._value(args[0]), self._value(args[1])
                return power and {"NEQ": a != b, "LES": a < b, "GEQ": a >= b}[name]
            case "OTE":
                scope.set(args[0], power)
            case "OTL" | "OTU":
                if power:
                    scope.set(args[0], name == "OTL")
            case "MOV":
                if power:
                    scope.set(args[1], self._value(args[0]))
            case "ADD":
                if power:
                    scope.set(args[2], self._value(args[0]) + self._value(args[1]))
            case "TON":
                self.since[args[0]] = self.since.get(args[0], now_ms) if power else now_ms
                scope.set(f"{args[0]}.DN", power and now_ms - self.since[args[0]] >= int(args[1]))
                if not power:
                    del self.since[args[0]]
            case _:
                raise StError(f"{name} is not known")
        return power


def tags(word: str) -> Scope:
    """The tags of the shipped rungs."""
    scope = Scope()
    for name in (
        "WD_Healthy", "WD_Seen", "WD_ResetBefore", "WD_Changed", "WD_Silent", "WD_Silence.DN", "WD_Tick.DN", "S:FS",
    ):  # fmt: skip
        scope.declare(name, "BOOL")
    assert word in RANGES
    scope.declare("WD_Last", word)
    scope.declare("WD_Trips", "INT")
    return scope
