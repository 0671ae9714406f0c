"""Running a command by typer, and saying in the reader's language what is wrong with a command line."""

from __future__ import annotations

import re
from typing import Any

from typer.exceptions import Abort, Exit, TyperException

from gateway.cli import codes
from gateway.cli.build import build
from gateway.cli.session import Session
from gateway.cli.texts import say

# What typer says in English only, and no exception of its own tells apart.
_MESSAGES = (
    (r"No such command '(?P<name>.*?)'", "usage.no-command"),
    (r"Got unexpected extra argument\(s\) \((?P<words>.*)\)", "usage.extra"),
    (r"Option '(?P<option>.*)' requires an argument", "usage.value"),
    (r"value for '(?P<name>.*?)': Input should be a valid integer", "usage.integer"),
    (r"value for '(?P<name>.*?)': Input should be a valid number", "usage.number"),
    (r"value for '(?P<option>.*?)': .*'(?P<value>.*?)' is not one of (?P<right>.*)\.", "usage.choice"),
)


def parse(session: Session, language: str, words: list[str]) -> int:
    """Run `words` through the command tree in `language`; returns the exit code."""
    tree = build(language)
    try:
        code: Any = tree.main(words, prog_name="gatehouse", standalone_mode=False, obj=session)
    except TyperException as wrong:
        session.talk(_said(wrong, language))
        return codes.USAGE
    except Exit as left:
        return left.exit_code
    except Abort:
        return codes.FAILED
    return code if isinstance(code, int) else codes.OK


def _said(wrong: Any, language: str) -> str:
    """What is wrong; typer's own kinds are known by their class name, because it does not publish them."""
    kind, context = type(wrong).__name__, getattr(wrong, "ctx", None)
    if kind == "NoArgsIsHelpError":
        return str(wrong.format_message())
    where = context.command_path if context is not None else "gatehouse"
    return f"{_what(wrong, kind, language)}\n{say(language, 'usage.help', command=where)}"


def _what(wrong: Any, kind: str, language: str) -> str:
    if kind == "NoSuchOption":
        return say(language, "usage.no-option", option=wrong.option_name)
    if kind == "MissingParameter" and wrong.param is not None:
        parameter = wrong.param
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
        return say(language, "usage.missing", name=name)
    message = wrong.format_message()
    for pattern, key in _MESSAGES:
        found = re.search(pattern, message)
        if found is not None:
            return say(language, key, **{name: text.replace("'", "") for name, text in found.groupdict().items()})
    return say(language, "usage.wrong", why=message)
