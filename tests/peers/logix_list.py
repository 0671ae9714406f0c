"""The tag list of a Logix controller, made for the tests from 1756-PM020: symbol and template objects, a piece at a time.

It serves unconnected and connected messages, so that a client of another maker (pycomm3) can be held against it.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SESSION, CONNECTION = 0x1234, 0x00C0FFEE
BOOL, SINT, INT, DINT, REAL, DWORD = 0xC1, 0xC2, 0xC3, 0xC4, 0xCA, 0xD3
STRUCTURE, SYSTEM, ARRAY = 0x8000, 0x1000, 0x2000
PIECE = 120  # bytes of one answer, small so that every list comes in several
MORE, NO_PATH, NO_SERVICE = 6, 5, 8
_HEAD = struct.Struct("<HHII8sI")
_NAME = b"1756-L83E/B"


@dataclass(frozen=True, slots=True)
class Tag:
    """A symbol of a scope ("" = the controller)."""

    scope: str
    name: str
    kind: int
    dimensions: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Template:
    """A structure: name and members (name, info, type)."""

    name: str
    members: Sequence[tuple[str, int, int]]

    def definition(self) -> bytes:
        """As the template object gives it."""
        members = b"".join(struct.pack("<HHI", info, kind, 4 * at) for at, (_, info, kind) in enumerate(self.members))
        names = b"\0".join([self.name.encode() + b";n", *(name.encode() for name, _, _ in self.members)])
        return members + names + b"\0"


class Controller:
    """Answers what a client may ask of tag lists. `asked` are the services of all messages, in their order."""

    def __init__(self, tags: Sequence[Tag], templates: dict[int, Template]) -> None:
        self.tags, self.templates = tags, templates
        self.asked: list[int] = []

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(_HEAD.size)
                command, length, _, _, context, _ = _HEAD.unpack(head)
                answer = self._command(command, await reader.readexactly(length))
                writer.write(_HEAD.pack(command, len(answer), SESSION, 0, context, 0) + answer)

    def _command(self, command: int, body: bytes) -> bytes:
        if command == 0x65:
            return body
        if command == 0x63:
            who = struct.pack("<HHHBBHI", 1, 14, 166, 33, 11, 0x3160, 0xC0FFEE)
            item = struct.pack("<H", 1) + bytes(16) + who + bytes([len(_NAME)]) + _NAME + b"\x03"
            return struct.pack("<HHH", 1, 0x0C, len(item)) + item
        if command == 0x6F:
            answer = self._unconnected(body[16:])
            return struct.pack("<IHHHHHH", 0, 0, 2, 0, 0, 0xB2, len(answer)) + answer
        if command == 0x70:
            answer = body[20:22] + self._message(body[22:])
            return struct.pack("<IHHHHIHH", 0, 0, 2, 0xA1, 4, CONNECTION, 0xB1, len(answer)) + answer
        return b""

    def _unconnected(self, message: bytes) -> bytes:
        service, size = message[0], 2 * message[1]
        data = message[2 + size :]
        if service == 0x52:
            return self._message(data[4 : 4 + int.from_bytes(data[2:4], "little")])
        if service == 0x54:  # forward open: connection numbers, then what identified the request, then the intervals
            return b"\xd4\0\0\0" + struct.pack("<II", CONNECTION, 0x77) + data[10:18] + bytes(8) + b"\0\0"
        if service == 0x4E:
            return b"\xce\0\0\0" + data[2:10] + b"\0\0"
        return self._message(message)

    def _message(self, message: bytes) -> bytes:
        service, size = message[0], 2 * message[1]
        status, answer = self._served(service, message[2 : 2 + size], message[2 + size :])
        self.asked.append(service)
        return bytes([service | 0x80, 0, status, 0]) + answer

    def _served(self, service: int, path: bytes, data: bytes) -> tuple[int, bytes]:
        scope = ""
        if path[:1] == b"\x91":
            scope = path[2 : 2 + path[1]].decode()
            path = path[2 + path[1] + path[1] % 2 :]
        kind, number = path[1], path[3] if path[2] == 0x24 else int.from_bytes(path[4:6], "little")
        if (service, kind) == (0x55, 0x6B):
            return self._listed(scope, number, [one[0] for one in struct.iter_unpack("<H", data[2:])])
        if (service, kind) == (0x01, 0x01):
            return 0, struct.pack("<HHHBBHI", 1, 14, 166, 33, 11, 0x3160, 0xC0FFEE) + bytes([len(_NAME)]) + _NAME
        if (service, kind) == (0x01, 0x64):
            return 0, b"\x05\0Plant"
        if kind != 0x6C or number not in self.templates:
            return (NO_PATH if kind == 0x6C else NO_SERVICE), b""
        definition = self.templates[number].definition()
        if service == 0x03:
            words = -(-(len(definition) + 23) // 4)
            of = {1: ("<H", number), 2: ("<H", len(self.templates[number].members)), 4: ("<I", words), 5: ("<I", 64)}
            wanted = [one[0] for one in struct.iter_unpack("<H", data[2:])]
            told = [struct.pack("<HH", one, 0) + struct.pack(*of[one]) for one in wanted]
            return 0, data[:2] + b"".join(told)
        at, count = struct.unpack("<IH", data)
        piece = definition[at : at + min(count, PIECE)]
        return (0 if at + len(piece) >= min(len(definition), at + count) else MORE), piece

    def _listed(self, scope: str, first: int, attributes: list[int]) -> tuple[int, bytes]:
        """Instances count by three: a controller leaves gaps where tags were deleted."""
        out = b""
        for at, tag in enumerate(one for one in self.tags if one.scope == scope):
            if (number := 3 * at + 1) < first:
                continue
            values = {
                1: struct.pack("<H", len(tag.name)) + tag.name.encode(),
                2: struct.pack("<H", tag.kind),
                3: bytes(4),
                5: bytes(4),
                6: struct.pack("<I", 1 << 26),
                8: struct.pack("<3I", *tag.dimensions),
                10: b"\0",
            }
            row = struct.pack("<I", number) + b"".join(values[one] for one in attributes)
            if len(out) + len(row) > PIECE:
                return MORE, out
            out += row
        return 0, out


async def _ended(server: asyncio.Server) -> None:
    """In the loop of the server: it is closed by its own thread only."""
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await server.wait_closed()


@contextlib.contextmanager
def served(controller: Controller) -> Iterator[int]:
    """The port at which it answers, in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(controller.client, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, name="logix", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_ended(server))
        loop.run_until_complete(asyncio.sleep(0))  # closed ends are told so in the next turn
        loop.close()
