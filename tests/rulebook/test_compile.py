"""Good rules and the canonical form they compile to."""

import json
from typing import Any

import pytest

from gateway.core.program import canonical, load, rule_hash
from gateway.core.tags import TagTable
from gateway.rulebook import bracketed, compile_rules

S = 1_000_000_000


def compare(tag: str, op: str, limit: float, hyst: float = 0.0) -> dict[str, Any]:
    return {"node": "compare", "tag": tag, "op": op, "limit": limit, "hyst": hyst}


LEVEL = compare("tank1.level", "<", 30.0, 5.0)
RUNNING = compare("pump7.running", "=", 1.0)
MODE = compare("mode", ">", 3.0)

INTERLOCK: dict[str, Any] = {
    "kind": "interlock",
    "name": "PKL_LSLL",
    "when": LEVEL,
    "priority": 1,
    "area": "pickling",
    "on_bad": "safe",
    "bad_after_ns": 2 * S,
    "because": "",
    "text": {},
    "tells": [],
    "on_delay_ns": 0,
    "stops": [{"output": "pump7.permit", "within_ns": 0}],
    "otherwise": [],
    "confirms": [],
    "permissive": None,
    "clear_ns": 5 * S,
    "reset_role": "supervisor",
    "bypass": {"max_ns": 8 * 3600 * S, "role": "supervisor"},
    "pst_ns": 0,
    "group": "",
    "degraded_ns": 8 * 3600 * S,
    "proof_ns": 0,
    "override": None,
}
ALARM: dict[str, Any] = {
    "kind": "alarm",
    "name": "LSL",
    "when": LEVEL,
    "priority": 3,
    "area": "pickling",
    "on_bad": "alarm",
    "bad_after_ns": 2 * S,
    "because": "",
    "text": {},
    "tells": [],
    "latch": False,
    "reset_role": "operator",
    "pst_ns": 0,
    "bypass": {"max_ns": 0, "role": "supervisor"},
}

SPEC = """
interlock PKL_LSLL "酸洗槽液位低低 | Pickling tank level low-low"
  when tank1.level < 30 cm hyst 5 cm for 2 s
  then stop pump7.permit, confirm pump7.running = 0 within 3 s
  latch reset by supervisor
  on bad safe after 2 s
  bypass max 4 h by supervisor
  priority P1
end
"""
VOTE = """
interlock H2S_2OO3
  when 2 of (h2s1 > 10 ppm, h2s2 > 10 ppm, h2s3 > 10 ppm) for 1 s
  then trip vent1.start                # safe = 1 in the tag list
  on bad safe after 2 s
  priority P1
end
"""
FULL = r"""interlock A then stop pump7.permit within 500 ms then trip vent1.start
  when not (mode > 3 or pump7.running ≠ 0)   latch reset by engineer  permissive LT-101.PV ≥ 0.01 m3/s and (mode < 9)
  on bad avail after 0 s because "two \"good\" channels # remain"  bypass never  pst 1.5 min  priority P2  area "一车间"
  text zh cause "液位变送器" consequence "干转"  text en response "Check \\ the pump" title "Other"  else stop vent2.start
end"""

TEXT = {"title": "", "cause": "", "consequence": "", "response": ""}

GOOD: list[tuple[str, str, dict[str, Any]]] = [
    (
        "the first rule of the specification",
        SPEC,
        INTERLOCK
        | {
            "on_delay_ns": 2 * S,
            "confirms": [{"tag": "pump7.running", "op": "=", "value": 0.0, "within_ns": 3 * S}],
            "bypass": {"max_ns": 4 * 3600 * S, "role": "supervisor"},
            "text": {
                "en": TEXT | {"title": "Pickling tank level low-low"},
                "zh-CN": TEXT | {"title": "酸洗槽液位低低"},
            },
        },
    ),
    (
        "the second",
        VOTE,
        INTERLOCK
        | {
            "name": "H2S_2OO3",
            "area": "",
            "when": {"node": "vote", "k": 2, "items": [compare(f"h2s{n}", ">", 10.0) for n in (1, 2, 3)]},
            "on_delay_ns": S,
            "stops": [{"output": "vent1.start", "within_ns": 0}],
        },
    ),
    (
        "every clause, in any order",
        FULL.replace("vent2.start", "spare.out"),
        INTERLOCK
        | {
            "name": "A",
            "when": {"node": "not", "item": {"node": "or", "items": [MODE, compare("pump7.running", "!=", 0.0)]}},
            "priority": 2,
            "area": "一车间",
            "on_bad": "avail",
            "bad_after_ns": 0,
            "because": 'two "good" channels # remain',
            "text": {
                "en": TEXT | {"title": "Other", "response": "Check \\ the pump"},
                "zh-CN": TEXT | {"cause": "液位变送器", "consequence": "干转"},
            },
            "stops": [{"output": "pump7.permit", "within_ns": S // 2}, {"output": "vent1.start", "within_ns": 0}],
            "otherwise": [{"output": "spare.out", "within_ns": 0}],
            "permissive": {"node": "and", "items": [compare("LT-101.PV", ">=", 36.0), compare("mode", "<", 9.0)]},
            "reset_role": "engineer",
            "bypass": {"max_ns": 0, "role": "supervisor"},
            "pst_ns": 90 * S,
        },
    ),
    ("an alarm", "alarm LSL when tank1.level < 30 cm hyst 5 cm then alarm priority P3 end", ALARM),
    (
        "an alarm keeps its for, latches and may be bypassed",
        "alarm LSL when tank1.level < 30 cm hyst 5 cm for 500 ms then alarm latch on bad trip after 1 min"
        " bypass max 1 h by operator priority P4 area x pst 1 h end",
        ALARM
        | {
            "when": {"node": "for", "item": LEVEL, "ns": S // 2},
            "on_bad": "trip",
            "bad_after_ns": 60 * S,
            "latch": True,
            "priority": 4,
            "area": "x",
            "bypass": {"max_ns": 3600 * S, "role": "operator"},
            "pst_ns": 3600 * S,
        },
    ),
    (
        "hyst of a temperature is a difference; the limit is not",
        "alarm LSL when rx1.temp > 300 K hyst 5 K then alarm priority P3 end",
        ALARM | {"area": "reactor", "when": compare("rx1.temp", ">", 26.85, 5.0)},
    ),
    (
        "for inside brackets and inside a vote stays where it is",
        "interlock PKL_LSLL when 2 of (mode > 3 for 1 s, (pump7.running = 1 for 2 s) for 3 s) then stop pump7.permit"
        " priority P1 end",
        INTERLOCK
        | {
            "area": "",
            "when": {
                "node": "vote",
                "k": 2,
                "items": [
                    {"node": "for", "item": MODE, "ns": S},
                    {"node": "for", "item": {"node": "for", "item": RUNNING, "ns": 2 * S}, "ns": 3 * S},
                ],
            },
        },
    ),
    (
        "a rule about another file's text field title only",
        'alarm LSL "只有中文" when tank1.level < 30 cm hyst 5 cm then alarm priority P3 end',
        ALARM | {"text": {"zh-CN": TEXT | {"title": "只有中文"}}},
    ),
]


@pytest.fixture(scope="module")
def plant(table: TagTable) -> TagTable:
    from gateway.core.tags import Tag

    return TagTable([*table.tags, Tag(len(table.tags), "spare.out", "plc1", 0, boolean=True, writable=True)], [], [])


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_good_rules(text: str, expected: dict[str, Any], plant: TagTable) -> None:
    compiled = compile_rules([("a.rules", text)], plant)
    assert [problem for problem in compiled.problems if problem.severity == "error"] == []
    assert compiled.program is not None
    rule = compiled.program.rules[0]
    assert json.loads(canonical(rule)) == expected
    assert load(canonical(compiled.program)) == compiled.program
    assert compiled.formulas == {rule.name: bracketed(rule, plant)}


EQUAL: list[tuple[str, list[str]]] = [
    ("units", ["tank1.level < 30 cm", "tank1.level < 0.3 m", "tank1.level<300mm", "tank1.level < 3.0e-1 m"]),
    ("brackets", ["mode > 3 and h2s1 > 5 ppm", "((mode > 3)) and (h2s1 > 5 ppm)", "(mode > 3 and h2s1 > 5 ppm)"]),
    ("flat and", ["mode > 3 and h2s1 > 5 ppm and h2s2 > 5 ppm", "mode > 3 and (h2s1 > 5 ppm and h2s2 > 5 ppm)"]),
    ("flat or", ["mode > 3 or h2s1 > 5 ppm or h2s2 > 5 ppm", "(mode > 3 or h2s1 > 5 ppm) or h2s2 > 5 ppm"]),
    (
        "precedence",
        ["mode > 3 or h2s1 > 5 ppm and not h2s2 > 5 ppm", "mode > 3 or (h2s1 > 5 ppm and (not h2s2 > 5 ppm))"],
    ),
    ("time", ["mode > 3 for 2 s", "(mode > 3) for 2000 ms", "(mode > 3 for 0.002e3 s)", "mode > 3 # x\n for 2 s"]),
    ("binding of for", ["mode > 3 and h2s1 > 5 ppm for 2 s", "(mode > 3 and h2s1 > 5 ppm) for 2 s"]),
    ("signs", ["mode >= 3 and mode != 5", "mode ≥ 3 and mode ≠ +5", "mode\u3000>=\u00a03 and mode != 5.0"]),
    ("zero", ["rx1.temp > 0 degC", "rx1.temp > -0 degC", "rx1.temp > 273.15 K", "rx1.temp > 32 °F"]),
]
DIFFERENT = [
    ("mode > 3 and (h2s1 > 5 ppm for 2 s)", "mode > 3 and h2s1 > 5 ppm for 2 s"),
    ("mode > 3 and h2s1 > 5 ppm", "h2s1 > 5 ppm and mode > 3"),
    ("mode > 3", "mode >= 3"),
    ("not (mode > 3 and h2s1 > 5 ppm)", "not mode > 3 and h2s1 > 5 ppm"),
    ("tank1.level < 30 cm", "tank1.level < 30 cm hyst 1 cm"),
]


def hashed(when: str, table: TagTable) -> str:
    text = f"interlock A when {when} then stop pump7.permit pst 20 s priority P1 end"
    compiled = compile_rules([("a.rules", text)], table)
    assert compiled.problems == []
    assert compiled.program is not None
    return rule_hash(compiled.program)


@pytest.mark.parametrize("texts", [case[1] for case in EQUAL], ids=[case[0] for case in EQUAL])
def test_equal_meaning_gives_equal_bytes(texts: list[str], table: TagTable) -> None:
    assert len({hashed(text, table) for text in texts}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_meaning_gives_different_bytes(one: str, other: str, table: TagTable) -> None:
    assert hashed(one, table) != hashed(other, table)


FORMULAS = [
    ("tank1.level < 0.3 m hyst 5 cm for 2 s", "((tank1.level < 30 cm, clears at >= 35 cm) for 2 s)"),
    ("mode > 3 and h2s1 >= 5 ppm hyst 1 ppm", "((mode > 3) and (h2s1 >= 5 ppm, clears at < 4 ppm))"),
    ("mode > 3 or mode = 1 and not pump7.running = 1", "((mode > 3) or ((mode = 1) and (not (pump7.running = 1))))"),
    (
        "2 of (mode > 3 for 90 s, h2s1 > 5.5 ppm, h2s2 > 5 ppm) for 1500 ms",
        "((2 of 3 (((mode > 3) for 90 s), (h2s1 > 5.5 ppm), (h2s2 > 5 ppm))) for 1500 ms)",
    ),
    ("mode > 3 permissive mode < 9", "(mode > 3) permissive (mode < 9)"),
]


@pytest.mark.parametrize(("when", "expected"), FORMULAS)
def test_the_bracketed_form(when: str, expected: str, table: TagTable) -> None:
    text = f"interlock A when {when} then stop pump7.permit pst 600 s priority P1 end"
    assert compile_rules([("a.rules", text)], table).formulas == {"A": expected}


def test_order_is_that_of_file_names_then_lines(table: TagTable) -> None:
    def rule(name: str) -> str:
        return f"\ufeffalarm {name} when mode > 3 hyst 1\r\n then alarm\r\n priority P3\r\nend\r\n"

    compiled = compile_rules([("b.rules", rule("B1") + rule("B2")[1:]), ("a.rules", rule("A9"))], table)
    assert compiled.program is not None
    assert [one.name for one in compiled.program.rules] == ["A9", "B1", "B2"]


def test_nothing_is_a_program_of_no_rules(table: TagTable) -> None:
    for files in ([], [("a.rules", "")], [("a.rules", "# 尚无规则\n")]):
        compiled = compile_rules(files, table)
        assert compiled.problems == []
        assert compiled.program is not None
        assert compiled.program.rules == ()


def test_words_inside_texts_and_comments_are_no_words_of_the_language(table: TagTable) -> None:
    text = """alarm A "end | rate(x) then stop" # interlock B when
      when mode > 3 hyst 1 then alarm   # end
      text en cause "alarm B
 end" priority P3 end"""
    compiled = compile_rules([("a.rules", text.replace("\n end", " end"))], table)
    assert compiled.problems == []
    assert compiled.program is not None
    assert compiled.program.rules[0].text["en"].cause == "alarm B end"
