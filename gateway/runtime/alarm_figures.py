"""The key figures of alarms as people see them, beside the targets of ISA-18.2 and EEMUA 191 (spec/alarms.md §2)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.control.views import ActorView, FigureView, KeyFiguresView, Verdict
from gateway.core.kernel import Kernel
from gateway.core.kpis import WINDOW_DAYS, Figures
from gateway.core.limits import STALE_ALARM_NS

# figure -> (unit, target, action): good up to the target, poor above the action level
LEVELS: dict[str, tuple[str, float, float]] = {
    "per_day": ("1/d", 144, 288),
    "per_hour": ("1/h", 6, 12),
    "steady_per_10min": ("1/10 min", 1, 2),
    "upset_max_10min": ("1/10 min", 10, 10),
    "periods_over_10": ("%", 1, 1),
    "hours_over_30": ("%", 1, 1),
    "max_10min": ("", 10, 10),
    "flood_share": ("%", 1, 1),
    "top10_share": ("%", 5, 5),
    "chattering": ("", 0, 0),
    "fleeting": ("", 0, 0),
    "stale": ("", 5, 5),
    "low": ("%", 80, 80),
    "medium": ("%", 15, 15),
    "high": ("%", 5, 5),
    "critical": ("%", 1, 1),
    "refused": ("", 0, 0),
}
AT_LEAST = ("low",)  # the more the better
MIX_SLACK = 5.0  # points of a priority's share that a month may differ from the textbook


def key_figures(kernel: Kernel, now_ms: int, now_ns: int, place: str, days: int) -> KeyFiguresView:
    """All figures of `place` over the last `days`. Raises KeyError."""
    found = kernel.scores.figures(place, now_ms, days)
    values = _values(found) | {"stale": float(_stale(kernel, place, now_ns))}
    rows = tuple(_row(name, values[name]) for name in LEVELS)
    return KeyFiguresView(place, tuple(kernel.scores.places), days, round(found.days, 3), _enough(found), rows)


def _enough(found: Figures) -> bool:
    """A month of it: what is told from less is no figure to act on."""
    return found.days >= WINDOW_DAYS - 1.0


def _values(found: Figures) -> dict[str, float | None]:
    shares = ("periods_over_10", "hours_over_30", "flood_share", "top10_share")
    values: dict[str, float | None] = {
        name: getattr(found, name)
        for name in ("per_day", "per_hour", "steady_per_10min", "upset_max_10min", "max_10min", "chattering")
    }
    for name in shares:
        share: float | None = getattr(found, name)
        values[name] = None if share is None else 100 * share
    for name, count in zip(("critical", "high", "medium", "low"), found.priorities, strict=True):
        values[name] = 100 * count / found.annunciated if found.annunciated else None
    return values | {"fleeting": found.fleeting, "refused": found.refused}


def _row(name: str, value: float | None) -> FigureView:
    unit, target, action = LEVELS[name]
    rounded = None if value is None else round(float(value), 3)
    return FigureView(name, rounded, unit, target, action, _verdict(name, rounded, target, action))


def _verdict(name: str, value: float | None, target: float, action: float) -> Verdict:
    if value is None:
        return "none"
    if name in AT_LEAST:
        return "good" if value >= target - MIX_SLACK else "poor"
    slack = MIX_SLACK if name in ("medium", "high") else 0.0
    return "good" if value <= target + slack else "fair" if value <= action else "poor"


def _stale(kernel: Kernel, place: str, now_ns: int) -> int:
    """Alarms of the place that have stood for a day."""
    points = kernel.alarms.points
    old = (name for name, since_ns in kernel.alarms.bursts.stale.items() if now_ns - since_ns >= STALE_ALARM_NS)
    kind, _, name = place.partition(":")

    def here(alarm: str) -> bool:
        point = points[alarm]
        if kind == "area":
            return point.area == name
        return kind != "position" or kernel.hearing.way(point).position == name

    return _count(here(alarm) for alarm in old)


def _count(every: Iterable[bool]) -> int:
    return sum(every)


def actors(kernel: Kernel, now_ms: int, place: str, days: int) -> list[ActorView]:
    """The alarms to work on first. Raises KeyError."""
    return [
        ActorView(actor.alarm, actor.count, round(100 * actor.share, 2), actor.chatters, actor.fleeting)
        for actor in kernel.scores.actors(place, now_ms, days)
    ]
