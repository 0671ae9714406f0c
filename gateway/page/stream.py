"""Server-sent events: one snapshot encoded once a tick and shared by all clients, of which only what changed is sent."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import msgspec

from gateway.control.views import AlarmView, Views
from gateway.core.limits import ACTIVE_MAX

CLIENTS_MAX = 64  # control rooms, phones and wall screens; one more is told to come back
QUEUE_MAX = 8  # two seconds of ticks: a client further behind shows its page as stale anyway
KEPT_MAX = 40  # ten seconds of ticks that a client which lost its connection may still ask for

SLICE_S = 0.000_3  # of the loop at once; one item takes some 25 µs

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


async def _in_slices(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn for the loop whenever they have taken `SLICE_S`."""
    until = time.perf_counter() + SLICE_S
    for item in items:
        yield item
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_S


def shown_alarms(alarms: Iterable[AlarmView]) -> list[AlarmView]:
    """The alarms that are not NORMAL, by priority, then the newest first."""
    rows = _grouped([alarm for alarm in alarms if alarm.state != "NORMAL"])
    return sorted(rows, key=lambda alarm: (alarm.priority, -alarm.raised_utc_ms, alarm.name))


def _grouped(alarms: list[AlarmView]) -> list[AlarmView]:
    """In a flood one line stands for all P3 and P4 of its area: the one that came first, and how many more."""
    floods: dict[str, list[AlarmView]] = {}
    for alarm in alarms:
        if alarm.flood:
            floods.setdefault(alarm.flood, []).append(alarm)
    rows = [alarm for alarm in alarms if not alarm.flood]
    for members in floods.values():
        first = min(members, key=lambda alarm: (alarm.raised_utc_ms, alarm.occurrence))
        rows.append(msgspec.structs.replace(first, others=len(members) - 1))
    return rows


class Feed:
    """What the page knows, as encoded parts: `advance` compares with the views and returns the difference as one event.

    Each section is a dict of encoded items in the order they are shown, so an unchanged item costs one comparison of bytes.
    Reading gives the loop its turn every `SLICE_S`: a large plant takes milliseconds to read, and a trip must not wait for them.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._sections: dict[str, dict[str, bytes]] = {}
        self._overview = b"null"
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_MAX)
        self._full: bytes | None = None
        self._reading = asyncio.Lock()

    async def advance(self) -> bytes:
        """Read the views once, remember them, return the event that leads from the last tick to this one."""
        async with self._reading:
            read = await self._read()
            overview = _encode(self._views.overview())
            return self._remember(read, overview)

    def _remember(self, read: dict[str, dict[str, bytes]], overview: bytes) -> bytes:
        before, self._sections = self._sections, read
        self._overview = overview
        body: dict[str, Any] = {"overview": msgspec.Raw(self._overview)}
        for name, items in self._sections.items():
            difference = _difference(before.get(name), items)
            if difference:
                body[name] = difference
        self._seq += 1
        self._full = None
        event = self._event("delta", body)
        self._kept.append((self._seq, event))
        return event

    def since(self, last_id: str) -> bytes:
        """What brings a client that has seen `last_id` up to now: the events it missed, or everything."""
        epoch, _, number = last_id.partition("-")
        if epoch == self._epoch and number.isdecimal() and self._kept:
            seen = int(number)
            if self._kept[0][0] <= seen + 1 and seen <= self._seq:
                return b"".join(event for seq, event in self._kept if seq > seen)
        if self._full is None:
            body: dict[str, Any] = {"overview": msgspec.Raw(self._overview)}
            body.update({name: _difference(None, items) for name, items in self._sections.items()})
            self._full = self._event("full", body)
        return self._full

    async def _read(self) -> dict[str, dict[str, bytes]]:
        views = self._views
        interlocks = {view.name: _encode(view) async for view in _in_slices(views.each_interlock())}
        alarms = shown_alarms([view async for view in _in_slices(views.each_alarm(active_only=True))])
        return {
            "interlocks": interlocks,
            "alarms": {view.name: _encode(view) async for view in _in_slices(alarms[:ACTIVE_MAX])},
            "sources": {view.name: _encode(view) for view in views.sources()},
            "bypasses": {f"{view.function} {view.tag}": _encode(view) for view in views.bypasses()},
        }

    def _event(self, kind: str, body: dict[str, Any]) -> bytes:
        head = f"id: {self._epoch}-{self._seq}\nevent: {kind}\ndata: ".encode()
        return head + _encode({"seq": self._seq, **body}) + b"\n\n"


def _difference(before: dict[str, bytes] | None, now: dict[str, bytes]) -> dict[str, Any]:
    """Changed items under `set`; `order` (all keys) only if it changed or nothing was sent `before`."""
    difference: dict[str, Any] = {}
    changed = {key: msgspec.Raw(item) for key, item in now.items() if before is None or before.get(key) != item}
    if changed:
        difference["set"] = changed
    if before is None or list(before) != list(now):
        difference["order"] = list(now)
    return difference


class Client:
    """One open page: a short queue of events. A client that lets it fill is cut off, not waited for."""

    def __init__(self, transport: asyncio.BaseTransport | None) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MAX)
        self._transport = transport

    def offer(self, event: bytes) -> bool:
        """Queue an event; False if there is no room."""
        if self._queue.full():
            return False
        self._queue.put_nowait(event)
        return True

    async def next(self) -> bytes | None:
        """The next event; None when the page ends."""
        return await self._queue.get()

    def end(self) -> None:
        """Let `next` return None, after dropping what is queued if there is no room."""
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    def cut(self) -> None:
        """Close the connection without waiting for what is still to be written."""
        self.end()
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()


class Audience:
    """All open pages, at most CLIENTS_MAX."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._present = asyncio.Event()
        self.cut_off = 0

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, client: Client) -> bool:
        """Take a client in; False if there is no room."""
        if len(self._clients) >= CLIENTS_MAX:
            return False
        self._clients.add(client)
        self._present.set()
        return True

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)
        if not self._clients:
            self._present.clear()

    async def present(self) -> None:
        """Wait until there is at least one client."""
        await self._present.wait()

    def publish(self, event: bytes) -> None:
        """Queue an event for all; cut off those without room."""
        for client in [client for client in self._clients if not client.offer(event)]:
            self.cut_off += 1
            self.leave(client)
            client.cut()

    def end(self) -> None:
        """Tell all clients that the page ends."""
        for client in self._clients:
            client.end()
