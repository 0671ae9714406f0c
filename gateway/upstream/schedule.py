"""Which row goes out next: lanes by priority, P1 one in flight, live before backlog, a rate for what may wait.

No I/O, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.upstream.encode import LANES
from gateway.upstream.lanes import Row

LIVE_MAX = 1_024  # rows of a lane kept in memory (about 0.6 MB); beyond it the table is the queue
PAGE = 64  # backlog rows of a lane read at a time: three windows
ORDER = (1, 2, 5, 3, 4)  # audits and gaps before what may be many
URGENT = 2  # lanes up to this one never wait for a token
RATE_PER_S = 5_000.0  # what one gateway may ask of a broker that many gateways share
REFUSED_S = (1.0, 5.0, 30.0, 60.0)  # waits of a lane whose topic the broker refuses


@dataclass(slots=True)
class Bucket:
    """Tokens for what may wait: `rate` a second, at most one second's worth at once. P1 and P2 take theirs on credit."""

    rate: float
    tokens: float = 0.0
    at: float = 0.0

    def fill(self, now: float) -> None:
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now

    def take(self, lane: int) -> bool:
        """Whether a row of `lane` may go now."""
        if lane > URGENT and self.tokens < 1.0:
            return False
        self.tokens = max(self.tokens - 1.0, -self.rate)
        return True


@dataclass(slots=True)
class Track:
    """One lane on one connection. Rows up to `limit` come from the table, those above it live."""

    lane: int
    limit: int
    after: int = 0  # the highest number read from the table
    last_live: int = 0
    again: deque[Row] = field(default_factory=deque)  # refused once, sent before
    live: deque[Row] = field(default_factory=deque)
    backlog: deque[Row] = field(default_factory=deque)
    overflowed: bool = False
    in_flight: int = 0
    refusals: int = 0
    not_before: float = 0.0

    @property
    def wants_page(self) -> bool:
        return self.after < self.limit and len(self.backlog) < PAGE // 2

    @property
    def unsent_from(self) -> int:
        """From this number on no socket has seen a live row."""
        return self.live[0].lane_seq if self.live else max(self.limit, self.last_live) + 1

    def take(self, row: Row) -> None:
        """A row just committed; over the bound the table keeps it until the lane is read from there again."""
        if row.lane_seq <= self.limit:
            return
        if self.overflowed or len(self.live) >= LIVE_MAX:
            self.overflowed = True
            return
        self.live.append(row)
        self.last_live = row.lane_seq

    def page_read(self, rows: list[Row], asked: int) -> None:
        """What the table held above `after`, when `asked` rows were asked for."""
        within = [row for row in rows if row.lane_seq <= self.limit]
        self.backlog.extend(within)
        complete = len(within) < len(rows) or len(rows) < asked
        self.after = self.limit if complete else within[-1].lane_seq

    @property
    def empty(self) -> bool:
        return not (self.again or self.live or self.backlog)

    def next(self) -> Row:
        """Refused before live before backlog; not for an empty lane."""
        return (self.again or self.live or self.backlog).popleft()

    @property
    def drained(self) -> bool:
        return self.empty and self.after >= self.limit


class Schedule:
    """All lanes of one connection. `window` is how many messages may be unacknowledged in all."""

    def __init__(self, limits: dict[int, int], window: int, rate: float = RATE_PER_S) -> None:
        self.tracks = {lane: Track(lane, limits.get(lane, 0)) for lane in LANES}
        self._window = window
        self._bucket = Bucket(rate)
        self.others = 0  # messages in flight that belong to no lane

    def take(self, rows: list[Row]) -> None:
        for row in rows:
            self.tracks[row.lane].take(row)

    def ready(self, now: float) -> Iterator[Row]:
        """Rows to send now, in order; each counts as in flight. One place is kept for P1."""
        self._bucket.fill(now)
        for lane in ORDER:
            track = self.tracks[lane]
            if now < track.not_before:
                continue
            while self._room(track) and not track.empty and self._bucket.take(lane):
                row = track.next()
                track.in_flight += 1
                yield row

    def acked(self, row: Row) -> None:
        track = self.tracks[row.lane]
        track.in_flight -= 1
        track.refusals = 0

    def refused(self, row: Row, now: float) -> None:
        """The broker does not take it: it stays first of its lane, and the lane waits."""
        track = self.tracks[row.lane]
        track.in_flight -= 1
        track.again.append(row)
        track.again = deque(sorted(track.again, key=lambda r: r.lane_seq))
        wait = REFUSED_S[min(track.refusals, len(REFUSED_S) - 1)]
        if now >= track.not_before:
            track.refusals += 1
            track.not_before = now + wait

    @property
    def holding(self) -> bool:
        """The broker refuses something."""
        return any(t.refusals for t in self.tracks.values())

    def inherit(self, before: Schedule) -> None:
        """A lane waits on after a reconnect: some brokers hang up after a refusal, again and again."""
        for lane, track in self.tracks.items():
            old = before.tracks[lane]
            track.refusals, track.not_before = old.refusals, old.not_before

    def overflowed(self) -> bool:
        """Some lane has sent all it holds and must be read from the table again."""
        return any(t.overflowed and t.drained for t in self.tracks.values())

    def resume(self, limits: dict[int, int]) -> None:
        """Read overflowed lanes from the table, up to the numbers given by now."""
        for track in self.tracks.values():
            if track.overflowed and track.drained:
                track.after, track.limit = max(track.limit, track.last_live), limits[track.lane]
                track.overflowed = False

    def unsent(self) -> dict[int, int]:
        return {lane: track.unsent_from for lane, track in self.tracks.items()}

    def _room(self, track: Track) -> bool:
        flying = self.others + sum(t.in_flight for t in self.tracks.values())
        if track.lane == 1:
            return track.in_flight == 0
        return flying - self.tracks[1].in_flight < max(1, self._window - 1)
