"""`gatehouse warn learn SITE GROUP TAG…`: the card of an early-warning group from a clean period, in a process of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.app.examine import Checked, examine
from gateway.app.records import Refused, utc_ms
from gateway.app.speech import Speech
from gateway.core.cards import TAGS_MAX, Card, encode
from gateway.core.program import Program
from gateway.core.tags import TagTable
from gateway.history import reader
from gateway.history.identity import identity
from gateway.history.segments import identity_digest
from gateway.offline.clean import Rows, Sampler
from gateway.offline.historian import Export, ExportError, read_map
from gateway.offline.learning import BAD_MAX, UNUSED, NotCleanError, Wish, learn
from gateway.site import Site
from gateway.site.cards import FOLDER, GROUP_NAME
from gateway.site.report import text as as_text

OK, FAILED, NOT_FOUND, INVALID = 0, 1, 4, 9
MS, WARM_NS = 1_000_000, 60_000_000_000

_WORDS = {
    "group": (
        "{value} is no name of a group: small letters, digits and _, at most 32.",
        "{value} 不能作为组名：请用小写字母、数字和下划线，最多 32 个字符。",
    ),
    "tag": ("No tag of this site is named {value}.", "本站点没有名为 {value} 的位号。"),
    "personal": ("{value} is personal; nothing is learned from it.", "{value} 为个人数据，不用于学习。"),
    "many": ("{value} tags are too many for one group; at most {most}.", "一个组最多 {most} 个位号，现有 {value} 个。"),
    "chart": ("{value} is not one of the group's tags.", "{value} 不是该组的位号。"),
    "zone": ("{value} is no time zone; write Asia/Shanghai.", "{value} 不是有效时区，请写成 Asia/Shanghai。"),
    "nothing": (
        "Nothing usable is recorded in this period.",
        "该时段没有可用的记录。",
    ),
    "unread": ("{value}", "{value}"),
    "alarms": (
        "The period is not clean: {value}. Choose one without alarms of these tags.",
        "该时段不正常：{value}。请选择这些位号没有报警的时段。",
    ),
    "bad": (
        "Of {rows} steps {bad} have a BAD value, most often {value}; at most 1 % may. Choose another period or leave the tag out.",
        "共 {rows} 步，其中 {bad} 步含坏值，最多的是 {value}；允许 1 %。请另选时段，或去掉该位号。",
    ),
    "few": (
        "{rows} steps are too few; these tags need {least}. Choose a longer period, a shorter --period or fewer tags.",
        "只有 {rows} 步，这些位号至少需要 {least} 步。请选更长的时段、更短的 --period 或更少的位号。",
    ),
    "still": (
        "{tags}: stands still in the whole period, so nothing can be learned of it. Leave it out.",
        "{tags}：整个时段没有变化，无法学习，请去掉。",
    ),
    "short": (
        "The period is too short to tell slow drift of all these tags from their usual wander: the slow T² is left out."
        " A longer period, fewer tags or --check with a second clean period brings it back.",
        "该时段太短，无法区分这些位号的缓慢漂移与正常波动：慢速 T² 未启用。请用更长的时段、更少的位号，或用 --check 提供另一段正常期。",
    ),
    "written": (
        "{value}: {tags} tags, {rows} steps, {components} components ({explained} % of the variance),"
        " at most {rate} % of clean steps above the limit. Card {hash}.",
        "{value}：{tags} 个位号，{rows} 步，{components} 个主元（方差的 {explained} %），正常期至多 {rate} % 的步超限。预警卡 {hash}。",
    ),
}
_say = Speech(_WORDS)


def learn_card(site: Path, args: dict[str, str]) -> int:
    """Write `warn/GROUP.json` into the site folder, or say why the period teaches nothing (1)."""
    lang = args.get("lang", "en")
    checked = examine(site)
    if checked.site is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    try:
        card = _learn(checked, checked.site, args)
        path = Path(args["out"]) if args.get("out") else site / FOLDER / f"{card.name}.json"
        _write(path, encode(card))
    except Refused as refused:
        return refused.say(lang)
    except NotCleanError as error:
        return _say.leave(NOT_FOUND if error.key == "tag" else FAILED, error.key, lang, **error.args_of_text)
    except ExportError as error:
        return _say.leave(FAILED, "unread", lang, value=error.zh if lang.startswith("zh") else error.en)
    except ZoneInfoNotFoundError as error:
        return _say.leave(NOT_FOUND, "zone", lang, value=error)
    except OSError as error:
        return _say.leave(FAILED, "unread", lang, value=error)
    if args.get("output") in ("json", "jsonl"):
        print(encode(card).decode(), end="")
    shown = {"tags": len(card.tags), "rows": card.rows, "components": len(card.variances), "hash": card.hash[:12]}
    shown |= {"explained": round(card.explained * 100), "rate": f"{card.false_alarm_rate * 100:g}"}
    _say.leave(OK, "written", lang, value=path, **shown)
    return _say.leave(OK, "short", lang) if card.limits.t2_slow == UNUSED else OK


def _learn(checked: Checked, site: Site, args: dict[str, str]) -> Card:
    group = args["group"]
    if not GROUP_NAME.fullmatch(group):
        raise NotCleanError("group", value=group[:40])
    tags = chosen(site.table, args["tags"].split("\n"))
    charts = [chart for chart in args.get("charts", "").split("\n") if chart]
    for chart in charts:
        if chart not in tags:
            raise NotCleanError("chart", value=chart)
    program = checked.program or Program()
    period_ms = round(float(args.get("period") or 1) * 1000)
    wish = Wish(int(args.get("lags") or 0), float(args.get("rate") or 0.01))
    rows = _rows(site, program, tags, period_ms, args)
    second = None
    if args.get("check"):
        second = _sound(_exported(site, program, tags, period_ms, args | {"from": "", "to": "", "data": args["check"]}))
    numbers = site.table.names()
    return learn(
        group,
        tags,
        [site.table.tags[numbers[tag]].unit for tag in tags],
        period_ms,
        _sound(rows).array(),
        wish,
        None if second is None else second.array(),
        charts=tuple(charts),
        from_utc_ms=rows.first_utc_ms,
        to_utc_ms=rows.last_utc_ms,
        learned_from=Path(args["data"]).name if args.get("data") else "history",
        learned_utc_ms=time.time_ns() // MS,
        checked_on=Path(args["check"]).name if args.get("check") else "",
    )


def chosen(table: TagTable, words: Sequence[str]) -> list[str]:
    """Tags by name, or all that begin as `reactor.*` says. Raises NotCleanError."""
    known = {tag.name: tag for tag in table.fed() if not tag.hidden}
    found: dict[str, None] = {}
    for word in words:
        names = [name for name in known if name.startswith(word[:-1])] if word.endswith("*") else [word]
        names = [name for name in names if not (word.endswith("*") and (known[name].boolean or known[name].personal))]
        if not names or names[0] not in known:
            raise NotCleanError("tag", value=word)
        if any(known[name].personal for name in names):
            raise NotCleanError("personal", value=word)
        found |= dict.fromkeys(names)
    if len(found) > TAGS_MAX:
        raise NotCleanError("many", value=len(found), most=TAGS_MAX)
    return list(found)


def _rows(site: Site, program: Program, tags: Sequence[str], period_ms: int, args: dict[str, str]) -> Rows:
    return (_exported if args.get("data") else _recorded)(site, program, tags, period_ms, args)


def _exported(site: Site, program: Program, tags: Sequence[str], period_ms: int, args: dict[str, str]) -> Rows:
    zone: tzinfo = ZoneInfo(args.get("zone") or site.timezone or "UTC")
    names = read_map(Path(args["map"])) if args.get("map") else {}
    since, until = utc_ms(args.get("from", "")), utc_ms(args.get("to", ""))
    export = Export(Path(args["data"]), site.table, zone, names, from_utc_ms=since, to_utc_ms=until)
    sampler = Sampler(site.table, program, tags, period_ms, since or 0)
    sampler.take(export.inputs())
    return sampler.rows


def _recorded(site: Site, program: Program, tags: Sequence[str], period_ms: int, args: dict[str, str]) -> Rows:
    """Each boot that knew these very tags for itself: what was between them is no clean period."""
    history, since, until = site.storage.directory / "history", utc_ms(args["from"]), utc_ms(args["to"])
    digest = identity_digest(identity(site.table)).hex()
    boots = sorted({info.index.boot for info in reader.segments(history) if info.index.identity == digest})
    sampler = Sampler(site.table, program, tags, period_ms, since or 0)
    begin_ns = None if since is None else since * MS - WARM_NS
    for boot in boots:
        end_ns = None if until is None else until * MS
        sampler.take(reader.inputs(history, boot=boot, from_utc_ns=begin_ns, to_utc_ns=end_ns))
    return sampler.rows


def _sound(rows: Rows) -> Rows:
    """The rows, where the period is clean. Raises NotCleanError."""
    steps = len(rows.values) + rows.bad
    if not steps:
        raise NotCleanError("nothing")
    if rows.alarms:
        told = ", ".join(f"{name} × {count}" for name, count in rows.alarms.most_common(5))
        raise NotCleanError("alarms", value=told)
    if rows.bad > BAD_MAX * steps:
        raise NotCleanError("bad", rows=steps, bad=rows.bad, value=rows.worst.most_common(1)[0][0])
    return rows


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, path)
