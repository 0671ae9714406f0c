"""`gatehouse tag import|export|diff SITE`: the tag list of a site, those of other tools, and what a device tells of its tags."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.app.speech import Speech
from gateway.commission.formats import FORMATS, recognise
from gateway.commission.found import Imported, named, told
from gateway.commission.merge import Merge, Step, csv_text, merge, replace_file
from gateway.core.errors import Problem, SourceError
from gateway.site.load import SITE, TAGS, WORKBOOK, TagList, read_tag_list
from gateway.site.report import text as as_text
from gateway.site.text import read

OK, FAILED, USAGE, NOT_FOUND, INVALID = 0, 1, 2, 4, 9
SPREADSHEET = "utf-8-sig"  # with its mark a spreadsheet shows Chinese
SHOWN_MAX = 40  # problems, and steps of one kind, on a terminal; all of them with -o json

_WORDS = {
    "unwritten": ("{file} cannot be used: {what}.", "无法使用 {file}：{what}。"),
    "wrong-source": ("[source.{source}] is not in order: gatehouse check.", "[source.{source}] 有误，请执行 gatehouse check。"),
    "site": ("Without a readable site.toml there is no list.", "site.toml 不可读，无法处理位号表。"),
    "no-browse": (
        "A {driver} device does not tell its tags: name the file of the tool that programmed it.",
        "{driver} 设备不提供位号表：请给出其组态软件导出的文件。",
    ),
    "device": ("{source} did not tell its tags: {what}", "{source} 未能给出位号表：{what}"),
    "nothing": ("{file} has no tag that could be taken.", "{file} 中没有可导入的位号。"),
    "format": ("There is no format {value}; use {right}.", "没有格式 {value}，可用：{right}。"),
    "source": ("site.toml has no [source.{value}]; it has {right}.", "site.toml 中没有 [source.{value}]，已有：{right}。"),
    "one-source": ("Say with --source to which of {right} the tags belong.", "请用 --source 指明位号属于哪个数据源：{right}。"),
    "workbook": (
        "{file} is a workbook: an import writes tags.csv. Save the list as tags.csv (CSV UTF-8) and remove the workbook.",
        "{file} 为 Excel 文件，而导入写入 tags.csv。请将其另存为 tags.csv（CSV UTF-8）并移除 Excel 文件。",
    ),
    "read": ("{file}: {format}, {count} tags", "{file}：{format}，{count} 个位号"),
    "sum": (
        "new {add}, changed {change}, same {same}, in the list but not in the file {missing} (they stay)",
        "新增 {add}，变更 {change}，相同 {same}，表中有而文件中无 {missing}（保留）",
    ),
    "dry": ("Nothing was written. With --apply it is.", "未写入任何内容；加 --apply 才会写入。"),
    "wrong": ("Nothing was written: repair the errors above first.", "未写入：请先改正上述错误。"),
    "nothing-new": ("{file} stays as it is: the import changes nothing.", "{file} 保持不变：导入内容无变化。"),
    "written": ("{file} is written; what stood there is {kept}.", "已写入 {file}，原文件保留为 {kept}。"),
    "new": ("{file} is written.", "已写入 {file}。"),
    "more": ("… and {count} more", "……另有 {count} 个"),
}  # fmt: skip
_say = Speech(_WORDS)
_SIGN = {"add": "+", "change": "~", "missing": "?"}


class _Stop(Exception):
    """Ends a command with an exit code and a word to say."""

    def __init__(self, code: int, key: str, **args: object) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args


def tag_list(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of import, diff, export; data to stdout, talk to stderr. 9 where the list has, or would have, errors."""
    lang = args.get("lang", "en")
    try:
        listed = _listed(site, lang)
        if verb == "export":
            return _export(listed, args)
        return _import(listed, args, write=verb == "import" and args.get("apply") == "yes")
    except _Stop as stop:
        _say(stop.key, lang, **stop.args_of_text)
        return stop.code
    except OSError as error:
        return _say.leave(FAILED, "unwritten", lang, file=error.filename or site, what=error.strerror or str(error))


def _listed(site: Path, lang: str) -> TagList:
    listed = read_tag_list(site)
    if listed.toml is None:
        print(as_text(listed.problems, lang), end="", file=sys.stderr)
        raise _Stop(INVALID, "site")
    return listed


def _export(listed: TagList, args: dict[str, str]) -> int:
    """The list as CSV, one source of it if asked."""
    table, source = listed.table, args.get("source", "")
    rows = [dict(row.cells) for row in table.rows if not source or row["source"] == source] if table else []
    text = csv_text([*table.columns] if table else [], rows)
    if args.get("out", "-") == "-":
        sys.stdout.write(text)
    else:
        Path(args["out"]).write_text(text, encoding=SPREADSHEET)
    return OK


def _import(listed: TagList, args: dict[str, str], *, write: bool) -> int:
    """From a file, or without one from the device itself."""
    lang = args.get("lang", "en")
    source = _source(listed, args.get("source", ""))
    if args["file"]:
        name = Path(args["file"]).name
        form, imported = _read(Path(args["file"]), args.get("format", ""))
    else:
        name, form = source, listed.sources[source].driver
        imported = _ask(listed, source)
    if not imported.tags:
        _print(imported.problems, args)
        raise _Stop(FAILED, "nothing", file=name)
    merged = merge(listed.table, source, named(imported.tags, source))
    problems = imported.problems + listed.unread() + _in_the_file(_errors(listed.check(merged.text())), merged)
    _show(merged, args.get("output", "table"), lang)
    _print(problems, args)
    _say("read", lang, file=name, format=form, count=len(imported.tags))
    counts = {kind: merged.count(kind) for kind in ("add", "change", "same", "missing")}
    _say("sum", lang, **counts)
    if _errors(problems):
        raise _Stop(INVALID, "wrong")
    if not counts["add"] + counts["change"]:
        _say("nothing-new", lang, file=TAGS)
        return OK
    if not write:
        _say("dry", lang)
        return OK
    if (listed.folder / WORKBOOK).exists():
        raise _Stop(FAILED, "workbook", file=WORKBOOK)
    kept = replace_file(listed.folder / TAGS, merged.text(), SPREADSHEET)
    _say("written" if kept else "new", lang, file=TAGS, kept=kept.name if kept else "")
    return OK


def _errors(problems: Iterable[Problem]) -> list[Problem]:
    return [found for found in problems if found.severity == "error"]


def _in_the_file(problems: Sequence[Problem], merged: Merge) -> list[Problem]:
    """Errors of the merged list at the row of the import that brought them; the others where they stand."""
    came = {step.tag: step.where for step in merged.steps}
    out = []
    for found in problems:
        at = found.line - 2  # the list as written has its headings in line 1
        where = came.get(merged.rows[at]["tag"], "") if 0 <= at < len(merged.rows) else ""
        out.append(msgspec.structs.replace(found, file=where, line=0, column=0) if where else found)
    return out


def _print(problems: Sequence[Problem], args: dict[str, str]) -> None:
    """What keeps the list from being written comes first; on a terminal the first of many."""
    most = SHOWN_MAX if args.get("output", "table") == "table" else None
    if problems:
        errors_first = sorted(problems, key=lambda found: found.severity != "error")
        print(as_text(errors_first, args.get("lang", "en"), most), end="", file=sys.stderr)


def _source(listed: TagList, source: str) -> str:
    known = [*listed.sources]
    if not source and len(known) == 1:
        return known[0]
    if not source:
        raise _Stop(USAGE, "one-source", right=", ".join(known) or SITE)
    if source not in known:
        raise _Stop(NOT_FOUND, "source", value=source, right=", ".join(known) or "–")
    return source


def _read(file: Path, form: str) -> tuple[str, Imported]:
    data, problems = read(file, file.name)
    if data is None:
        return form, Imported([], problems)
    if form and form not in FORMATS:
        raise _Stop(USAGE, "format", value=form, right=", ".join(FORMATS))
    form = form or recognise(file.name, data)
    return form, FORMATS[form](file.name, data)


def _ask(listed: TagList, source: str) -> Imported:
    draft = listed.sources[source]
    if draft.settings is None:
        raise _Stop(INVALID, "wrong-source", source=source)
    if not hasattr(draft.module, "browse"):
        raise _Stop(USAGE, "no-browse", driver=draft.driver)
    try:
        return told(asyncio.run(draft.module.browse(draft.settings)))
    except SourceError as error:
        raise _Stop(FAILED, "device", source=source, what=error) from error


def _show(merged: Merge, output: str, lang: str) -> None:
    steps = [step for step in merged.steps if step.kind != "same"]
    if output in ("json", "jsonl"):
        plain: list[dict[str, Any]] = [msgspec.to_builtins(step) for step in steps]
        if output == "json":
            print(json.dumps(plain, ensure_ascii=False, indent=2))
        else:
            print("\n".join(json.dumps(one, ensure_ascii=False) for one in plain))
        return
    for kind, sign in _SIGN.items():
        _show_kind([step for step in steps if step.kind == kind], sign, lang)


def _show_kind(steps: Sequence[Step], sign: str, lang: str) -> None:
    for step in steps[:SHOWN_MAX]:
        cells = ", ".join(
            f"{change.column} {change.before} → {change.after}" if change.before else f"{change.column} {change.after}"
            for change in step.changes
        )
        print(f"{sign} {step.tag}  {cells}".rstrip())
    if len(steps) > SHOWN_MAX:
        print(_say.text("more", lang, count=len(steps) - SHOWN_MAX))
