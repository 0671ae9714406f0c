"""`gatehouse rule backtest SITE [RULES …]`: rules on recorded history or on the export of a historian, in a process of its own."""

from __future__ import annotations

import sys
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.app.records import Refused, utc_ms
from gateway.app.speech import Speech
from gateway.core.program import Program
from gateway.offline.backtest import on_export, on_history
from gateway.offline.backtest_report import report, text
from gateway.offline.figures import Backtest
from gateway.offline.historian import Export, ExportError, read_map
from gateway.rulebook import compile_rules
from gateway.site import Site, load_site
from gateway.site.report import text as as_text
from gateway.site.text import decode

OK, FAILED, NOT_FOUND, INVALID = 0, 1, 4, 9

_WORDS = {
    "nothing": ("Nothing usable is recorded: {value}", "没有可用的记录：{value}"),
    "unread": ("{value}", "{value}"),
    "zone": ("{value} is no time zone; write Asia/Shanghai.", "{value} 不是有效时区，请写成 Asia/Shanghai。"),
}
_say = Speech(_WORDS)


def backtest(site: Path, args: dict[str, str]) -> int:
    """Run and report: a table or JSON on stdout, a page where `html` names one. 9 where rules or site have errors."""
    lang = args.get("lang", "en")
    rules = [Path(name) for name in args.get("rules", "").splitlines()]
    loaded = load_site(site)
    if loaded.site is None:
        print(as_text(loaded.problems, lang), end="", file=sys.stderr)
        return INVALID
    try:
        texts = [(path.name, decode(path.read_bytes())) for path in rules] if rules else list(loaded.site.rules)
        compiled = compile_rules(texts, loaded.site.table, loaded.site.channels)
        if compiled.program is None or any(problem.severity == "error" for problem in compiled.problems):
            print(as_text(compiled.problems, lang), end="", file=sys.stderr)
            return INVALID
        zone: tzinfo = ZoneInfo(args.get("zone") or loaded.site.timezone or "UTC")
        found, export = _run(loaded.site, compiled.program, zone, args)
        return _tell(found, export, zone, args, lang)
    except Refused as refused:
        return refused.say(lang)
    except LookupError as error:
        return _say.leave(
            NOT_FOUND, "zone" if isinstance(error, ZoneInfoNotFoundError) else "nothing", lang, value=error
        )
    except ExportError as error:
        return _say.leave(FAILED, "unread", lang, value=error.zh if lang.startswith("zh") else error.en)
    except (OSError, UnicodeDecodeError) as error:
        return _say.leave(FAILED, "unread", lang, value=error)


def _run(site: Site, program: Program, zone: tzinfo, args: dict[str, str]) -> tuple[Backtest, Export | None]:
    since, until = utc_ms(args.get("from", "")), utc_ms(args.get("to", ""))
    if not args.get("data"):
        found = on_history(
            site.storage.directory, site.table, program, from_utc_ms=since, to_utc_ms=until, plan=site.plan
        )
        return found, None
    names = read_map(Path(args["map"])) if args.get("map") else {}
    export = Export(Path(args["data"]), site.table, zone, names, from_utc_ms=since, to_utc_ms=until)
    return on_export(export.inputs(), site.table, program, export.gaps), export


def _tell(found: Backtest, export: Export | None, zone: tzinfo, args: dict[str, str], lang: str) -> int:
    if args.get("html"):
        Path(args["html"]).write_text(report(found, lang, zone, export), encoding="utf-8")
    if args.get("output", "table") in ("json", "jsonl"):
        cells = [] if export is None else [msgspec.to_builtins(cell) for cell in export.bad]
        told = msgspec.to_builtins(found) | {
            "alarms_added_per_hour": found.alarms_added_per_hour,
            "bad_cells": cells,
            "unknown": sorted(export.unknown) if export else [],
        }
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        print(text(found, lang, zone, export), end="")
    same = found.equality is None or found.equality.equal == found.equality.decisions
    return OK if same else FAILED
