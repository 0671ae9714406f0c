"""The layout of rule texts: twice is once, comments stay, hashes stay, whatever stands between the words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway import app
from gateway.app.examine import examine
from gateway.core.program import rule_hash
from gateway.rulebook import compile_rules
from gateway.rulebook.cut import cut
from gateway.rulebook.layout import formatted
from gateway.rulebook.parse import tokens
from gateway.rulebook.sheet import Sheet

DEMO = Path(__file__).parents[2] / "config" / "demo"
SHEETS = sorted((DEMO / "rules").glob("*.rules"))
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", "\t", " # a note\n", "\n  # 注释 of its own\n", "\n# one\n\n# two\n"])
UGLY = """# the kiln
control KILN_FAN # it must not hunt
  when co.kiln>50ppm   for 10 s   then set fan2.high=1      # safe = 1
  # the gap
  clear   when co.kiln < 30 ppm and (mode > 1 # inside
     or not mode < -3) for 5 min min   on 10 min
end # behind
alarm ONE_LINE when max(wind1, wind2) > 8 m/s hyst 1 m/s then alarm, speak "a  # b" at helmet priority P2 end
"""
LAID_OUT = """# the kiln
control KILN_FAN  # it must not hunt
  when co.kiln > 50 ppm for 10 s
  then set fan2.high = 1  # safe = 1
  # the gap
  clear when co.kiln < 30 ppm and (mode > 1  # inside
      or not mode < -3) for 5 min
  min on 10 min
end  # behind

alarm ONE_LINE
  when max(wind1, wind2) > 8 m/s hyst 1 m/s
  then alarm, speak "a  # b" at helmet
  priority P2
end
"""


def laid_out(text: str) -> str:
    shown, sheet = formatted("a.rules", text)
    assert not sheet.problems, [problem.text["en"] for problem in sheet.problems]
    return shown


def comments(text: str) -> list[str]:
    return [line.strip() for line in re.findall(r'#[^"\n]*$', text, re.MULTILINE)]


def test_the_layout() -> None:
    assert laid_out(UGLY) == LAID_OUT
    assert laid_out(LAID_OUT) == LAID_OUT
    assert laid_out("") == "\n"
    assert laid_out("# only a note") == "# only a note\n"


def test_a_long_condition_goes_on_in_the_next_line() -> None:
    long = (
        "alarm A when "
        + " and ".join(f"tank{n}.level_transmitter > {n} cm" for n in range(8))
        + " then alarm priority P1 end"
    )
    shown = laid_out(long)
    assert all(len(line) <= 110 for line in shown.splitlines())
    assert shown.count("\n      and ") == 2
    assert laid_out(shown) == shown


@st.composite
def scattered(draw: st.DrawFn) -> str:
    """The rules of a demo file with anything between their words that means nothing."""
    sheet = Sheet.of("a.rules", draw(st.sampled_from(SHEETS)).read_text(encoding="utf-8"))
    rules = []
    for chunk in cut(sheet):
        rule = ""
        for at, token in enumerate(tokens(sheet.text[chunk.start : chunk.end])):
            # `min on` and the like are one with the number behind them, and kind and name stand on one line
            tight = at < 2 or rule.endswith(("min on", "min off"))
            rule += (" " if tight else draw(GAPS)) + token
        rules.append(rule.lstrip())
    return "".join(draw(st.sampled_from(["", "\n", "\n# between\n", "\n\n\n"])) + "\n" + rule for rule in rules)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(scattered())
def test_twice_is_once_and_neither_hash_nor_comment_is_lost(text: str) -> None:
    found = examine(DEMO).site
    assert found is not None
    shown = laid_out(text)
    assert laid_out(shown) == shown
    before, after = (compile_rules([("a.rules", one)], found.table).program for one in (text, shown))
    assert before is not None
    assert after is not None
    assert rule_hash(before) == rule_hash(after)
    assert comments(shown) == comments(text)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_the_demo_is_laid_out(path: Path) -> None:
    assert laid_out(path.read_text(encoding="utf-8")) == path.read_text(encoding="utf-8")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.rules"
    file.write_text(UGLY, encoding="utf-8")

    def run(**more: str) -> int:
        return app.rule("format", Path(), {"file": str(file), "lang": "en", **more})

    assert run() == 0
    assert capsys.readouterr().out == LAID_OUT
    assert run(check="yes") == 1
    assert "--write" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == UGLY
    assert run(write="yes") == 0
    assert file.read_text(encoding="utf-8") == LAID_OUT
    assert run(check="yes") == 0
    file.write_text("alarm A when = end", encoding="utf-8")
    assert run(write="yes", lang="zh-CN") == 9
    assert "此处不应出现" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "alarm A when = end"
    assert app.rule("format", Path(), {"file": str(tmp_path / "b.rules")}) == 1
    (tmp_path / "c.csv").write_text("x", encoding="utf-8")
    assert app.rule("format", Path(), {"file": str(tmp_path / "c.csv"), "lang": "zh-CN"}) == 2
