"""Structured Text as the shipped blocks use it, scan by scan: IEC 61131-3, Siemens SCL, Rockwell Logix.

Refuses whatever it does not know: a name that is not declared, a type, an INT beyond its range. Time is the scan's, in ms.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"""\s+|\(\*.*?\*\)|//[^\n]*|(?P<time>[Tt]\#\d+ms)|(?P<number>\d+)|(?P<name>\#?[A-Za-z_]\w*|"\w+")|(?P<sign>:=|<>|<=|>=|[-+=<>();:,.])""",
    re.DOTALL | re.VERBOSE,
)
RANGES = {"INT": (-32768, 32767), "UINT": (0, 65535), "WORD": (0, 65535)}
FIRST_SCAN = "S:FS"


class StError(AssertionError):
    """The text is not what this subset can run."""


def tokens(text: str) -> list[str]:
    """The words of a text; times as `T#…`, names without `#` and quotes."""
    found, at = [], 0
    text = text.replace(FIRST_SCAN, "S_FS")
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise StError(f"cannot read: {text[at : at + 30]!r}")
        at = match.end()
        if match.lastgroup:
            found.append(match[0] if match.lastgroup != "name" else match[0].strip('#"'))
    return found


class Timer:
    """TON, TON_TIME and, by its members, an FBD_TIMER under TONR."""

    def __init__(self) -> None:
        self.members: dict[str, Any] = {"Q": False, "DN": False, "PRE": 0, "TimerEnable": False}
        self._since_ms = -1.0

    def call(self, now_ms: float, on: bool, preset_ms: float) -> None:
        """One call in a scan."""
        if not on:
            self._since_ms = -1.0
        elif self._since_ms < 0:
            self._since_ms = now_ms
        self.members["Q"] = self.members["DN"] = on and now_ms - self._since_ms >= preset_ms


@dataclass
class Scope:
    """Variables of one block or of a program, with their types."""

    types: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)

    def declare(self, name: str, type_: str, first: Any = None) -> None:
        self.types[name] = type_.upper()
        kind = self.types[name]
        if kind in ("TON", "TON_TIME", "FBD_TIMER"):
            self.values[name] = Timer()
        elif kind == "BOOL":
            self.values[name] = first in ("TRUE", "1", True)
        elif kind in RANGES:
            self.values[name] = int(first or 0)
        elif first is not None:
            self.values[name] = first
        else:
            raise StError(f"type {type_} of {name}")

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise StError(f"{name} is not declared")
        return self.values[name]

    def set(self, name: str, value: Any) -> None:
        self.get(name)
        kind = self.types[name]
        if kind == "BOOL":
            if value not in (True, False, 0, 1):
                raise StError(f"{name} := {value}")
            value = bool(value)
        elif kind in RANGES:
            low, high = RANGES[kind]
            if isinstance(value, bool) or not low <= value <= high:
                raise StError(f"{name} := {value} is beyond {kind}")
        self.values[name] = value


class Block:
    """A function block with its own variables."""

    def __init__(self, scope: Scope, body: Callable[[float], None]) -> None:
        self.scope, self.body = scope, body

    @property
    def members(self) -> dict[str, Any]:
        return self.scope.values

    def call(self, now_ms: float, given: dict[str, Any]) -> None:
        for name, value in given.items():
            if name not in self.scope.inputs:
                raise StError(f"{name} is no input")
            self.scope.set(name, value)
        self.body(now_ms)


Run = Callable[[float], Any]


class Parser:
    """Statements and expressions as closures over a scope."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.words = tokens(text)
        self.at = 0
        self.scope = scope

    def peek(self, ahead: int = 0) -> str:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""

    def take(self, wanted: str = "") -> str:
        word = self.peek()
        if not word or (wanted and word != wanted):
            raise StError(f"{wanted or 'more'} expected, not {word!r}")
        self.at += 1
        return word

    # --- declarations ---

    def declarations(self) -> None:
        """Heads and VAR … END_VAR; what follows is the body."""
        if self.peek() == "FUNCTION_BLOCK":
            self.at += 2
        if self.peek() == "VERSION":
            while self.peek() != "VAR_INPUT":
                self.at += 1
        while self.peek() in ("VAR_INPUT", "VAR_OUTPUT", "VAR"):
            head = self.take()
            while self.peek() != "END_VAR":
                name, _, type_ = self.take(), self.take(":"), self.take()
                first = None
                if self.peek() == ":=":
                    self.take()
                    first = self.take()
                self.take(";")
                if type_ not in self.scope.values:
                    self.scope.declare(name, type_, first)
                else:  # an instance of a block, which the program has under the block's name
                    self.scope.types[name], self.scope.values[name] = "BLOCK", self.scope.values[type_]
                if head == "VAR_INPUT":
                    self.scope.inputs.append(name)
            self.take("END_VAR")
        if self.peek() == "BEGIN":
            self.take()

    # --- statements ---

    def statements(self, *ends: str) -> Run:
        found: list[Run] = []
        while self.peek() and self.peek() not in ends:
            found.append(self._statement())

        def run(now_ms: float) -> None:
            for each in found:
                each(now_ms)

        return run

    def _statement(self) -> Run:
        if self.peek() == "IF":
            return self._if()
        name = self.take()
        if self.peek() == "(":
            return self._call(name)
        member = ""
        if self.peek() == ".":
            self.take()
            member = self.take()
        self.take(":=")
        value = self._expression()
        self.take(";")
        scope = self.scope
        if not member:
            return lambda now_ms: scope.set(name, value(now_ms))

        def assign(now_ms: float) -> None:
            timer = scope.get(name)
            if not isinstance(timer, Timer) or member not in ("PRE", "TimerEnable"):
                raise StError(f"{name}.{member} is not to be written")
            timer.members[member] = value(now_ms)

        return assign

    def _if(self) -> Run:
        self.take("IF")
        test = self._expression()
        self.take("THEN")
        then = self.statements("ELSE", "END_IF")
        other: Run = lambda now_ms: None  # noqa: E731
        if self.peek() == "ELSE":
            self.take()
            other = self.statements("END_IF")
        self.take("END_IF")
        self.take(";")
        return lambda now_ms: then(now_ms) if _bool(test(now_ms)) else other(now_ms)

    def _call(self, name: str) -> Run:
        self.take("(")
        named: dict[str, Run] = {}
        placed: list[Run | str] = []
        while self.peek() != ")":
            if self.peek(1) == ":=":
                key = self.take()
                self.take(":=")
                named[key] = self._expression()
            elif self.peek(1) in (",", ")") and not self.peek().isdigit():
                placed.append(self.take())
            else:
                placed.append(self._expression())
            if self.peek() == ",":
                self.take()
        self.take(")")
        self.take(";")
        scope = self.scope

        def call(now_ms: float) -> None:
            if name == "TONR":
                timer = scope.get(str(placed[0]))
                timer.call(now_ms, _bool(timer.members["TimerEnable"]), timer.members["PRE"])
                return
            target = scope.get(str(placed[0]) if placed else name)
            given = {key: value(now_ms) for key, value in named.items()}
            if isinstance(target, Timer):
                target.call(now_ms, _bool(given.pop("IN")), given.pop("PT"))
                assert not given
                return
            assert isinstance(target, Block)
            if placed:  # Logix: the instance, then the inputs in their order
                given = {key: scope.get(str(word)) for key, word in zip(target.scope.inputs, placed[1:], strict=True)}
            target.call(now_ms, given)

        return call

    # --- expressions: OR, AND, comparison, sum, NOT ---

    def _expression(self) -> Run:
        left = self._and()
        while self.peek() == "OR":
            self.take()
            left = _pair(left, self._and(), lambda a, b: _bool(a) | _bool(b))
        return left

    def _and(self) -> Run:
        left = self._comparison()
        while self.peek() == "AND":
            self.take()
            left = _pair(left, self._comparison(), lambda a, b: _bool(a) & _bool(b))
        return left

    def _comparison(self) -> Run:
        left = self._sum()
        tests: dict[str, Callable[[Any, Any], bool]] = {
            "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
            "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
        }  # fmt: skip
        if self.peek() in tests:
            test = tests[self.take()]
            return _pair(left, self._sum(), test)
        return left

    def _sum(self) -> Run:
        left = self._unary()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            left = _pair(left, self._unary(), lambda a, b, sign=sign: a + sign * b)  # type: ignore[misc]
        return left

    def _unary(self) -> Run:
        word = self.take()
        if word == "NOT":
            inner = self._unary()
            return lambda now_ms: not _bool(inner(now_ms))
        if word == "(":
            inner = self._expression()
            self.take(")")
            return inner
        if word.isdigit() or word in ("TRUE", "FALSE") or word.upper().startswith("T#"):
            value = {"TRUE": True, "FALSE": False}.get(word, int(re.sub(r"\D", "", word) or 0))
            return lambda now_ms: value
        scope = self.scope
        if self.peek() == ".":
            self.take()
            member = self.take()
            return lambda now_ms: scope.get(word).members[member]
        return lambda now_ms: scope.get(word)


def _pair(left: Run, right: Run, what: Callable[[Any, Any], Any]) -> Run:
    """Both sides are evaluated, as a PLC does."""
    return lambda now_ms: what(left(now_ms), right(now_ms))


def _bool(value: Any) -> bool:
    if value not in (True, False, 0, 1):
        raise StError(f"{value!r} is no truth")
    return bool(value)


def block(text: str, variables: str = "") -> Block:
    """A function block; `variables` is the table of a tool that holds the declarations apart."""
    scope = Scope()
    if variables:
        for row in csv.DictReader(io.StringIO(variables)):
            scope.declare(row["name"], row["type"], row["initial"] or None)
            if row["class"] == "input":
                scope.inputs.append(row["name"])
    parser = Parser(text, scope)
    parser.declarations()
    body = parser.statements("END_FUNCTION_BLOCK")
    return Block(scope, body)


def program(text: str, scope: Scope) -> Run:
    """The lines of a program over its tags."""
    parser = Parser(text, scope)
    parser.declarations()
    return parser.statements()
