"""Commands that only look: words of the command line to a verb of the daemon and the columns of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.cli import codes, columns
from gateway.cli.client import Unreachable
from gateway.cli.session import Session
from gateway.cli.tables import Column
from gateway.control.messages import Request


@dataclass(frozen=True, slots=True)
class Reading:
    """A verb and how its answer is shown."""

    verb: str
    columns: Sequence[Column]


READINGS: dict[tuple[str, ...], Reading] = {
    ("alarm", "list"): Reading("alarm.list", columns.ALARMS),
    ("alarm", "actors"): Reading("alarm.actors", columns.ACTORS),
    ("alarm", "shelved"): Reading("alarm.shelved", columns.ALARMS),
    ("alarm", "handover"): Reading("alarm.handover", columns.ALARMS),
    ("alarm", "show"): Reading("alarm.show", columns.ALARM),
    ("interlock", "list"): Reading("interlock.list", columns.INTERLOCKS),
    ("interlock", "show"): Reading("interlock.show", columns.INTERLOCK),
    ("interlock", "stats"): Reading("interlock.stats", columns.STATISTICS),
    ("proof", "list"): Reading("proof.list", columns.PROOFS),
    ("control", "list"): Reading("control.list", columns.CONTROLS),
    ("permit", "list"): Reading("permit.list", columns.PERMITS),
    ("permit", "show"): Reading("permit.show", columns.PERMITS),
    ("telling", "list"): Reading("telling.list", columns.TELLINGS),
    ("camera", "list"): Reading("camera.list", columns.CAMERAS),
    ("camera", "zone"): Reading("camera.zones", columns.ZONES),
    ("bypass", "list"): Reading("bypass.list", columns.BYPASSES),
    ("tag", "list"): Reading("tag.list", columns.TAGS),
    ("tag", "show"): Reading("tag.show", columns.TAGS),
    ("device", "list"): Reading("source.list", columns.DEVICES),
    ("device", "show"): Reading("source.show", columns.DEVICES),
    ("leak", "list"): Reading("leak.list", columns.LEAKS),
    ("time", "status"): Reading("time.status", columns.TIME),
    ("warn", "list"): Reading("warn.list", columns.WARNINGS),
    ("warn", "show"): Reading("warn.show", columns.WARNING),
    ("upstream", "status"): Reading("upstream.status", columns.UPSTREAM),
}


def read(session: Session, *words: str, target: str = "", **args: str) -> int:
    """Run the reading `words`; returns the exit code."""
    reading = READINGS[words]
    return session.read(Request(reading.verb, target, args), reading.columns)


def stats(session: Session, place: str, days: int) -> int:
    """Show the key figures of a place, and say where they rest on less than a month."""
    reply = session.ask(Request("alarm.stats", args={"place": place, "days": str(days)}))
    if reply.code or session.common.output in ("json", "jsonl"):
        return session.show(reply, ())
    found: dict[str, Any] = reply.data
    session.data(list(found["figures"]), columns.FIGURES)
    if not found["enough"]:
        session.problem(codes.OK, "stats.short", days=f"{found['observed_days']:.1f}")
    return codes.OK


def status(session: Session, *, exit_code: bool = False) -> int:
    """Show the overview; with `exit_code` the state of the plant is the exit code."""
    request = Request("status.show")
    if session.common.watch or not exit_code:
        return session.read(request, columns.STATUS)
    reply = session.ask(request)
    code = session.show(reply, columns.STATUS)
    return code or codes.OF_STATE.get(reply.data["state"], codes.FAILED)


def version(session: Session) -> int:
    """Show what is installed, and what the daemon runs where there is one. Always 0: it works with the daemon dead."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed_version

    try:
        found: dict[str, Any] = {"installed": installed_version("gatehouse-edge")}
    except PackageNotFoundError:  # run from a source tree
        found = {"installed": "–"}
    try:
        reply = session.ask(Request("version.show"))
        found |= reply.data or {}
    except Unreachable as gone:
        session.problem(gone.code, gone.key, **gone.args_of_text)
    shown = tuple(column for column in columns.VERSION if column.key in found)
    session.data(found, shown)
    return codes.OK


def trend(session: Session, name: str, seconds: int, points: int) -> int:
    """Show the last values of a tag as rows."""
    request = Request("tag.trend", name, {"seconds": str(seconds), "points": str(points)})
    reply = session.ask(request)
    if reply.code:
        return session.show(reply, ())
    series: dict[str, Any] = reply.data
    quality = {0: "good", 1: "uncertain", 3: "bad"}
    rows = [
        {"utc_ms": at, "value": value, "unit": series["unit"], "quality": quality.get(code, "bad")}
        for at, value, code in zip(series["utc_ms"], series["value"], series["quality"], strict=True)
    ]
    session.data(rows, columns.TREND)
    return codes.OK


def explain(session: Session, name: str, *, bundle: bool = False) -> int:
    """Show the live truth tree of an interlock and what a reset still waits for; with `bundle` where its last trip is kept."""
    from gateway.cli.tree import drawn

    reply = session.ask(Request("interlock.explain", name))
    if reply.code or session.common.output != "table":
        return session.show(reply, ())
    language = session.common.language
    print("\n".join(drawn(reply.data, language)))
    shown = session.ask(Request("interlock.show", name))
    for missing in shown.data["missing"] if shown.code == codes.OK and shown.data else ():
        print(session.text("confirm.missing", what=columns.in_language(missing, language)))
    if not bundle:
        return codes.OK
    return session.show(session.ask(Request("interlock.bundle", name)), columns.BUNDLE)
