"""What is suspicious about live values: never answered, BAD, not a number, outside the range, constant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.commission.live import Story

Finding = Literal["silent", "bad", "nan", "outside", "constant", "fine"]


@dataclass(frozen=True, slots=True)
class Line:
    """One tag after a look: the finding, the last value, the smallest and greatest seen."""

    tag: str
    finding: Finding
    last: float
    low: float
    high: float
    detail: str = ""


def judged(
    stories: Mapping[str, Story], ranges: Mapping[str, tuple[float, float]], booleans: Sequence[str]
) -> list[Line]:
    """Every tag; a constant bool is no finding, because a pump may just stand."""
    return [_line(story, ranges.get(name, (-math.inf, math.inf)), name in booleans) for name, story in stories.items()]


def _line(story: Story, limits: tuple[float, float], boolean: bool) -> Line:
    values = story.values
    low, high = (min(values), max(values)) if values else (math.nan, math.nan)
    worst = max(story.causes, key=lambda cause: story.causes[cause], default="")
    finding: Finding = "fine"
    if not story.seen:
        finding = "silent"
    elif story.causes:
        finding = "nan" if worst == "NOT_A_NUMBER" else "bad"
    elif any(not math.isfinite(value) for value in values):
        finding = "nan"
    elif values and not limits[0] <= low <= high <= limits[1]:
        finding = "outside"
    elif low == high and not boolean:
        finding = "constant"
    return Line(story.name, finding, story.last, low, high, worst)
