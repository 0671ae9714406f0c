"""`gatehouse shell`: what a maintainer lands in over SSH. Words are split and looked up in a list; no other program is ever started.

sshd runs it by `command=` of a root-owned file of keys, so one key is one named person, whatever the account.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping

from gateway.cli import codes
from gateway.cli.common import UsageProblem, split
from gateway.cli.session import Session

LINE_MAX = 4_096
ORIGINAL = "SSH_ORIGINAL_COMMAND"
REFUSED_OPTIONS = ("site", "control", "role")  # where the daemon is, and who somebody is, is not theirs to say

# What may be asked: everything that only speaks with the daemon. Nothing here takes the name of a file.
ALLOWED: dict[str, tuple[str, ...]] = {
    "status": (),
    "version": (),
    "doctor": (),
    "alarm": (
        "list", "show", "ack", "reset", "handover", "shelve", "unshelve", "dispose", "judge", "suppress", "unsuppress",
        "oos", "in-service", "stats", "silence", "watch",
    ),
    "interlock": ("list", "show", "explain", "shadow", "arm", "disarm", "trip", "reset"),
    "bypass": ("list", "set", "clear"),
    "control": ("list", "arm", "disarm", "clear"),
    "permit": ("list", "show", "issue", "revoke"),
    "telling": ("list",),
    "tag": ("list", "show", "watch", "trend"),
    "device": ("list", "show"),
    "time": ("status",),
    "upstream": ("status",),
}  # fmt: skip
LEAVE = ("exit", "quit", "logout")

Run = Callable[[list[str]], int]


def shell(session: Session, around: Mapping[str, str], run: Run) -> int:
    """Run the one command that SSH brought, else every line of the input until its end; the last exit code."""
    if ORIGINAL in around:
        return _line(session, around[ORIGINAL], run)
    session.talk(session.text("shell.hello", person=session.common.person))
    code = codes.OK
    while (line := _read(session)) is not None:
        if line.strip() in LEAVE:
            break
        if line.strip():
            code = _line(session, line, run)
    return code


def _read(session: Session) -> str | None:
    """The next line, None at the end."""
    if sys.stdin.isatty():
        print("gatehouse> ", end="", file=sys.stderr, flush=True)
    try:
        line = sys.stdin.readline(LINE_MAX + 2)
    except UnicodeDecodeError:
        return ""
    except KeyboardInterrupt:
        return ""
    return line or None


def _line(session: Session, line: str, run: Run) -> int:
    """One command."""
    try:
        words = words_of(line)
    except UsageProblem as problem:
        return session.problem(codes.USAGE, problem.key, **problem.args_of_text)
    if not words or words == ["help"]:
        return _help(session)
    return run(words)


def words_of(line: str) -> list[str]:
    """The words of an allowed command, without `gatehouse`. Raises UsageProblem."""
    if len(line) > LINE_MAX:
        raise UsageProblem("shell.long", limit=LINE_MAX)
    if any(not letter.isprintable() and letter not in "\t\r\n" for letter in line):
        raise UsageProblem("shell.letters")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageProblem("shell.quotes", why=error) from None
    if words[:1] == ["gatehouse"]:
        words = words[1:]
    found = split(words)
    for option in REFUSED_OPTIONS:
        if option in found.given:
            raise UsageProblem("shell.option", option=f"--{option}")
    rest = [word for word in found.rest if word != "--help"]
    if rest and rest != ["help"] and not _allowed(rest, asks_help="--help" in found.rest):
        raise UsageProblem("shell.not-allowed", command=" ".join(rest[:2])[:80])
    return words


def _allowed(rest: list[str], *, asks_help: bool) -> bool:
    if rest[0] not in ALLOWED:
        return False
    below = ALLOWED[rest[0]]
    return not below or (len(rest) > 1 and rest[1] in below) or (len(rest) == 1 and asks_help)


def _help(session: Session) -> int:
    for noun, verbs in ALLOWED.items():
        session.talk(f"  {noun} {' | '.join(verbs)}".rstrip())
    return codes.OK
