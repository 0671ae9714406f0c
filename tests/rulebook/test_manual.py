"""The manual of the rule language is true, in both languages: its examples compile, and what it says of mistakes is what is answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.rulebook import compile_rules
from gateway.rulebook.clauses import ALLOWED, ROLES
from gateway.rulebook.questions import FUNCTIONS
from gateway.site import Site, load_site

ROOT = Path(__file__).parents[2]
MANUALS = {"en": ROOT / "docs" / "rules.md", "zh-CN": ROOT / "docs" / "rules.zh-CN.md"}
ROW = re.compile(r"^\| (?:(\w+)[:：] ?)?`(.+?)` \| (.+?) \|$", re.MULTILINE)
MISTAKES = {"en": "## What is refused", "zh-CN": "## 检查与报错"}


@pytest.fixture(scope="module")
def site() -> Site:
    loaded = load_site(ROOT / "config" / "demo").site
    assert loaded is not None
    return loaded


def blocks(language: str) -> list[str]:
    return re.findall(r"```rules\n(.*?)```", MANUALS[language].read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("language", MANUALS)
def test_every_example_compiles_without_an_error(language: str, site: Site) -> None:
    names: list[str] = []
    for block in blocks(language):
        compiled = compile_rules([("manual.rules", block)], site.table, site.channels)
        assert [one.text["en"] for one in compiled.problems] == []
        assert compiled.program is not None
        names += [rule.name for rule in compiled.program.rules]
    assert len(names) == len(set(names))
    assert len(names) >= 15


def test_the_ten_are_those_of_the_demo_and_mean_what_the_first_page_says(site: Site) -> None:
    files = [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / "config/demo/rules").glob("*.rules")]
    demo = compile_rules(files, site.table, site.channels)
    ten = (ROOT / "tests" / "cases" / "rules" / "ten.rules").read_text(encoding="utf-8")
    first = compile_rules([("ten.rules", ten)], site.table, site.channels)
    for language in MANUALS:
        manual = compile_rules([("manual.rules", "\n".join(blocks(language)))], site.table, site.channels)
        for name, formula in first.formulas.items():
            assert demo.formulas[name] == manual.formulas[name]
            # The checker asks for a hysteresis of the two scores of FLANGE_LEAK; nothing else is added to the condition.
            bare = manual.formulas[name].replace(", clears at <= 0.55", "").replace(", clears at <= 0.45", "")
            assert formula == (bare if name == "FLANGE_LEAK" else manual.formulas[name])


def test_both_languages_have_the_same_examples() -> None:
    english, chinese = (
        [re.sub(r'"[^"]*"|#.*|\s+', " ", block).split() for block in blocks(language)] for language in MANUALS
    )
    assert english == chinese


def written(kind: str, text: str) -> str:
    """A rule of `kind` that is in order but for `text`: a condition, or a whole clause."""
    parts = {
        "interlock": {"when": "when pump7.running = 1", "then": "then stop pump7.permit", "pst": "pst 20 s"},
        "control": {"when": "when pump7.running = 1", "then": "then set fan2.high = 1"},
        "alarm": {"when": "when pump7.running = 1", "then": "then alarm"},
        "permit": {"when": "when pump7.running = 1"},
    }[kind]
    word = text.split()[0]
    clause = word in ("when", "then", "pst", "latch", "bypass", "on")
    if word == "pst":
        parts["then"] = "then stop pump7.permit within 2 s"
    parts[word if clause else "when"] = text if clause else f"when {text}"
    return f"{kind} A\n" + "\n".join(parts.values()) + ("\npriority P3" if kind != "permit" else "") + "\nend"


@pytest.mark.parametrize("language", MANUALS)
def test_every_mistake_is_answered_as_the_manual_says(language: str, site: Site) -> None:
    text = MANUALS[language].read_text(encoding="utf-8")
    rows = ROW.findall(text[text.index(MISTAKES[language]) :])
    assert len(rows) >= 30
    for kind, wrong, answer in rows:
        compiled = compile_rules([("a", written(kind or "alarm", wrong))], site.table, site.channels)
        said = [problem.text[language] for problem in compiled.problems if problem.severity == "error"]
        assert any(answer in one for one in said), (wrong, said)


@pytest.mark.parametrize("language", MANUALS)
def test_no_word_of_the_language_is_missing(language: str) -> None:
    text = MANUALS[language].read_text(encoding="utf-8")
    words = {*FUNCTIONS, *ROLES, *(clause for clauses in ALLOWED.values() for clause in clauses), *ALLOWED}
    words |= {
        "speak",
        "notify",
        "escalate",
        "set",
        "stop",
        "trip",
        "confirm",
        "hyst",
        "for",
        "not",
        "and",
        "or",
        "within",
    }
    assert [word for word in sorted(words) if not re.search(rf"`[^`\n]*\b{word}\b", text)] == []
