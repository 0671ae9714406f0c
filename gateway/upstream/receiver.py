"""`gatehouse upstream watch`: a small receiver for the other side of the broker. MQTT 5 or 3.1.1, TLS or not.

It subscribes, keeps the `Ledger`, prints findings as they come and the sums at the end. With `receipts` it confirms to the
gateways what has arrived; with `resend` it asks for what is missing. It writes nothing else to the broker.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.upstream.ledger import Book, Finding, Ledger

TICK_S = 1.0
RETRY_S = 2.0
KEEP_ALIVE_S = 10
SESSION_S = 86_400  # a day's records wait for us at the broker

WORDS = {
    "lost": ("gateway lost", "网关失联"),
    "back": ("gateway is back", "网关已恢复"),
    "hole": ("numbers {first}–{last} of lane {lane} are missing", "通道 {lane} 缺失序号 {first}–{last}"),
    "expired": (
        "numbers {first}–{last} of lane {lane} expired at the broker while we were away; the active list is right",
        "离线期间通道 {lane} 序号 {first}–{last} 在服务器上过期；活动报警列表仍然正确",
    ),
    "filled": ("number {first} of lane {lane} came after all", "通道 {lane} 序号 {first} 已补到"),
    "conflict": ("one id with two payloads: {text}", "同一 id 出现两种内容：{text}"),
    "replaced": ("lane {lane} goes on at a new base: the journal was replaced", "通道 {lane} 序号换新起点：日志已更换"),
    "unreadable": ("not readable: {text}", "无法解析：{text}"),
    "silent": ("online but silent for 150 s", "在线但 150 s 无任何消息"),
    "broker": ("broker away: {text}", "服务器不可达：{text}"),
    "sums": (
        "{gateway}: received {received}, excused {excused}, missing {missing}, repeats {repeats}, {balance}",
        "{gateway}：收到 {received}，已说明 {excused}，缺失 {missing}，重复 {repeats}，{balance}",
    ),
    "balanced": ("balanced", "账目平衡"),
    "unbalanced": ("NOT balanced", "账目不平衡"),
}


@dataclass(frozen=True, slots=True)
class Watching:
    """Where to listen and how to tell. `prefix` is the topic prefix; files are PEM paths, "" where not used."""

    url: str
    prefix: str = "gatehouse/v1"
    ca: str = ""
    certificate: str = ""
    key: str = ""
    user: str = ""
    password: str = ""
    protocol: Literal["5", "3.1.1"] = "5"
    client: str = "gatehouse-watch"
    receipts: bool = False
    resend: bool = False
    lang: str = "en"
    as_json: bool = False


class Watch:
    """One receiver. `tell` gets lines: JSON objects or sentences."""

    def __init__(self, settings: Watching, tell: Callable[[str], None], now: Callable[[], float] = time.time) -> None:
        self.ledger = Ledger()
        self.problems = 0
        self.connected = False
        self._settings = settings
        self._tell = tell
        self._now = now
        self._sent: dict[str, bytes] = {}

    async def run(self) -> None:
        """Until cancelled; the broker may come and go."""
        while True:
            try:
                async with self._client() as client:
                    await client.subscribe(f"{self._settings.prefix}/+/+/#", qos=1)
                    self.connected = True
                    await self._listen(client)
            except (aiomqtt.MqttError, OSError) as error:
                self.connected = False
                self._say("broker", {"text": str(error)})
                await asyncio.sleep(RETRY_S)

    def sums(self) -> list[dict[str, Any]]:
        """By gateway what came, what is excused and what is missing."""
        return [_sums(root, book) for root, book in sorted(self.ledger.books.items())]

    def tell_sums(self) -> bool:
        """The last word; whether nothing is wrong."""
        fine = not self.problems
        for row in self.sums():
            balance = WORDS["balanced" if row["balanced"] else "unbalanced"][self._zh]
            self._say("sums", row, balance=balance)
            fine = fine and row["balanced"] and not row["missing"]
        return fine

    @property
    def _zh(self) -> bool:
        return self._settings.lang.startswith("zh")

    def _client(self) -> aiomqtt.Client:
        settings, parts = self._settings, urlsplit(self._settings.url)
        five = settings.protocol == "5"
        secure = parts.scheme == "mqtts"
        return aiomqtt.Client(
            parts.hostname or "127.0.0.1",
            parts.port or (8883 if secure else 1883),
            username=settings.user or None,
            password=settings.password or None,
            identifier=settings.client,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False,
            clean_start=False if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            keepalive=KEEP_ALIVE_S,
            properties=_session() if five else None,
            tls_context=_context(settings) if secure else None,
        )

    async def _listen(self, client: aiomqtt.Client) -> None:
        tick = asyncio.create_task(self._tick(client))
        try:
            await self._take(client)
        finally:
            tick.cancel()
            await asyncio.gather(tick, return_exceptions=True)

    async def _take(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            self._found(self.ledger.feed(str(message.topic), payload, self._now()))

    async def _tick(self, client: aiomqtt.Client) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            found = self.ledger.tick(self._now())
            self._found(found)
            if self._settings.resend:
                for one in found:
                    if one.what in ("hole", "expired"):
                        asked = json.dumps({"v": 1, "lane": one.lane, "from": one.first, "to": one.last})
                        await client.publish(f"{one.gateway}/resend", asked, qos=1)
            if self._settings.receipts:
                await self._confirm(client)

    async def _confirm(self, client: aiomqtt.Client) -> None:
        for root, book in self.ledger.books.items():
            receipt = self.ledger.receipt(root)
            if book.lanes and self._sent.get(root) != receipt:
                self._sent[root] = receipt
                await client.publish(f"{root}/receipt", receipt, qos=1)

    def _found(self, found: list[Finding]) -> None:
        for one in found:
            self.problems += one.what not in ("back", "filled", "replaced")
            row = {name: getattr(one, name) for name in ("what", "gateway", "lane", "first", "last", "text")}
            self._say(one.what, {key: value for key, value in row.items() if value})

    def _say(self, word: str, row: dict[str, Any], **more: Any) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now()))
        if self._settings.as_json:
            self._tell(json.dumps({"ts": at, "what": word, **row}, ensure_ascii=False))
            return
        text = WORDS[word][self._zh].format_map({"lane": 0, "first": 0, "last": 0, "text": "", **row, **more})
        where = f"{row['gateway']}: " if word != "sums" and "gateway" in row else ""
        self._tell(f"{at} {where}{text}")


def _sums(root: str, book: Book) -> dict[str, Any]:
    lanes = book.lanes.values()
    return {
        "gateway": root,
        "online": book.online,
        "received": sum(lane.received for lane in lanes),
        "excused": sum(lane.excused for lane in lanes),
        "missing": sum(lane.missing for lane in lanes),
        "repeats": book.duplicates,
        "undurable": book.undurable,
        "balanced": all(lane.balanced for lane in lanes),
        "anchor": book.anchor,
        "active": len(book.active),
    }


def _context(settings: Watching) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context


def _session() -> Properties:
    found = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    found.SessionExpiryInterval = SESSION_S
    return found


async def watch(settings: Watching, tell: Callable[[str], None], for_s: float = 0.0) -> bool:
    """Listen for `for_s` seconds (0 = until cancelled), then say the sums; whether nothing was wrong."""
    receiver = Watch(settings, tell)
    try:
        async with asyncio.timeout(for_s or None):
            await receiver.run()
    except TimeoutError:
        pass
    finally:
        fine = receiver.tell_sums()
    return fine and bool(receiver.ledger.books)
