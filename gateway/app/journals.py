"""`gatehouse journal verify|head|backup|restore SITE`: the evidence as files, with the daemon dead or alive."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.app.examine import examine
from gateway.app.speech import Speech
from gateway.journal import anchor
from gateway.journal.backup import BackupError, backup, restore
from gateway.journal.chain import Head
from gateway.journal.verify import Verdict, verify
from gateway.site.report import text as as_text

OK, FAILED, USAGE, INVALID = 0, 1, 2, 9

_WORDS = {
    "whole": (
        "The journal is whole: {rows} rows, {first} to {head}; {anchors} anchors met.",
        "日志完整：{rows} 行，起于 {first}，止于 {head}；核对锚点 {anchors} 个。",
    ),
    "edited": ("Rows up to {seq} were changed, inserted or removed.", "第 {seq} 行及之前有记录被改动、插入或删除。"),
    "differs": ("Row {seq} is not the one that was anchored.", "第 {seq} 行与锚点不符。"),
    "missing": ("Row {seq}, which was anchored or noted, is not there.", "锚点或记录所指的第 {seq} 行不存在。"),
    "truncated": (
        "The journal ends before its anchor at row {seq}.",
        "日志在锚点第 {seq} 行之前就结束：已被截断或回滚。",
    ),
    "unreadable": ("SQLite cannot read it at row {seq}: {text}", "SQLite 无法读取（第 {seq} 行）：{text}"),
    "broken": ("The chain breaks between files at row {seq}: {text}", "各段之间的链在第 {seq} 行断开：{text}"),
    "anchor": ("{text} is no anchor; write SEQ:SHA256.", "{text} 不是锚点，请写成 序号:SHA256。"),
    "exists": ("{what} exists already.", "{what} 已存在。"),
    "none": ("{what} is not there.", "{what} 不存在。"),
    "changed": ("{what} is not what was backed up.", "{what} 与备份时不一致。"),
    "unsound": ("The journal is not sound: {what}", "日志不完好：{what}"),
    "in-use": ("A gateway runs on {what}; stop it first.", "{what} 上有网关在运行，请先停止。"),
    "failed": ("Failed: {what}", "失败：{what}"),
    "backed": ("{rows} rows, head {head}, in {what}", "已备份 {rows} 行，链头 {head}，位于 {what}"),
    "restored": ("{rows} rows, head {head}, are the journal of {what}", "已恢复 {rows} 行，链头 {head}，用于 {what}"),
}
_say = Speech(_WORDS)


def journal(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of verify, head, backup, restore; data to stdout, talk to stderr."""
    lang = args["lang"]
    checked = examine(site)
    if checked.site is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    directory = checked.site.storage.directory
    try:
        if verb in ("verify", "head"):
            return (
                _verify(directory / "journal", args, lang) if verb == "verify" else _head(directory / "journal", lang)
            )
        target = Path(args["folder"])
        if verb == "backup":
            manifest = backup(directory / "journal", target)
            _say("backed", lang, rows=manifest.rows, head=manifest.head, what=target)
            return OK
        with _alone(directory):
            manifest = restore(target, directory / "journal")
        _say("restored", lang, rows=manifest.rows, head=manifest.head, what=directory)
    except BackupError as error:
        _say(error.code, lang, what=error.what)
        return FAILED
    except (sqlite3.Error, OSError) as error:
        _say("failed", lang, what=error)
        return FAILED
    return OK


def _verify(directory: Path, args: dict[str, str], lang: str) -> int:
    anchors = list[Head]()
    for text in _anchors(args):
        try:
            anchors.append(Head.parse(text))
        except ValueError:
            _say("anchor", lang, text=text)
            return USAGE
    verdict = verify(directory, anchors)
    if args["output"] in ("json", "jsonl"):
        print(json.dumps(_as_json(verdict), ensure_ascii=False))
    elif verdict.ok:
        words = {"rows": verdict.rows, "first": verdict.first.seq + 1, "head": verdict.head, "anchors": verdict.anchors}
        print(_say.text("whole", lang, **words))
    for found in verdict.found:
        _say(found.what, lang, seq=found.seq, text=found.text)
    return OK if verdict.ok else FAILED


def _anchors(args: dict[str, str]) -> Iterator[str]:
    """Those of the command line, and those that `upstream watch -o json` wrote into a file."""
    yield from args["anchor"].split()
    if args["anchors"]:
        with Path(args["anchors"]).open(encoding="utf-8") as lines:
            for line in lines:
                text = line.strip()
                found = json.loads(text).get("anchor", "") if text.startswith("{") else text
                if found:
                    yield found


def _head(directory: Path, lang: str) -> int:
    """The last place of the chain that was written beside the file: to be copied where nobody can reach it."""
    found = anchor.read(directory)
    if found is None:
        _say("none", lang, what=directory / anchor.FILE)
        return FAILED
    print(found)
    return OK


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "ok": verdict.ok,
        "rows": verdict.rows,
        "first": str(verdict.first),
        "head": str(verdict.head),
        "anchors": verdict.anchors,
        "found": [found._asdict() for found in verdict.found],
    }


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the lock that a running gateway holds."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError("in-use", str(directory)) from error
    finally:
        os.close(handle)
