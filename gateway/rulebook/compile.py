"""Rule files to the canonical program: every rule is cut, parsed, lowered and judged; all problems come back at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from lark import Token

from gateway.core.errors import Problem
from gateway.core.limits import OVERRIDE_MAX_NS, RULES_MAX
from gateway.core.program import (
    Advisory,
    Alarm,
    BypassTerms,
    Control,
    Expression,
    For,
    Interlock,
    Override,
    Permit,
    Policy,
    Program,
    Rule,
)
from gateway.core.tags import TagTable
from gateway.rulebook.clauses import ALLOWED, POLICIES, ClauseReader, Terms, named
from gateway.rulebook.condition import Conditions
from gateway.rulebook.cut import cut
from gateway.rulebook.formula import duration, formula
from gateway.rulebook.parse import parse
from gateway.rulebook.quantity import Reader
from gateway.rulebook.sheet import Sheet, Spot
from gateway.rulebook.site import TagIndex
from gateway.rulebook.tree import Clause, RuleNode, SetAct, StopAct
from gateway.rulebook.workbook.render import sheet_of

NAME_MAX = 64  # characters: a name stands in topics, tables and file names
_RESERVED = re.compile(r"SELF_CHECK|SOURCE_.*|.*_(FAILED|DEGRADED|DEVIATION)")  # alarms of core.annunciator
_NAME = re.compile(r"[A-Z0-9_]+")
_REPEATABLE = frozenset({"then", "text"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of the rule files. `program` is None when any problem is an error; `formulas` has every sound rule.

    `marks` says where the name of each sound rule stands.
    """

    program: Program | None
    problems: list[Problem]
    formulas: dict[str, str]
    marks: dict[str, Spot]


def compile_rules(files: list[tuple[str, str]], table: TagTable, channels: Collection[str] | None = None) -> Compiled:
    """The program of `(file name, text)` over the tags of `table`, rules in the order of file names, then lines.

    `channels` are the sinks that the site declares ("speaker:helmet", "role:ehs", "ladder:1"); None does not judge them.
    """
    index = TagIndex(table, channels)
    problems: list[Problem] = []
    rules: list[Rule] = []
    names: dict[str, tuple[str, int]] = {}
    marks: dict[str, Spot] = {}
    for file, text in sorted(files):
        sheet = sheet_of(file, text, index)
        for rule in _rules_of(sheet, index, names, marks):
            rules.append(rule)
            if len(rules) == RULES_MAX + 1:
                sheet.report("rule.too-many", 0, 1, most=str(RULES_MAX))
        problems.extend(sorted(sheet.problems, key=lambda problem: (problem.line, problem.column)))
    formulas = {rule.name: formula(rule, index.units) for rule in rules}
    failed = any(problem.severity == "error" for problem in problems)
    return Compiled(None if failed else Program(tuple(rules)), problems, formulas, marks)


def _rules_of(sheet: Sheet, index: TagIndex, names: dict[str, tuple[str, int]], marks: dict[str, Spot]) -> list[Rule]:
    rules: list[Rule] = []
    for chunk in cut(sheet):
        node = parse(sheet, chunk)
        if node is None:
            continue
        reader = Reader(sheet, chunk.start)
        _check_name(reader, node.name, names)
        rule = _RuleReader(reader, index, node).rule()
        if rule is not None:
            rules.append(rule)
            start, end = (chunk.start + (at or 0) for at in (node.name.start_pos, node.name.end_pos))
            marks[rule.name] = sheet.mark(start, end)
    return rules


def _check_name(reader: Reader, token: Token, names: dict[str, tuple[str, int]]) -> None:
    if not _NAME.fullmatch(token) or len(token) > NAME_MAX:
        expected = re.sub(r"[^A-Z0-9_]", "_", token.upper())[:NAME_MAX]
        reader.report("rule.name", token, what=str(token), most=str(NAME_MAX), expected=expected)
    elif _RESERVED.fullmatch(token):
        reader.report("rule.reserved-name", token, what=str(token))
    elif token in names:
        file, line = names[token]
        reader.report("rule.duplicate-name", token, name=str(token), file=file, line=str(line))
    else:
        names[str(token)] = (reader.sheet.file, reader.sheet.place(reader.base + (token.start_pos or 0))[0])


class _RuleReader:
    """One rule from its tree to its canonical form; None where anything in it is an error."""

    def __init__(self, reader: Reader, index: TagIndex, node: RuleNode) -> None:
        self.reader = reader
        self.node = node
        self.kind = str(node.kind)
        clears = self.kind == "permit" or any(clause.what == "clear when" for clause in node.clauses)
        self.conditions = Conditions(reader, index, self.kind, clears=clears)
        self.permission = Conditions(reader, index, self.kind, permissive=True)
        self.clauses = ClauseReader(reader, index, self.conditions, self.kind)
        self.when: Expression | None = None
        self.permissive: Expression | None = None
        self.clear: Expression | None = None
        self.override: Override | None = None

    def rule(self) -> Rule | None:
        """The canonical rule."""
        before = len(self.reader.sheet.problems)
        present = {clause.what for clause in self.node.clauses}
        seen: set[str] = set()
        for clause in self.node.clauses:
            if clause.what in seen and clause.what not in _REPEATABLE:
                self.reader.report("rule.duplicate-clause", clause.parts[0], what=clause.what)
            else:
                self._clause(clause)
            seen.add(clause.what)
        self._require(present)
        if any(problem.severity == "error" for problem in self.reader.sheet.problems[before:]) or self.when is None:
            return None
        return self._build(self.when)

    def _clause(self, clause: Clause) -> None:
        parts = clause.parts
        if clause.what not in ALLOWED[self.kind]:
            self.clauses.not_here(clause.what, parts[0] if isinstance(parts[0], Token) else named(parts[0])[1])
        elif clause.what == "when":
            self.when = self.conditions.lower(parts[1])
        elif clause.what == "permissive":
            self.permissive = self.permission.lower(parts[1])
        elif clause.what == "clear when":
            self.clear = self.permission.lower(parts[1])
        elif clause.what == "override":
            until, ns = self.permission.lower(parts[1]), self.reader.time(parts[2], high=OVERRIDE_MAX_NS)
            role = self.clauses.role(parts[3] if len(parts) > 3 else None)
            self.override = Override(until, ns, role) if until is not None and ns is not None else None
        else:
            self.clauses.read(clause)

    def _require(self, present: set[str]) -> None:
        """Reports what is missing, and what fits no budget, once all clauses are read."""
        terms, name = self.clauses.terms, self.node.name
        if "when" not in present:
            self.reader.report("rule.no-when", name, name=str(name))
        acts = [action for clause in self.node.clauses if clause.what == "then" for action in clause.parts]
        match self.kind:
            case "interlock":
                self._require_of_interlock(present, any(isinstance(act, StopAct) for act in acts))
            case "control":
                if not any(isinstance(act, SetAct | StopAct) for act in acts):
                    self.reader.report("rule.no-set", name, name=str(name))
            case "alarm":
                if not terms.announce:
                    self.reader.report("rule.no-action", name, name=str(name))
            case "advisory":
                if not acts:
                    self.reader.report("rule.no-telling", name, name=str(name))
        if "priority" not in present and self.kind not in ("control", "permit"):
            expected = f"P{self._default_priority()}"
            self.reader.report("rule.no-priority", name, name=str(name), expected=expected)

    def _require_of_interlock(self, present: set[str], stops: bool) -> None:
        name = self.node.name
        if not stops:
            self.reader.report("rule.no-stop", name, name=str(name))
        if "pst" not in present:
            self.reader.report("rule.no-pst", name, name=str(name))
        if self.conditions.models and "on bad" not in present:
            tag = self.conditions.models[0].name
            self.reader.report("rule.model-on-bad", name, name=str(name), tag=tag)
        self._budget(self.clauses.terms)

    def _budget(self, terms: Terms) -> None:
        """spec/interlocks.md I9: what we know of the chain must fit into half of the process safety time."""
        half = terms.pst_ns // 2
        if not half:
            return
        pst = duration(terms.pst_ns)
        if isinstance(self.when, For) and self.when.ns > half:
            self.reader.report("rule.budget", self.node.name, what=duration(self.when.ns), pst=pst)
        for quantity, ns in terms.within:
            if ns > half:
                self.reader.report("rule.budget", quantity.number, quantity.unit, what=duration(ns), pst=pst)
        if terms.bad_after_ns > half:
            shown = {"what": duration(terms.bad_after_ns), "expected": duration(half), "pst": pst}
            self.reader.report("rule.budget-bad", self.node.name, **shown)

    def _default_priority(self) -> int:
        return 1 if self.kind == "interlock" else 3

    def _area(self) -> str:
        return self.clauses.terms.area or next((tag.area for tag in self.conditions.seen if tag.area), "")

    def _build(self, when: Expression) -> Rule:
        terms = self.clauses.terms
        policy: Policy = terms.policy or ("safe" if self.kind == "interlock" else POLICIES[self.kind][0])
        common: dict[str, Any] = {
            "name": str(self.node.name),
            "priority": terms.priority or self._default_priority(),
            "area": self._area(),
            "on_bad": policy,
            "bad_after_ns": terms.bad_after_ns,
            "because": terms.because,
            "text": self.clauses.texts(self.node.title),
            "tells": tuple(terms.tells),
        }
        match self.kind:
            case "interlock":
                return self._interlock(when, terms, common)
            case "control":
                return Control(
                    when=when,
                    sets=tuple(terms.sets),
                    clear=self.clear,
                    min_on_ns=terms.min_on_ns,
                    min_off_ns=terms.min_off_ns,
                    announce=terms.announce,
                    pst_ns=terms.pst_ns,
                    **common,
                )
            case "advisory":
                role = terms.reset_role or "operator"
                return Advisory(when=when, announce=terms.announce, latch=terms.latch, reset_role=role, **common)
            case "permit":
                return Permit(when=when, valid_ns=terms.valid_ns, **common)
        return Alarm(
            when=when,
            latch=terms.latch,
            reset_role=terms.reset_role or "operator",
            pst_ns=terms.pst_ns,
            bypass=terms.bypass or BypassTerms(max_ns=0),
            **common,
        )

    def _interlock(self, when: Expression, terms: Terms, common: dict[str, Any]) -> Interlock:
        delay_ns, item = (when.ns, when.item) if isinstance(when, For) else (0, when)
        return Interlock(
            when=item,
            on_delay_ns=delay_ns,
            stops=tuple(terms.stops),
            otherwise=tuple(terms.otherwise),
            confirms=tuple(terms.confirms),
            permissive=self.permissive,
            clear_ns=terms.clear_ns,
            reset_role=terms.reset_role or "supervisor",
            bypass=terms.bypass or BypassTerms(),
            pst_ns=terms.pst_ns,
            group=terms.group,
            degraded_ns=terms.degraded_ns,
            proof_ns=terms.proof_ns,
            override=self.override,
            **common,
        )
