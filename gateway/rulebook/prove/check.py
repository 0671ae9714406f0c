"""Everything that can be proven of a program of rules, in one call; what needs no solver is found without one."""

from __future__ import annotations

from importlib.util import find_spec

import msgspec

from gateway.core.program import Control, Interlock, Program, Rule
from gateway.rulebook.prove.budget import Budget, budgets
from gateway.rulebook.prove.cost import Cost, cost
from gateway.rulebook.prove.finding import Desk, Finding
from gateway.rulebook.prove.plant import Plant
from gateway.rulebook.prove.walk import conditions, timed

INSTALL = 'pip install "gatehouse-edge[prove]"'
LIMIT_MS = 2_000  # of one question


class RuleReport(msgspec.Struct, frozen=True):
    """What is known of one rule beside its findings."""

    rule: str
    kind: str
    cost: Cost
    budget: Budget | None  # of an interlock
    inputs: dict[str, str]  # of an interlock: tag -> what its loss does (badness.Effect)
    times_free: bool  # it holds time operators, which the proof leaves free within their bounds


class Report(msgspec.Struct, frozen=True):
    """The findings in the order of the program, and each rule. `proven`: the solver was there."""

    findings: tuple[Finding, ...]
    rules: tuple[RuleReport, ...]
    proven: bool
    questions: int = 0
    left_open: int = 0


def prove(program: Program, plant: Plant, limit_ms: int = LIMIT_MS) -> Report:
    """All findings about `program` on `plant`; each question to the solver takes at most `limit_ms`."""
    desk = Desk(plant)
    chains = {rule.name: budgets(rule, desk) for rule in program.rules if isinstance(rule, Interlock)}
    proven = find_spec("z3") is not None
    questions = left_open = 0
    if proven:
        questions, left_open = _decide(program, desk, limit_ms)
    else:
        desk.say("check.not-proven", None, None, command=INSTALL)
    place = {rule.name: at for at, rule in enumerate(program.rules)}
    findings = sorted(desk.found, key=lambda finding: place.get(finding.rule, -1))
    rules = tuple(_report(rule, chains.get(rule.name), desk) for rule in program.rules)
    return Report(tuple(findings), rules, proven, questions, left_open)


def _decide(program: Program, desk: Desk, limit_ms: int) -> tuple[int, int]:
    """What the solver decides; gives how many questions it was asked, and how many it left open."""
    from gateway.rulebook.prove.badness import coverage
    from gateway.rulebook.prove.beside import beside
    from gateway.rulebook.prove.hunting import hunting
    from gateway.rulebook.prove.loops import Circles
    from gateway.rulebook.prove.outputs import conflicts
    from gateway.rulebook.prove.possible import possible
    from gateway.rulebook.prove.question import Asker

    asker = Asker(desk.plant, limit_ms)
    for rule in program.rules:
        possible(rule, desk, asker)
        if isinstance(rule, Interlock):
            coverage(rule, desk, asker)
        elif isinstance(rule, Control):
            hunting(rule, desk, asker)
    conflicts(program, desk, asker)
    Circles(program, desk, asker).find()
    beside(program, desk, asker)
    return asker.asked, asker.left_open


def _report(rule: Rule, chain: Budget | None, desk: Desk) -> RuleReport:
    kind = type(rule).__name__.lower()
    free = any(timed(condition) for condition in conditions(rule))
    return RuleReport(rule.name, kind, cost(rule), chain, desk.coverage.get(rule.name, {}), free)
