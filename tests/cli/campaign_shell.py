"""Lines of rubbish through `gatehouse shell` against a living server: `python -m tests.cli.campaign_shell --lines 100000`.

Counts exit codes; what is wrong is a traceback, a file or process that a line made, a line of a person that acted as another.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from gateway.cli.common import Common
from gateway.cli.main import run_as
from gateway.cli.session import Session
from gateway.cli.shell import ALLOWED, ORIGINAL, shell
from tests.control.living import living

PERSON = "zhang-wei"
PIECES = (
    ";", "&&", "|", "`id`", "$(id)", ">", "<", "../../etc/passwd", "-", "--", "---", "\\", "\x00", "\x1b[31m", "\n", "'", '"',
    "--site", "--site=/", "--control", "--role", "engineer", "--as", "root", "--help", "--lang", "zh-CN", "xx", "-o", "json",
    "csv", "--plan", "--token", "0" * 16, "--reason", "because it is so", "--minutes", "-1", "99999999999999999999", "1e9",
    "％ｓ", "%s%n", "{0}", "{}", "罐", "\u202e", "\ud800", "A" * 300, "level_low", "dry_run", "tank1.level", "plc1", "hot_work",
    "--watch=no", "~", "*", "?", "#", "${HOME}", "exec", "python", "-c", "import os", "shell", "run", "check", "user", "support",
)  # fmt: skip
SLOW = ("doctor",)  # takes seconds, and asks the system by programs of its own choice; no word of a line reaches them
STREAMS = ("watch",)  # never ends by itself: a campaign would wait for ever


def lines(rng: random.Random, count: int) -> Iterator[str]:
    """Half begin as an allowed command does, half with anything."""
    for _ in range(count):
        words: list[str] = []
        if rng.random() < 0.6:
            noun = rng.choice([noun for noun in ALLOWED if noun not in SLOW])
            verbs = [verb for verb in ALLOWED[noun] if verb not in STREAMS]
            words = [noun, rng.choice(verbs)] if verbs else [noun]
        words += [rng.choice(PIECES) for _ in range(rng.randrange(6))]
        if rng.random() < 0.2:
            words = [
                "".join(
                    chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x110000))))
                    for _ in range(rng.randrange(1, 40))
                )
            ]
        yield rng.choice((" ", " ", "  ", "\t")).join(words)


@dataclass
class Fuzzing:
    """Runs lines in this process, as sshd would have started them, and keeps what was wrong."""

    directory: Path
    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def one(self, line: str) -> None:
        """One line; stdin is empty and is no terminal."""
        common = Common(directory=self.directory, person=PERSON)
        around = {ORIGINAL: line}
        out, err = io.StringIO(), io.StringIO()
        try:
            with (
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
                mock.patch("sys.stdin", io.StringIO("")),
                mock.patch("subprocess.Popen", side_effect=AssertionError("a process")),
                mock.patch("os.execv", side_effect=AssertionError("another program")),
            ):
                code = shell(Session(common), around, lambda words: run_as(words, around, common))
        except BaseException as error:  # noqa: BLE001 - whatever gets out is what is looked for
            self.wrong.append(f"{line!r}: {type(error).__name__}: {error}")
            return
        self.codes[code] += 1
        if "Traceback" in err.getvalue() or not 0 <= code <= 9:
            self.wrong.append(f"{line!r}: code {code}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    roles = {PERSON: ("operator", "supervisor")}
    with tempfile.TemporaryDirectory() as folder:
        before = {path.name for path in Path(folder).rglob("*")} | {path.name for path in Path.cwd().iterdir()}
        with living(
            Path(folder) / "control", shell_account=getpass.getuser(), roles_of=lambda person: roles.get(person, ())
        ) as server:
            fuzzing, began = Fuzzing(server.directory), time.monotonic()
            for line in lines(random.Random(asked.seed), asked.lines):
                fuzzing.one(line)
            after = {path.name for path in Path.cwd().iterdir()}
            acted = Counter(f"{person} {verb}" for person, _, verb, *_ in server.clerk.given)
        print(f"lines {asked.lines}, seed {asked.seed}, {time.monotonic() - began:.0f} s")
        print("exit codes:", dict(sorted(fuzzing.codes.items())))
        print("acted:", dict(acted.most_common(12)))
        print("as another person:", sum(count for name, count in acted.items() if not name.startswith(f"{PERSON} ")))
        print("files made:", sorted(after - before))
        print("wrong:", len(fuzzing.wrong), fuzzing.wrong[:5])


if __name__ == "__main__":
    main()
