"""Every problem the rulebook knows: its code, its place, its severity, both languages."""

import re
from string import Formatter

import pytest

from gateway.core.errors import Problem
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.sentences import SENTENCES
from gateway.rulebook.sentences.clauses import CLAUSES
from gateway.rulebook.sentences.conditions import CONDITIONS
from gateway.rulebook.sentences.effects import EFFECTS


def lock(when: str = "pump7.running = 1", then: str = "stop pump7.permit", rest: str = "", head: str = "A") -> str:
    """An otherwise perfect interlock."""
    return f"interlock {head}\n when {when}\n then {then}\n pst 20 s priority P1 {rest}\nend\n"


def alarm(when: str = "tank1.level < 30 cm hyst 5 cm", rest: str = "", then: str = "alarm") -> str:
    """An otherwise perfect alarm."""
    return f"alarm A\n when {when}\n then {then}\n priority P3 {rest}\nend\n"


def control(when: str = "mode = 1", then: str = "set vent1.start = 1", rest: str = "") -> str:
    """An otherwise perfect control."""
    return f"control F\n when {when}\n then {then}\n {rest}\nend\n"


def permit(when: str = "mode = 1", rest: str = "") -> str:
    """An otherwise perfect permit."""
    return f"permit W\n when {when}\n {rest}\nend\n"


CHANNELS = ("speaker:helmet", "role:ehs")
DEEP = "(" * 40 + "pump7.running = 1" + ")" * 40
NOTS = "not " * 40 + "pump7.running = 1"

# code, text, what the carets stand under
CASES: list[tuple[str, str, str]] = [
    ("rule.syntax", lock("pump7.running = = 1"), "="),
    ("rule.spelling", lock("pump7.running == 1"), "=="),
    ("rule.spelling", lock("pump7.running = true"), "true"),
    ("rule.spelling", lock("pump7.running is on"), "is"),
    ("rule.spelling", lock("mode = 1 && mode = 2"), "&&"),
    ("rule.spelling", lock("mode between 3 and 5"), "between"),
    ("rule.spelling", lock("tank1.level 低于 30 cm"), "低于"),
    ("rule.spelling", lock("if tank1.level < 30 cm"), "if"),
    ("rule.spelling", lock("2oo3(h2s1 > 10 ppm, h2s2 > 10 ppm, h2s3 > 10 ppm)"), "2oo3"),
    ("rule.spelling", lock("2 of 3 (h2s1 > 10 ppm, h2s2 > 10 ppm, h2s3 > 10 ppm)"), "3"),
    ("rule.spelling", alarm("consecutive(alert, 3, by kind)"), "kind"),
    ("rule.spelling", lock("h2s1 − h2s2 > 10 ppm"), "−"),
    ("rule.spelling", lock("mode = 1、mode = 2"), "、"),
    ("rule.chained", lock("3 < mode < 5"), "<"),
    ("rule.syntax", lock("pump7.running 1"), "1"),
    ("rule.syntax", lock(rest="latch reset supervisor"), "supervisor"),
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
    ("rule.unknown-function", alarm("ratio(rx1.temp) > 1"), "ratio"),
    ("rule.no-group", alarm("warning(boiler)"), "boiler"),
    ("rule.no-group", alarm("ewma(rx1.temp) > 1"), "rx1.temp"),
    ("rule.unknown-function", alarm("rat(rx1.temp, 5 min) > 1"), "rat"),
    ("rule.arguments", alarm("rate(rx1.temp) > 1 degC/min"), "rate"),
    ("rule.arguments", alarm("rate(rx1.temp, tank1.level) > 1 degC/min"), "rate"),
    ("rule.arguments", alarm("eta(rx1.temp, > 185 degC) < 20 min"), "eta"),
    ("rule.arguments", alarm("eta(rx1.temp, = 185 degC, horizon = 30 min) < 20 min"), "eta"),
    ("rule.arguments", alarm("min(mode) > 3"), "min"),
    ("rule.arguments", alarm("count(mode = 1, 10 min) = 3"), "="),
    ("rule.arguments", alarm("count(mode = 1, 10 min, by = worker) > 3"), "count"),
    ("rule.arguments", alarm("done(gas_test)"), "done"),
    ("rule.arguments", alarm("both(mode = 1, > 3, 20 s)"), ">"),
    ("rule.arguments", alarm("in_zone(person)"), "in_zone"),
    ("rule.argument", alarm("abs(mode = 1) > 3"), "mode"),
    ("rule.constant", alarm("mode > 3 + 4"), "3"),
    ("rule.constant", alarm("3 > 2"), "3"),
    ("rule.constant", alarm("rate(3, 5 min) > 2"), "3"),
    ("rule.tag-first", lock("3 < mode"), "3"),
    ("rule.no-comparison", lock("pump7.running"), "pump7.running"),
    ("rule.no-comparison", lock("mode = 1 and mode + 2"), "mode + 2"),
    ("rule.no-comparison", lock("max(h2s1, h2s2)"), "max"),
    ("rule.bool-number", alarm("max(pump7.running, mode) > 3"), "pump7.running"),
    ("rule.alone", alarm("age(mode) + mode > 3"), "age"),
    ("rule.alone", alarm("age(mode) > age(free)"), "age"),
    ("rule.time-equal", alarm("age(mode) = 3 s"), "="),
    ("rule.unit-product", alarm("h2s1 * tank1.level > 3"), "*"),
    ("rule.unit-product", alarm("mode / tank1.level > 3"), "/"),
    ("rule.unit-mismatch", lock("h2s1 > tank1.level"), "tank1.level"),
    ("rule.unit-mismatch", alarm("rate(rx1.temp, 5 min) > 1.5 cm/min"), "cm/min"),
    ("rule.unit-missing", alarm("max(h2s1, h2s2) > 3"), "3"),
    ("rule.whole-number", alarm("count(mode = 1, 10 min) > 2.5"), "2.5"),
    ("rule.whole-number", alarm("consecutive(alert, 1)"), "1"),
    ("rule.no-event", alarm("consecutive(mode, 3)"), "mode"),
    ("rule.no-event", alarm("consecutive(alert, 3, by = nobody)"), "alert"),
    ("rule.unknown-tag", alarm("consecutive(allert, 3)"), "allert"),
    ("rule.not-yes-no", alarm("in_zone(level, tank1)"), "in_zone"),
    ("rule.done-here", lock("done(gas_test, max_age = 30 min)"), "done"),
    ("rule.not-for-kind", lock(rest="clear when mode = 1"), "clear when"),
    ("rule.not-for-kind", lock(rest="min on 10 s"), "min on"),
    ("rule.not-for-kind", lock(then="stop pump7.permit, set vent1.start = 1"), "set"),
    ("rule.not-for-kind", alarm(rest="latch after 10 s"), "10 s"),
    ("rule.not-for-kind", alarm(rest="proof every 90 d"), "proof"),
    ("rule.not-for-kind", permit(rest="then alarm"), "alarm"),
    ("rule.not-for-kind", permit(rest="bypass max 1 h"), "bypass"),
    ("rule.not-for-kind", control(rest="bypass never"), "bypass"),
    ("rule.no-set", control(then="alarm"), "F"),
    ("rule.no-telling", "advisory A when mode = 1 priority P3 end", "A"),
    ("rule.bool-value", control(then="set vent1.start = 2"), "2"),
    ("rule.bool-operator", control(then="set vent1.start > 0"), ">"),
    ("rule.policy", control(rest="on bad trip"), "trip"),
    ("rule.policy", permit(rest="on bad safe"), "safe"),
    ("rule.personal", control("heart.rate > 150"), "heart.rate"),
    ("rule.model-not", control("not person.score > 0.5"), "person.score"),
    ("rule.model-not", lock("count(person.score > 0.5, 1 min) < 3", rest="on bad trip after 10 s"), "person.score"),
    ("rule.model-not", lock("since(person.score > 0.5) > 3 min", rest="on bad trip after 10 s"), "person.score"),
    ("rule.model-permissive", permit("person.score > 0.5"), "person.score"),
    ("rule.model-permissive", control(rest="clear when person.score < 0.5"), "person.score"),
    ("rule.model-permissive", lock(rest="override until person.score < 0.5 max 5 min"), "person.score"),
    ("rule.duration-range", lock(rest="override until mode > 3 max 16 min"), "16 min"),
    ("rule.duration-range", alarm("rate(rx1.temp, 2 s) > 1 degC/min"), "2 s"),
    ("rule.duration-range", alarm("moving(mode, 25 h) > 3"), "25 h"),
    ("rule.duration-range", permit(rest="valid max 80 h"), "80 h"),
    ("rule.hyst-missing", control("h2s1 > 5 ppm"), "h2s1"),
    ("rule.hyst-operator", alarm("age(mode) > 3 s hyst 1 s"), "hyst"),
    ("rule.too-deep", lock("abs(" * 40 + "mode" + ")" * 40 + " > 3"), "abs"),
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
    ("rule.not-for-kind", alarm(then="alarm, stop pump7.permit"), "pump7.permit"),
    ("rule.not-for-kind", alarm(then="alarm, confirm mode = 1 within 1 s"), "confirm"),
    ("rule.not-for-kind", alarm(rest="permissive mode = 1"), "permissive"),
    ("rule.not-for-kind", alarm(rest="else stop pump7.permit"), "else"),
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
    ("rule.no-words", alarm(then='alarm, speak " " at helmet'), '" "'),
    ("rule.too-long", alarm(then=f'alarm, speak "{"a" * 201}" at helmet'), '"aaa'),
    ("rule.unreachable", alarm(then='alarm, speak "Stop" at helmets'), "helmets"),
    ("rule.unreachable", alarm(then="alarm, notify esh"), "esh"),
    ("rule.unreachable", alarm(then="alarm, escalate supervisor"), "supervisor"),
    ("rule.no-ladder", alarm(then="alarm, escalate"), "escalate"),
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
    compiled = compile_rules([("a.rules", text)], table, CHANNELS)
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


def test_no_code_stands_in_two_files() -> None:
    assert len(SENTENCES) == len(CLAUSES) + len(CONDITIONS) + len(EFFECTS)


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
        ("rule.spelling", 2),
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


# What a newcomer wrote, and what the remedy must put before their eyes in both languages.
NEWCOMERS = [
    ("pump7.running = off", "pump7.running = 0"),
    ("2oo3(mode = 1, mode = 2, mode = 3)", "2 of (…)"),
    ("3 of 3 (mode = 1, mode = 2, mode = 3)", "3 of (A, B, C)"),
    ("mode = 1、mode = 2", "and"),
    ("steam.pressure > 3 barg", "bar"),
    ("gas3.lel > 20 %vol", "%LEL"),
    ("rate(rx1.temp, 5 min) > 2 degC", "degC/min"),
    ("mode", "pump7.running = 1"),
    ("tank1.level < 30 cm for 2 sec", "2 s"),
]


@pytest.mark.parametrize(("when", "right"), NEWCOMERS)
def test_the_remedy_shows_what_to_write(when: str, right: str, table: TagTable) -> None:
    errors = [one for one in compile_rules([("a", alarm(when))], table).problems if one.severity == "error"]
    assert len(errors) == 1
    assert right in errors[0].remedy["en"]
    assert right in errors[0].remedy["zh-CN"]


def test_a_chinese_name_leads_to_its_tag() -> None:
    from gateway.core.tags import Tag

    site = TagTable([Tag(0, "LT_101", "plc1", 0, unit="cm", text={"zh-CN": "1号酸洗槽液位"})], [], [])
    wrong = found(compile_rules([("a", alarm("液位 < 30 cm hyst 1 cm"))], site).problems, "rule.unknown-tag")
    assert "LT_101" in wrong.remedy["zh-CN"]
