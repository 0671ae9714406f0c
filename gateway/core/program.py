"""The canonical form of rules: what the rulebook compiles to, people sign, and the kernel loads.

Tags are named, numbers are in the tag's own unit, times in ns. Two texts that mean the same give equal bytes, and
`rule_hash` of those bytes is what every trip names. `core.evaluate` turns an expression into a closure.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Role = Literal["operator", "supervisor", "engineer", "maintainer"]
Operator = Literal["<", "<=", ">", ">=", "=", "!="]
Policy = Literal["trip", "safe", "avail", "alarm"]  # `alarm` is the policy of alarm rules only

SECOND = 1_000_000_000


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="node"):
    """Base of expression nodes."""


class Compare(_Node, frozen=True, tag="compare"):
    """`tag <op> limit`; once true it stays true until it is false by more than `hyst` (>= 0)."""

    tag: str
    op: Operator
    limit: float
    hyst: float = 0.0


class And(_Node, frozen=True, tag="and"):
    """All of `items`."""

    items: tuple[Expression, ...]


class Or(_Node, frozen=True, tag="or"):
    """Any of `items`."""

    items: tuple[Expression, ...]


class Not(_Node, frozen=True, tag="not"):
    """Kleene negation of `item`."""

    item: Expression


class Vote(_Node, frozen=True, tag="vote"):
    """`k of (items)`, by the voting table of spec/interlocks.md §3."""

    k: int
    items: tuple[Expression, ...]


class For(_Node, frozen=True, tag="for"):
    """`item` true for `ns`; only a GOOD false resets it, unknown lets it run on."""

    item: Expression
    ns: int


Expression = Compare | And | Or | Not | Vote | For


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drive writable tag `output` to its safe state; `within_ns` > 0 is the budget from demand to read-back."""

    output: str
    within_ns: int = 0


class Confirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After a trip, `tag <op> value` must come true within `within_ns`: the physical feedback of the effect."""

    tag: str
    op: Operator
    value: float
    within_ns: int


class BypassTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long and by whom an input of the rule may be bypassed; `max_ns` 0 means never."""

    max_ns: int = 8 * 3600 * SECOND
    role: Role = "supervisor"


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people read in one language."""

    title: str = ""
    cause: str = ""
    consequence: str = ""
    response: str = ""


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    name: str
    when: Expression
    priority: Literal[1, 2, 3, 4]
    area: str = ""
    on_bad: Policy
    bad_after_ns: int = 2 * SECOND
    because: str = ""  # the written justification of `avail` and `alarm`
    text: dict[str, RuleText] = {}  # language -> text


class Interlock(_Rule, frozen=True, kw_only=True, tag="interlock"):
    """A function that trips and latches. The outermost `for` of its condition is `on_delay_ns` (T_on), not part of `when`."""

    on_delay_ns: int = 0
    stops: tuple[Stop, ...]
    otherwise: tuple[Stop, ...] = ()  # secondary outputs, driven when a trip fails (`else stop`)
    confirms: tuple[Confirm, ...] = ()
    permissive: Expression | None = None
    clear_ns: int = 5 * SECOND  # T_clear
    reset_role: Role = "supervisor"
    bypass: BypassTerms = BypassTerms()
    pst_ns: int = 0  # process safety time, 0 = not known


class Alarm(_Rule, frozen=True, kw_only=True, tag="alarm"):
    """A condition that people are told of. `latch` keeps it until it is reset."""

    latch: bool = False
    reset_role: Role = "operator"
    pst_ns: int = 0
    bypass: BypassTerms = BypassTerms(max_ns=0)


Rule = Interlock | Alarm


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of a site in the order of evaluation: that of the rule files by name, then of the lines."""

    rules: tuple[Rule, ...] = ()
    version: int = 1


_canonical = msgspec.json.Encoder(order="deterministic")


def canonical(thing: Rule | Program) -> bytes:
    """Canonical JSON: fields in declared order with their defaults, mapping keys sorted, numbers as shortest round-trip."""
    return _canonical.encode(thing)


def rule_hash(thing: Rule | Program) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical(thing)).hexdigest()


def load(data: bytes) -> Program:
    """Program from canonical bytes. Raises msgspec.ValidationError."""
    return msgspec.json.decode(data, type=Program, strict=True)
