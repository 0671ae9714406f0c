"""The help of one command as text, in one language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.cli.examples import EXAMPLES
from gateway.cli.tables import pad, width
from gateway.cli.texts import catalogue, say

COMMON = ("-o, --output", "--watch", "--lang", "--role", "--control", "--site")


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """`command` and all below it with their paths, in the order of help."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


def help_text(command: Any, path: tuple[str, ...], language: str) -> str:
    """Usage, what it does, its words, an example."""
    texts = catalogue(language)
    arguments, options = _parameters(command, language)
    below = [(name, texts[f"help.{'.'.join((*path, name))}"]) for name in getattr(command, "commands", {})]
    parts = [
        say(language, "help.usage", usage=usage(command, path)),
        texts[f"help.{'.'.join(path) or 'root'}"],
        *_block(texts["help.arguments"], arguments),
        *_block(texts["help.options"], options),
        *_block(texts["help.commands"], below),
    ]
    example = EXAMPLES.get(" ".join(path))
    parts += [say(language, "help.example", example=example)] if example else []
    parts += _block(texts["help.common"], [(name, texts[f"common.{name.split('--')[1]}"]) for name in COMMON])
    return "\n\n".join(parts)


def usage(command: Any, path: tuple[str, ...]) -> str:
    """The form of the command line."""
    words = ["gatehouse", *path]
    if getattr(command, "commands", None):
        return " ".join([*words, "COMMAND …"])
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = parameter.name.upper() + ("…" if parameter.nargs == -1 else "")
            words.append(name if parameter.required else f"[{name}]")
        elif parameter.required:
            words.append(_option(parameter))
    return " ".join([*words, "[…]"] if any(not parameter.required for parameter in command.params) else words)


def _parameters(command: Any, language: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    texts = catalogue(language)
    arguments, options = [], []
    for parameter in command.params:
        text = texts[f"option.{parameter.name}"]
        if parameter.param_type_name == "argument":
            arguments.append((parameter.name.upper(), text))
        else:
            text += f" {texts['help.required']}" if parameter.required else ""
            options.append((_option(parameter), text))
    return arguments, options


def _option(parameter: Any) -> str:
    name = str(parameter.opts[0])
    return name if parameter.is_flag else f"{name} {name.lstrip('-').upper()}"


def _block(title: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    left = max(width(name) for name, _ in rows)
    return ["\n".join([title, *(f"  {pad(name, left)}  {text}" for name, text in rows)])]
