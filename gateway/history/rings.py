"""Per-tag value rings for trends, tag by tag in preallocated anonymous memory; personal values never enter.

Three layers share a budget: raw samples (what moved beyond the tag's deadband), buckets for the last hour, buckets for
the last day, each with lowest, highest and last value and worst quality. Buckets hold float32: a pixel needs no more.
Time is kept as monotonic ms and shown as UTC of now, so that a step of the clock moves the trend and never breaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.limits import MS
from gateway.core.samples import Alive, Block, Columns, Few, Stamp
from gateway.core.tags import Quality, Tag, TagTable

HOUR_S = 3600
DAY_S = 24 * HOUR_S
WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600)
RAW_MAX = 6000  # ten minutes at 10 Hz
RAW_MIN = 4
RAW_BYTES = 17
BUCKET_BYTES = 13
TAG_BYTES = 96  # what a tag costs besides: the value now, the value stored last, two open buckets
TIER_SHARE = 0.3  # of a tag's bytes for each tier
NOTHING = 255  # quality of a bucket that was never written

Floats = NDArray[np.float64]
Trend = tuple[NDArray[np.int64], Floats, NDArray[np.uint8]]  # utc_ms, value, quality


@dataclass(slots=True)
class Tier:
    """Buckets of `width_ms` of all tags; `bucket` is the open one, -1 before the first sample."""

    width_ms: int
    slots: int
    closed: NDArray[np.float32]  # (tags, slots, 3): lowest, highest, last
    quality: NDArray[np.uint8]  # (tags, slots)
    open_low: Floats
    open_high: Floats
    open_quality: NDArray[np.uint8]
    bucket: int = -1
    first: int = -1

    def advance(self, now_ms: int, values: Floats, qualities: NDArray[np.uint8]) -> None:
        """Close the open bucket, and those nothing came in, when `now_ms` lies beyond it."""
        bucket = now_ms // self.width_ms
        if bucket <= self.bucket:
            return
        if self.bucket < 0:
            self.first = bucket
        else:
            slots = self.slots
            at = self.bucket % slots
            with np.errstate(over="ignore"):  # beyond float32 is infinite in a trend
                for part, array in enumerate((self.open_low, self.open_high, values)):
                    self.closed[:, at, part] = array
                self.quality[:, at] = self.open_quality
                if bucket - self.bucket > 1:  # nothing came: the value was held
                    held = np.arange(max(self.bucket + 1, bucket - slots), bucket) % slots
                    self.closed[:, held] = values[:, None, None]
                    self.quality[:, held] = qualities[:, None]
        self.open_low[:], self.open_high[:], self.open_quality[:] = values, values, qualities
        self.bucket = bucket

    def oldest(self) -> int:
        """The first bucket that is kept."""
        return max(self.first, self.bucket - self.slots)


def _tier(tags: int, width_s: int, span_s: int) -> Tier:
    slots = -(-span_s // width_s)
    closed = np.full((tags, slots, 3), np.nan, np.float32)
    quality = np.full((tags, slots), NOTHING, np.uint8)
    low, high = np.full(tags, np.nan), np.full(tags, np.nan)
    return Tier(width_s * 1000, slots, closed, quality, low, high, np.full(tags, Quality.BAD, np.uint8))


def build_rings(table: TagTable, bytes_max: int = 32 << 20) -> Rings:
    """Rings for all tags of a site in at most `bytes_max`, every page touched. Raises ValueError if that is too little."""
    tags = max(len(table.tags), 1)
    each = bytes_max // tags - TAG_BYTES
    share = int(each * TIER_SHARE) // BUCKET_BYTES
    hour_s, day_s = _width(HOUR_S, share), _width(DAY_S, share)
    buckets = -(-HOUR_S // hour_s) + -(-DAY_S // day_s)
    raw = min(RAW_MAX, (each - buckets * BUCKET_BYTES) // RAW_BYTES)
    if raw < RAW_MIN:
        raise ValueError(f"{bytes_max} bytes are too few for trends of {tags} tags")
    tiers = (_tier(tags, hour_s, HOUR_S), _tier(tags, day_s, DAY_S))
    return Rings(table, raw, tiers)


def _width(span_s: int, buckets: int) -> int:
    """The finest bucket, in seconds, with which `span_s` fits into so many."""
    return next((width for width in WIDTHS_S if span_s <= width * buckets and span_s >= width), span_s)


class Rings:
    """Latest values, raw rings and tiers of a site. Made by `build_rings`; one thread only."""

    def __init__(self, table: TagTable, raw: int, tiers: Sequence[Tier]) -> None:
        tags: Sequence[Tag] = table.tags
        count = max(len(tags), 1)
        self.raw = raw
        self.tiers = tiers
        self._personal = frozenset(tag.number for tag in tags if tag.personal)
        self._tags = len(tags)
        self._span = [(group.first, group.first + group.count) for group in table.groups]
        self._deadband = np.zeros(count)
        self._deadband[: len(tags)] = [tag.deadband for tag in tags]
        self._now = np.full(count, np.nan)
        self._now_quality = np.full(count, Quality.BAD, np.uint8)
        self._stored = np.full(count, np.nan)
        self._stored_quality = np.full(count, NOTHING, np.uint8)  # so that the first sample is stored whatever it is
        self._written = np.zeros(count, np.int64)
        self._ms = np.full(count * raw, 0, np.int64)
        self._value = np.full(count * raw, np.nan)
        self._quality = np.full(count * raw, NOTHING, np.uint8)
        self._views: tuple[Any, ...] = (
            self._now.data,
            self._now_quality.data,
            self._stored.data,
            self._stored_quality.data,
        )
        self._bands: Any = self._deadband.data
        self._open: list[tuple[Any, Any, Any]] = [
            (tier.open_low.data, tier.open_high.data, tier.open_quality.data) for tier in tiers
        ]
        self._latest_ms = 0
        self._utc_offset_ms = 0

    def append(self, stamp: Stamp, block: Block) -> None:
        """Take a block as it was admitted. Raises TypeError for `Personal`."""
        if type(block) is Columns:
            first, end = self._span[block.group]
            self._tick(stamp)
            self._columns(first, end, block.values, block.qualities)
        elif type(block) is Few:
            self._tick(stamp)
            self._rows(block)
        elif type(block) is Alive:
            self._tick(stamp)
        else:
            raise TypeError(f"trends do not accept {type(block).__name__}")

    def lost(self, stamp: Stamp, group: int) -> None:
        """The group is lost: its values are held and BAD from now on."""
        first, end = self._span[group]
        self._tick(stamp)
        self._columns(first, end, self._now[first:end].copy(), np.full(end - first, Quality.BAD, np.uint8))

    def trend(self, tag: int, from_utc_ms: int, to_utc_ms: int, points: int) -> Trend:
        """(utc_ms, value, quality) of one tag, about `points` at most: lowest and highest where there were more.

        Begins with the value held at `from_utc_ms` and ends with the last one. Raises KeyError for an unknown or personal tag.
        """
        if not 0 <= tag < self._tags or tag in self._personal:
            raise KeyError(tag)
        begin, end = from_utc_ms - self._utc_offset_ms, min(to_utc_ms - self._utc_offset_ms, self._latest_ms)
        if begin > end or not self._written[tag]:
            return np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8)
        ms, value, quality = self._raw(tag, begin, end, points) or self._buckets(tag, begin, end, points)
        ms += self._utc_offset_ms
        if end < self._latest_ms:
            return ms[:-1], value[:-1], quality[:-1]
        ms[-1] = end + self._utc_offset_ms
        value[-1], quality[-1] = self._now[tag], self._now_quality[tag]
        return ms, value, quality

    def _tick(self, stamp: Stamp) -> None:
        now_ms = stamp.admit_ns // MS
        self._latest_ms = now_ms
        self._utc_offset_ms = stamp.utc_ns // MS - now_ms
        for tier in self.tiers:
            if now_ms // tier.width_ms != tier.bucket:
                tier.advance(now_ms, self._now, self._now_quality)

    def _columns(self, first: int, end: int, values: Floats, qualities: NDArray[np.uint8]) -> None:
        """One pass over the contiguous slice of a group."""
        self._now[first:end] = values
        self._now_quality[first:end] = qualities
        for tier in self.tiers:
            low, high = tier.open_low[first:end], tier.open_high[first:end]
            np.fmin(low, values, out=low)
            np.fmax(high, values, out=high)
            tier.open_quality[first:end] |= qualities
        with np.errstate(invalid="ignore"):
            moved = np.abs(values - self._stored[first:end]) > self._deadband[first:end]
        moved |= qualities != self._stored_quality[first:end]
        at = np.flatnonzero(moved)
        if len(at):
            self._store(at + first, values[at], qualities[at])

    def _rows(self, block: Few) -> None:
        """The same for single tags; memory views, because numpy costs more than it gives for one value."""
        now, now_quality, stored, stored_quality = self._views
        moved: list[int] = []
        for tag, value, quality in zip(block.tags, block.values, block.qualities, strict=True):
            now[tag], now_quality[tag] = value, quality
            for low, high, worst in self._open:
                if not value >= low[tag]:  # also where nothing was yet (NaN)
                    low[tag] = value if value == value else low[tag]
                if not value <= high[tag]:
                    high[tag] = value if value == value else high[tag]
                worst[tag] |= quality
            if abs(value - stored[tag]) > self._bands[tag] or quality != stored_quality[tag]:
                moved.append(tag)
        if moved:
            at = np.array(moved)
            self._store(at, self._now[at], self._now_quality[at])

    def _store(self, at: NDArray[np.int64], values: Floats, qualities: NDArray[np.uint8]) -> None:
        self._stored[at] = values
        self._stored_quality[at] = qualities
        written = self._written[at]
        slot = at * self.raw + written % self.raw
        self._written[at] = written + 1
        self._ms[slot] = self._latest_ms
        self._value[slot] = values
        self._quality[slot] = qualities

    def _raw(self, tag: int, begin: int, end: int, points: int) -> Trend | None:
        """Raw samples from `begin` to `end`, None if the ring does not reach back so far."""
        written, base = int(self._written[tag]), tag * self.raw
        turn = base + written % self.raw if written > self.raw else base
        stop = base + min(written, self.raw)
        if written > self.raw and self._ms[turn] > begin:
            return None
        ms = _joined(self._ms, turn, stop, base)
        first, last = max(int(ms.searchsorted(begin, "right")) - 1, 0), int(ms.searchsorted(end, "right"))
        value, quality = _joined(self._value, turn, stop, base), _joined(self._quality, turn, stop, base)
        if last <= first:
            return np.empty(1, np.int64), np.empty(1), np.empty(1, np.uint8)
        if last - first > points:
            some = slice(first, last)
            return _steps(ms[some], value[some], value[some], value[some], quality[some], points)
        count = last - first
        out_ms, out_value, out_quality = (
            np.empty(count + 1, np.int64),
            np.empty(count + 1),
            np.empty(count + 1, np.uint8),
        )
        out_ms[:-1], out_value[:-1], out_quality[:-1] = ms[first:last], value[first:last], quality[first:last]
        out_ms[0] = max(out_ms[0], begin)  # the value that was held when the window opens
        return out_ms, out_value, out_quality

    def _buckets(self, tag: int, begin: int, end: int, points: int) -> Trend:
        """Closed buckets from `begin` to `end` of the finest tier that reaches back so far."""
        tier = self.tiers[0]
        for tier in self.tiers:
            if tier.oldest() * tier.width_ms <= begin:
                break
        first = max(begin // tier.width_ms, tier.oldest())
        after = max(min(end // tier.width_ms + 1, tier.bucket), first)
        at, stop = first % tier.slots, first % tier.slots + after - first
        closed, quality = tier.closed[tag], tier.quality[tag]
        if stop > tier.slots:
            closed = np.concatenate((closed[at:], closed[: stop - tier.slots]))
            quality = np.concatenate((quality[at:], quality[: stop - tier.slots]))
        else:
            closed, quality = closed[at:stop], quality[at:stop]
        ms = np.arange(first * tier.width_ms, after * tier.width_ms, tier.width_ms)
        if 2 * len(ms) > points:
            return _steps(ms, closed[:, 0], closed[:, 1], closed[:, 2], quality, points)
        return _pairs(ms, ms, closed, quality)


def _joined(array: NDArray[Any], turn: int, stop: int, base: int) -> NDArray[Any]:
    """A ring in order of time: from `turn` to `stop`, then from `base` to `turn`."""
    return np.concatenate((array[turn:stop], array[base:turn])) if turn > base else array[base:stop]


def _steps(
    ms: NDArray[np.int64],
    low: NDArray[Any],
    high: NDArray[Any],
    last: NDArray[Any],
    quality: NDArray[np.uint8],
    points: int,
) -> Trend:
    """So many neighbours taken together that `points` suffice for the lowest and the highest of each step."""
    starts = np.arange(0, len(ms), -(-len(ms) // max(points // 2, 1)))
    ends = np.empty_like(starts)
    ends[:-1], ends[-1] = starts[1:] - 1, len(ms) - 1
    closed = np.empty((len(starts), 3), last.dtype)
    np.fmin.reduceat(low, starts, out=closed[:, 0])
    np.fmax.reduceat(high, starts, out=closed[:, 1])
    closed[:, 2] = last[ends]
    return _pairs(ms[starts], ms[ends], closed, np.bitwise_or.reduceat(quality, starts))


def _pairs(
    begins: NDArray[np.int64], ends: NDArray[np.int64], closed: NDArray[Any], quality: NDArray[np.uint8]
) -> Trend:
    """Lowest and highest of each step in the order that leads to its last value, and room for one point more."""
    size = 2 * len(begins)
    ms, value, qualities = np.empty(size + 1, np.int64), np.empty(size + 1), np.empty(size + 1, np.uint8)
    ms[0:-1:2], ms[1::2] = begins, ends
    low, high = closed[:, 0], closed[:, 1]
    falling = closed[:, 2] == low
    value[0:-1:2], value[1::2] = np.where(falling, high, low), np.where(falling, low, high)
    qualities[0:-1:2], qualities[1::2] = quality, quality
    return ms, value, qualities
