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
class Sum:
    """`left op right` of two numbers."""

    op: Token
    left: Operand
    right: Operand
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`: a function, or a tag whose name is written with brackets."""

    name: Token
    arguments: tuple[Argument, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Target:
    """`> 185 degC` as an argument."""

    op: Token
    value: Quantity


@dataclass(frozen=True, slots=True)
class Keyword:
    """`by = (worker, kind)`, `horizon = 30 min`: its words, or its one quantity."""

    key: Token
    values: tuple[Token | Quantity, ...]

    @property
    def name(self) -> str:
        """The word before the sign."""
        return str(self.key).rstrip("= \t\f\n\u00a0\u3000")


Operand = Token | Quantity | Sum | Call  # a token is a tag


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left op right [hyst value]`."""

    left: Operand
    op: Token
    right: Operand
    hyst: Quantity | None
    hyst_word: Token | None
    depth: int


@dataclass(frozen=True, slots=True)
class Question:
    """A number or call that stands alone: a yes/no function, or an argument that is a number."""

    item: Operand
    depth: int


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


Condition = Comparison | Question | Joined | Negation | Poll | Delay
Argument = Condition | Target | Keyword


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
class SetAct:
    """`set OUT = value`."""

    word: Token
    output: Token
    op: Token
    value: Token


@dataclass(frozen=True, slots=True)
class AlarmAct:
    """`alarm`."""

    word: Token


@dataclass(frozen=True, slots=True)
class SpeakAct:
    """`speak TEXT at SPEAKER`."""

    word: Token
    text: Token
    speaker: Token


@dataclass(frozen=True, slots=True)
class TellAct:
    """`notify ROLE`, `escalate [ROLE]`."""

    word: Token
    role: Token | None


Action = StopAct | SetAct | ConfirmAct | AlarmAct | SpeakAct | TellAct


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


def depth_of(*nodes: object) -> int:
    """One more than the deepest of `nodes`; tokens and quantities are flat."""
    return 1 + max((getattr(node, "depth", 0) for node in nodes), default=0)


def first_token(node: Argument | Operand) -> Token:
    """The first token of a node, to point at."""
    while not isinstance(node, Token):
        match node:
            case Sum(left=part) | Comparison(left=part) | Question(item=part) | Delay(item=part):
                node = part
            case Joined(items=items):
                node = items[0]
            case Negation(word=token) | Poll(k=token) | Call(name=token) | Target(op=token):
                return token
            case Keyword(key=token) | Quantity(number=token):
                return token
    return node


def last_token(node: Operand) -> Token:
    """The last token of a number, as far as it is kept."""
    while not isinstance(node, Token):
        match node:
            case Sum(right=part):
                node = part
            case Call(name=token):
                return token
            case Quantity(number=number, unit=unit):
                return unit or number
    return node


class Builder(Transformer[Token, RuleNode]):
    """Callbacks that the LALR parser calls while it reduces, bottom up: no recursion, whatever the text."""

    when = _clause("when")
    actions = _clause("then")
    otherwise = _clause("else")
    latch = _clause("latch")
    on_bad = _clause("on bad")
    permissive = _clause("permissive")
    override = _clause("override")
    clear = _clause("clear when")
    min_on = _clause("min on")
    min_off = _clause("min off")
    valid = _clause("valid")
    degraded = _clause("degraded")
    proof = _clause("proof")
    group = _clause("group")
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

    def set(self, parts: list[Token]) -> SetAct:
        return SetAct(*parts)

    def announce(self, parts: list[Token]) -> AlarmAct:
        return AlarmAct(parts[0])

    def speak(self, parts: list[Token]) -> SpeakAct:
        return SpeakAct(*parts)

    def notify(self, parts: list[Token]) -> TellAct:
        return TellAct(parts[0], parts[1])

    def escalate(self, parts: list[Token]) -> TellAct:
        return TellAct(parts[0], parts[1] if len(parts) > 1 else None)

    def tag(self, parts: list[Token]) -> Token:
        return parts[0]

    def arithmetic(self, parts: list[Any]) -> Sum:
        left, op, right = parts
        return Sum(op, left, right, depth_of(left, right))

    def call(self, parts: list[Any]) -> Call:
        return Call(parts[0], tuple(parts[1:]), depth_of(*parts[1:]))

    def target(self, parts: list[Any]) -> Target:
        return Target(*parts)

    def keyword(self, parts: list[Any]) -> Keyword:
        return Keyword(parts[0], tuple(parts[1:]))

    def comparison(self, parts: list[Any]) -> Comparison:
        left, op, right = parts[:3]
        word, hyst = parts[3:] if len(parts) > 3 else (None, None)
        return Comparison(left, op, right, hyst, word, depth_of(left, right))

    def question(self, parts: list[Any]) -> Question:
        return Question(parts[0], depth_of(parts[0]))

    def any_of(self, items: list[Condition]) -> Joined:
        return Joined(False, tuple(items), depth_of(*items))

    def all_of(self, items: list[Condition]) -> Joined:
        return Joined(True, tuple(items), depth_of(*items))

    def negation(self, parts: list[Any]) -> Negation:
        return Negation(parts[0], parts[1], depth_of(parts[1]))

    def vote(self, parts: list[Any]) -> Poll:
        items = tuple(parts[2:])
        return Poll(parts[0], items, depth_of(*items))

    def delay(self, parts: list[Any]) -> Delay:
        return Delay(parts[0], parts[1], parts[2], depth_of(parts[0]))


def parser(grammar: str) -> Lark:
    """The LALR parser of one rule."""
    return Lark(
        grammar, start="rule", parser="lalr", lexer="contextual", transformer=Builder(), maybe_placeholders=False
    )
