"""The MQTT session: sends what is durable, counts as delivered only what the broker said it took, raises when lost.

`run` is a supervised edge: it connects once and ends by `UpstreamError`; the supervisor starts it again with back-off
(slowly where `slow`). After a lost connection everything unacknowledged is sent again, byte for byte the same.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from gateway.core.summary import Active, Health, Period, Schema, Status
from gateway.upstream import schemas
from gateway.upstream.certificates import Notice
from gateway.upstream.encode import Message, expiry_s, level
from gateway.upstream.lanes import Row
from gateway.upstream.link import Address, Link, UpstreamError, Version, lost
from gateway.upstream.outbox import Outbox
from gateway.upstream.payloads import Receipt, Resend
from gateway.upstream.schedule import PAGE, RATE_PER_S, Schedule

PUBACK_S = 10.0  # a publish that is not acknowledged by then means the connection is gone
TICK_S = 0.5  # deadlines are judged this often
PERIOD_S = 60.0  # active, summary, health
ACTIVE_GAP_S = 1.0  # the active list goes out at most this often
RECEIPT_GAP_S = 1.0  # receipts are honoured at most this often
RECEIPT_BYTES = 1_024
RESEND_GAP_S = 1.0  # a request to send again is honoured at most this often,
RESEND_MAX = 500  # for at most so many rows,
RESEND_FLYING = 8  # of which so many are unacknowledged at a time: what is new goes before
CERTIFICATES_S = 5.0  # how often the files are looked at for another certificate
FAILED = 0x80  # reason codes from here on are refusals (MQTT 5, 2.4)

Proof = Literal["none", "broker", "receipt"]


class Feeds(Protocol):
    """Where the session asks for the state it publishes; quick, on the loop's thread."""

    def status(self) -> Status: ...
    def active(self) -> Active: ...
    def period(self) -> Period: ...
    def health(self) -> Health: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """`version` "auto" begins with MQTT 5 and falls back; `receipt` subscribes to the receiver's confirmations.

    `resend` lets a receiver ask for delivered rows again; `rate_per_s` bounds all but P1 and P2.
    """

    address: Address
    version: Literal["auto", "5", "3.1.1"] = "auto"
    receipt: bool = False
    resend: bool = False
    rate_per_s: float = RATE_PER_S


@dataclass(slots=True)
class SessionView:
    """What people see of the session. `error` is empty while all is well, else language -> text.

    `certificates` are findings about our files, the worst first: what is wrong, or will expire within 30, 7, 1 days.
    """

    connected: bool = False
    proof: Proof = "none"
    refused: int = 0
    version: str = ""
    error: dict[str, str] = field(default_factory=dict)
    certificates: list[Notice] = field(default_factory=list)
    resent: int = 0


@dataclass(slots=True)
class _Flight:
    what: Row | Message
    since: float


class Session:
    """Delivers one outbox. Construct once; `run` as often as the supervisor likes; one at a time."""

    def __init__(
        self, settings: Settings, outbox: Outbox, feeds: Feeds, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.view = SessionView()
        self._settings = settings
        self._outbox = outbox
        self._encoder = outbox.encoder
        self._feeds = feeds
        self._now = now
        self._version: Version = "3.1.1" if settings.version == "3.1.1" else "5"
        self._link: Link | None = None
        self._schedule = Schedule({}, 1)
        self._flights: dict[int, _Flight] = {}
        self._wake = asyncio.Event()
        self._active_changed = False
        self._due = dict.fromkeys(("active", "summary", "health"), 0.0)
        self._receipt_at = self._resend_at = self._certificates_at = 0.0
        self._certificates = settings.address.signature()
        self._asked: Resend | None = None
        self._again: deque[Row] = deque()

    async def run(self) -> None:
        """Connect and deliver until cancelled. Raises UpstreamError when the connection is lost or refused."""
        try:
            link = await self._connect()
            try:
                await self._serve(link)
            except asyncio.CancelledError:
                await self._leave(link)
                raise
            finally:
                link.drop()
                self._away()
        except UpstreamError as error:
            if not (self._schedule.holding and error.code == "lost"):
                self.view.error = error.text  # else the refusal is the cause, and stays in sight
            raise

    def active_changed(self) -> None:
        """The list of active alarms is another one: publish it soon."""
        self._active_changed = True
        self._wake.set()

    # Receiver (from the outbox) ----------------------------------------------------------------------------------

    def take(self, rows: list[Row]) -> None:
        self._schedule.take(rows)
        self._pump()
        if self._link is not None:
            self._link.flush()

    def take_unjournalled(self, message: Message) -> None:
        link = self._link
        if link is not None:
            self._send(link, message, message, retain=False, seconds=message.expiry_s)

    # Connection --------------------------------------------------------------------------------------------------

    async def _connect(self) -> Link:
        link = self._new_link()
        try:
            await link.connect()
        except UpstreamError as error:
            # A broker of the old version refuses, hangs up without a word, or says nothing: the next attempt speaks the
            # other one.
            if self._settings.version == "auto" and error.code in ("version", "closed", "unanswered"):
                self._version = "3.1.1" if self._version == "5" else "5"
            raise
        self.view.connected = True
        if not self._schedule.holding:
            self.view.error = {}
        self.view.version = self._version
        self.view.proof = "broker" if link.five and not self._settings.receipt else "none"
        return link

    def _new_link(self) -> Link:
        self._certificates = self._settings.address.signature()
        self.view.certificates = self._settings.address.notices()
        try:
            return Link(
                self._settings.address,
                f"gatehouse-{level(self._encoder.names.gateway)}",
                self._encoder.will(),
                self._version,
                published=self._acknowledged,
                received=self._received,
            )
        except OSError as error:  # ssl.SSLError is one: a file is missing, or is not what it should be
            seen = self.view.certificates[0].text if self.view.certificates else {"en": str(error), "zh-CN": str(error)}
            en, zh = f"certificate files cannot be used: {seen['en']}", f"证书文件无法使用：{seen['zh-CN']}"
            raise UpstreamError("certificate-files", en, zh, slow=True) from error

    async def _serve(self, link: Link) -> None:
        self._flights.clear()
        before, self._schedule = (
            self._schedule,
            Schedule(self._outbox.connect(self), link.receive_max, self._settings.rate_per_s),
        )
        self._schedule.inherit(before)
        self._link = link
        if self._settings.receipt:
            link.subscribe_to(f"{self._encoder.names.root}/receipt")
        if self._settings.resend:
            link.subscribe_to(f"{self._encoder.names.root}/resend")
        self._state(link, self._encoder.state(self._feeds.status()))
        self._state(link, self._encoder.state(self._schema()))
        self._due = dict.fromkeys(self._due, self._now())
        for message in self._outbox.memory():
            self.take_unjournalled(message)
        while True:
            link.check()
            self._judge()
            self._judge_certificates()
            self._publish_state(link)
            await self._read_asked()
            await self._read_backlog()
            self._pump()
            self._wake.clear()
            if not self._more_backlog() and not (self._again and self._schedule.others < RESEND_FLYING):
                await self._sleep()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _leave(self, link: Link) -> None:
        """On purpose: say so on `status`, then DISCONNECT."""
        self._state(link, self._encoder.will())
        await link.farewell()

    def _away(self) -> None:
        self._outbox.disconnect(self._schedule.unsent())
        self._link = None
        self._flights.clear()
        self.view.connected = False

    # Sending -----------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        link = self._link
        if link is None:
            return
        for row in self._schedule.ready(self._now()):
            message = Message(row.kind, row.topic, row.payload, 0, row.id)
            self._send(link, message, row, retain=False, seconds=expiry_s(row.kind, row.lane))

    def _send(self, link: Link, message: Message, what: Row | Message, *, retain: bool, seconds: int) -> None:
        try:
            mid = link.send(message, qos=1, retain=retain, expiry_s=seconds)
        except UpstreamError:  # `check` sees the same loss in `_serve`, where it may be raised
            self._wake.set()
            return
        self._flights[mid] = _Flight(what, self._now())
        self._schedule.others += not isinstance(what, Row)

    def _state(self, link: Link, message: Message) -> None:
        if message.kind == "health":
            link.send(message, qos=0, retain=True, expiry_s=message.expiry_s)
        else:
            self._send(link, message, message, retain=True, seconds=message.expiry_s)

    def _publish_state(self, link: Link) -> None:
        now = self._now()
        soonest = self._due["active"] - PERIOD_S + ACTIVE_GAP_S
        if now >= self._due["active"] or (self._active_changed and now >= soonest):
            self._active_changed = False
            self._due["active"] = now + PERIOD_S
            self._state(link, self._encoder.state(self._feeds.active()))
        if now >= self._due["summary"]:
            self._due["summary"] = now + PERIOD_S
            self._state(link, self._encoder.state(self._feeds.period()))
        if now >= self._due["health"]:
            self._due["health"] = now + PERIOD_S
            self._state(link, self._encoder.state(self._feeds.health()))

    def _schema(self) -> Schema:
        texts = {alarm: dict(words) for alarm, words in self._encoder.texts.items()}
        return Schema(utc_ms=time.time_ns() // 1_000_000, schemas=schemas.published(), dictionary=texts)

    # Backlog -----------------------------------------------------------------------------------------------------

    def _more_backlog(self) -> bool:
        return self._outbox.settled() and any(t.wants_page for t in self._schedule.tracks.values())

    async def _read_backlog(self) -> None:
        if not self._outbox.settled():
            return  # what became late is being marked; its bytes are not final yet
        if self._schedule.overflowed():
            self._schedule.resume(self._outbox.connect(self))
        for track in self._schedule.tracks.values():
            if track.wants_page:
                try:
                    rows = await asyncio.to_thread(self._outbox.page, track.lane, track.after, PAGE)
                except sqlite3.Error as error:
                    raise _queue_unreadable(error) from error
                track.page_read(rows, PAGE)
                self._pump()

    # What the broker says ----------------------------------------------------------------------------------------

    def _acknowledged(self, mid: int, reason: int) -> None:
        flight = self._flights.pop(mid, None)
        if flight is None:
            return
        self._schedule.others -= not isinstance(flight.what, Row)
        if reason >= FAILED:
            self._refused(flight.what, reason)
        elif isinstance(flight.what, Row):
            self._schedule.acked(flight.what)
            self._outbox.acked(flight.what.lane, flight.what.lane_seq)
            if self.view.error and not self._schedule.holding:
                self.view.error = {}
        else:
            self._outbox.memory_acked(flight.what)
        self._pump()
        if self._again or any(t.wants_page or t.overflowed for t in self._schedule.tracks.values()):
            self._wake.set()

    def _refused(self, what: Row | Message, reason: int) -> None:
        """A PUBACK that says no is not delivery: the record stays queued and people are told."""
        self.view.refused += 1
        self.view.error = {
            "en": f"the broker refuses topic {what.topic} (reason 0x{reason:02x}); kept in the queue",
            "zh-CN": f"服务器拒收主题 {what.topic}(原因码 0x{reason:02x}),已保留在队列中",
        }
        if isinstance(what, Row):
            self._schedule.refused(what, self._now())

    def _judge(self) -> None:
        """Raises UpstreamError when a publish is unacknowledged beyond its deadline."""
        if self._flights:
            oldest = min(flight.since for flight in self._flights.values())
            if self._now() - oldest > PUBACK_S:
                raise lost(f"no PUBACK for {PUBACK_S:.0f} s")

    def _judge_certificates(self) -> None:
        """Another certificate in the files: connect anew with it, the queue stays. Raises UpstreamError then."""
        now = self._now()
        if now < self._certificates_at:
            return
        self._certificates_at = now + CERTIFICATES_S
        address = self._settings.address
        self.view.certificates = address.notices()
        if address.signature() == self._certificates or any(notice.days <= 0 for notice in self.view.certificates):
            return  # half-written files, or files of no use: the connection that stands is better
        raise UpstreamError("rotated", "certificates were replaced: connecting anew", "证书已更换，正在重新连接")

    def _received(self, topic: str, payload: bytes) -> None:
        """A receipt, or a request to send rows again where the site allows it; anything else is ignored."""
        now = self._now()
        if self._settings.resend and topic == f"{self._encoder.names.root}/resend":
            self._resend(payload, now)
            return
        if not self._settings.receipt or topic != f"{self._encoder.names.root}/receipt" or now < self._receipt_at:
            return
        if len(payload) > RECEIPT_BYTES:
            return
        try:
            receipt = msgspec.json.decode(payload, type=Receipt)
        except msgspec.DecodeError:
            return
        self._receipt_at = now + RECEIPT_GAP_S
        self.view.proof = "receipt"
        self._outbox.receipt({int(lane): number for lane, number in receipt.lanes.items()})

    # Once more ---------------------------------------------------------------------------------------------------

    def _resend(self, payload: bytes, now: float) -> None:
        if now < self._resend_at or len(payload) > RECEIPT_BYTES or self._again:
            return
        try:
            self._asked = msgspec.json.decode(payload, type=Resend)
        except msgspec.DecodeError:
            return
        self._resend_at = now + RESEND_GAP_S
        self._wake.set()

    async def _read_asked(self) -> None:
        """Rows that were delivered before, byte for byte; what is no longer at hand is not answered."""
        asked, self._asked = self._asked, None
        if asked is not None:
            try:
                rows = await asyncio.to_thread(self._outbox.sent, asked.lane, asked.first, asked.last, RESEND_MAX)
            except sqlite3.Error as error:
                raise _queue_unreadable(error) from error
            self._again.extend(rows)
        while self._again and self._schedule.others < RESEND_FLYING:
            row = self._again.popleft()
            message = Message(row.kind, row.topic, row.payload, expiry_s(row.kind, row.lane), row.id)
            self.take_unjournalled(message)
            self.view.resent += 1


def _queue_unreadable(error: sqlite3.Error) -> UpstreamError:
    return UpstreamError("queue", f"the queue cannot be read: {error}", f"无法读取发送队列：{error}")
