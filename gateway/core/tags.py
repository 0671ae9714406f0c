"""Tags, the groups they arrive in, and the quality and cause every value carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from gateway.core.cards import DRIVER, SOURCE, Card

INF = float("inf")


class Quality(IntEnum):
    """Quality of a value; the bits are chosen so that `|` of two qualities is the worse of them."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 3


class Cause(IntEnum):
    """Why a value is not GOOD. `ABOVE_RANGE` and `BELOW_RANGE` are demand on their own side (spec/kernel.md, Logic)."""

    NONE = 0
    NEVER = 1  # nothing received since boot
    COMMS = 2  # device lost, timeout, refused
    STALE = 3  # the group was not confirmed within its limit
    OVERFLOW = 4  # the Inbox quota of its source was exceeded
    DEVICE = 5  # the device answered with a bad status or an exception for this item
    NOT_A_NUMBER = 6  # NaN or infinity
    BELOW_RANGE = 7
    ABOVE_RANGE = 8
    FROZEN = 9  # unchanged for longer than `frozen_s`
    RATE = 10  # moved faster than `rate_max_per_s`
    SIGNAL_FAULT = 11  # NE 43: below 3.6 mA or above 21 mA
    PEER_SILENT = 12  # the PLC's own counter stands still
    REFUSED = 13  # wrong password or certificate
    DECODE = 14  # bytes that are not a value of the declared type
    MAINTENANCE = 15  # calibration or maintenance flag
    STOPPED = 16  # the source ended on purpose
    INPUT = 17  # computed from a value that is BAD


@dataclass(frozen=True, slots=True)
class Tag:
    """One value of the plant as the kernel knows it. Limits are in `unit`; times in the unit of their name."""

    number: int
    name: str
    source: str
    group: int
    unit: str = ""
    boolean: bool = False
    low: float = -INF
    high: float = INF
    fault_low: float = -INF  # NE 43 limits in `unit`
    fault_high: float = INF
    frozen_s: float = 0.0
    rate_max_per_s: float = 0.0
    deadband: float = 0.0
    writable: bool = False
    safe: float = 0.0
    area: str = ""
    personal: bool = False
    model: bool = False  # the value of an AI model: may add demand, never permit
    hidden: bool = False  # heartbeats and other words the gateway needs for itself
    text: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Group:
    """Tags confirmed together (poll cycle, subscription, topic): a contiguous range of numbers with one freshness limit."""

    number: int
    name: str
    source: str
    first: int
    count: int
    stale_ms: int


@dataclass(frozen=True, slots=True)
class Source:
    """One device or feed. `heartbeat` and `peer` are numbers of hidden tags, -1 where the source has none."""

    name: str
    driver: str
    period_ms: int = 0
    heartbeat: int = -1  # hidden output: the counter the PLC watches
    heartbeat_ms: int = 250
    peer: int = -1  # hidden tag: the counter of the PLC that we watch
    peer_stale_ms: int = 1000
    healthy: int = -1  # tag with which the PLC tells that its watchdog has not tripped, -1 where it has none
    scan_ms: int = (
        100  # a scan of the device with its outputs, at most; where it declares none, the longest that is usual
    )
    write_ms: int = 500  # a write with its read-back, at most


@dataclass(frozen=True, slots=True)
class TagTable:
    """All tags, groups and sources of a site; `tags[n].number == n`, `groups[g].number == g`.

    The scores of `cards` are tags too, behind all others: one group per card, of a source that no driver feeds.
    """

    tags: Sequence[Tag]
    groups: Sequence[Group]
    sources: Sequence[Source]
    cards: Sequence[Card] = ()

    def names(self) -> dict[str, int]:
        """Tag name to number."""
        return {tag.name: tag.number for tag in self.tags}

    def fed(self) -> Sequence[Tag]:
        """The tags that sources tell of: all but those the kernel computes itself."""
        return [tag for tag in self.tags if tag.source != SOURCE] if self.cards else self.tags


def with_cards(table: TagTable, cards: Sequence[Card]) -> TagTable:
    """`table` with the scores of `cards` behind its own tags, so that no other number moves."""
    if not cards:
        return table
    tags, groups, numbers = list(table.tags), list(table.groups), table.names()
    for card in cards:
        first, area = len(tags), table.tags[numbers[card.tags[0]]].area
        for name in card.names():
            text = {"en": f"early warning {card.name}, × its limit", "zh-CN": f"预警组 {card.name}，限值的倍数"}
            more = {"low": 0.0, "area": area, "model": True, "text": text}
            tags.append(Tag(len(tags), name, SOURCE, len(groups), **more))  # type: ignore[arg-type]
        count = len(tags) - first
        groups.append(Group(len(groups), f"warn.{card.name}", SOURCE, first, count, 3 * card.period_ms))
    fastest = min(card.period_ms for card in cards)
    return TagTable(tags, groups, [*table.sources, Source(SOURCE, DRIVER, fastest)], tuple(cards))
