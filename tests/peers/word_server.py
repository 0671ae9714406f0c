"""A PLC's memory behind FINS (TCP and UDP) or SLMP 3E: written from the manuals for these tests, sharing no code with the drivers.

    word_server.py fins|slmp PORT      prints the port; then a line each on stdin:
    set AREA WORD VALUE     get AREA WORD     bad AREA WORD     writes normal|ignore|wrong|MS     connections     model NAME

AREA is the code of the words in hexadecimal (FINS) or of the device (SLMP; bits lie sixteen in a word).
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

memory: dict[tuple[int, int], int] = defaultdict(int)
bad: set[tuple[int, int]] = set()
mode = "normal"
open_now: set[asyncio.StreamWriter] = set()
model = "R04ENCPU"
SLMP_BITS = {0x90, 0x91, 0x92, 0x93, 0x9C, 0x9D, 0xA0}


def command(line: str) -> str:
    global mode, model
    verb, *words = line.split()
    if verb == "writes":
        mode = words[0]
        return "ok"
    if verb == "model":
        model = words[0]
        return "ok"
    if verb == "connections":
        return str(len(open_now))
    key = (int(words[0], 16), int(words[1]))
    if verb == "get":
        return str(memory[key])
    if verb == "set":
        memory[key] = int(words[2], 0)
    elif verb == "bad":
        bad.add(key)
    else:
        return "?"
    return "ok"


def refused(area: int, start: int, count: int) -> bool:
    return any((area, at) in bad for at in range(start, start + count))


async def store(area: int, start: int, words: list[int]) -> None:
    """Obey, or do as the test wishes."""
    if mode.isdigit():
        await asyncio.sleep(int(mode) / 1000)
    if mode == "ignore":
        return
    away = 1 if mode == "wrong" else 0
    for at, word in enumerate(words):
        memory[area, start + away + at] = word


async def store_bit(area: int, word: int, bit: int, value: int) -> None:
    old = memory[area, word]
    if mode == "wrong":
        bit = (bit + 1) % 16
    await asyncio.sleep(int(mode) / 1000 if mode.isdigit() else 0)
    if mode != "ignore":
        memory[area, word] = old & ~(1 << bit) | value << bit


async def fins(frame: bytes) -> bytes:
    """The answer to one FINS frame (W227, section 5)."""
    head = bytes([0xC0, 0, 2, *frame[6:9], *frame[3:6], frame[9]]) + frame[10:12]
    area, start, bit, count = (
        frame[12] if len(frame) > 12 else 0,
        int.from_bytes(frame[13:15], "big"),
        frame[15] if len(frame) > 15 else 0,
        int.from_bytes(frame[16:18], "big"),
    )
    if frame[10:12] == b"\x01\x01":
        if refused(area | 0x80, start, count):
            return head + b"\x11\x03"
        if area < 0x80:  # bits, one to a byte
            bits = (memory[area | 0x80, start + (bit + at) // 16] >> (bit + at) % 16 & 1 for at in range(count))
            return head + b"\0\0" + bytes(bits)
        return head + b"\0\0" + b"".join(memory[area, start + at].to_bytes(2, "big") for at in range(count))
    if frame[10:12] == b"\x01\x02":
        if area < 0x80:
            await store_bit(area | 0x80, start, bit, frame[18])
        else:
            data = frame[18:]
            await store(area, start, [int.from_bytes(data[2 * at : 2 * at + 2], "big") for at in range(count)])
        return head + b"\0\0"
    if (
        frame[10:12] == b"\x05\x01"
    ):  # controller data: model, version, 40 bytes for the system, 12 of the memory's sizes
        return head + b"\0\0" + b"CJ2M-CPU33".ljust(20) + b"02.01".ljust(20) + bytes(52)
    return head + b"\x04\x01"


async def slmp(frame: bytes) -> bytes:
    """The answer to one 3E frame (SH-080956, section 5)."""
    verb, kind = int.from_bytes(frame[11:13], "little"), int.from_bytes(frame[13:15], "little")
    if verb == 0x0101:
        return b"\xd0\x00" + frame[2:7] + b"\x14\x00\0\0" + model.encode().ljust(16) + b"\x00\x48"
    at, code, count = int.from_bytes(frame[15:18], "little"), frame[18], int.from_bytes(frame[19:21], "little")
    start = at // 16 if code in SLMP_BITS else at
    body = b"\0\0"
    if verb == 0x0401 and kind == 0:
        if refused(code, start, count):
            body = b"\x56\xc0" + frame[2:7] + frame[11:15]
        else:
            body += b"".join(memory[code, start + n].to_bytes(2, "little") for n in range(count))
    elif verb == 0x0401:
        bits = [memory[code, (at + n) // 16] >> (at + n) % 16 & 1 for n in range(count)]
        body += bytes(a << 4 | b for a, b in zip(bits[::2], [*bits[1::2], 0], strict=False))
    elif verb == 0x1401 and kind == 1:
        await store_bit(code, at // 16, at % 16, frame[21] >> 4)
    elif verb == 0x1401:
        data = frame[21:]
        await store(code, start, [int.from_bytes(data[2 * n : 2 * n + 2], "little") for n in range(count)])
    else:
        body = b"\x59\xc0" + frame[2:7] + frame[11:15]
    return b"\xd0\x00" + frame[2:7] + len(body).to_bytes(2, "little") + body


async def fins_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = await reader.readexactly(16)
        rest = await reader.readexactly(int.from_bytes(head[4:8], "big") - 8)
        if head[8:12] == bytes(4):
            own = int.from_bytes(rest, "big") or 239
            writer.write(
                b"FINS" + bytes([0, 0, 0, 16, 0, 0, 0, 1]) + bytes(4) + own.to_bytes(4, "big") + bytes([0, 0, 0, 10])
            )
            continue
        answer = await fins(rest)
        writer.write(b"FINS" + (len(answer) + 8).to_bytes(4, "big") + bytes([0, 0, 0, 2, 0, 0, 0, 0]) + answer)


async def slmp_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = await reader.readexactly(9)
        rest = await reader.readexactly(int.from_bytes(head[7:9], "little"))
        writer.write(await slmp(head + rest))


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        async def answer() -> None:
            self.transport.sendto(await fins(data), address)  # type: ignore[attr-defined]

        task = asyncio.ensure_future(answer())
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)


TASKS: set[asyncio.Future[None]] = set()


async def main() -> None:
    serve = {"fins": fins_client, "slmp": slmp_client}[sys.argv[1]]

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            open_now.discard(writer)
            writer.transport.abort()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(client, "127.0.0.1", int(sys.argv[2]))
    port = server.sockets[0].getsockname()[1]
    if sys.argv[1] == "fins":
        await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", port))
    print(port, flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(command(line), flush=True)


asyncio.run(main())
