"""Rule files to the canonical program: every rule is cut, parsed, lowered and judged; all problems come back at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark import Token

from gateway.core.errors import Problem
from gateway.core.limits import RULES_MAX
from gateway.core.program import Alarm, BypassTerms, Expression, For, Interlock, Policy, Program, Rule
from gateway.core.tags import TagTable
from gateway.rulebook.clauses import ClauseReader, Terms
from gateway.rulebook.condition import Conditions
from gateway.rulebook.cut import cut, later
from gateway.rulebook.formula import duration, formula
from gateway.rulebook.parse import parse
from gateway.rulebook.quantity import Reader
from gateway.rulebook.sheet import Sheet
from gateway.rulebook.site import TagIndex
from gateway.rulebook.tree import Clause, RuleNode
from gateway.rulebook.workbook.render import sheet_of

NAME_MAX = 64  # characters: a name stands in topics, tables and file names
_RESERVED = re.compile(r"SELF_CHECK|SOURCE_.*|.*_(FAILED|DEGRADED|DEVIATION)")  # alarms of core.annunciator
_NAME = re.compile(r"[A-Z0-9_]+")
_INTERLOCK_ONLY = frozenset({"permissive", "else"})
_REPEATABLE = frozenset({"then", "text"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of the rule files. `program` is None when any problem is an error; `formulas` has every sound rule."""

    program: Program | None
    problems: list[Problem]
    formulas: dict[str, str]


def compile_rules(files: list[tuple[str, str]], table: TagTable) -> Compiled:
    """The program of `(file name, text)` over the tags of `table`, rules in the order of file names, then lines."""
    index = TagIndex(table)
    problems: list[Problem] = []
    rules: list[Rule] = []
    names: dict[str, tuple[str, int]] = {}
    for file, text in sorted(files):
        sheet = sheet_of(file, text, index)
        for rule in _rules_of(sheet, index, names):
            rules.append(rule)
            if len(rules) == RULES_MAX + 1:
                sheet.report("rule.too-many", 0, 1, most=str(RULES_MAX))
        problems.extend(sorted(sheet.problems, key=lambda problem: (problem.line, problem.column)))
    formulas = {rule.name: formula(rule, index.units) for rule in rules}
    failed = any(problem.severity == "error" for problem in problems)
    return Compiled(None if failed else Program(tuple(rules)), problems, formulas)


def _rules_of(sheet: Sheet, index: TagIndex, names: dict[str, tuple[str, int]]) -> list[Rule]:
    rules: list[Rule] = []
    for chunk, masked in cut(sheet):
        if later(sheet, chunk, masked):
            continue
        node = parse(sheet, chunk)
        if node is None:
            continue
        reader = Reader(sheet, chunk.start)
        _check_name(reader, node.name, names)
        rule = _RuleReader(reader, index, node).rule()
        if rule is not None:
            rules.append(rule)
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
        self.interlock = node.kind == "interlock"
        self.conditions = Conditions(reader, index, self.interlock)
        self.permission = Conditions(reader, index, self.interlock, permissive=True)
        self.clauses = ClauseReader(reader, index, self.conditions, interlock=self.interlock)
        self.when: Expression | None = None
        self.permissive: Expression | None = None

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
        return self._interlock(self.when) if self.interlock else self._alarm(self.when)

    def _clause(self, clause: Clause) -> None:
        if clause.what in _INTERLOCK_ONLY and not self.interlock:
            self.reader.report("rule.not-for-alarm", clause.parts[0], what=clause.what)
        elif clause.what == "when":
            self.when = self.conditions.lower(clause.parts[1])
        elif clause.what == "permissive":
            self.permissive = self.permission.lower(clause.parts[1])
        else:
            self.clauses.read(clause)

    def _require(self, present: set[str]) -> None:
        """Reports what is missing, and what fits no budget, once all clauses are read."""
        terms, name = self.clauses.terms, self.node.name
        if "when" not in present:
            self.reader.report("rule.no-when", name, name=str(name))
        if self.interlock:
            stops = any(clause.what == "then" and _stops(clause) for clause in self.node.clauses)
            if not stops:
                self.reader.report("rule.no-stop", name, name=str(name))
            if "pst" not in present:
                self.reader.report("rule.no-pst", name, name=str(name))
            if self.conditions.models and "on bad" not in present:
                tag = self.conditions.models[0].name
                self.reader.report("rule.model-on-bad", name, name=str(name), tag=tag)
            self._budget(terms)
        elif not terms.announce:
            self.reader.report("rule.no-action", name, name=str(name))
        if "priority" not in present:
            expected = f"P{self._default_priority()}"
            self.reader.report("rule.no-priority", name, name=str(name), expected=expected)

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
        return 1 if self.interlock else 3

    def _area(self) -> str:
        return self.clauses.terms.area or next((tag.area for tag in self.conditions.seen if tag.area), "")

    def _interlock(self, when: Expression) -> Interlock:
        terms = self.clauses.terms
        delay_ns, item = (when.ns, when.item) if isinstance(when, For) else (0, when)
        policy: Policy = terms.policy or "safe"
        return Interlock(
            name=str(self.node.name),
            when=item,
            priority=terms.priority or 1,
            area=self._area(),
            on_bad=policy,
            bad_after_ns=terms.bad_after_ns,
            because=terms.because,
            text=self.clauses.texts(self.node.title),
            on_delay_ns=delay_ns,
            stops=tuple(terms.stops),
            otherwise=tuple(terms.otherwise),
            confirms=tuple(terms.confirms),
            permissive=self.permissive,
            reset_role=terms.reset_role or "supervisor",
            bypass=terms.bypass or BypassTerms(),
            pst_ns=terms.pst_ns,
        )

    def _alarm(self, when: Expression) -> Alarm:
        terms = self.clauses.terms
        return Alarm(
            name=str(self.node.name),
            when=when,
            priority=terms.priority or 3,
            area=self._area(),
            on_bad=terms.policy or "alarm",
            bad_after_ns=terms.bad_after_ns,
            because=terms.because,
            text=self.clauses.texts(self.node.title),
            latch=terms.latch,
            reset_role=terms.reset_role or "operator",
            pst_ns=terms.pst_ns,
            bypass=terms.bypass or BypassTerms(max_ns=0),
        )


def _stops(clause: Clause) -> bool:
    return any(hasattr(action, "output") for action in clause.parts)
