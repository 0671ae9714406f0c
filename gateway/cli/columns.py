"""What the tables show of each noun."""

from __future__ import annotations

import time
from typing import Any

from gateway.cli.tables import Column, Row
from gateway.cli.texts import say, word


def _text(name: str) -> Column:
    return Column(name, lambda row, _language: _plain(row.get(name)))


def text_column(name: str) -> Column:
    """A column that shows what stands there."""
    return _text(name)


def time_column(name: str) -> Column:
    """A column that shows UTC ms as local time."""
    return _time(name)


def _number(name: str) -> Column:
    return Column(name, lambda row, _language: _plain(row.get(name)), right=True)


def _word(name: str, kind: str) -> Column:
    return Column(name, lambda row, language: word(language, kind, str(row[name])), lambda row: str(row[name]))


def _title(name: str) -> Column:
    return Column(name, lambda row, language: in_language(row.get(name) or {}, language))


def _yes(name: str) -> Column:
    return Column(name, lambda row, language: say(language, "yes" if row[name] else "no"))


def _time(name: str) -> Column:
    return Column(name, lambda row, _language: local_time(row[name]))


def _milliseconds(name: str) -> Column:
    return Column(name, lambda row, _language: measured(row[name], "ms"), right=True)


def _proof(name: str) -> Column:
    return Column(name, lambda row, language: _proof_result(row[name], language))


def _proof_result(result: Row | None, language: str) -> str:
    if result is None:
        return "–"
    return f"{say(language, 'yes' if result['passed'] else 'no')} {local_time(result['utc_ms'])}"


def _value(name: str = "value") -> Column:
    return Column(name, lambda row, _language: measured(row[name], row.get("unit", "")), right=True)


def _known_yes(value: float | None, language: str) -> str:
    return "–" if value is None else say(language, "yes" if value else "no")


def _figure(name: str, unit: str, factor: float = 1.0) -> Column:
    """A measured value in three digits that count."""
    return Column(
        name,
        lambda row, _language: "–" if row[name] is None else f"{float(f'{row[name] * factor:.3g}'):g} {unit}",
        right=True,
    )


def in_language(texts: dict[str, str], language: str) -> str:
    """The text in `language`, else in English, else any."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def measured(value: float | None, unit: str) -> str:
    """A value with its unit, "–" where there is none."""
    if value is None:
        return "–"
    return f"{value:g} {unit}".rstrip()


def local_time(utc_ms: int) -> str:
    """Wall time on the clock of this terminal."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(utc_ms / 1000)) if utc_ms else ""


def duration(seconds: int) -> str:
    """Hours and minutes, or minutes and seconds."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _first_out(row: Row, _language: str) -> str:
    first = row.get("first_out")
    if not first:
        return ""
    at = measured(first["value"], first["unit"]) if first.get("value") is not None else ""
    return f"{' = '.join(first['causes'])} {f'({at})' if at else ''}".rstrip()


def _first_out_long(row: Row, language: str) -> str:
    first = row.get("first_out")
    return f"{_first_out(row, language)}  {local_time(first['utc_ms'])}" if first else ""


def _active(row: Row, language: str) -> str:
    """Personal values stand behind some rules: whether these are active is nobody's to list."""
    if row["active"] is None:
        return say(language, "note.personal")
    return say(language, "yes" if row["active"] else "no")


BUNDLE = (_text("function"), _text("file"))


def _missing(row: Row, language: str) -> str:
    return "\n".join(in_language(texts, language) for texts in row["missing"])


def _causes(row: Row, language: str) -> str:
    return "\n".join(_cause(cause, language) for cause in row["causes"])


def _cause(cause: Row, language: str) -> str:
    notes = [word(language, "quality", cause["quality"])]
    notes += [say(language, "note.demand")] if cause["demand"] else []
    notes += [say(language, "note.bypassed")] if cause["bypassed"] else []
    return f"{cause['text']}: {measured(cause['value'], cause['unit'])} ({', '.join(notes)})"


def _outputs(row: Row, language: str) -> str:
    lines = []
    for output in row["outputs"]:
        seen = say(language, "note.verified" if output["verified"] else "note.unverified")
        read = measured(output["read"], "")
        lines.append(
            say(language, "note.output", name=output["name"], asked=f"{output['asked']:g}", read=read, seen=seen)
        )
    return "\n".join(lines)


def _heartbeat(row: Row, language: str) -> str:
    return word(language, "heartbeat", row["heartbeat"])


def _clock(row: Row, language: str) -> str:
    """A device's clock: how far it is ahead where that is known, else what is known instead."""
    if row["clock"] == "two-way":
        return f"{row['clock_offset_ms']:+.1f} ± {row['clock_uncertainty_ms']:.1f} ms"
    return word(language, "clock", row["clock"])


def _upstream(row: Row, language: str) -> str:
    link = row["upstream"]
    if not link["configured"]:
        return say(language, "note.no-upstream")
    key = "note.connected" if link["connected"] else "note.disconnected"
    return say(language, key, queued=link["queued"], error=link["error"])


def _interlocks(row: Row, language: str) -> str:
    return say(language, "note.interlocks", live=row["interlocks_live"], tripped=row["interlocks_tripped"])


def _alarms(row: Row, language: str) -> str:
    return say(language, "note.alarms", active=row["alarms_active"], unacked=row["alarms_unacked"])


def _tags(row: Row, language: str) -> str:
    return say(language, "note.tags", tags=row["tags"], bad=row["tags_bad"], rate=f"{row['points_per_s']:.0f}")


def _disk(row: Row, language: str) -> str:
    free = f"{row['disk_free_bytes'] / 1e9:.1f}"
    return say(language, "note.disk", free=free, hours=f"{row['history_hours']:.1f}")


_VERDICT = {"good": "", "none": "", "fair": "uncertain", "poor": "bad"}


def _level(row: Row, name: str) -> str:
    sign = "≥" if row["figure"] == "low" else "≤"
    return f"{sign} {measured(row[name], row['unit'])}"


_LEAK = {"alarm": "bad", "degraded": "uncertain", "learning": "uncertain", "lost": "bad"}
_SEVERITY = {"ok": "", "skipped": "", "warning": "uncertain", "failed": "bad"}

STATUS = (
    Column("gateway", lambda row, _language: f"{row['gateway']} ({row['site']}) {row['version']}"),
    _word("state", "state"),
    _title("reason"),
    Column("interlocks", _interlocks),
    Column("alarms", _alarms),
    _text("bypasses"),
    Column("tags", _tags),
    Column("upstream", _upstream),
    Column("disk", _disk),
    _yes("journal_ok"),
    Column("time", lambda row, _language: f"{local_time(row['utc_ms'])} ({row['time_quality']})"),
    Column("uptime", lambda row, _language: duration(row["uptime_s"])),
)
TIME = (
    _text("time_quality"),
    Column("bound_ms", lambda row, _language: "–" if row["bound_ms"] is None else measured(row["bound_ms"], "ms")),
    Column("time", lambda row, _language: local_time(row["utc_ms"])),
)
INTERLOCKS = (
    _text("name"),
    _word("state", "state"),
    _word("mode", "mode"),
    _number("priority"),
    Column("first_out", _first_out),
    Column("bypassed", lambda row, _language: ", ".join(bypass["tag"] for bypass in row["bypasses"])),
    _title("title"),
)
INTERLOCK = (
    _text("name"),
    _title("title"),
    _word("state", "state"),
    _word("mode", "mode"),
    _time("since_utc_ms"),
    Column("first_out", _first_out_long),
    Column("missing", _missing),
    Column("causes", _causes),
    Column("outputs", _outputs),
    Column("reset_role", lambda row, language: word(language, "role", row["reset_role"])),
    _text("formula"),
    _text("trips"),
    Column("last_trip_ms", lambda row, _language: measured(row["last_trip_ms"], "ms")),
    _yes("recorded"),
    Column("hash", lambda row, _language: str(row["hash"])[:8]),
)
ALARMS = (
    _number("priority"),
    _word("state", "alarm-state"),
    _text("name"),
    _value(),
    _time("raised_utc_ms"),
    _text("occurrence"),
    _title("title"),
)
ALARM = (
    _text("name"),
    _title("title"),
    _word("state", "alarm-state"),
    _number("priority"),
    _value(),
    Column("limit", lambda row, _language: measured(row["limit"], row["unit"])),
    _time("raised_utc_ms"),
    _text("occurrence"),
    _title("cause"),
    _title("consequence"),
    _title("response"),
    _text("area"),
    _text("count"),
    _yes("recorded"),
)
FIGURES = (
    _word("figure", "figure"),
    Column("value", lambda row, _language: measured(row["value"], row["unit"]), right=True),
    Column("target", lambda row, _language: _level(row, "target"), right=True),
    Column("action", lambda row, _language: _level(row, "action"), right=True),
    Column(
        "verdict", lambda row, language: word(language, "verdict", row["verdict"]), lambda row: _VERDICT[row["verdict"]]
    ),
)
ACTORS = (
    _text("alarm"),
    _number("count"),
    Column("share", lambda row, _language: measured(row["share"], "%"), right=True),
    _number("chatters"),
    _number("fleeting"),
)
BYPASSES = (
    _text("function"),
    _text("tag"),
    _text("person"),
    Column("left", lambda row, _language: duration(row["left_s"])),
    _time("until_utc_ms"),
    _text("reason"),
    _text("measure"),
)
STATISTICS = (
    _text("name"),
    *(_number(name) for name in ("demands", "spurious", "manual", "successes", "failures")),
    *(_milliseconds(name) for name in ("p50_ms", "p99_ms", "longest_ms", "budget_ms")),
    Column("bypassed", lambda row, _language: duration(row["bypassed_s"])),
)
PROOFS = (
    _text("name"),
    _text("running"),
    Column("trips", lambda row, _language: f"{len(row['trips_ms'])}/{row['least']}" if row["running"] else ""),
    _proof("partial"),
    _proof("full"),
    _time("due_utc_ms"),
    _yes("overdue"),
)
CONTROLS = (_text("name"), _yes("live"), _text("position"), _yes("failed"), _yes("hunting"))
PERMITS = (
    _text("name"),
    _title("title"),
    _yes("allowed"),
    _text("number"),
    _text("person"),
    _text("place"),
    _time("until_utc_ms"),
)
TELLINGS = (
    _text("name"),
    Column("active", _active),
    Column("to", lambda row, _language: ", ".join(row["to"])),
    _time("told_utc_ms"),
    Column("level", lambda row, _language: str(row["level"] or "")),
    _text("error"),
    _title("title"),
)
CAMERAS = (
    _text("name"),
    Column("connected", lambda row, language: say(language, "yes" if row["connected"] else "no")),
    Column("faults", lambda row, language: ", ".join(word(language, "picture", one) for one in row["faults"])),
    _number("persons"),
    _number("fps"),
    _number("ms"),
    _number("ring_s"),
    _number("clips"),
    _number("losses"),
    _title("reason"),
    _title("caution"),
)
ZONES = (
    _text("name"),
    _number("persons"),
    Column("occupied", lambda row, language: _known_yes(row["occupied"], language)),
    _number("moving"),
    _number("violations"),
    _number("uncertain"),
    Column("polygon", lambda row, _language: " ".join(f"({x:g}, {y:g})" for x, y in row["polygon"])),
)
CLIPS = (
    _time("utc_ms"),
    _text("camera"),
    Column("rules", lambda row, _language: ", ".join(row["rules"])),
    Column("seconds", lambda row, _language: f"{row['seconds']:.1f} s", right=True),
    _word("people", "people"),
    Column("lacks", lambda row, language: ", ".join(word(language, "lack", one) for one in row["lacks"])),
    Column("bytes", lambda row, _language: f"{row['bytes'] / 1e6:.1f} MB", right=True),
    _text("path"),
)
CLIPS_VERIFIED = (_word("verdict", "verdict"), *CLIPS)
TAGS = (
    _text("name"),
    _value(),
    _word("quality", "quality"),
    Column("cause", lambda row, language: word(language, "cause", row["cause"])),
    Column("age", lambda row, _language: f"{row['age_ms'] / 1000:.1f} s", right=True),
    _text("source"),
    _title("text"),
)
DEVICES = (
    _text("name"),
    _text("driver"),
    Column(
        "up",
        lambda row, language: say(language, "up" if row["up"] else "down"),
        lambda row: "" if row["up"] else "bad",
    ),
    Column("tags", lambda row, language: say(language, "note.bad", tags=row["tags"], bad=row["bad"])),
    Column("age", lambda row, _language: f"{row['age_ms'] / 1000:.1f} s", right=True),
    _number("restarts"),
    Column("heartbeat", _heartbeat),
    _yes("watchdog_proven"),
    Column("clock", _clock, lambda row: "uncertain" if row["clock"] == "unset" else ""),
    _text("error"),
)


def _score(name: str, heading: str = "") -> Column:
    return Column(heading or name, lambda row, _language: measured(row[name], ""), right=True)


def _learned(row: Row, language: str) -> str:
    rows, percent = row["rows"], f"{row['false_alarm_rate'] * 100:g} %"
    begin, end = local_time(row["from_utc_ms"]), local_time(row["to_utc_ms"])
    return say(language, "warn.learned", rows=rows, begin=begin, end=end, rate=percent)


def _since(row: Row, _language: str) -> str:
    return local_time(row["since_utc_ms"] or 0)


WARNINGS = (
    _text("name"),
    _word("state", "warning"),
    _score("level", "score"),
    Column("since_utc_ms", _since),
    Column("reasons", lambda row, language: in_language(row["text"], language)),
)
WARNING = (
    *WARNINGS[:4],
    *(_score(name) for name in ("t2", "spe", "ewma", "cusum")),
    WARNINGS[4],
    Column("members", lambda row, _language: ", ".join(row["members"])),
    Column("learned", _learned),
    Column("used_by", lambda row, _language: ", ".join(row["rules"])),
    Column("card", lambda row, _language: str(row["card"])[:12]),
)
LEAKS = (
    _text("name"),
    Column(
        "state", lambda row, language: word(language, "leak", row["state"]), lambda row: _LEAK.get(row["state"], "")
    ),
    Column("sound", lambda row, language: word(language, "leak-sensor", row["sound"])),
    Column("picture", lambda row, language: word(language, "leak-sensor", row["picture"])),
    _figure("evidence", "%", 100.0),
    _figure("level_db", "dB"),
    _figure("over_floor_db", "dB"),
    _figure("learned_h", "h"),
    _figure("distance_m", "m"),
    _figure("flow_kg_s", "g/s", 1000.0),
)
UPSTREAM = (
    _yes("configured"),
    _yes("connected"),
    _text("url"),
    Column("proof", lambda row, language: word(language, "proof", row["proof"])),
    *(_text(name) for name in ("produced", "confirmed", "queued", "aggregated", "expired", "refused")),
    _yes("balanced"),
    _text("error"),
)
TREND = (
    Column("time", lambda row, _language: local_time(row["utc_ms"])),
    _value(),
    _word("quality", "quality"),
)
VERSION = tuple(_text(name) for name in ("installed", "version", "python", "gateway", "site", "boot"))
DOCTOR = (
    Column(
        "result", lambda row, language: word(language, "doctor", row["result"]), lambda row: _SEVERITY[row["result"]]
    ),
    Column("check", lambda row, language: say(language, f"doctor.{row['check']}")),
    _text("found"),
    _text("remedy"),
)
