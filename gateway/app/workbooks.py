"""`gatehouse rule export|import|tests`: the cause & effect workbook of a site, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.app.examine import CHECK_INVALID
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.site import TagIndex
from gateway.rulebook.workbook.archive import ArchiveError, unpack
from gateway.rulebook.workbook.export import ExportError, export
from gateway.rulebook.workbook.render import MatrixSheet, sheet_of
from gateway.rulebook.workbook.show import left_as_text, listed
from gateway.rulebook.workbook.testlist import test_list
from gateway.rulebook.workbook.write import csv_text, xlsx_bytes
from gateway.site import Site, load_site
from gateway.site.report import text as as_text
from gateway.site.text import decode

OK, FAILED, USAGE = 0, 1, 2

_WORDS = {
    "unread": ("{file} cannot be read: {what}.", "无法读取 {file}：{what}。"),
    "suffix": ("{file} is no workbook: its name ends in .xlsx or .csv.", "{file} 不是因果表：文件名应以 .xlsx 或 .csv 结尾。"),
    "exists": ("{file} exists already; name another file.", "{file} 已存在，请另取文件名。"),
    "rules": ("The rules have errors: run gatehouse check.", "规则有错误，请运行 gatehouse check。"),
}  # fmt: skip


class _Stop(Exception):
    """Ends a command with an exit code and something to say, in English and Chinese."""

    def __init__(self, code: int, key: str, **args: str | tuple[str, str]) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args

    def said(self, chinese: bool) -> str:
        args = {name: arg if isinstance(arg, str) else arg[chinese] for name, arg in self.args_of_text.items()}
        return _WORDS[self.key][chinese].format_map(args)


def rule(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of export, import, tests; files and data to where they belong, talk to stderr."""
    lang = args.get("lang", "en")
    loaded = load_site(site)
    if loaded.site is None:
        print(as_text(loaded.problems, lang), end="", file=sys.stderr)
        return CHECK_INVALID
    try:
        if verb == "export":
            return _export(loaded.site, Path(args["file"]), lang)
        return _workbook(verb, loaded.site.table, Path(args["file"]), args, lang)
    except _Stop as stop:
        print(stop.said(lang.startswith("zh")), file=sys.stderr)
        return stop.code
    except OSError as error:
        what = error.strerror or str(error)
        print(_Stop(FAILED, "unread", file=args["file"], what=what).said(lang.startswith("zh")), file=sys.stderr)
        return FAILED


def _export(site: Site, file: Path, lang: str) -> int:
    """All rules of the site into one workbook; what the matrix cannot say is told."""
    try:
        layout = export(list(site.rules), site.table)
    except ExportError as error:
        raise _Stop(CHECK_INVALID, "rules") from error
    if file.suffix == ".xlsx":
        data = xlsx_bytes(layout, [tag.name for tag in site.table.tags if not tag.hidden])
    elif file.suffix == ".csv":
        data = csv_text(layout).encode("utf-8-sig")  # Excel takes UTF-8 without the mark for GBK
    else:
        raise _Stop(USAGE, "suffix", file=str(file))
    _write_new(file, data)
    print(left_as_text(layout, lang), end="", file=sys.stderr)
    return OK


def _workbook(verb: str, table: TagTable, file: Path, args: dict[str, str], lang: str) -> int:
    """The rules of a workbook as text, or its test list; its problems where it has errors."""
    text = _plain(file)
    compiled = compile_rules([(file.name, text)], table)
    print(as_text(compiled.problems, lang), end="", file=sys.stderr)
    if compiled.program is None:
        return CHECK_INVALID
    sheet = sheet_of(file.name, text, TagIndex(table))
    assert isinstance(sheet, MatrixSheet)
    if verb == "import":
        shown = sheet.text
    else:
        shown = listed(test_list(sheet.matrix, compiled.program, table), args.get("output", "table"), lang)
    if args.get("out", "-") in ("", "-"):
        print(shown, end="")
    else:
        _write_new(Path(args["out"]), shown.encode())
    return OK


def _plain(file: Path) -> str:
    """The workbook as the rulebook takes it."""
    data = file.read_bytes()
    try:
        if file.suffix == ".xlsx":
            return unpack(data)
        if file.suffix == ".csv":
            return decode(data)
    except ArchiveError as error:
        raise _Stop(CHECK_INVALID, "unread", file=str(file), what=(error.en, error.zh)) from error
    except UnicodeDecodeError as error:
        what = ("neither UTF-8 nor GBK", "既不是 UTF-8 也不是 GBK 编码")
        raise _Stop(CHECK_INVALID, "unread", file=str(file), what=what) from error
    raise _Stop(USAGE, "suffix", file=str(file))


def _write_new(file: Path, data: bytes) -> None:
    """Writes a file that is not there yet: nobody's matrix is lost to a slip."""
    try:
        with file.open("xb") as out:
            out.write(data)
    except FileExistsError as error:
        raise _Stop(FAILED, "exists", file=str(file)) from error
