"""Lines of rubbish through `gatehouse shell` against a living server: `python -m tests.cli.campaign_shell --lines 100000`.

Counts exit codes; what is wrong is a traceback, a file or process that a line made, a line of a person that acted as another.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import io
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from gateway.cli.build import build
from gateway.cli.help import walk
from gateway.cli.main import run
from gateway.cli.shell import ALLOWED, ORIGINAL
from tests.control.living import living

PERSON = "zhang-wei"
ROLES = {PERSON: ("operator", "supervisor")}
TARGETS = {
    "alarm": "level_low",
    "interlock": "dry_run",
    "bypass": "dry_run",
    "tag": "tank1.level",
    "device": "plc1",
    "permit": "hot_work",
}
PIECES = (
    ";", "&&", "|", "`id`", "$(id)", ">", "<", "../../etc/passwd", "-", "--", "---", "\\", "\x00", "\x1b[31m", "\n", "'", '"',
    "--site", "--site=/", "--control", "--role", "engineer", "--as", "root", "--help", "--lang", "zh-CN", "xx", "-o", "json",
    "csv", "--plan", "--token", "0" * 16, "--reason", "because it is so", "--minutes", "-1", "99999999999999999999", "1e9",
    "％ｓ", "%s%n", "{0}", "{}", "罐", "\u202e", "\ud800", "A" * 300, *TARGETS.values(),
    "--watch=no", "~", "*", "?", "#", "${HOME}", "exec", "python", "-c", "import os", "shell", "run", "check", "user", "support",
)  # fmt: skip
FITTING = {
    "reason": "'because it is so'",
    "minutes": "20",
    "tag": "tank1.level",
    "code": "failed",
    "measure": "'watched by hand'",
}
SLOW = ("doctor",)  # takes seconds, and asks the system by programs of its own choice; no word of a line reaches them
STREAMS = ("watch",)  # never ends by itself: a campaign would wait for ever
FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "shutil.",
    "os.remove",
)


def lines(rng: random.Random, count: int) -> Iterator[str]:
    """A fifth right or nearly so, half beginning as an allowed command does, the rest with anything."""
    right = [_right(command, path) for path, command in walk(build("en")) if _asked(path)]
    starts = [line.split()[:2] for line in right]
    for _ in range(count):
        drawn = rng.random()
        if drawn < 0.2:
            words = [rng.choice(right)]
            if rng.random() < 0.7:
                words = words[0].split(" ")
                words[rng.randrange(len(words))] = rng.choice(PIECES)
        elif drawn < 0.8:
            words = (rng.choice(starts) if rng.random() < 0.6 else []) + [
                rng.choice(PIECES) for _ in range(rng.randrange(6))
            ]
        else:
            words = ["".join(_letter(rng) for _ in range(rng.randrange(1, 40)))]
        yield rng.choice((" ", " ", "  ", "\t")).join(words)


def _asked(path: tuple[str, ...]) -> bool:
    """Whether a campaign types the command at `path`."""
    if not path or path[0] in SLOW or path[-1] in STREAMS:
        return False
    return path[0] in ALLOWED and (len(path) == 2) == bool(ALLOWED[path[0]]) and set(path[1:]) <= set(ALLOWED[path[0]])


def _right(command: Any, path: tuple[str, ...]) -> str:
    """A line with everything that `command` needs."""
    words = list(path)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            words.append(FITTING.get(parameter.name, TARGETS.get(path[0], "dry_run")))
        elif parameter.required:
            words += [parameter.opts[0], FITTING.get(parameter.name, "20")]
    return " ".join(words)


def _letter(rng: random.Random) -> str:
    return chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x110000))))


@dataclass
class Fuzzing:
    """Runs lines through the entry of the program, as sshd would have started it, and keeps what was wrong."""

    directory: Path
    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    _running: str | None = None
    _thread: int = field(default_factory=threading.get_ident)

    def __post_init__(self) -> None:
        sys.addaudithook(self._heard)  # cannot be taken off again: it is deaf between lines

    def one(self, line: str) -> None:
        """One line, by the environment where it can hold it, else typed; stdin is no terminal."""
        around = {"GATEHOUSE_CONTROL": str(self.directory), "LANG": "en_US.UTF-8"}
        typed = "\0" in line or any("\ud800" <= letter <= "\udfff" for letter in line)
        stdin = io.StringIO(f"{line}\n" if typed else "")
        self.by["typed" if typed else "sent"] += 1
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch("sys.stdin", stdin),
            mock.patch.dict(os.environ, around if typed else around | {ORIGINAL: line}),
        ):
            code = self._ran(line, around)
        if code is None:
            return
        self.codes[code] += 1
        if "Traceback" in err.getvalue() or not 0 <= code <= 9:
            self.wrong.append(f"{line!r}: code {code}")

    def _ran(self, line: str, around: dict[str, str]) -> int | None:
        self._running = line
        try:
            return run(["shell", "--as", PERSON], around)
        except BaseException as error:  # noqa: BLE001 - whatever gets out is what is looked for
            self.wrong.append(f"{line!r}: {type(error).__name__}: {error}")
            return None
        finally:
            self._running = None

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        """What the interpreter does while a line runs: no process, no file written or taken away."""
        if self._running is None or threading.get_ident() != self._thread:
            return
        if event == "open":
            bad = bool(int(args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and not _compiled(args[0])
        else:
            bad = event.startswith(FORBIDDEN)
        if bad:
            self.wrong.append(f"{self._running!r}: {event} {str(args)[:200]}")


def _compiled(path: Any) -> bool:
    """Python keeps a module that it loads for the first time as bytecode."""
    return "__pycache__" in str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        living(
            Path(folder) / "control", shell_account=getpass.getuser(), roles_of=lambda person: ROLES.get(person, ())
        ) as server,
    ):
        fuzzing, began = Fuzzing(server.directory), time.monotonic()
        for line in lines(random.Random(asked.seed), asked.lines):
            fuzzing.one(line)
        acted = Counter(f"{person} {verb}" for person, _, verb, *_ in server.clerk.given)
    print(f"lines {asked.lines} ({dict(fuzzing.by)}), seed {asked.seed}, {time.monotonic() - began:.0f} s")
    print("exit codes:", dict(sorted(fuzzing.codes.items())))
    print("acted:", sum(acted.values()), dict(acted.most_common(20)))
    print("as another person:", sum(count for name, count in acted.items() if not name.startswith(f"{PERSON} ")))
    print("wrong:", len(fuzzing.wrong), fuzzing.wrong[:5])


if __name__ == "__main__":
    main()
