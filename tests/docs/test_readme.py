"""The site of "a real PLC in five minutes" is checked as a newcomer would: its blocks, in their order, put into files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gateway.app.examine import examine
from gateway.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(readme: str, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall((ROOT / readme).read_text("utf-8")) if kind == language]


def build(folder: Path, readme: str, *, whole: bool) -> Path:
    """The site after step 1, or after step 4."""
    last = None if whole else 1
    (folder / "rules").mkdir()
    for name, language in (("site.toml", "toml"), ("tags.csv", "csv"), ("rules/10-tank1.rules", "rules")):
        (folder / name).write_text("".join(blocks(readme, language)[:last]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize(("whole", "rules"), [(False, ["T1_LOW"]), (True, ["T1_LOW", "T1_DRY"])])
def test_the_site_of_the_readme_is_in_order(tmp_path: Path, readme: str, whole: bool, rules: list[str]) -> None:
    checked = examine(build(tmp_path, readme, whole=whole))
    assert not [problem for problem in checked.problems if problem.severity == "error"]
    assert checked.program is not None
    assert [rule.name for rule in checked.program.rules] == rules
    assert checked.site is not None
    assert checked.site.upstream is None, "nothing leaves a site that does not ask for it"


@pytest.mark.parametrize("readme", READMES)
def test_both_readmes_show_the_same_site(readme: str) -> None:
    for language in ("csv", "rules"):
        assert blocks(readme, language) == blocks("README.md", language)


@pytest.mark.parametrize("readme", READMES)
def test_every_command_of_the_readme_exists(readme: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each printed `gatehouse` line is known to the command line, with its options: `--help` of it ends with 0."""
    lines = [line.removeprefix(".venv/bin/") for block in blocks(readme, "sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("gatehouse ")]
    assert len(commands) >= 12
    for words in commands:
        assert run([*words, "--help"], {"LANG": "en_US.UTF-8"}) == 0, words
        said = capsys.readouterr().out
        own = [
            word for word in words if word.startswith("--") and word not in ("--site", "--lang", "--watch", "--role")
        ]
        assert all(option in said for option in own), words
