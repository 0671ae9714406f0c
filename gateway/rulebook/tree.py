"""What the parser builds: one dataclass per construct, holding the tokens so that every problem knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lark import Lark, Token, Transformer


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and the unit that was written behind it."""

    number: Token
    unit: Token | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`tag op value [hyst value]`."""

    tag: Token
    op: Token
    value: Quantity
    hyst: Quantity | None
    hyst_word: Token | None
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by `and` (`every`) or `or`."""

    every: bool
    items: tuple[Condition, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Negation:
    """`not item`."""

    word: Token
    item: Condition
    depth: int


@dataclass(frozen=True, slots=True)
class Poll:
    """`k of (items)`."""

    k: Token
    items: tuple[Condition, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Delay:
    """`item for time`."""

    item: Condition
    word: Token
    time: Quantity
    depth: int


Condition = Comparison | Joined | Negation | Poll | Delay


@dataclass(frozen=True, slots=True)
class StopAct:
    """`stop OUT [within T]`."""

    output: Token
    within: Quantity | None


@dataclass(frozen=True, slots=True)
class ConfirmAct:
    """`confirm TAG op value within T`."""

    word: Token
    tag: Token
    op: Token
    value: Quantity
    within: Quantity | None


@dataclass(frozen=True, slots=True)
class AlarmAct:
    """`alarm`."""

    word: Token


Action = StopAct | ConfirmAct | AlarmAct


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: `what` is the alias of the grammar, `parts` its tokens and nodes in written order."""

    what: str
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RuleNode:
    """One rule as written."""

    kind: Token
    name: Token
    title: Token | None
    clauses: tuple[Clause, ...]


def _clause(what: str) -> Any:
    def build(_: Any, parts: list[Any]) -> Clause:
        return Clause(what, tuple(parts))

    return build


def _deeper(items: tuple[Condition, ...]) -> int:
    return 1 + max(item.depth for item in items)


class Builder(Transformer[Token, RuleNode]):
    """Callbacks that the LALR parser calls while it reduces, bottom up: no recursion, whatever the text."""

    when = _clause("when")
    actions = _clause("then")
    otherwise = _clause("else")
    latch = _clause("latch")
    on_bad = _clause("on bad")
    permissive = _clause("permissive")
    bypass = _clause("bypass")
    no_bypass = _clause("bypass")
    priority = _clause("priority")
    pst = _clause("pst")
    area = _clause("area")
    text = _clause("text")

    def rule(self, parts: list[Any]) -> RuleNode:
        title = parts[2] if len(parts) > 2 and isinstance(parts[2], Token) else None
        return RuleNode(parts[0], parts[1], title, tuple(part for part in parts[2:] if isinstance(part, Clause)))

    def quantity(self, parts: list[Token]) -> Quantity:
        return Quantity(parts[0], parts[1] if len(parts) > 1 else None)

    def stop(self, parts: list[Any]) -> StopAct:
        return StopAct(parts[1], parts[2] if len(parts) > 2 else None)

    def confirm(self, parts: list[Any]) -> ConfirmAct:
        word, tag, op, value = parts[:4]
        return ConfirmAct(word, tag, op, value, parts[4] if len(parts) > 4 else None)

    def announce(self, parts: list[Token]) -> AlarmAct:
        return AlarmAct(parts[0])

    def comparison(self, parts: list[Any]) -> Comparison:
        tag, op, value = parts[:3]
        word, hyst = parts[3:] if len(parts) > 3 else (None, None)
        return Comparison(tag, op, value, hyst, word)

    def any_of(self, items: list[Condition]) -> Joined:
        return Joined(False, tuple(items), _deeper(tuple(items)))

    def all_of(self, items: list[Condition]) -> Joined:
        return Joined(True, tuple(items), _deeper(tuple(items)))

    def negation(self, parts: list[Any]) -> Negation:
        return Negation(parts[0], parts[1], parts[1].depth + 1)

    def vote(self, parts: list[Any]) -> Poll:
        items = tuple(parts[2:])
        return Poll(parts[0], items, _deeper(items))

    def delay(self, parts: list[Any]) -> Delay:
        return Delay(parts[0], parts[1], parts[2], parts[0].depth + 1)


def parser(grammar: str) -> Lark:
    """The LALR parser of one rule."""
    return Lark(
        grammar, start="rule", parser="lalr", lexer="contextual", transformer=Builder(), maybe_placeholders=False
    )
