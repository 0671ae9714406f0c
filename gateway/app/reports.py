"""`gatehouse report evidence|verify|sample`: what may be said about half a year, with the daemon dead or alive."""

from __future__ import annotations

import csv
import importlib.metadata
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.app.acceptance import acceptance
from gateway.app.examine import examine
from gateway.app.periodic import DEFAULT_HOURS, periodic
from gateway.app.records import Refused, utc_ms
from gateway.app.speech import Speech
from gateway.journal import chain, segments
from gateway.offline import halfyear, halfyear_page
from gateway.offline.audited import audited
from gateway.offline.keys import box_key, load_public
from gateway.offline.recount import recount
from gateway.offline.suppression import sample
from gateway.site import Site
from gateway.site.report import text as as_text

OK, FAILED, USAGE, NOT_FOUND, INVALID = 0, 1, 2, 4, 9

_WORDS = {
    "window": (
        "Say a window: --from and --to, the first before the second.",
        "请给出统计周期：--from 与 --to，前者须早于后者。",
    ),
    "written": ("Written: {what}", "已写入：{what}"),
    "not-valid": (
        "NOT VALID as evidence ({why}); the figures are written all the same.",
        "不构成有效证据（{why}），数据仍已写出。",
    ),
    "failed": ("Failed: {what}", "失败：{what}"),
    "tampered": ("{what} is not what was signed: {why}", "{what} 与签名不符：{why}"),
    "same": (
        "{what}: signed by {signer}; counted again from {rows} rows, every byte the same.",
        "{what}：签名密钥 {signer}；由 {rows} 行日志重新计算，逐字节一致。",
    ),
    "differs": (
        "{what}: counted again, the journal gives other figures: {where}",
        "{what}：重新计算结果与报告不一致：{where}",
    ),
}
_say = Speech(_WORDS)


def report(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of acceptance, shift, bypass, prooftest, evidence, verify, sample; data to stdout, talk to stderr."""
    lang = args["lang"]
    if verb == "acceptance":
        return acceptance(site, args["html"], lang)
    if verb in DEFAULT_HOURS:
        return periodic(verb, site, args["html"], int(args["hours"]), lang)
    checked = examine(site)
    if checked.site is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    try:
        return {"evidence": _evidence, "verify": _verify, "sample": _sample}[verb](checked.site, args, lang)
    except Refused as refused:
        return refused.say(lang)
    except halfyear.TamperedError as error:
        return _say.leave(INVALID, "tampered", lang, what=args["file"], why=error)
    except (sqlite3.Error, OSError, ValueError) as error:
        return _say.leave(FAILED, "failed", lang, what=error)


def _evidence(site: Site, args: dict[str, str], lang: str) -> int:
    begin, end = utc_ms(args["from"]), utc_ms(args["to"])
    if begin is None or end is None or begin >= end:
        return _say.leave(USAGE, "window", lang)
    journal = site.storage.directory / "journal" / "journal.db"
    with segments.reading(journal) as db:
        head = str(chain.head(db))  # before the rows are read: what the report counts is at least as new
    found = halfyear.figures(list(halfyear.rows(journal)), begin, end)
    origin = halfyear.Origin(site.id, site.site, head, site.hash, importlib.metadata.version("gatehouse-edge"))
    data = halfyear.sealed(halfyear.document(found, origin), box_key(site.storage.directory))
    told, _ = halfyear.opened(data)
    folder = Path(args["out"] or ".")
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"evidence-{site.id}-{args['from'][:10]}-{args['to'][:10]}"
    pages = {f"{stem}.{name}.html": halfyear_page.report(told, name) for name in ("zh-CN", "en")}
    for name, text in {**pages, f"{stem}.csv": halfyear.as_csv(found)}.items():
        Path(name).write_text(text, encoding="utf-8")
    stem.with_name(stem.name + ".json").write_bytes(data)
    if args["output"] in ("json", "jsonl"):
        print(msgspec.json.encode(told).decode())
    for name in (f"{stem}.json", f"{stem}.csv", *pages):
        _say("written", lang, what=name)
    if not found["valid"]:
        _say("not-valid", lang, why=", ".join(found["reasons"]))
    return OK


def _verify(site: Site, args: dict[str, str], lang: str) -> int:
    """Signature, then every figure counted again by the other program from this site's journal."""
    path = Path(args["file"])
    trusted = load_public(Path(args["key"])) if args["key"] else None
    told, signer = halfyear.opened(path.read_bytes(), trusted)
    claimed = told["figures"]
    journal = site.storage.directory / "journal" / "journal.db"
    rows = [row for row in halfyear.rows(journal) if row.seq <= claimed["last_seq"]]
    again = recount(rows, claimed["from_ms"], claimed["to_ms"])
    if halfyear.canonical(again) == halfyear.canonical(claimed):
        return _say.leave(OK, "same", lang, what=path.name, signer=signer, rows=len(rows))
    return _say.leave(FAILED, "differs", lang, what=path.name, where=", ".join(_differences(claimed, again))[:400])


def _differences(one: Any, other: Any, path: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        return [d for name in names for d in _differences(one.get(name), other.get(name), f"{path}.{name}".lstrip("."))]
    return [] if one == other else [f"{path} {one} ≠ {other}"]


def _sample(site: Site, args: dict[str, str], lang: str) -> int:
    begin, end = utc_ms(args["from"]), utc_ms(args["to"])
    if begin is None or end is None or begin >= end:
        return _say.leave(USAGE, "window", lang)
    events = list(halfyear.rows(site.storage.directory / "journal" / "journal.db"))
    drawn = sample(events, audited(events, begin, end), int(args["size"]))
    rows = [{"alarm": one.alarm, "priority": one.priority, "at": one.at_ms} for one in drawn]
    if args["output"] in ("json", "jsonl"):
        print(json.dumps(rows, ensure_ascii=False))
        return OK
    writer = csv.DictWriter(sys.stdout, ("alarm", "priority", "at"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return OK
