"""A page that needs nothing but itself: no script, no request, dark and light, and A4 on paper. Plots are SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 150
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 22

_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Point:
    """One sample: x, value (None = no number), good or not."""

    x: float
    y: float | None
    good: bool = True


def page(title: str, language: str, body: Iterable[str]) -> str:
    """The whole document."""
    head = f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    view = '<meta name="viewport" content="width=device-width,initial-scale=1">'
    return f"{head}{policy}{view}<title>{escape(title)}</title><style>{_CSS}</style></head><body>\n" + "\n".join(
        [*body, "</body></html>\n"]
    )


def heading(text: str) -> str:
    """A section's heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` "trip" or "dim"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers stand to the right."""
    out = ["<table><thead><tr>", *(f"<th>{escape(head)}</th>" for head in heads), "</tr></thead><tbody>"]
    for row in rows:
        out += ["<tr>", *(_cell(value) for value in row), "</tr>"]
    return "".join([*out, "</tbody></table>"])


def _cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="n">{number(value)}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def number(value: float | None) -> str:
    """A number as people write it."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.6g}"


def plot(
    label: str,
    points: Sequence[Point],
    limits: Sequence[float],
    span: tuple[float, float],
    unit: str = "",
) -> str:
    """Values held from sample to sample, limits dashed, bad quality as a band, the trip at zero."""
    known = [p.y for p in points if p.y is not None and math.isfinite(p.y)]
    low, high = min([*known, *limits], default=0.0), max([*known, *limits], default=1.0)
    room = (high - low) * 0.08 or max(abs(high) * 0.1, 0.5)
    low, high = low - room, high + room
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(at: float) -> str:
        return f"{LEFT + (min(max(at, span[0]), span[1]) - span[0]) / (span[1] - span[0]) * wide:.1f}"

    def y(value: float) -> str:
        return f"{TOP + (high - value) / (high - low) * tall:.1f}"

    out = [
        f'<figure><figcaption>{escape(label)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    ]
    out += [
        f'<rect x="{x(a)}" y="{TOP}" width="{max(float(x(b)) - float(x(a)), 1):.1f}" height="{tall}" fill="var(--band)"/>'
        for a, b in _bands(points, span[1])
    ]
    out += _grid((low + room, (low + high) / 2, high - room), _ticks(span), x, y)
    out += [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(limit)}" y2="{y(limit)}" stroke="var(--limit)" stroke-dasharray="6 4"/>'
        f'<text x="{WIDTH - RIGHT}" y="{float(y(limit)) - 4:.1f}" text-anchor="end">{number(limit)} {escape(unit)}</text>'
        for limit in limits
    ]
    out.append(f'<line x1="{x(0)}" x2="{x(0)}" y1="{TOP}" y2="{TOP + tall}" stroke="var(--trip)" stroke-width="1.5"/>')
    out.append(f'<path d="{_path(points, x, y, span[1])}" fill="none" stroke="var(--plot)" stroke-width="1.6"/>')
    return "".join([*out, "</svg></figure>"])


@dataclass(frozen=True, slots=True)
class Interval:
    """One line of `intervals`: a share and what it can be; None = there is no value."""

    name: str
    value: float | None
    low: float
    high: float


def intervals(label: str, lines: Sequence[Interval], *, ticks: int = 5) -> str:
    """Shares with their intervals one below the other, on an axis of 0 to 100 %."""
    tall, wide = 22, WIDTH - 2 * LEFT - 2 * RIGHT
    height = TOP + tall * len(lines) + BOTTOM

    def x(share: float) -> str:
        return f"{2 * LEFT + share * wide:.1f}"

    out = [
        f'<figure><figcaption>{escape(label)}</figcaption><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
    ]
    for tick in range(ticks + 1):
        at = x(tick / ticks)
        out.append(
            f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{height - BOTTOM}" stroke="var(--line)" stroke-width=".5"/>'
        )
        anchor = "end" if tick == ticks else "middle"  # the last one would stand over the edge
        out.append(f'<text x="{at}" y="{height - 6}" text-anchor="{anchor}">{100 * tick // ticks} %</text>')
    for row, line in enumerate(lines):
        y = TOP + tall * row + tall / 2
        out.append(
            f'<text x="{2 * LEFT - 8}" y="{y}" text-anchor="end" dominant-baseline="middle">{escape(line.name)}</text>'
        )
        if line.value is None:
            out.append(f'<text x="{x(0.5)}" y="{y}" text-anchor="middle" dominant-baseline="middle">–</text>')
            continue
        ends = f'x1="{x(line.low)}" x2="{x(line.high)}" y1="{y}" y2="{y}"'
        out.append(f'<line {ends} stroke="var(--limit)" stroke-width="5" stroke-opacity=".55"/>')
        out.append(f'<circle cx="{x(line.value)}" cy="{y}" r="4" fill="var(--plot)"/>')
    return "".join([*out, "</svg></figure>"])


def _grid(
    values: Sequence[float], times: Sequence[float], x: Callable[[float], str], y: Callable[[float], str]
) -> list[str]:
    """Lines with their values, and the times below."""
    out = []
    for value in values:
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"'
        place = f'x="{LEFT - 6}" y="{y(value)}" text-anchor="end" dominant-baseline="middle"'
        out.append(f'<line {ends} stroke="var(--line)" stroke-width=".5"/>')
        out.append(f"<text {place}>{number(round(value, 6))}</text>")
    return out + [f'<text x="{x(at)}" y="{HEIGHT - 6}" text-anchor="middle">{at:g}</text>' for at in times]


def _path(points: Sequence[Point], x: Callable[[float], str], y: Callable[[float], str], end: float) -> str:
    parts, pen = [], False
    last: Point | None = None
    for point in points:
        if last is not None and last == Point(last.x, point.y, point.good):
            continue  # the same again: the line is held anyway
        if point.y is None:
            parts += [f"H{x(point.x)}"] if pen else []
            pen = False
        else:
            parts.append(f"H{x(point.x)}V{y(point.y)}" if pen else f"M{x(point.x)} {y(point.y)}")
            pen = True
        last = point
    return "".join([*parts, f"H{x(end)}"] if pen else parts)


def _bands(points: Sequence[Point], end: float) -> list[tuple[float, float]]:
    """Times of bad quality."""
    bands: list[tuple[float, float]] = []
    since: float | None = None
    for point in points:
        if not point.good and since is None:
            since = point.x
        elif point.good and since is not None:
            bands.append((since, point.x))
            since = None
    return [*bands, (since, end)] if since is not None else bands


def _ticks(span: tuple[float, float]) -> list[float]:
    """About six round numbers."""
    raw = (span[1] - span[0]) / 6 or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if raw <= power * factor)
    first = math.ceil(span[0] / step)
    return [round(at * step, 9) for at in range(first, math.floor(span[1] / step) + 1)]
