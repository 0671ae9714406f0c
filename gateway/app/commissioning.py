"""`gatehouse commission profiles|start|next|check|loop|report`: from the address of a PLC to tags somebody has looked at."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drivers.base import DRIVERS
from gateway.app.commission_words import FINDINGS, STEPS, VERDICTS, WORDS
from gateway.app.speech import Speech
from gateway.cli.texts import word
from gateway.commission import record, registers
from gateway.commission.live import Heard, listen
from gateway.commission.merge import replace_file
from gateway.commission.profiles import Profile, names, profile
from gateway.commission.report import report_page
from gateway.commission.sanity import Line, judged
from gateway.commission.site_file import created, with_source
from gateway.core.errors import Problem
from gateway.site.load import SITE, TagList, check_site_file, load_site, read_tag_list
from gateway.site.report import text as as_text
from gateway.site.tag_rows import Draft, read_tags
from gateway.site.text import read_document

OK, FAILED, USAGE, NOT_FOUND, INVALID = 0, 1, 2, 4, 9
_say = Speech(WORDS)
_TARGET = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d{1,5})?")
_NUMERIC = re.compile(r"[\d.]+")
LINES_MAX = 60  # findings on a terminal; all of them with -o json


class _Stop(Exception):
    """Ends a command with an exit code and a word to say."""

    def __init__(self, code: int, key: str, **args: object) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args


def commission(verb: str, site: Path, args: dict[str, str]) -> int:
    """One verb; data to stdout, talk to stderr."""
    lang = args.get("lang", "en")
    verbs: Mapping[str, Callable[[Path, dict[str, str], str], int]] = {
        "profiles": _profiles, "start": _start, "next": _next, "check": _check, "loop": _loop, "report": _report,
    }  # fmt: skip
    try:
        return verbs[verb](site, args, lang)
    except _Stop as stop:
        _say(stop.key, lang, **stop.args_of_text)
        return stop.code
    except OSError as error:
        return _say.leave(FAILED, "unwritten", lang, file=error.filename or site, what=error.strerror or str(error))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _profiles(_site: Path, args: dict[str, str], lang: str) -> int:
    """All profiles, or all of one."""
    name = args.get("name", "")
    found = {one: profile(one) for one in ([name] if name else names()) if one in names()}
    if not found:
        raise _Stop(NOT_FOUND, "profile", value=name, right=", ".join(names()))
    if args.get("output") in ("json", "jsonl"):
        print(json.dumps({one: each.model_dump() for one, each in found.items()}, ensure_ascii=False, indent=2))
    elif name:
        print(_shown(name, found[name], lang))
    else:
        width = max(map(len, found))
        for one, each in found.items():
            print(f"{one:<{width}}  {each.driver:<7} {each.name.said(lang)}")
    return OK


def _shown(name: str, one: Profile, lang: str) -> str:
    lines = [f"{name}: {one.name.said(lang)}", f"  driver {one.driver}, {one.url}, {one.word_order or '–'}"]
    lines += [f"  {each.address:<28} {each.type:<8} {each.said(lang)}" for each in one.address]
    return "\n".join([*lines, *(f"  · {each.said(lang)}" for each in one.limit)])


def _start(site: Path, args: dict[str, str], lang: str) -> int:
    """A source into site.toml; a site folder where there is none yet."""
    chosen = args.get("profile", "")
    if chosen and chosen not in names():
        raise _Stop(NOT_FOUND, "profile", value=chosen, right=", ".join(names()))
    brand = profile(chosen) if chosen else None
    driver = args.get("driver", "") or (brand.driver if brand else "")
    if driver not in DRIVERS:
        raise _Stop(USAGE, "driver", value=driver or "–", right=", ".join(DRIVERS))
    target, name = args["target"], args.get("name") or "plc1"
    url = _url(target, brand.url if brand else _usual_url(driver))
    if not (site / "site.toml").exists():
        created(site, lang)
        _say("created", lang, site=site)
    if name in read_tag_list(site).sources:
        raise _Stop(FAILED, "source-there", value=name)
    document, problems = read_document(site / SITE, SITE)
    if document is not None:
        text = with_source(document.text, name, driver, url, {**(brand.settings if brand else {})})
        problems = check_site_file(site, text)
    wrong = [one for one in problems if one.severity == "error"]
    if wrong:
        print(as_text(wrong, lang), end="", file=sys.stderr)
    if document is None or not all(_lacks_only(one, text) for one in wrong):
        raise _Stop(INVALID, "not-added", source=name)
    replace_file(site / SITE, text)
    record.note(site, "start", _now_ms(), source=name, driver=driver, url=url, profile=chosen)
    _say("started", lang, source=name, url=url)
    return _say.leave(INVALID, "incomplete", lang, source=name) if wrong else _next(site, args, lang)


def _lacks_only(wrong: Problem, text: str) -> bool:
    """Whether the last section of `text` is only not complete yet: what lacks is said at its heading, what is wrong at its key."""
    heading = text.count("\n", 0, text.rindex("\n[source.") + 1) + 1
    return wrong.code in ("site.value", "site.missing-key") and wrong.line == heading


def _usual_url(driver: str) -> str:
    """How addresses of a driver look, as the first brand that speaks it has them."""
    return next((one.url for one in map(profile, names()) if one.driver == driver), "tcp://{host}")


def _url(target: str, usual: str) -> str:
    """A whole URL as it is; an address or address:port in the form of `usual`."""
    if "://" in target:
        return target
    match = _TARGET.fullmatch(target)
    if match is None or (_NUMERIC.fullmatch(match[1]) and not _is_ipv4(match[1])):
        raise _Stop(USAGE, "address", value=target)
    return re.sub(r"\{host\}(:\d+)?", target, usual) if ":" in target else usual.replace("{host}", target)


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _next(site: Path, _args: dict[str, str], lang: str) -> int:
    """What is done, and the next step with its command."""
    listed = read_tag_list(site)
    rows = len(listed.table.rows) if listed.table else 0
    done = {
        "source": bool(listed.sources),
        "tags": rows > 0,
        "check": any(record.notes(site, "sanity")),
        "loop": any(one.get("passed") for one in record.notes(site, "loop")),
        "rules": any((site / "rules").glob("*.*")) if (site / "rules").is_dir() else False,
    }
    for key, is_done in done.items():
        print(f"{'✓' if is_done else '·'} {STEPS[key][lang.startswith('zh')].format(site=site)}")
    todo = next((key for key, is_done in done.items() if not is_done), "")
    print(STEPS[f"do-{todo or 'check-site'}"][lang.startswith("zh")].format(site=site))
    return OK


def _drafts(listed: TagList, source: str) -> list[Draft]:
    if listed.table is None:
        raise _Stop(FAILED, "no-tags")
    drafts, problems = read_tags(listed.table, listed.sources, listed.area)
    wrong = [one for one in problems if one.severity == "error"]
    if wrong:
        raise _Stop(INVALID, "wrong-tags", count=len(wrong))
    # Personal values are looked at by nobody but the person: not here either.
    own = [one for one in drafts if one.row["source"] == source and not one.personal]
    if not own:
        raise _Stop(NOT_FOUND, "no-tags-of", source=source)
    return own


def _source(listed: TagList, wanted: str) -> str:
    known = [*listed.sources]
    if wanted in known or (not wanted and len(known) == 1):
        return wanted or known[0]
    raise _Stop(NOT_FOUND if wanted else USAGE, "which", right=", ".join(known) or "–")


def _check(site: Path, args: dict[str, str], lang: str) -> int:
    """Live sanity of one source; 1 where a tag is suspicious."""
    listed = read_tag_list(site)
    source = _source(listed, args.get("source", ""))
    draft = listed.sources[source]
    if draft.settings is None:
        raise _Stop(INVALID, "wrong-source", source=source)
    drafts = _drafts(listed, source)
    seconds = float(args.get("seconds", "10"))
    heard = asyncio.run(listen(draft.module, draft.settings, [one.spec for one in drafts], seconds))
    if math.isnan(heard.first_good_s):
        raise _Stop(FAILED, "nothing-came", source=source, what=heard.lost or "–")
    lines = judged(
        heard.stories,
        {one.spec.name: (one.low, one.high) for one in drafts},
        [one.spec.name for one in drafts if one.point.boolean],
    )
    looked = None
    if draft.driver == "modbus":
        rows = [registers.Ranged(one.spec, one.low, one.high) for one in drafts]
        looked = asyncio.run(registers.look(draft.module, draft.settings, rows, min(seconds, 5.0)))
    suspicious = [line for line in lines if line.finding != "fine"]
    since_s = _since_start_s(site, source) if len(suspicious) < len(lines) else None
    found = {
        "source": source, "lost": heard.lost, "tags": len(lines), "fine": len(lines) - len(suspicious),
        "requests_per_s": _finite(heard.requests_per_s), "seconds": round(heard.seconds, 1),
        "first_value_s": round(heard.first_good_s, 3), "start_to_first_value_s": since_s,
        "order": asdict(looked.order) if looked and looked.order else None, "written_order": looked.written if looked else "",
        "shift": asdict(looked.shift) if looked and looked.shift else None,
        "suspicious": [_plain(line) for line in suspicious],
    }  # fmt: skip
    record.note(site, "sanity", _now_ms(), **found)
    _tell(found, lines, heard, args.get("output", "table"), lang)
    return FAILED if suspicious or heard.lost or _disagrees(found) else OK


def _since_start_s(site: Path, source: str) -> float | None:
    """Seconds from the address that was typed to the first look that found a tag in order, which may be this one.

    None where the source was not made by `commission start`.
    """
    began_ms, first_s = 0, None
    for one in record.notes(site):
        if one.get("source") == source and one["kind"] == "start":
            began_ms, first_s = one["utc_ms"], None
        elif one.get("source") == source and one["kind"] == "sanity":
            first_s = first_s if first_s is not None else one.get("start_to_first_value_s")
    return first_s if first_s is not None or not began_ms else round((_now_ms() - began_ms) / 1000, 1)


def _finite(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def _plain(line: Line) -> dict[str, Any]:
    numbers = {key: _finite(getattr(line, key)) for key in ("last", "low", "high")}
    return {"tag": line.tag, "finding": line.finding, **numbers, "detail": line.detail}


def _disagrees(found: Mapping[str, Any]) -> bool:
    """The values speak for another word order or address base than the tag list has."""
    order, shift = found["order"], found["shift"]
    other_order = order and order["verdict"] != "cannot tell" and order["best"] != found["written_order"]
    return bool(other_order or (shift and shift["verdict"] != "cannot tell" and shift["best"] != "+0"))


def _tell(found: Mapping[str, Any], lines: list[Line], heard: Heard, output: str, lang: str) -> None:
    if output in ("json", "jsonl"):
        print(json.dumps(found, ensure_ascii=False, indent=2 if output == "json" else None))
        return
    chinese = lang.startswith("zh")
    width = max(len(line.tag) for line in lines)
    shown = [line for line in lines if line.finding != "fine"]
    for line in shown[:LINES_MAX]:
        words = FINDINGS[line.finding][chinese].format(last=f"{line.last:g}", detail=_cause(line.detail, lang))
        print(f"{line.tag:<{width}}  {words}")
    if len(shown) > LINES_MAX:
        print(_say.text("more", lang, count=len(shown) - LINES_MAX))
    if heard.lost:
        _say("lost", lang, source=found["source"], what=heard.lost)
    _say("sum", lang, **{key: found[key] for key in ("tags", "fine")}, seconds=found["seconds"])
    if found["requests_per_s"] is not None:
        _say("requests", lang, rate=found["requests_per_s"], each=heard.requests_per_cycle)
    for key in ("order", "shift"):
        guess = found[key]
        if guess is not None:
            verdict = VERDICTS[guess["verdict"]][chinese]
            best = guess["best"] if guess["verdict"] != "cannot tell" else "–"
            _say(key, lang, best=best, verdict=verdict, written=found["written_order"] or "–")
    if found["start_to_first_value_s"] is not None:
        _say("time", lang, seconds=found["start_to_first_value_s"])


def _cause(name: str, lang: str) -> str:
    return word("zh-CN" if lang.startswith("zh") else "en", "cause", name) if name else ""


def _loop(site: Path, args: dict[str, str], lang: str) -> int:
    """A loop check: what was applied at the transmitter beside what arrives here, with a name; 1 where they differ."""
    listed = read_tag_list(site)
    wanted, applied = args["tag"], float(args["applied"])
    if not math.isfinite(applied):
        raise _Stop(USAGE, "applied", value=args["applied"])
    row = next((one for one in listed.table.rows if one["tag"] == wanted), None) if listed.table else None
    if row is None:
        raise _Stop(NOT_FOUND, "no-tag", value=wanted)
    draft = next((one for one in _drafts(listed, row["source"]) if one.spec.name == wanted), None)
    source = listed.sources[row["source"]]
    if draft is None or source.settings is None:
        raise _Stop(INVALID, "wrong-source", source=row["source"])
    heard = asyncio.run(listen(source.module, source.settings, [draft.spec], float(args.get("seconds", "3"))))
    values = heard.stories[wanted].values
    if not values:
        raise _Stop(FAILED, "nothing-came", source=row["source"], what=heard.lost or "–")
    seen = sorted(values)[len(values) // 2]
    span = draft.high - draft.low
    allowed = float(args.get("tolerance", "1")) / 100 * (span if 0.0 < span < math.inf else max(abs(applied), 1.0))
    passed = abs(seen - applied) <= allowed
    unit = f" {draft.unit}" if draft.unit else ""
    record.note(
        site, "loop", _now_ms(), tag=wanted, person=args["person"], applied=applied, seen=seen,
        allowed=round(allowed, 9), unit=draft.unit, passed=passed,
    )  # fmt: skip
    _say("loop-passed" if passed else "loop-failed", lang, tag=wanted, applied=applied, seen=seen, unit=unit,
         allowed=f"{allowed:g}")  # fmt: skip
    return OK if passed else FAILED


def _report(site: Path, args: dict[str, str], lang: str) -> int:
    """Everything recorded so far, as a page or as JSON."""
    found = list(record.notes(site))
    if not found:
        raise _Stop(NOT_FOUND, "nothing", site=site)
    loaded = load_site(site)
    counts = {"errors": sum(one.severity == "error" for one in loaded.problems)}
    if args.get("output") in ("json", "jsonl"):
        print(json.dumps({"site": str(site.name), "records": found, **counts}, ensure_ascii=False, indent=2))
        return OK
    page = report_page(site.name, found, counts["errors"], lang)
    if args.get("html", "-") == "-":
        sys.stdout.write(page)
    else:
        Path(args["html"]).write_text(page, encoding="utf-8")
    return OK
