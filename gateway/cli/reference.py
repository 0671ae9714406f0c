"""The command reference of the manual, made from the commands themselves: `python -m gateway.cli.reference FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.build import build
from gateway.cli.help import help_text, walk
from gateway.cli.texts import catalogue
from gateway.control.messages import LANGUAGES

FILES = {"en": "cli.md", "zh-CN": "cli.zh-CN.md"}


def reference(language: str) -> str:
    """The whole reference in `language`, as Markdown."""
    texts = catalogue(language)
    parts = [f"# {texts['reference.title']}", texts["reference.note"], texts["reference.codes"]]
    for path, command in walk(build(language)):
        parts.append(f"## `{' '.join(('gatehouse', *path))}`")
        parts.append(f"```text\n{_without_common(help_text(command, path, language), path, texts)}\n```")
    return "\n\n".join(parts) + "\n"


def _without_common(text: str, path: tuple[str, ...], texts: dict[str, str]) -> str:
    """The common options stand in the manual once, at the root."""
    return text.partition(f"\n\n{texts['help.common']}")[0] if path else text


def write(folder: Path) -> None:
    """Write the reference of every language into `folder`."""
    for language in LANGUAGES:
        (folder / FILES[language]).write_text(reference(language), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
