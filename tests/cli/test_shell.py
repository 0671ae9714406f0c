"""`gatehouse shell`: what may be asked, in whose name, and that nothing else can be made of a line."""

from __future__ import annotations

import inspect
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.build import build
from gateway.cli.common import UsageProblem
from gateway.cli.completion import script
from gateway.cli.help import walk
from gateway.cli.main import run
from gateway.cli.manpage import page
from gateway.cli.shell import ALLOWED, words_of
from gateway.control.messages import LANGUAGES
from tests.cli.campaign_shell import Fuzzing, lines
from tests.cli.conftest import Terminal
from tests.control.living import Living, living

ROLES = {"zhang-wei": ("operator", "supervisor"), "li-na": ("operator",), "chen-jing": ("maintainer",)}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server for which this account is the one that `sshd` uses."""
    import getpass

    with living(
        tmp_path / "control", shell_account=getpass.getuser(), roles_of=lambda person: ROLES.get(person, ())
    ) as server:
        yield server


def over_ssh(terminal: Terminal, line: str | None, person: str = "zhang-wei", *, typed: str = "") -> Any:
    terminal.patch.setenv("GATEHOUSE_CONTROL", str(terminal.directory))
    if line is None:
        terminal.patch.delenv("SSH_ORIGINAL_COMMAND", raising=False)
    else:
        terminal.patch.setenv("SSH_ORIGINAL_COMMAND", line)
    return terminal("shell", "--as", person, keyboard=typed or None)


def test_every_command_is_asked_in_the_name_of_the_key(shared: Living, terminal: Terminal) -> None:
    assert over_ssh(terminal, "gatehouse alarm ack level_low").code == 0
    assert shared.clerk.given[-1][:3] == ("zhang-wei", "supervisor", "alarm.ack")
    assert over_ssh(terminal, "interlock shadow dry_run", "zhang-wei").code == 5  # a supervisor is no engineer
    assert over_ssh(terminal, "alarm ack level_low", "chen-jing").code == 5
    unknown = over_ssh(terminal, "status", "nobody")
    assert (unknown.code, "users.toml" in unknown.err) == (5, True)


def test_lines_are_read_until_the_end(shared: Living, terminal: Terminal) -> None:
    ran = over_ssh(terminal, None, typed="status\n\nhelp\nrun /etc\nalarm list -o json\nexit\nalarm silence\n")
    assert ran.code == 0
    assert "gw-test-01" in ran.out
    assert "level_low" in ran.out
    assert "not for this shell" in ran.err
    assert shared.clerk.given == []  # what follows exit is not read


def test_no_other_account_may_name_anybody(alive: Living, terminal: Terminal) -> None:
    assert alive.call("status.show", person="zhang-wei")["code"] == 5


@pytest.mark.parametrize(
    "line",
    [
        "sh", "run /etc", "check .", "demo", "shell --as root", "support bundle x", "user list .", "record export .",
        "permit page x", "device scan", "status --site /tmp", "--control /tmp status", "status --role engineer",
        "--role=engineer status", "kiosk", "alarm", "alarm propose .", "tag import x", "'unfinished", "status\x1b[2J",
        "a" * 5000, "completion bash", "rule check .", "interlock", "gatehouse gatehouse status", "status; sh", "$(sh)",
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_not_run(shared: Living, terminal: Terminal, line: str) -> None:
    ran = over_ssh(terminal, line)
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_what_may_be_asked_exists_and_takes_no_file() -> None:
    commands = {path: command for path, command in walk(build("en")) if path}
    for noun, verbs in ALLOWED.items():
        for path in [(noun, verb) for verb in verbs] or [(noun,)]:
            assert "Path" not in str(inspect.signature(commands[path].callback)), path


def test_a_few_hundred_lines_of_rubbish(shared: Living, terminal: Terminal) -> None:
    """The same generator as the campaign of docs/results/shell.md."""
    fuzzing = Fuzzing(shared.directory)
    for line in lines(random.Random(9), 300):
        fuzzing.one(line)
    assert fuzzing.wrong == []
    assert sum(fuzzing.codes.values()) == 300
    assert len(fuzzing.codes) >= 3
    terminal.capture.readouterr()


def test_words_are_those_of_the_line() -> None:
    assert words_of('gatehouse alarm shelve x --reason "two words"') == [
        "alarm",
        "shelve",
        "x",
        "--reason",
        "two words",
    ]
    with pytest.raises(UsageProblem):
        words_of("status --site=/tmp")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_manual_page_has_every_command(language: str) -> None:
    text = page(language)
    leaves = [path for path, command in walk(build(language)) if path and not getattr(command, "commands", None)]
    assert text.count("\n.SS ") == len(leaves)
    if shutil.which("groff") is not None and language == "en":
        said = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-K", "utf8"], input=text.encode(), capture_output=True, check=True
        )
        assert b"alarm shelve" in said.stdout
        assert said.stderr == b""


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    (tmp_path / "c.bash").write_text(script("bash", "en"))
    lines = "'alarm sh' 'alarm shelve --re' '-o js'"
    one = "COMP_WORDS=(gatehouse $at); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gatehouse; echo ${COMPREPLY[@]}"
    asked = f"source c.bash; for at in {lines}; do {one}; done"
    said = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["show shelve", "--reason", "json jsonl"]
    zsh = script("zsh", "zh-CN")
    assert zsh.startswith("#compdef gatehouse")
    assert "确认" in zsh
    if shutil.which("zsh") is not None:
        (tmp_path / "c.zsh").write_text(zsh)
        subprocess.run(["zsh", "-n", "c.zsh"], cwd=tmp_path, check=True)


def test_a_command_of_the_shell_is_no_option_of_others(alive: Living, terminal: Terminal) -> None:
    assert run(["status", "--as", "zhang-wei"], {"GATEHOUSE_CONTROL": str(terminal.directory)}) == 2
    terminal.capture.readouterr()
