"""Proposals on a recording of known crossings, against figures counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway import app
from gateway.core.limits import SECOND
from gateway.core.program import Both, For
from gateway.core.samples import Few, Stamp
from gateway.history.identity import identity
from gateway.history.recorder import Recorder
from gateway.history.writer import Limits
from gateway.offline.occurrences import Occurrence, Occurrences
from gateway.offline.proposals import compare
from gateway.rulebook import compile_rules
from gateway.rulebook.tuning import candidates, refusal
from gateway.site import load_site

DEMO = Path(__file__).parents[2] / "config" / "demo"
UTC0_S = 1_795_000_000
SITE = """[gateway]
id = "gw-1"
site = "works"
area = "hall"
language = "en"
timezone = "UTC"

[storage]
directory = "state"

[source.plc1]
driver = "modbus"
url = "tcp://127.0.0.1:1502"
unit = 1
"""
TAGS = """tag,source,address,type,unit,low,high,stale_ms,area,zh,en
t.level,plc1,holding:100,float32/cdab,cm,0,100,5000,hall,液位,Level
"""
RULE = 'alarm {name} "液位高 | Level high"\n  when t.level > {limit} cm hyst 0.5 cm\n  then alarm\n  priority {priority}\nend\n'
RULES = (
    RULE.format(name="LVL_H", limit=80, priority="P3")
    + RULE.format(name="LVL_HH", limit=80, priority="P1")
    + RULE.format(name="LVL_X", limit=98, priority="P3")
)


def level(at_s: int) -> float:
    """Five crossings of a second, one true alarm of 80 s, one of 5 s that went 6 cm beyond; in all else far below."""
    if 100 <= at_s < 110:
        return 81.0 if at_s % 2 == 0 else 79.0
    if 200 <= at_s < 280:
        return 90.0
    return 86.0 if 400 <= at_s < 405 else 70.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder whose history holds ten minutes of `level`, a sample a second."""
    folder = tmp_path_factory.mktemp("works")
    (folder / "rules").mkdir()
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "tags.csv").write_text(TAGS, encoding="utf-8")
    (folder / "rules" / "a.rules").write_text(RULES, encoding="utf-8")
    record(folder, 600)
    return folder


def record(folder: Path, seconds: int) -> None:
    loaded = load_site(folder)
    assert loaded.site is not None, loaded.problems
    table = loaded.site.table
    tag = table.tags[table.names()["t.level"]]
    recorder = Recorder(folder / "state" / "history", 1, Limits(reserve_bytes=0), identity(table))
    recorder.start()
    for at_s in range(seconds):
        stamp = Stamp(at_s + 1, (at_s + 1) * SECOND, (UTC0_S + at_s) * SECOND)
        recorder.append(stamp, Few(tag.group, [tag.number], [level(at_s)], [0], [0]))
    assert recorder.close()


def told(site: Path, capsys: pytest.CaptureFixture[str], **args: str) -> dict[str, dict[str, object]]:
    assert app.alarm("propose", site, {"output": "json", **args}) == 0
    return {each["alarm"]: each for each in json.loads(capsys.readouterr().out)["proposals"]}


def test_the_figures_are_those_of_a_hand_count(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(site, capsys)
    assert set(found) == {"LVL_H", "LVL_HH"}  # LVL_X never came
    alarm = found["LVL_H"]
    assert (alarm["count"], alarm["chatters"], alarm["fleeting"]) == (7, 1, 6)
    assert alarm["why"] == ["top", "chatter", "fleeting"]
    assert alarm["signals"] == {"t.level": "level"}
    trials = {each["change"]: each for each in alarm["trials"]}
    keys = ("after", "chatters_after", "fleeting_after", "merged", "added", "vanished", "later_max_s", "later_p95_s")
    # 5 % of 100 cm: back at 75 cm, so the five are one of 10 s; the one of 5 s stays fleeting
    assert [trials["hyst"][key] for key in keys] == [3, 0, 1, 4, 0, 0, 0.0, 0.0]
    # 60 s after each return: the five are one, none is fleeting any more
    assert [trials["off"][key] for key in keys] == [3, 0, 0, 4, 0, 0, 0.0, 0.0]
    assert [trials["hyst+off"][key] for key in keys] == [3, 0, 0, 4, 0, 0, 0.0, 0.0]
    # 60 s on-delay: only the one of 80 s is left, a minute later
    assert [trials["for"][key] for key in keys] == [1, 0, 0, 0, 0, 6, 60.0, 60.0]
    assert trials["hyst"]["clause"] == "when t.level > 80 cm hyst 5 cm"
    assert trials["for"]["clause"] == "when (t.level > 80 cm hyst 0.5 cm) for 1 min"


def test_what_vanishes_is_shown_with_how_long_and_how_far(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trial,) = [each for each in told(site, capsys)["LVL_H"]["trials"] if each["change"] == "for"]
    shown = [
        (each["utc_ms"] // 1000 - UTC0_S, each["lasted_s"], each["peak"], each["beyond"]) for each in trial["shown"]
    ]
    assert shown == [(400, 5.0, 86.0, 6.0), *((at, 1.0, 81.0, 1.0) for at in (100, 102, 104, 106, 108))]


def test_a_p1_that_chatters_is_named_and_nothing_is_proposed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alarm = told(site, capsys)["LVL_HH"]
    assert (alarm["refused"], alarm["trials"], alarm["count"]) == ("p1", [], 7)


def test_the_period_bounds_what_counts(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From second 230 on: the alarm of second 200 stands already and counts for nothing, that of second 400 is left."""
    alarm = told(site, capsys, alarms="LVL_H", **{"from": "2026-11-18T11:10:30"})["LVL_H"]
    assert (alarm["count"], alarm["chatters"], alarm["fleeting"]) == (1, 0, 1)
    assert [(each["change"], each["before"], each["vanished"]) for each in alarm["trials"]] == [
        ("hyst", 1, 0),
        ("off", 1, 0),
        ("hyst+off", 1, 0),
        ("for", 1, 1),
    ]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ["on-delay", "7 → 1", "nobody would be told of these (6)", "6 cm beyond 80 cm", "P1: nothing is proposed"],
        ),
        ("zh-CN", ["确认延时", "7 → 1", "不再通知以下报警（6 次）", "超过 80 cm 达 6 cm", "P1 报警：不提出建议"]),
    ],
)
def test_people_read_the_same(site: Path, capsys: pytest.CaptureFixture[str], lang: str, words: list[str]) -> None:
    rules = (site / "rules" / "a.rules").read_bytes()
    assert app.alarm("propose", site, {"lang": lang}) == 0
    out = capsys.readouterr().out
    for word in words:
        assert word in out
    assert (site / "rules" / "a.rules").read_bytes() == rules


def test_empty_states_say_what_is_missing(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.alarm("propose", site, {"alarms": "LVL_X"}) == 0
    assert "did not come in this period" in capsys.readouterr().out
    assert app.alarm("propose", site, {"from": "2026-11-18T11:15:00"}) == 0
    assert "No bad actor in this period" in capsys.readouterr().out
    assert app.alarm("propose", site, {"alarms": "NO_SUCH"}) == 4
    assert "NO_SUCH" in capsys.readouterr().err
    assert app.alarm("propose", site, {"from": "2030-01-01T00:00", "lang": "zh-CN"}) == 4
    assert "没有可用的记录" in capsys.readouterr().err
    assert app.alarm("propose", site, {"from": "soon"}) == 2
    assert "soon" in capsys.readouterr().err
    assert app.alarm("propose", tmp_path / "none", {}) == 9


def test_each_clause_is_the_rule_that_was_tried() -> None:
    loaded = load_site(DEMO).site
    assert loaded is not None
    program = compile_rules(list(loaded.rules), loaded.table, loaded.channels).program
    assert program is not None
    refused = {rule.name: refusal(rule.name, program, loaded.table) for rule in program.rules}
    assert refused["GAS_2OO3"] == refused["PKL_LSLL"] == "interlock"
    assert refusal("PKL_LSLL_FAILED", program, loaded.table) == "interlock"
    assert refusal("SOURCE_PLC1", program, loaded.table) == "system"
    assert refused["H2S_H"] == "p1"
    assert refused["KILN_FAN"] == "silent"
    assert refused["HOT_WORK"] == "silent"
    by_name = {rule.name: rule for rule in program.rules}
    gas = {each.change: each.rule.when for each in candidates(by_name["GAS_H"], program, loaded.table)}
    assert isinstance(gas["for"], For)
    assert gas["for"].ns == 2 * SECOND  # gas is never delayed longer
    assert isinstance(gas["off"], Both)
    level_low = {each.change: each.rule.when for each in candidates(by_name["PKL_LSL"], program, loaded.table)}
    assert isinstance(level_low["for"], For)
    assert level_low["for"].ns == 2 * SECOND  # PKL_LSLL trips on the same level
    for rule in program.rules:
        for each in candidates(rule, program, loaded.table) if refused[rule.name] is None else ():
            text = f'alarm {rule.name} "x"\n  {each.clause}\n  then alarm\n  priority P3\nend\n'
            compiled = compile_rules([("x.rules", text)], loaded.table).program
            assert compiled is not None
            assert compiled.rules[0].when == each.rule.when


def test_an_alarm_that_comes_in_the_delay_after_a_dip_did_not_vanish() -> None:
    """Raised 0–2 s and 3–100 s; with 10 s on-delay with a hysteresis it comes at 10 s: the first is 10 s later, the second merged."""
    was, now = Occurrences({}), Occurrences({})
    was.found["A"] = [Occurrence(1, 0, 2_000), Occurrence(1, 3_000, 100_000)]
    now.found["A"] = [Occurrence(1, 10_000, 100_000)]
    trial = compare("A", was, now, change="for", clause="", from_ms=0, on_delay_ms=10_000, units={})
    assert (trial.merged, trial.vanished, trial.added, trial.later_max_s) == (1, 0, 0, 10.0)
    now.found["A"].append(Occurrence(2, 200_000, 201_000))
    trial = compare("A", was, now, change="for", clause="", from_ms=0, on_delay_ms=0, units={})
    assert (trial.merged, trial.vanished, trial.added, trial.later_max_s) == (0, 1, 1, 7.0)


def test_the_delay_of_what_remains_is_its_maximum_and_its_95th_percentile() -> None:
    was, now = Occurrences({}), Occurrences({})
    was.found["A"] = [Occurrence(1, at * 100_000, at * 100_000 + 50_000) for at in range(20)]
    now.found["A"] = [Occurrence(1, at * 100_000 + at * 1_000 + 1_000, at * 100_000 + 50_000) for at in range(20)]
    trial = compare("A", was, now, change="for", clause="", from_ms=0, on_delay_ms=20_000, units={})
    assert (trial.before, trial.after, trial.later_max_s, trial.later_p95_s) == (20, 20, 20.0, 19.0)
