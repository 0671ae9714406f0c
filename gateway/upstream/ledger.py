"""What a receiver has to check: sequence, holes, duplicates, balance, and whether the gateway is there. No I/O, no clock.

Feed it every message with the time it came; it answers with findings. A hole is no finding while the gateway may still send:
live records come before the backlog. It becomes one when the gateway says that nothing is queued and the hole has stood for
`HOLE_S`; a gap record of the gateway closes it before. A broker drops what a receiver has not fetched for longer than it keeps a
record: such numbers are told as expired, and the retained active list says what became of them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

IDS_MAX = 50_000  # the latest ids by gateway: repeats come within one session's window
RANGES_MAX = 1_000  # holes held by lane; beyond that the oldest is a finding at once
HOLE_S = 30.0
SILENT_S = 150.0  # health, summary and active come every 60 s
RECORDS = ("alarm", "shadow", "audit", "gap", "flood", "chatter")
REPLACED_BITS = 32  # a journal that was replaced goes on above boot << 32: no hole, but to be told

DAY_S = 86_400.0
KEPT_S = {
    1: 7 * DAY_S,
    2: 3 * DAY_S,
    3: DAY_S,
    4: DAY_S,
    5: DAY_S,
}  # by lane: a broker keeps every record at least so long

What = Literal["lost", "back", "hole", "expired", "filled", "conflict", "replaced", "unreadable", "silent"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell: `what` at `gateway`, for numbers `first` to `last` of `lane` where it is about numbers."""

    what: What
    gateway: str
    at_s: float
    lane: int = 0
    first: int = 0
    last: int = 0
    text: str = ""


class Hole(NamedTuple):
    """Numbers `first` to `last` have not come, `since_s`. `away`: nothing was heard meanwhile for longer than a broker keeps them."""

    first: int
    last: int
    since_s: float
    away: bool = False


@dataclass(slots=True)
class LaneBook:
    """One lane: where counting began, the highest number and when it came, the holes between, and the sums."""

    begin: int = 0
    highest: int = 0
    highest_at: float = 0.0
    received: int = 0
    excused: int = 0
    holes: list[Hole] = field(default_factory=list)
    told: set[tuple[int, int]] = field(default_factory=set)

    @property
    def contiguous(self) -> int:
        return self.holes[0].first - 1 if self.holes else self.highest

    @property
    def missing(self) -> int:
        return sum(hole.last - hole.first + 1 for hole in self.holes)

    @property
    def balanced(self) -> bool:
        """Every number since the beginning was received, excused by a gap record, or is known to be missing."""
        due = self.highest - self.begin + 1 if self.highest else 0
        return due == self.received + self.excused + self.missing


@dataclass(slots=True)
class Book:
    """One gateway as the receiver knows it."""

    online: bool | None = None
    boot: str = ""
    seen_at: float = 0.0
    away: tuple[float, float] = (0.0, 0.0)  # the latest silence that was longer than a broker keeps some records
    silent: bool = False
    queued: int | None = None
    queued_at: float = 0.0
    duplicates: int = 0
    undurable: int = 0
    anchor: str = ""
    lanes: dict[int, LaneBook] = field(default_factory=dict)
    active: list[dict[str, Any]] = field(default_factory=list)
    ids: OrderedDict[str, bytes] = field(default_factory=OrderedDict)


class Ledger:
    """All gateways under one subscription."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}

    def feed(self, topic: str, payload: bytes, now_s: float) -> list[Finding]:
        """One message; `topic` is PREFIX/VERSION/SITE/GATEWAY/KIND…, as published."""
        levels = topic.split("/")
        if len(levels) < 5:
            return []
        root, kind = "/".join(levels[:4]), levels[4]
        try:
            fields = msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return [Finding("unreadable", root, now_s, text=f"{topic}: {error}")]
        book = self.books.setdefault(root, Book())
        if book.seen_at and now_s - book.seen_at >= DAY_S:
            book.away = (book.seen_at, now_s)
        book.seen_at, book.silent = now_s, False
        if kind == "status":
            return self._status(root, book, fields, now_s)
        if kind == "health":
            book.queued, book.queued_at = int(fields.get("queued", 0)), now_s
        elif kind == "active":
            book.active = fields.get("alarms", [])
        elif kind in RECORDS:
            return self._record(root, book, kind, fields, payload, now_s)
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Once a second or so: holes that stand, and gateways that fell silent."""
        found: list[Finding] = []
        for root, book in self.books.items():
            if book.online and not book.silent and now_s - book.seen_at > SILENT_S:
                book.silent = True
                found.append(Finding("silent", root, now_s))
            for number, lane in book.lanes.items():
                for first, last, since_s, away in lane.holes:
                    settled = book.queued == 0 and book.queued_at > since_s and now_s - since_s > HOLE_S
                    if settled and (first, last) not in lane.told:
                        lane.told.add((first, last))
                        found.append(Finding("expired" if away else "hole", root, now_s, number, first, last))
        return found

    def receipt(self, root: str) -> bytes:
        """What to publish on `…/receipt`: by lane the highest number up to which nothing is missing."""
        lanes = {str(number): lane.contiguous for number, lane in sorted(self.books[root].lanes.items())}
        return msgspec.json.encode({"v": 1, "lanes": lanes})

    def _status(self, root: str, book: Book, fields: dict[str, Any], now_s: float) -> list[Finding]:
        before, book.online = book.online, bool(fields.get("online"))
        book.boot = str(fields.get("boot", ""))
        if before is book.online or (before is None and book.online):
            return []
        return [Finding("back" if book.online else "lost", root, now_s)]

    def _record(
        self, root: str, book: Book, kind: str, fields: dict[str, Any], payload: bytes, now_s: float
    ) -> list[Finding]:
        identity, digest = str(fields.get("id", "")), sha256(payload).digest()
        known = book.ids.get(identity)
        if known is not None:
            book.duplicates += known == digest
            return [] if known == digest else [Finding("conflict", root, now_s, text=identity)]
        book.ids[identity] = digest
        if len(book.ids) > IDS_MAX:
            book.ids.popitem(last=False)
        if kind == "audit" and fields.get("verb") == "journal.anchor":
            book.anchor = f"{fields.get('target')}:{fields.get('head')}"
        if "lane_seq" not in fields:  # sent from memory while the gateway's disk failed
            book.undurable += 1
            return []
        number = fields.get("lane", fields.get("prio", 5)) if kind in ("alarm", "shadow") else 5
        found = self._count(root, book, int(number), int(fields["lane_seq"]), now_s)
        if kind == "gap":
            lane = book.lanes.setdefault(int(fields["lane"]), LaneBook())
            lane.excused += self._close(lane, int(fields["first"]), int(fields["last"]), now_s)
        return found

    def _count(self, root: str, book: Book, number: int, seq: int, now_s: float) -> list[Finding]:
        lane = book.lanes.setdefault(number, LaneBook())
        found: list[Finding] = []
        if lane.highest and seq >> REPLACED_BITS > lane.highest >> REPLACED_BITS:
            found.append(Finding("replaced", root, now_s, number, lane.highest + 1, seq - 1))
            lane.excused += self._close(lane, lane.highest + 1, seq - 1, now_s)
        was_told = any(first <= seq <= last for first, last in lane.told)
        gone_s, back_s = book.away
        away = lane.highest_at <= gone_s and back_s - gone_s >= KEPT_S.get(number, DAY_S)
        lane.received += self._close(lane, seq, seq, now_s, away=away)
        found += [Finding("filled", root, now_s, number, seq, seq)] if was_told else []
        return found + self._bounded(root, number, lane, now_s)

    def _close(self, lane: LaneBook, first: int, last: int, now_s: float, *, away: bool = False) -> int:
        """These numbers are accounted for; returns how many of them were not before. `away` is of a hole that this opens."""
        closed, holes = 0, list[Hole]()
        for hole in lane.holes:
            if hole.last < first or hole.first > last:
                holes.append(hole)
                continue
            closed += min(hole.last, last) - max(hole.first, first) + 1
            holes += [hole._replace(last=first - 1)] if hole.first < first else []
            holes += [hole._replace(first=last + 1)] if hole.last > last else []
        if not lane.highest:
            lane.begin, lane.highest = first, first - 1
        if first < lane.begin:  # backlog from before we listened
            closed += min(last, lane.begin - 1) - first + 1
            holes = [*([Hole(last + 1, lane.begin - 1, now_s)] if last < lane.begin - 1 else []), *holes]
            lane.begin = first
        if last > lane.highest:
            holes += [Hole(lane.highest + 1, first - 1, now_s, away)] if first > lane.highest + 1 else []
            closed += last - max(first, lane.highest + 1) + 1
            lane.highest, lane.highest_at = last, now_s
        lane.holes = holes
        return closed

    def _bounded(self, root: str, number: int, lane: LaneBook, now_s: float) -> list[Finding]:
        if len(lane.holes) <= RANGES_MAX:
            return []
        oldest = lane.holes.pop(0)
        lane.excused += oldest.last - oldest.first + 1
        return [Finding("expired" if oldest.away else "hole", root, now_s, number, oldest.first, oldest.last)]
