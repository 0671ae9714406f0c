"""A source looked at for some seconds without the daemon: its driver reads, nothing is written, every tag leaves a short story."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drivers.base import Plan, PlannedTag, PointSpec
from gateway.core.errors import SourceError
from gateway.core.samples import Alive, Block, Columns
from gateway.core.tags import Cause, Group, Quality, Tag

SERIES_MAX = 400  # values kept of a tag: enough to judge smoothness, bounded for a long look


@dataclass(slots=True)
class Story:
    """What one tag did: samples seen, GOOD values (the first SERIES_MAX), what was wrong with the others."""

    name: str
    seen: int = 0
    values: list[float] = field(default_factory=list)
    last: float = math.nan
    causes: dict[str, int] = field(default_factory=dict)

    def take(self, value: float, quality: int, cause: int) -> None:
        """One more sample. That nothing came yet is none: a subscription says so of every tag before its first value."""
        if cause == Cause.NEVER:
            return
        self.seen += 1
        if quality == Quality.BAD:
            word = Cause(cause).name
            self.causes[word] = self.causes.get(word, 0) + 1
            return
        self.last = value
        if len(self.values) < SERIES_MAX:
            self.values.append(value)


@dataclass(slots=True)
class Heard:
    """What a source gave: stories by tag name, poll cycles, and how the look ended."""

    stories: dict[str, Story]
    seconds: float = 0.0
    cycles: int = 0
    requests_per_cycle: int = 0
    first_good_s: float = math.nan
    lost: str = ""  # the driver's own words where the source was lost

    @property
    def requests_per_s(self) -> float:
        """Requests the device answered in a second; NaN where the driver has no poll cycle."""
        return self.cycles * self.requests_per_cycle / self.seconds if self.requests_per_cycle else math.nan


def plan_of(module: Any, settings: Any, specs: Sequence[PointSpec], source: str = "device") -> Plan:
    """The plan the site room would make of these rows: groups in order of their names, tags numbered in their order."""
    points = [(module.parse(settings, spec), spec) for spec in specs]
    points.sort(key=lambda pair: (pair[0].group, pair[0].order))
    groups: list[Group] = []
    tags: list[list[PlannedTag]] = []
    for number, (point, spec) in enumerate(points):
        if not groups or groups[-1].name != point.group:
            groups.append(Group(len(groups), point.group, source, number, 0, 1000))
            tags.append([])
        last = groups[-1]
        groups[-1] = Group(last.number, last.name, source, last.first, last.count + 1, last.stale_ms)
        tag = Tag(
            number, spec.name, source, last.number, boolean=point.boolean, writable=spec.writable, hidden=spec.hidden
        )
        tags[-1].append(PlannedTag(tag, point, spec.scale, spec.offset))
    return Plan(source, groups, tags)


async def listen(module: Any, settings: Any, specs: Sequence[PointSpec], seconds: float) -> Heard:
    """Read `specs` for `seconds`, or until the source is lost; an unreachable source is retried until the time is over."""
    plan = plan_of(module, settings, specs)
    heard = Heard({spec.name: Story(spec.name) for spec in specs})
    names = [entry.tag.name for tags in plan.tags for entry in tags]
    began = time.monotonic()

    def emit(block: Block) -> None:
        heard.cycles += 1
        if _take(block, plan, names, heard.stories) and math.isnan(heard.first_good_s):
            heard.first_good_s = time.monotonic() - began

    while (left := seconds - (time.monotonic() - began)) > 0.0:
        driver = module.Driver(settings, plan)
        try:
            async with asyncio.timeout(left):
                await driver.run(emit)
        except TimeoutError:
            pass
        except SourceError as error:
            heard.lost = str(error)
            await asyncio.sleep(min(1.0, max(0.0, seconds - (time.monotonic() - began))))
        heard.requests_per_cycle = getattr(driver, "requests_per_cycle", 0) or heard.requests_per_cycle
    heard.seconds = time.monotonic() - began
    return heard


def _take(block: Block, plan: Plan, names: Sequence[str], stories: dict[str, Story]) -> bool:
    """Note every value of a block; whether one of them is GOOD."""
    if isinstance(block, Alive):
        group = plan.groups[block.group]
        for name in names[group.first : group.first + group.count]:
            if stories[name].values:
                stories[name].seen += 1
        return False
    if isinstance(block, Columns):
        first = plan.groups[block.group].first
        numbers: Sequence[int] = range(first, first + len(block.values))
        values, qualities, causes = block.values.tolist(), block.qualities.tolist(), block.causes.tolist()
    else:
        numbers, values, qualities, causes = block.tags, block.values, block.qualities, block.causes
    good = False
    for number, value, quality, cause in zip(numbers, values, qualities, causes, strict=True):
        finite = math.isfinite(value)
        good = good or (finite and quality != Quality.BAD)
        if not finite and quality != Quality.BAD:
            quality, cause = Quality.BAD, Cause.NOT_A_NUMBER  # the kernel finds this out; drivers pass it on
        stories[names[number]].take(value, quality, cause)
    return good
