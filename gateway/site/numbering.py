"""Numbers for tags, groups and sources: the tags of a group stand together, as their driver reads them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivers.base import Channel, Plan, PlannedTag, Point, models
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.site.sources import SourceDraft
from gateway.site.tag_rows import Draft

WRITE_GROUP = "write"  # the heartbeat's group: written and never polled


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tag that waits for its numbers: fields of the core Tag, its point and scaling, its limit of freshness."""

    name: str
    point: Point
    draft: Draft | None = None
    stale_ms: int = 0  # 0 = the group's other tags decide
    writable: bool = False


def number(
    drafts: Sequence[Draft], sources: Mapping[str, SourceDraft], channels: Mapping[str, Channel]
) -> tuple[TagTable, dict[str, Plan]]:
    """The tag table and one plan per source; independent of the order of the rows."""
    tags: list[Tag] = []
    groups: list[Group] = []
    plans: dict[str, Plan] = {}
    by_source: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_source[draft.row["source"]].append(draft)
    for name, source in sources.items():
        own: list[Group] = []
        planned: list[list[PlannedTag]] = []
        for group_name, entries in sorted(_groups(source, by_source[name]).items()):
            group, members = _place(source, group_name, entries, len(groups), len(tags))
            groups.append(group)
            own.append(group)
            tags += [member.tag for member in members]
            planned.append(members)
        told = sorted({channel.address for channel in channels.values() if channel.source == name})
        plans[name] = Plan(name, tuple(own), tuple(tuple(members) for members in planned), tuple(told))
    table = TagTable(tuple(tags), tuple(groups), ())
    numbers = table.names()
    return TagTable(table.tags, table.groups, tuple(_source(source, numbers) for source in sources.values())), plans


def _groups(source: SourceDraft, drafts: Sequence[Draft]) -> dict[str, list[_Entry]]:
    groups: dict[str, list[_Entry]] = defaultdict(list)
    for draft in drafts:
        groups[draft.point.group].append(
            _Entry(draft.spec.name, draft.point, draft, draft.stale_ms, draft.spec.writable)
        )
    for key, word in source.words.items():
        group = WRITE_GROUP if key == "heartbeat" else word.point.group
        groups[group].append(_Entry(word.spec.name, word.point, writable=word.spec.writable))
    return groups


def _place(
    source: SourceDraft, name: str, entries: list[_Entry], number: int, first: int
) -> tuple[Group, list[PlannedTag]]:
    ordered = sorted(entries, key=lambda entry: (entry.point.order, entry.name))
    stale_ms = min((entry.stale_ms for entry in ordered if entry.stale_ms), default=max(3 * source.period_ms, 1000))
    group = Group(number, name, source.name, first, len(ordered), stale_ms)
    return group, [_planned(source, entry, first + i, number) for i, entry in enumerate(ordered)]


def _planned(source: SourceDraft, entry: _Entry, number: int, group: int) -> PlannedTag:
    draft = entry.draft
    if draft is None:
        tag = Tag(number, entry.name, source.name, group, writable=entry.writable, hidden=True)
        return PlannedTag(tag, entry.point, 1.0, 0.0)
    tag = Tag(
        number=number,
        name=entry.name,
        source=source.name,
        group=group,
        unit=draft.unit,
        boolean=draft.point.boolean,
        low=draft.low,
        high=draft.high,
        fault_low=draft.fault[0],
        fault_high=draft.fault[1],
        frozen_s=draft.frozen_s,
        rate_max_per_s=draft.rate_max_per_s,
        deadband=draft.deadband,
        writable=draft.spec.writable,
        safe=draft.safe,
        area=draft.area,
        personal=draft.personal,
        model=source.driver in models(),
        text=draft.text,
    )
    return PlannedTag(tag, draft.point, draft.spec.scale, draft.spec.offset, draft.spec.type)


def silent(table: TagTable) -> TagTable:
    """The table of a site that only monitors: no source has a heartbeat, so the kernel arms nothing that drives an output."""
    sources = [dataclasses.replace(source, heartbeat=-1) for source in table.sources]
    return dataclasses.replace(table, sources=sources)


def _source(source: SourceDraft, numbers: Mapping[str, int]) -> Source:
    return Source(
        name=source.name,
        driver=source.driver,
        period_ms=source.period_ms,
        heartbeat=numbers.get(f"{source.name}.$heartbeat", -1),
        heartbeat_ms=source.heartbeat.period_ms if source.heartbeat else 250,
        peer=numbers.get(f"{source.name}.$peer", -1),
        peer_stale_ms=source.reverse.stale_ms if source.reverse else 1000,
        healthy=numbers.get(source.heartbeat.healthy, -1) if source.heartbeat else -1,
        scan_ms=source.times.scan_ms,
        write_ms=source.times.write_ms,
    )
