"""A relay before an OPC UA server without security: from a moment on it answers publish requests itself, as fast as asked.

No server at hand sends 5,000 changed values every 10 ms. So the session is a real one with the server behind; only the
publish responses are made here, beforehand, and written into the same TCP connection with the channel's own numbers.
Arguments: the server's port, items, milliseconds. Prints its port, then answers "begin" and "sent" with how many it sent.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from datetime import UTC, datetime

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from drivers.opcua_wire import published

PUBLISH_REQUEST, PUBLISH_RESPONSE = struct.pack("<BBH", 1, 0, 826), struct.pack("<BBH", 1, 0, 829)
CHUNK = 60_000
WAITING_MAX = 100  # notifications that a server keeps for a client that does not ask; more are counted in `lost`
MARK = 0x5EC0_5EC0  # stands where the subscription and the number of a notification are written
RESPONSES = 4
QUIET_S = 2.0  # the server has told the first value of every item
KEEP_S = 2.0  # the server behind hears of its session this often
STAMP = datetime(2026, 11, 24, 8, 14, 7, tzinfo=UTC)


def responses(items: int) -> list[bytes]:
    """Publish responses with every item changed, the subscription and the sequence number as MARK."""
    made = []
    for number in range(RESPONSES):
        one = ua.PublishResponse()
        one.Parameters.SubscriptionId = ua.UInt32(MARK)
        one.Parameters.NotificationMessage.SequenceNumber = ua.UInt32(MARK)
        values = [
            ua.MonitoredItemNotification(
                ClientHandle=ua.UInt32(at),
                Value=ua.DataValue(ua.Variant(at + number / 4, ua.VariantType.Double), SourceTimestamp=STAMP),
            )
            for at in range(items)
        ]
        one.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=values)]
        made.append(bytes(struct_to_binary(one)))
    return made


class Relay:
    """One client and the server behind."""

    def __init__(self, port: int, items: int, period_ms: float) -> None:
        self.port = port
        self.period_s = period_ms / 1000.0
        self.made = responses(items)
        self.running = False
        self.sent = self.lost = 0

    async def accept(self, client: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self.out = out
        self.injecting, self.told_s, self.kept_s = False, time.monotonic(), time.monotonic()
        self.held: asyncio.Queue[int] = asyncio.Queue()
        self.doubled: set[int] = set()  # requests that are answered here and by the server
        self.swallowed = self.injected = self.subscription = self.number = 0
        server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        tasks = [asyncio.create_task(one) for one in (self.up(client, to_server), self.down(server), self.publish())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in tasks:
            one.cancel()
        to_server.transport.abort()
        out.transport.abort()

    async def frame(self, reader: asyncio.StreamReader) -> bytearray:
        head = await reader.readexactly(8)
        return bytearray(head + await reader.readexactly(struct.unpack_from("<I", head, 4)[0] - 8))

    async def up(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while True:
            data = await self.frame(client)
            if data[:3] == b"MSG" and data[24:28] == PUBLISH_REQUEST and self.injecting:
                (request,) = struct.unpack_from("<I", data, 20)
                self.held.put_nowait(request)
                if time.monotonic() - self.kept_s < KEEP_S:
                    self.swallowed += 1
                    continue
                self.kept_s = time.monotonic()
                self.doubled.add(request)
            self.renumber(data, -self.swallowed)
            to_server.write(data)

    async def down(self, server: asyncio.StreamReader) -> None:
        while True:
            data = await self.frame(server)
            if data[:3] == b"MSG" and (request := struct.unpack_from("<I", data, 20)[0]) in self.doubled:
                self.doubled.remove(request)  # it was answered here
                self.injected -= 1
                continue
            self.renumber(data, self.injected)
            if data[:3] == b"MSG":
                (self.sequence,) = struct.unpack_from("<I", data, 16)
                self.channel = bytes(data[8:16])
                if data[24:28] == PUBLISH_RESPONSE:
                    self.note(data)
            self.out.write(data)

    def renumber(self, data: bytearray, by: int) -> None:
        """The sequence number of a chunk, as if nothing was taken out or put in."""
        at = 16
        if data[:3] == b"OPN":
            at = 12
            for _ in range(3):
                at += 4 + max(0, struct.unpack_from("<i", data, at)[0])
        if data[:3] in (b"MSG", b"OPN", b"CLO"):
            struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + by)

    def note(self, data: bytearray) -> None:
        """Subscription and number of a notification of the server: header of 24 bytes, no diagnostics, no table."""
        _, found = published(bytes(data[24:]))
        self.subscription = found.subscription
        if found.notified:
            self.number, self.told_s = found.sequence, time.monotonic()

    async def publish(self) -> None:
        """On an absolute grid; what nobody asks for waits."""
        while not (self.running and self.subscription and time.monotonic() - self.told_s > QUIET_S):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.injecting = True
        loop = asyncio.get_running_loop()
        begun, due = loop.time(), 0
        while True:
            request = await self.held.get()
            await asyncio.sleep(max(0.0, begun + due * self.period_s - loop.time()))
            late = int((loop.time() - begun) / self.period_s) - due
            if late > WAITING_MAX:
                self.lost += late - WAITING_MAX
                due += late - WAITING_MAX
            due += 1
            self.number += 1
            mark = struct.pack("<I", MARK)
            first, second, rest = self.made[due % RESPONSES].split(mark)
            numbers = struct.pack("<I", self.subscription), struct.pack("<I", self.number)
            self.write(request, first + numbers[0] + second + numbers[1] + rest)
            self.sent += 1
            await self.out.drain()

    def write(self, request: int, body: bytes) -> None:
        for at in range(0, len(body), CHUNK):
            part, last = body[at : at + CHUNK], at + CHUNK >= len(body)
            self.sequence += 1
            self.injected += 1
            head = (b"MSGF" if last else b"MSGC") + struct.pack("<I", 24 + len(part)) + self.channel
            self.out.write(head + struct.pack("<II", self.sequence, request) + part)


async def main() -> None:
    relay = Relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    listening = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        relay.running = line.strip() == "begin" or relay.running
        if line.strip() == "stop":
            relay.running = False
        print(relay.sent, relay.lost, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
