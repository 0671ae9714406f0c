"""Every problem the rulebook knows: its code, its place, its severity, both languages."""

import re
from string import Formatter

import pytest

from gateway.core.errors import Problem
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.sentences import SENTENCES


def lock(when: str = "pump7.running = 1", then: str = "stop pump7.permit", rest: str = "", head: str = "A") -> str:
    """An otherwise perfect interlock."""
    return f"interlock {head}\n when {when}\n then {then}\n pst 20 s priority P1 {rest}\nend\n"


def alarm(when: str = "tank1.level < 30 cm hyst 5 cm", rest: str = "", then: str = "alarm") -> str:
    """An otherwise perfect alarm."""
    return f"alarm A\n when {when}\n then {then}\n priority P3 {rest}\nend\n"


DEEP = "(" * 40 + "pump7.running = 1" + ")" * 40
NOTS = "not " * 40 + "pump7.running = 1"

# code, text, what the carets stand under
CASES: list[tuple[str, str, str]] = [
    ("rule.syntax", lock("pump7.running = = 1"), "="),
    ("rule.syntax", lock("pump7.running == 1"), "="),
    ("rule.syntax", lock("pump7.running 1"), "1"),
    ("rule.syntax", lock("mode = true"), "true"),
    ("rule.syntax", lock(rest="latch reset supervisor"), "supervisor"),
    ("rule.syntax", lock("3 < mode"), "<"),
    ("rule.syntax", "interlock end", "end"),
    ("rule.syntax", lock("mode = 1234567890123456"), "1"),
    ("rule.for-position", lock("mode = 1 for 2 s or mode = 3"), "or"),
    ("rule.full-width", lock("（mode = 1）"), "（"),
    ("rule.full-width", lock("mode ＞ 1"), "＞"),
    ("rule.invisible", lock(rest='text en cause "a\u202eb"'), ""),
    ("rule.invisible", lock(rest="#\x1b[2J\n"), ""),
    ("rule.unclosed-string", 'interlock A "液位低\n when mode = 1 then stop pump7.permit pst 9 s priority P1 end', '"'),
    ("rule.unclosed", lock().replace("end", "") + lock(head="B"), "interlock"),
    ("rule.unclosed", "alarm A when mode > 3 hyst 1 then alarm priority P1", "alarm"),
    ("rule.garbage", lock() + "} whatever\n" + lock(head="B"), "}"),
    ("rule.garbage", "rule A when mode = 1 end", "rule"),
    ("rule.garbage", lock() + ";;", ";"),
    ("rule.not-yet", "control FAN when mode = 1 then set vent1.start = 1 end", "control"),
    ("rule.not-yet", "advisory X when mode = 1 then escalate ehs end", "advisory"),
    ("rule.not-yet", "permit X when mode = 1 on bad deny end", "permit"),
    ("rule.not-yet", alarm("rate(rx1.temp, 5 min) > 1.5 degC/min for 60 s"), "rate"),
    ("rule.not-yet", alarm("leak.sound(f12) > 0.7"), "leak.sound"),
    ("rule.not-yet", alarm(rest="clear when mode = 1"), "clear"),
    ("rule.not-yet", alarm(rest="min on 10 s"), "min"),
    ("rule.not-yet", alarm(then='speak "x" at helmet'), "speak"),
    ("rule.not-yet", lock("h2s1 > h2s2"), "h2s2"),
    ("rule.unknown-function", alarm("ratio(rx1.temp) > 1"), "ratio"),
    ("rule.too-long", lock(rest="#" + "x" * 20_001 + "\n"), "i"),
    ("rule.too-long", "#" * 4_000_001, "#"),
    ("rule.too-deep", lock(NOTS), "not"),
    ("rule.name", lock(head="pkl_lsll"), "pkl_lsll"),
    ("rule.name", lock(head="A" * 65), "A" * 65),
    ("rule.duplicate-name", lock() + lock(), "A"),
    ("rule.duplicate-clause", lock(rest="priority P2"), "priority"),
    ("rule.duplicate-clause", lock(rest="when mode = 1"), "when"),
    ("rule.duplicate-clause", lock(rest="bypass never bypass never"), "bypass"),
    ("rule.duplicate-clause", lock(rest='text en cause "a" text en cause "b"'), "cause"),
    ("rule.no-when", "interlock A then stop pump7.permit pst 9 s priority P1 end", "A"),
    ("rule.no-stop", lock(then="alarm"), "A"),
    ("rule.no-action", "alarm A when mode > 3 hyst 1 priority P3 end", "A"),
    ("rule.not-for-alarm", alarm(then="alarm, stop pump7.permit"), "pump7.permit"),
    ("rule.not-for-alarm", alarm(then="alarm, confirm mode = 1 within 1 s"), "confirm"),
    ("rule.not-for-alarm", alarm(rest="permissive mode = 1"), "permissive"),
    ("rule.not-for-alarm", alarm(rest="else stop pump7.permit"), "else"),
    ("rule.no-priority", "alarm A when mode > 3 hyst 1 then alarm end", "A"),
    ("rule.priority", lock(rest="").replace("P1", "P5"), "P5"),
    ("rule.unknown-tag", lock("pump7.runing = 1"), "pump7.runing"),
    ("rule.unknown-tag", lock(then="stop pump7.permitt"), "pump7.permitt"),
    ("rule.unknown-tag", lock(then="stop plc1.heartbeat"), "plc1.heartbeat"),
    ("rule.unit-missing", lock("tank1.level < 30"), "30"),
    ("rule.unit-missing", alarm("tank1.level < 30 cm hyst 5"), "5"),
    ("rule.unit-unexpected", lock("mode = 3 cm"), "cm"),
    ("rule.unit-unexpected", lock("pump7.running = 1 cm"), "cm"),
    ("rule.unit-unknown", lock("tank1.level < 30 cmm"), "cmm"),
    ("rule.unit-mismatch", lock("tank1.level < 30 degC"), "degC"),
    ("rule.unit-mismatch", lock("steam.pressure > 3 barg"), "barg"),
    ("rule.bool-value", lock("pump7.running = 2"), "2"),
    ("rule.bool-operator", lock("pump7.running > 0"), ">"),
    ("rule.out-of-range", lock("tank1.level < 301 cm"), "301"),
    ("rule.out-of-range", lock("tank1.level > 3.1 m"), "3.1"),
    ("rule.out-of-range", lock("mode = 12"), "12"),
    ("rule.on-bound", lock("h2s1 >= 100 ppm"), "100"),
    ("rule.hyst-missing", alarm("tank1.level < 30 cm"), "tank1.level"),
    ("rule.hyst-negative", alarm("tank1.level < 30 cm hyst -5 cm"), "-5"),
    ("rule.hyst-operator", lock("mode = 3 hyst 1"), "hyst"),
    ("rule.hyst-operator", lock("pump7.running != 0 hyst 1"), "hyst"),
    ("rule.hyst-range", alarm("tank1.level < 299 cm hyst 5 cm"), "5"),
    ("rule.hyst-range", alarm("tank1.level >= 5 cm hyst 5 cm"), "5"),
    ("rule.never-true", lock("h2s1 < 10 ppm and (mode = 1 and h2s1 > 20 ppm)"), "h2s1 > 20"),
    ("rule.never-true", lock("mode = 1 or (mode = 2 and mode = 3) for 1 s"), "mode = 3"),
    ("rule.never-true", lock("2 of (mode = 1, h2s1 > 5 ppm, not (mode = 2 and mode != 2))"), "mode != 2"),
    ("rule.not-writable", lock(then="stop pump7.running"), "pump7.running"),
    ("rule.no-safe", lock(then="stop valve9.open"), "valve9.open"),
    ("rule.not-a-bit", lock(then="stop valve9.position"), "valve9.position"),
    ("rule.reserved-name", lock(head="PUMP_FAILED"), "PUMP_FAILED"),
    ("rule.duplicate-output", lock(then="stop pump7.permit, trip pump7.permit"), "pump7.permit"),
    ("rule.duplicate-output", lock(rest="else stop pump7.permit"), "pump7.permit"),
    ("rule.unknown-role", lock(rest="latch reset by superviser"), "superviser"),
    ("rule.unknown-role", lock(rest="bypass max 4 h by boss"), "boss"),
    ("rule.duration-unit", lock("mode = 1 for 2 sec"), "2 sec"),
    ("rule.duration-unit", lock("mode = 1 for 2"), "2"),
    ("rule.duration-range", lock("mode = 1 for 0 s"), "0 s"),
    ("rule.duration-range", lock("mode = 1 for 2 d"), "2 d"),
    ("rule.duration-range", lock(rest="on bad safe after -1 s"), "-1 s"),
    ("rule.confirm-time", lock(then="stop pump7.permit, confirm pump7.running = 0"), "confirm pump7.running"),
    ("rule.confirm-output", lock(then="stop pump7.permit, confirm pump7.permit = 0 within 1 s"), "pump7.permit"),
    ("rule.no-pst", lock().replace("pst 20 s", ""), "A"),
    ("rule.long-delay", lock("h2s1 > 10 ppm for 3 s"), "3 s"),
    ("rule.budget", lock("pump7.running = 1 for 11 s"), "A"),
    ("rule.budget", lock(then="stop pump7.permit within 11 s"), "11 s"),
    ("rule.budget-bad", lock(rest="on bad safe after 11 s"), "A"),
    ("rule.policy", lock(rest='on bad alarm because "x"'), "alarm"),
    ("rule.policy", lock(rest="on bad hold"), "hold"),
    ("rule.because", lock(rest="on bad avail"), "avail"),
    ("rule.because", lock(rest="on bad alarm"), "alarm"),
    ("rule.because", alarm(rest='on bad avail because " "'), "avail"),
    ("rule.personal", lock("heart.rate > 150"), "heart.rate"),
    ("rule.personal", lock(rest="permissive heart.rate < 150"), "heart.rate"),
    ("rule.model-not", lock("not (mode = 1 and person.score > 0.5)", rest="on bad trip after 10 s"), "person.score"),
    ("rule.model-permissive", lock(rest="permissive person.score < 0.5"), "person.score"),
    ("rule.model-on-bad", lock("person.score > 0.5"), "A"),
    ("rule.vote-range", lock("0 of (mode = 1, mode = 2)"), "0"),
    ("rule.vote-range", lock("3 of (mode = 1, mode = 2)"), "3"),
    ("rule.vote-range", lock("1.5 of (mode = 1, mode = 2)"), "1.5"),
    ("rule.vote-single", lock("1 of (mode = 1)"), "1"),
    ("rule.bypass-long", lock(rest="bypass max 13 h by supervisor"), "13 h"),
    ("rule.text-language", lock(rest='text de cause "x"'), "de"),
    ("rule.text-field", lock(rest='text en reason "x"'), "reason"),
]


def found(problems: list[Problem], code: str) -> Problem:
    matching = [problem for problem in problems if problem.code == code]
    assert matching, [(problem.code, problem.excerpt) for problem in problems]
    return matching[-1]


def under(problem: Problem) -> str:
    """What the carets stand under (these lines have wide characters only where one caret pair is meant)."""
    line, caret = problem.excerpt.split("\n")
    start = caret.index("^")
    text, column = "", 0
    for char in line:
        wide = 2 if ord(char) > 0x2E80 else 1
        if start <= column < len(caret):
            text += char
        column += wide
    return text


@pytest.mark.parametrize(("code", "text", "marked"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_every_problem_with_its_caret(code: str, text: str, marked: str, table: TagTable) -> None:
    compiled = compile_rules([("a.rules", text)], table)
    problem = found(compiled.problems, code)
    assert under(problem)[: len(marked)] == marked
    assert problem.severity == ("warning" if SENTENCES[code].warning else "error")
    assert (compiled.program is None) == any(one.severity == "error" for one in compiled.problems)
    line = text.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith(marked[:1])
    for said in (problem.text, problem.remedy):
        assert set(said) == {"en", "zh-CN"}
        assert re.search(r"[\u4e00-\u9fff]", said["zh-CN"]) or code == "rule.unknown-tag"
        assert "{" not in said["en"]


@pytest.mark.parametrize(("code", "text", "marked"), [case for case in CASES if SENTENCES[case[0]].warning])
def test_a_warning_alone_hinders_nothing(code: str, text: str, marked: str, table: TagTable) -> None:
    compiled = compile_rules([("a.rules", text)], table)
    assert compiled.program is not None
    assert {problem.code for problem in compiled.problems} == {code}


def test_too_many_rules_is_one_problem(table: TagTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rulebook.compile.RULES_MAX", 3)
    text = "".join(lock(head=f"R{n}") for n in range(6))
    compiled = compile_rules([("a.rules", text)], table)
    assert [problem.code for problem in compiled.problems] == ["rule.too-many"]
    assert compiled.program is None


def test_every_code_has_a_case() -> None:
    assert {case[0] for case in CASES} | {"rule.too-many"} == set(SENTENCES)


def test_both_languages_take_the_same_fields() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for code, sentence in SENTENCES.items():
        assert fields(sentence.zh) == fields(sentence.en), code
        assert fields(sentence.remedy_zh) == fields(sentence.remedy_en), code


def test_one_broken_rule_hides_no_other(table: TagTable) -> None:
    text = (
        lock("mode == 1", head="A")
        + lock("tank1.level < 30", head="B")
        + lock("mode = 1 for", head="C")
        + lock(head="D")
    )
    compiled = compile_rules([("a.rules", text)], table)
    assert [(problem.code, problem.line) for problem in compiled.problems] == [
        ("rule.syntax", 2),
        ("rule.unit-missing", 7),
        ("rule.syntax", 13),
    ]
    assert list(compiled.formulas) == ["D"]


def test_a_missing_end_does_not_swallow_the_next_rule(table: TagTable) -> None:
    text = lock("tank1.level < 30", head="A").replace("end\n", "") + lock("tank1.level < 40", head="B")
    codes = [(problem.code, problem.line) for problem in compile_rules([("a.rules", text)], table).problems]
    assert codes == [("rule.unclosed", 1), ("rule.unit-missing", 2), ("rule.unit-missing", 6)]


def test_names_are_unique_over_all_files(table: TagTable) -> None:
    compiled = compile_rules([("b.rules", lock()), ("a.rules", lock())], table)
    problem = found(compiled.problems, "rule.duplicate-name")
    assert problem.file == "b.rules"
    assert "a.rules" in problem.text["en"]


def test_the_nearest_tag_is_suggested_and_hidden_ones_are_not(table: TagTable) -> None:
    near = found(compile_rules([("a", lock("pump7.runing = 1"))], table).problems, "rule.unknown-tag")
    assert "pump7.running" in near.remedy["en"]
    assert "pump7.running" in near.remedy["zh-CN"]
    hidden = found(compile_rules([("a", lock(then="stop plc1.heartbeat"))], table).problems, "rule.unknown-tag")
    assert "plc1.heartbeat" not in hidden.remedy["en"]


def test_brackets_alone_do_not_count_as_depth(table: TagTable) -> None:
    assert compile_rules([("a", lock(DEEP))], table).problems == []
