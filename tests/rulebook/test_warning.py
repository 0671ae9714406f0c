"""Rules that read early warning: compiled with the card's hash, refused where a model may not stand, printed, proven as free."""

from __future__ import annotations

import pytest

from gateway.core.cards import Card
from gateway.core.program import Program, rule_hash
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.formula import expression
from gateway.rulebook.prove.check import prove
from gateway.rulebook.prove.plant import Plant
from tests.warning import card, table

ALARM = 'alarm ODD "x"\n  when {when}\n  then alarm\n  priority P2\nend\n'


@pytest.fixture(scope="module")
def learned() -> Card:
    return card()


@pytest.fixture(scope="module")
def site(learned: Card) -> TagTable:
    return table(learned)


def compiled(text: str, site: TagTable) -> tuple[Program | None, set[str]]:
    found = compile_rules([("a.rules", text)], site)
    return found.program, {problem.code for problem in found.problems if problem.severity == "error"}


@pytest.mark.parametrize(
    ("when", "printed"),
    [
        ("warning(reactor) for 30 s", "((warning(reactor)) for 30 s)"),
        ("t2(reactor) > 1.5 hyst 0.2", "(t2(reactor) > 1.5 hyst 0.2)"),
        ("spe(reactor) > 1 and not warning(reactor)", "((spe(reactor) > 1) and (not (warning(reactor))))"),
        ("ewma(rx.temp) > 1 or cusum(reactor) > 2", "((ewma(rx.temp) > 1) or (cusum(reactor) > 2))"),
        ("moving(t2(reactor), 1 min) > 1", "(moving(t2(reactor), 1 min) > 1)"),
        ("max(t2(reactor), spe(reactor)) > 3", "(max(t2(reactor), spe(reactor)) > 3)"),
    ],
)  # fmt: skip
def test_they_compile_and_read_back_as_printed(when: str, printed: str, site: TagTable) -> None:
    program, wrong = compiled(ALARM.format(when=when), site)
    assert program is not None, wrong
    again = expression(program.rules[0].when, {}, as_rule=True)
    assert again == printed
    assert compiled(ALARM.format(when=again), site)[0] == program


def test_another_card_is_another_rule(site: TagTable) -> None:
    text = ALARM.format(when="warning(reactor)")
    one, other = compiled(text, site)[0], compiled(text, table(card(lags=0)))[0]
    assert one is not None
    assert other is not None
    assert rule_hash(one.rules[0]) != rule_hash(other.rules[0])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ALARM.format(when="warning(boiler)"), "rule.no-group"), (ALARM.format(when="ewma(rx.flow) > 1"), "rule.no-group"),
        (ALARM.format(when="t2(rx.temp) > 1"), "rule.no-group"), (ALARM.format(when="t2(reactor)"), "rule.no-comparison"),
        (ALARM.format(when="warning(reactor, 3)"), "rule.arguments"), (ALARM.format(when="warn.reactor.t2 > 1"), "rule.unknown-tag"),
        ("permit HOT when warning(reactor) on bad deny bypass never end", "rule.model-permissive"),
        ("interlock L when rx.temp > 200 degC then stop y0 permissive t2(reactor) < 1 pst 60 s priority P1 end", "rule.model-permissive"),
        ("interlock L when not warning(reactor) then stop y0 on bad trip after 1 s pst 60 s priority P1 end", "rule.model-not"),
        ("control C when rx.temp > 200 degC then set y0 = 1 clear when t2(reactor) < 1 priority P3 end", "rule.model-permissive"),
    ],
)  # fmt: skip
def test_where_they_may_not_stand(text: str, code: str, site: TagTable) -> None:
    program, wrong = compiled(text, site)
    assert program is None
    assert code in wrong


def test_the_prover_leaves_a_score_free(site: TagTable) -> None:
    """What a model says is anything from 0 on: nothing is proven of it, and nothing that needs a negative score is reachable."""
    rules = (
        "interlock A when warning(reactor) or rx.temp > 200 degC hyst 1 degC then stop y0 on bad trip after 1 s pst 60 s priority P1 end\n"
        + ALARM.format(when="t2(reactor) < 0")
    )
    program, wrong = compiled(rules, site)
    assert program is not None, wrong
    found = prove(program, Plant(site))
    said = {(finding.code, finding.rule) for finding in found.findings}
    assert any(rule == "ODD" and "never" in code for code, rule in said), said
    assert not any(rule == "A" and "never" in code for code, rule in said), said
