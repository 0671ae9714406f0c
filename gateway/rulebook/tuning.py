"""What to try on an alarm that comes too often: hysteresis and delays from the starting values of spec/alarms.md §3."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.core.limits import SECOND
from gateway.core.program import (  # fmt: skip
    Advisory,
    Alarm,
    And,
    Both,
    Compare,
    Control,
    Expression,
    For,
    Interlock,
    Or,
    Permit,
    Program,
    Rule,
    Since,
    Vote,
)
from gateway.core.tags import Tag, TagTable
from gateway.rulebook.compile import compile_rules
from gateway.rulebook.formula import expression
from gateway.rulebook.units import UnitError, parse_unit

Kind = Literal["flow", "level", "pressure", "temperature", "discrete", "gas", "model", "other"]
Change = Literal["hyst", "for", "off", "hyst+off"]
Refusal = Literal["p1", "interlock", "system", "control", "personal", "silent"]
CHANGES: tuple[Change, ...] = ("hyst", "off", "hyst+off", "for")  # an on-delay last: it alone can hide a true alarm

_ANALOG = ("<", "<=", ">", ">=")
_PROBE = 'alarm {name} "x"\n  when {clause}\n  then alarm\n  priority P3\nend\n'
_KIND: dict[str, Kind] = {
    "[length]^3 [time]^-1": "flow",
    "[mass]^1 [time]^-1": "flow",
    "[length]^1": "level",
    "[length]^-1 [mass]^1 [time]^-2": "pressure",
    "[gauge_pressure]^1": "pressure",
    "[temperature]^1": "temperature",
    "[lower_explosive_limit]^1": "gas",
    "[volume_fraction]^1": "gas",
    "[length]^-3 [mass]^1": "gas",
}


class Start(msgspec.Struct, frozen=True):
    """Starting values of a kind of signal: hysteresis in per cent of the span, delays in ns."""

    percent: float
    on_ns: int
    off_ns: int


_TRIPS_ON_NS = 2 * SECOND  # the longest on-delay of gas, and beside an interlock on the same signal
_MODEL_HYST = 0.15  # of a confidence, whatever its span
STARTS: dict[Kind, Start] = {
    "flow": Start(5, 15 * SECOND, 15 * SECOND),
    "level": Start(5, 60 * SECOND, 60 * SECOND),
    "pressure": Start(2, 15 * SECOND, 15 * SECOND),
    "temperature": Start(1, 60 * SECOND, 60 * SECOND),
    "discrete": Start(0, 5 * SECOND, 30 * SECOND),
    "gas": Start(2, _TRIPS_ON_NS, 30 * SECOND),
    "model": Start(0, 0, 5 * SECOND),
    "other": Start(2, 15 * SECOND, 15 * SECOND),  # the spec has no row: the careful one of pressure
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule as it could be, and the `when` clause to write for it: compiled, the clause is this very condition."""

    change: Change
    rule: Rule
    clause: str


def kind_of(tag: Tag) -> Kind:
    """The row of the table that a signal belongs to, by its unit."""
    if tag.model:
        return "model"
    if tag.boolean:
        return "discrete"
    try:
        return _KIND.get(parse_unit(tag.unit).dimension, "other")
    except UnitError:
        return "other"


def refusal(name: str, program: Program, table: TagTable) -> Refusal | None:
    """Why nothing is proposed for the alarm of this name, None where something may be."""
    rule = next((rule for rule in program.rules if rule.name == name), None)
    if rule is None:
        owned = any(isinstance(rule, Interlock) and name.startswith(f"{rule.name}_") for rule in program.rules)
        return "interlock" if owned else "system"
    if isinstance(rule, Interlock):
        return "interlock"
    if isinstance(rule, Permit) or (isinstance(rule, Control | Advisory) and not rule.announce):
        return "silent"
    if rule.priority == 1:
        return "p1"
    if isinstance(rule, Control):
        return "control"  # its condition drives an output
    personal = {tag.name for tag in table.tags if tag.personal}
    return "personal" if any(leaf.tag in personal for leaf in compared(rule.when)) else None


def candidates(rule: Rule, program: Program, table: TagTable) -> list[Candidate]:
    """What to try, in the order in which to prefer it. Nothing weaker than what the rule has already."""
    tags = {tag.name: tag for tag in table.tags}
    leaves = list(compared(rule.when))
    starts = [STARTS[kind_of(tags[leaf.tag])] for leaf in leaves] or [STARTS["other"]]
    on_ns = _on_delay(rule, leaves, min(start.on_ns for start in starts), program)
    off_ns = min(start.off_ns for start in starts)
    banded = _changed(rule.when, lambda leaf: _banded(leaf, tags[leaf.tag]))
    tried: dict[Change, Expression] = {
        "hyst": banded,
        "off": _held(rule.when, off_ns),
        "hyst+off": _held(banded, off_ns) if banded != rule.when else rule.when,
        "for": _delayed(rule.when, on_ns),
    }
    units = {tag.name: tag.unit for tag in table.tags}
    out = []
    for change in CHANGES:
        when = tried[change]
        clause = f"when {_unbracketed(expression(when, units, as_rule=True))}"
        if when != rule.when and _reads_back(rule.name, clause, when, table):
            out.append(Candidate(change, msgspec.structs.replace(rule, when=when), clause))
    return out


def compared(node: Expression) -> Iterator[Compare]:
    """The comparisons of a tag whose being true makes the condition true."""
    if isinstance(node, Compare):
        yield node
    elif isinstance(node, And | Or | Vote | Both):
        for item in node.items:
            yield from compared(item)
    elif isinstance(node, For | Since):
        yield from compared(node.item)


def on_delay_ns(node: Expression) -> int:
    """The outermost `for` of a condition, 0 where it has none."""
    inner = node.items[0] if isinstance(node, Both) else node
    return inner.ns if isinstance(inner, For) else 0


def _on_delay(rule: Rule, leaves: list[Compare], on_ns: int, program: Program) -> int:
    """Short beside an interlock on the same signal, whose forewarning this may be; at most half the process safety time."""
    tripping = {leaf.tag for other in program.rules if isinstance(other, Interlock) for leaf in compared(other.when)}
    if tripping & {leaf.tag for leaf in leaves}:
        on_ns = min(on_ns, _TRIPS_ON_NS)
    pst_ns = rule.pst_ns if isinstance(rule, Alarm) else 0
    return min(on_ns, pst_ns // 2) if pst_ns else on_ns


def _banded(leaf: Compare, tag: Tag) -> Compare:
    """With the hysteresis of its kind of signal, where that is wider and the comparison still comes back inside the range."""
    kind, span = kind_of(tag), tag.high - tag.low
    if leaf.op not in _ANALOG or tag.boolean or not (0 < span < 1e12):
        return leaf
    hyst = _MODEL_HYST if kind == "model" else float(f"{span * STARTS[kind].percent / 100:.3g}")
    back = leaf.limit + hyst if leaf.op in ("<", "<=") else leaf.limit - hyst
    return msgspec.structs.replace(leaf, hyst=hyst) if hyst > leaf.hyst and tag.low < back < tag.high else leaf


def _changed(node: Expression, change: Callable[[Compare], Compare]) -> Expression:
    """The condition with each comparison of `compared` as `change` makes it."""
    if isinstance(node, Compare):
        return change(node)
    if isinstance(node, And | Or | Vote | Both):
        return msgspec.structs.replace(node, items=tuple(_changed(item, change) for item in node.items))
    if isinstance(node, For | Since):
        return msgspec.structs.replace(node, item=_changed(node.item, change))
    return node


def _held(node: Expression, ns: int) -> Expression:
    """With an off-delay: true, or was within the last `ns`. `since(…) < ns` would be true at each start of the gateway."""
    if isinstance(node, Both | Since):
        return node
    return Both((node, node), ns)


def _delayed(node: Expression, ns: int) -> Expression:
    if isinstance(node, For):
        return For(node.item, ns) if ns > node.ns else node
    return For(node, ns) if ns else node


def _unbracketed(text: str) -> str:
    return text[1:-1] if text.startswith("(") else text


def _reads_back(name: str, clause: str, when: Expression, table: TagTable) -> bool:
    """A clause that is refused, or means something else, is not proposed."""
    compiled = compile_rules([("proposed.rules", _PROBE.format(name=name, clause=clause.removeprefix("when ")))], table)
    return compiled.program is not None and compiled.program.rules[0].when == when


def with_rules(program: Program, changed: Collection[Rule]) -> Program:
    """The program with rules of the same names in the places of the old ones."""
    by_name = {rule.name: rule for rule in changed}
    return msgspec.structs.replace(program, rules=tuple(by_name.get(rule.name, rule) for rule in program.rules))
