"""A backtest as a page for people, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from html import escape
from unicodedata import east_asian_width

from gateway.offline.figures import Backtest, WouldTrip
from gateway.offline.historian import Export
from gateway.offline.html import heading, page, paragraph, table
from gateway.offline.trip_report import moment
from gateway.offline.words import say

SHOWN = 500  # trips on a page; the JSON has them all
WIDTH, ROW, LEFT = 720, 22, 150


def report(found: Backtest, language: str, zone: tzinfo = UTC, export: Export | None = None) -> str:
    """The page of a backtest."""
    title = say("bt.title", language)
    period = f"{moment(found.from_utc_ms, zone)} – {moment(found.to_utc_ms, zone)}"
    body = [f"<h1>{escape(title)}</h1>", paragraph(period), paragraph(say("bt.ideal", language), "dim")]
    if found.equality is not None:
        equality = found.equality
        kind = "" if equality.equal == equality.decisions else "trip"
        body.append(paragraph(say("bt.equal", language, equal=equality.equal, decisions=equality.decisions), kind))
    body += [heading(say("bt.functions", language)), table(*functions(found, language))]
    body += [heading(say("bt.plot", language)), _strip(found, zone)]
    body += [
        heading(say("bt.alarms", language)),
        paragraph(_alarms_line(found, language)),
        table(*alarms(found, language)),
    ]
    body += [heading(say("bt.trips", language)), table(*trips(found.trips[:SHOWN], language, zone))]
    body += [heading(say("bt.coverage", language)), *_coverage(found, language, zone)]
    if export is not None:
        body += list(_cells(export, language))
    body.append(
        table(
            ("", ""),
            [(say("program_hash", language), found.program_hash), (say("bt.speed", language), found.times_real)],
        )
    )
    return page(title, language, body)


def text(found: Backtest, language: str, zone: tzinfo = UTC, export: Export | None = None) -> str:
    """The same for a terminal."""
    out = [
        f"{say('bt.period', language)}: {moment(found.from_utc_ms, zone)} – {moment(found.to_utc_ms, zone)}"
        f"  ({found.hours:g} {say('bt.hours', language)}, {found.times_real:g}x)",
        say("bt.ideal", language),
    ]
    if found.equality is not None:
        out.append(say("bt.equal", language, equal=found.equality.equal, decisions=found.equality.decisions))
    out += ["", *aligned(*functions(found, language)), "", _alarms_line(found, language), ""]
    out += [*aligned(*trips(found.trips[:SHOWN], language, zone)), "", *aligned(*coverage(found, language, zone))]
    if export is not None:
        out += [f"{cell.file}:{cell.line}:{cell.column}: {cell.text}" for cell in export.bad]
        out += [say("bt.unknown", language, names=", ".join(sorted(export.unknown)))] if export.unknown else []
    return "\n".join(out) + "\n"


Table = tuple[list[str], list[tuple[object, ...]]]


def functions(found: Backtest, language: str) -> Table:
    """One line per interlock."""
    keys = ("bt.trips", "bt.really", "bt.both", "bt.new", "bt.gone", "bt.chatter", "bt.hunting", "bt.ready")
    heads = [say("rule", language), *(say(key, language) for key in keys)]
    return heads, [
        (
            f.function,
            f.would,
            f.really,
            f.both,
            f.new,
            f.gone,
            f.again,
            f.hunting,
            say("yes" if f.ready else "no", language),
        )
        for f in found.functions
    ]


def alarms(found: Backtest, language: str) -> Table:
    """One line per alarm that came at all."""
    heads = [say(key, language) for key in ("kind.alarm.raise", "bt.before", "bt.after", "bt.added", "bt.chattering")]
    return heads, [
        (a.alarm, a.before, a.after, a.after - a.before, say("yes" if a.chattering else "no", language))
        for a in found.alarms
    ]


def trips(found: Sequence[WouldTrip], language: str, zone: tzinfo) -> Table:
    """One line per would-trip."""
    heads = [say(key, language) for key in ("bt.time", "rule", "bt.first", "bt.duration", "bt.commands", "bt.really")]
    return heads, [
        (
            moment(trip.utc_ms, zone),
            trip.function,
            ", ".join(trip.first_out) or trip.event,
            say("bt.open", language) if trip.lasted_s is None else trip.lasted_s,
            ", ".join(trip.commands),
            say("yes" if trip.really else "no", language),
        )
        for trip in found
    ]


def coverage(found: Backtest, language: str, zone: tzinfo) -> Table:
    """One line per boot or file."""
    heads = [say(key, language) for key in ("bt.boot", "window", "bt.inputs", "bt.missing", "bt.used")]
    return heads, [
        (
            part.boot or "–",
            f"{moment(part.from_utc_ms, zone)} – {moment(part.to_utc_ms, zone)}",
            part.inputs,
            part.missing,
            say("yes" if part.used else "bt.not-used", language),
        )
        for part in found.coverage
    ]


def _alarms_line(found: Backtest, language: str) -> str:
    added = f"{found.alarms_added_per_hour:+g} {say('bt.per-hour', language)}"
    before, after = say("bt.before", language), say("bt.after", language)
    return f"{before} {found.alarms_before}, {after} {found.alarms_after}: {added}"


def _coverage(found: Backtest, language: str, zone: tzinfo) -> Iterator[str]:
    yield table(*coverage(found, language, zone))
    gaps = [gap for part in found.coverage for gap in part.gaps]
    if gaps:
        yield table([say("bt.gaps", language)], [(f"{moment(a, zone)} – {moment(b, zone)}",) for a, b in gaps[:SHOWN]])


def _cells(export: Export, language: str) -> Iterator[str]:
    yield paragraph(say("bt.held", language, value=f"{export.gap_s:g}"), "dim")
    if export.unknown:
        yield paragraph(say("bt.unknown", language, names=", ".join(sorted(export.unknown))))
    if export.bad:
        yield heading(f"{say('bt.cells', language)}: {export.bad_in_all}")
        rows = [(cell.file, cell.line, cell.column, cell.text) for cell in export.bad]
        yield table([say(key, language) for key in ("bt.file", "bt.line", "bt.column", "value.head")], rows)


def _strip(found: Backtest, zone: tzinfo) -> str:
    """Every would-trip on a line of its interlock: filled where it really happened, too."""
    names = [figures.function for figures in found.functions]
    height = ROW * len(names) + 24
    span = max(found.to_utc_ms - found.from_utc_ms, 1)
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
    for at, name in enumerate(names):
        y = ROW * at + ROW // 2
        out.append(
            f'<text x="{LEFT - 8}" y="{y}" text-anchor="end" dominant-baseline="middle">{escape(name[:22])}</text>'
        )
        out.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="var(--line)"/>')
    for trip in found.trips:
        y = ROW * names.index(trip.function) + ROW // 2
        x = LEFT + (trip.utc_ms - found.from_utc_ms) / span * (WIDTH - LEFT - 8)
        fill = "var(--trip)" if trip.really else "var(--paper)"
        out.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{fill}" stroke="var(--trip)" stroke-width="1.5"/>')
    ends = ((LEFT, "start", found.from_utc_ms), (WIDTH, "end", found.to_utc_ms))
    out += [
        f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{moment(at, zone)}</text>' for x, anchor, at in ends
    ]
    return "".join([*out, "</svg>"])


def aligned(heads: list[str], rows: list[tuple[object, ...]]) -> list[str]:
    """The lines of a table for a terminal."""
    shown = [heads, *([str(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[at]) for row in shown) for at in range(len(heads))]
    return [
        "  ".join(cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(letter) in ("W", "F") else 1 for letter in text)
