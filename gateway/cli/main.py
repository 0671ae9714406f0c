"""The entry point of `gatehouse`: common options first, then the quick commands without typer, then all others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.cli import codes, readings
from gateway.cli.client import Unreachable
from gateway.cli.common import Common, UsageProblem, environment, language_of, settle, split
from gateway.cli.session import Session
from gateway.cli.texts import say

# Asked by people in a hurry and by scripts every second: they do not wait for typer to load.
_QUICK: dict[tuple[str, ...], Callable[[Session], int]] = {
    ("status",): readings.status,
    ("status", "--exit-code"): lambda session: readings.status(session, exit_code=True),
    ("version",): readings.version,
    ("alarm", "list"): lambda session: readings.read(session, "alarm", "list"),
    ("interlock", "list"): lambda session: readings.read(session, "interlock", "list"),
    ("bypass", "list"): lambda session: readings.read(session, "bypass", "list"),
    ("tag", "list"): lambda session: readings.read(session, "tag", "list"),
    ("device", "list"): lambda session: readings.read(session, "device", "list"),
    ("upstream", "status"): lambda session: readings.read(session, "upstream", "status"),
}


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    sys.exit(run(sys.argv[1:], environment()))


def run(words: list[str], around: Mapping[str, str]) -> int:
    """Run `words` with the environment `around`; returns the exit code."""
    try:
        found = split(words)
        common = settle(found.given, around)
    except UsageProblem as problem:
        print(say(language_of(around), problem.key, **problem.args_of_text), file=sys.stderr)
        return codes.USAGE
    return _run(common, found.rest)


def run_as(words: list[str], around: Mapping[str, str], shell: Common) -> int:
    """Run one line of `gatehouse shell`: where the daemon is and who asks is said by the shell, not by the line."""
    try:
        found = split(words)
        common = settle({"language": shell.language, **found.given}, around)
    except UsageProblem as problem:
        print(say(shell.language, problem.key, **problem.args_of_text), file=sys.stderr)
        return codes.USAGE
    return _run(replace(common, directory=shell.directory, site=shell.site, person=shell.person), found.rest)


def _run(common: Common, rest: list[str]) -> int:
    session = Session(common)
    quick = _QUICK.get(tuple(rest))
    try:
        return quick(session) if quick is not None else _by_typer(session, common, rest)
    except Unreachable as gone:
        return session.problem(gone.code, gone.key, **gone.args_of_text)
    except BrokenPipeError:  # the reader of our data has gone, as `head` does
        sys.stderr.close()
        return codes.OK
    except KeyboardInterrupt:
        return codes.FAILED


def _by_typer(session: Session, common: Common, rest: list[str]) -> int:
    from gateway.cli.parse import parse

    return parse(session, common.language, rest)


if __name__ == "__main__":
    main()
