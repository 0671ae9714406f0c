"""What is said to people: no forbidden word anywhere, the safety text word for word, links and pictures that exist."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = re.compile(
    "|".join(
        (r"\bSI" + r"L\b", r"(?i:\bsafety " + r"PLC\b)", r"(?i:\bguaran" + r"tees\b)", r"(?i:\bcertif" + r"ied\b)")
    )
)
THESE_LOOK_FOR_THEM = {"tests/cli/test_reference.py", "tests/web/test_server.py"}  # they hold the words in a pattern
NOT_OURS = re.compile(r"(^|/)(vendor|node_modules)/|^LICENSE$|\.lock$|package-lock\.json$")
TEXT = {
    ".md",
    ".py",
    ".js",
    ".html",
    ".css",
    ".csv",
    ".toml",
    ".rules",
    ".json",
    ".service",
    ".lark",
    ".txt",
    ".svg",
    ".sh",
    "",
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SAFETY = (
    '"This gateway is a supplementary monitoring and advisory-interlock layer. It is not a safety instrumented system, '
    "carries no safety integrity level, and must not be the only protection against any scenario with injury potential. "
    "Its trip requests are executed by your PLC, whose own watchdog must bring the outputs to their safe state if the "
    "gateway is silent. Do not claim risk reduction for it unless your own assessment to IEC 61511 / GB/T 21109 allows it; "
    "never more than a factor of 10. The box is not explosion-rated, and it does not replace the upload of raw data that "
    'regulators require of some sites."'
)


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the repository, new ones too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = [
            str(path.relative_to(ROOT))
            for path in ROOT.rglob("*")
            if not path.relative_to(ROOT).parts[0].startswith(".")
        ]
    return tuple(sorted(name for name in listed if (ROOT / name).is_file() and not NOT_OURS.search(name)))


def documents() -> list[str]:
    return [name for name in tracked() if name.endswith(".md")]


def anchor(heading: str) -> str:
    """The fragment that a heading gets: lower case, punctuation dropped, spaces to hyphens."""
    plain = re.sub(r"[`*]", "", heading).lower()
    return "".join("-" if c == " " else c for c in plain if c.isalnum() or c in " -_")


def broken(name: str, text: str) -> list[str]:
    """Targets of relative links in `text`, a document at `name`, that do not exist."""
    wrong = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        if not found.exists() or (
            fragment and fragment not in map(anchor, HEADING.findall(FENCE.sub("", found.read_text("utf-8"))))
        ):
            wrong.append(target)
    return wrong


def test_no_forbidden_word() -> None:
    found = []
    for name in tracked():
        if name in THESE_LOOK_FOR_THEM or Path(name).suffix not in TEXT:
            continue
        text = (ROOT / name).read_text("utf-8", errors="replace")
        found += [f"{name}: {match[0]}" for match in FORBIDDEN.finditer(text)]
    assert not found


@pytest.mark.parametrize("word", ["SI" + "L 2", "a safety " + "PLC", "it guaran" + "tees", "Certif" + "ied by"])
def test_a_forbidden_word_is_seen(word: str) -> None:
    assert FORBIDDEN.search(f"This box has {word} and more.")


@pytest.mark.parametrize("word", ["silent", "SILENT", "certificate", "a guarantee", "the safety of a PLC"])
def test_plain_words_pass(word: str) -> None:
    assert not FORBIDDEN.search(word)


def test_the_safety_text_is_whole() -> None:
    text = (ROOT / "docs/safety.md").read_text("utf-8")
    assert SAFETY in text
    assert "不是安全仪表系统" in text


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "docs/README.md"])
def test_every_entrance_leads_to_the_safety_text(name: str) -> None:
    assert "safety.md" in (ROOT / name).read_text("utf-8")


def test_links_and_pictures_exist() -> None:
    wrong = {name: found for name in documents() if (found := broken(name, (ROOT / name).read_text("utf-8")))}
    assert not wrong


def test_a_broken_link_is_seen() -> None:
    text = "[a](docs/none.md) ![b](docs/images/none.png) [c](docs/safety.md#nowhere) [d](docs/safety.md) [e](https://example.org)"
    assert broken("README.md", text) == ["docs/none.md", "docs/images/none.png", "docs/safety.md#nowhere"]


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    named = {str((ROOT / "docs" / target.partition("#")[0]).resolve()) for target in LINK.findall(index)}
    ours = [
        name
        for name in documents()
        if name.startswith("docs/") and "/results/" not in name and name != "docs/README.md"
    ]
    assert not [name for name in ours if str((ROOT / name).resolve()) not in named]


def test_decision_records_are_short_and_whole() -> None:
    for name in documents():
        if not name.startswith("docs/decisions/"):
            continue
        text = (ROOT / name).read_text("utf-8")
        assert len(text.splitlines()) <= 40, name
        assert text.startswith(f"# {Path(name).name[:4]} "), name
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequence")), name
