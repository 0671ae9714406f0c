"""`gatehouse record list|export|replay|bundles SITE`: what a site recorded, in a process of its own and with the daemon dead or alive."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec

from gateway.app import trips
from gateway.app.examine import examine
from gateway.app.speech import Speech
from gateway.core.kernel import Kernel
from gateway.offline.record import UnknownTagError, export, list_records
from gateway.offline.replay import Outcome, replay
from gateway.site.report import text as as_text

OK, FAILED, USAGE, NOT_FOUND, INVALID = 0, 1, 2, 4, 9

_WORDS = {
    "time": ("{value} is no time; write 2026-11-23T08:00:00Z.", "{value} 不是有效时间，请写成 2026-11-23T08:00:00Z。"),
    "nothing": ("Nothing is recorded in {value}.", "{value} 中没有记录。"),
    "tag": ("No recording knows the tag {value}.", "记录中没有位号 {value}。"),
    "other": ("The recording was made with another rule set: {value}", "记录使用的是另一套规则：{value}"),
    "rows": ("{value} rows written", "已写出 {value} 行"),
}
_say = Speech(_WORDS)


class Refused(Exception):
    """Ends a command with an exit code and a word to say."""

    def __init__(self, code: int, key: str, value: object) -> None:
        super().__init__(key)
        self.code, self.key, self.value = code, key, value

    def say(self, lang: str) -> int:
        """Tell it, and the code."""
        _say(self.key, lang, value=self.value)
        return self.code


def record(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of list, export, replay, bundles of a site, or verify, replay, report of a bundle; data to stdout, talk to stderr."""
    lang = args.get("lang", "en")
    if verb in ("verify", "report") or site.is_file():
        return trips.on_bundle(verb, site, args)
    checked = examine(site)
    if checked.site is None or checked.program is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    directory = checked.site.storage.directory
    try:
        if verb == "list":
            _show(
                [msgspec.to_builtins(row) for row in list_records(directory / "history")], args.get("output", "table")
            )
            return OK
        if verb == "bundles":
            return trips.bundles(directory, args)
        if verb == "export":
            return _export(directory / "history", args, lang)
        table, program, plan = checked.site.table, checked.program, checked.site.plan
        return _replay(directory, lambda: Kernel(table, program, 0, plan=plan), args)
    except Refused as refused:
        return refused.say(lang)


def utc_ms(text: str) -> int | None:
    """A time of the command line, UTC where it names no zone; None for an empty one. Raises Refused."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(USAGE, "time", text) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def _export(history: Path, args: dict[str, str], lang: str) -> int:
    since, until = utc_ms(args.get("from", "")), utc_ms(args.get("to", ""))
    tags = [tag for tag in args.get("tags", "").split(",") if tag]
    where = args.get("out", "-")
    output = args.get("output", "csv")

    def write(out: TextIO) -> int:
        form: Any = "jsonl" if output in ("json", "jsonl") else "csv"
        return export(history, out, tags=tags, from_utc_ms=since, to_utc_ms=until, fmt=form)

    try:
        if where == "-":
            rows = write(sys.stdout)
        else:
            with Path(where).open("w", encoding="utf-8", newline="") as out:
                rows = write(out)
    except UnknownTagError as error:
        raise Refused(NOT_FOUND, "tag", error.tag) from error
    _say("rows", lang, value=rows)
    return OK


def _replay(directory: Path, make: Callable[[], Kernel], args: dict[str, str]) -> int:
    """The latest boot from its first snapshot; 0 where every decision is the journal's, 1 where one is not."""
    try:
        outcome = replay(directory / "history", make, journal=directory / "journal" / "journal.db")
    except LookupError as error:
        raise Refused(NOT_FOUND, "nothing", directory) from error
    except ValueError as error:
        raise Refused(FAILED, "other", error) from error
    _show([msgspec.to_builtins(outcome)], args.get("output", "table"))
    return OK if _same(outcome) else FAILED


def _same(outcome: Outcome) -> bool:
    return outcome.equal == outcome.decisions and not outcome.differing


def _show(rows: Sequence[dict[str, Any]], output: str) -> None:
    if output == "json":
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    elif output == "jsonl":
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif output == "csv" and rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    else:
        for row in rows:
            width = max(map(len, row))
            for name, value in row.items():
                print(f"{name:<{width}}  {value}")
            print()
