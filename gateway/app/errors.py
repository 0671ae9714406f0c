"""The catalogue of errors, made from the sentences themselves: `python -m gateway.app.errors FOLDER`."""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from gateway.activation.words import WORDS
from gateway.cli.texts import catalogue
from gateway.control.messages import LANGUAGES
from gateway.control.texts import TEXTS
from gateway.rulebook import sentences as rulebook
from gateway.rulebook.prove.sentences import SAID
from gateway.rulebook.workbook.sentences import WORKBOOK
from gateway.runtime.words import ANSWERS
from gateway.site import messages as site

FILES = {"en": "errors.md", "zh-CN": "errors.zh-CN.md"}
_HEADS = {
    "en": (
        "Errors and what to do",
        "Made from the program by `python -m gateway.app.errors docs`. `{…}` stands for what is named at the time. Every error says where"
        " it is; `-o json` gives its code.",
        ("code", "what it says", "what to do"),
        "What is wrong with a site folder (`gatehouse check`, exit code 9)",
        "What is wrong with rules and workbooks (`gatehouse check`, exit code 9)",
        "What the prover finds (`gatehouse rule check`, `gatehouse rule submit`)",
        "Why a version of the rules is not signed or armed",
        "Why something that was asked is not done (page and command line)",
        "What the doctor finds",
        "Exit codes",
    ),
    "zh-CN": (
        "错误与处理",
        "本文由程序生成：`python -m gateway.app.errors docs`。`{…}` 表示当时的具体内容。每条错误均给出位置，`-o json` 可得到代码。",
        ("代码", "含义", "处理"),
        "站点文件夹的问题（`gatehouse check`，退出码 9）",
        "规则与因果表的问题（`gatehouse check`，退出码 9）",
        "规则证明的结果（`gatehouse rule check`、`gatehouse rule submit`）",
        "规则版本不能签署或投用的原因",
        "请求未执行的原因（页面与命令行）",
        "自检项目",
        "退出码",
    ),
}


def page(language: str) -> str:
    """The whole catalogue in `language`."""
    title, note, heads, *sections = _HEADS[language]
    zh = language == "zh-CN"
    versions = ((code, texts[zh], "") for code, texts in sorted(WORDS.items()))
    asked = ((code, texts[language], "") for code, texts in sorted({**TEXTS, **ANSWERS}.items()))
    tables = [
        _table(heads, _told(site.SENTENCES, zh)),
        _table(heads, _told({**rulebook.SENTENCES, **WORKBOOK}, zh)),
        _table(heads, _told(SAID, zh)),
        _table(heads[:2], versions),
        _table(heads[:2], asked),
        _table(heads, _doctor(language)),
        catalogue(language)["reference.codes"],
    ]
    parts = [f"# {title}", note]
    for section, table in zip(sections, tables, strict=True):
        parts += [f"## {section}", table]
    return "\n\n".join(parts) + "\n"


class _Sentence(Protocol):
    """What is wrong and what to do, as every room that checks something says it."""

    @property
    def en(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def remedy_en(self) -> str: ...
    @property
    def remedy_zh(self) -> str: ...


def _told(sentences: Mapping[str, _Sentence], zh: bool) -> Iterator[tuple[str, str, str]]:
    for code, said in sorted(sentences.items()):
        yield code, said.zh if zh else said.en, said.remedy_zh if zh else said.remedy_en


def _doctor(language: str) -> Iterator[tuple[str, str, str]]:
    texts = catalogue(language)
    for key, remedy in sorted(texts.items()):
        name = key.removeprefix("remedy.")
        if key.startswith("remedy."):
            yield name, texts.get(f"doctor.{name}", name), remedy


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, str, str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += ["| " + " | ".join((f"`{row[0]}`", *map(_plain, row[1 : len(heads)]))) + " |" for row in rows]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A cell of a table: one line, its names in braces without their formats."""
    named = "".join(
        before + (f"{{{name}}}" if name is not None else "") for before, name, _, _ in string.Formatter().parse(text)
    )
    return named.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def write(folder: Path) -> None:
    """Write the catalogue of every language into `folder`."""
    for language in LANGUAGES:
        (folder / FILES[language]).write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
