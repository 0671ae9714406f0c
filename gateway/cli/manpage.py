"""The manual pages, made from the commands themselves: `python -m gateway.cli.manpage FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.build import build
from gateway.cli.help import COMMON, help_text, usage, walk
from gateway.cli.texts import catalogue
from gateway.control.messages import LANGUAGES

FILES = {"en": "gatehouse.1", "zh-CN": "gatehouse.zh-CN.1"}


def page(language: str) -> str:
    """The whole page in `language`, in the man macros."""
    texts = catalogue(language)
    parts = [
        '.TH GATEHOUSE 1 "" "Gatehouse" "Gatehouse"',
        f".SH {texts['man.name']}",
        f"gatehouse \\- {_plain(texts['help.root'])}",
        f".SH {texts['man.synopsis']}",
        ".B gatehouse\nCOMMAND \\fR[\\fIoptions\\fR]",
        f".SH {texts['man.common']}",
        *(f".TP\n.B {_plain(name)}\n{_plain(texts['common.' + name.split('--')[1]])}" for name in COMMON),
        f".SH {texts['man.commands']}",
    ]
    for path, command in walk(build(language)):
        if path and not getattr(command, "commands", None):
            told = help_text(command, path, language).partition(f"\n\n{texts['help.common']}")[0]
            body = told.partition("\n\n")[2]
            parts.append(f".SS {_plain(usage(command, path))}\n.nf\n{_lines(body)}\n.fi")
    parts += [
        f".SH {texts['man.exit']}",
        f".nf\n{_lines(texts['reference.codes'])}\n.fi",
        f".SH {texts['man.files']}",
        ".I /etc/gatehouse/site\n.br\n.I /var/lib/gatehouse\n.br\n.I /run/gatehouse",
    ]
    return "\n".join(parts) + "\n"


def _plain(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")


def _lines(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())


def write(folder: Path) -> None:
    """Write the page of every language into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        (folder / FILES[language]).write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
