"""Two stations of HJ 212 on one gateway's port, written from the standard and not from the driver: `hj212_station.py PORT PERIOD_MS`.

Lines on stdin: `set FACTOR VALUE`. Each station calls again when it is cut off. The first line printed is the port.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

VALUES = {"w01018": "50.5", "w01001": "7.25", "w00000": "-3"}


def check_sum(data: bytes) -> int:
    """Appendix A, bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            odd = register & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return register


def packet(segment: str) -> bytes:
    """The frame around a data segment."""
    data = segment.encode("ascii")
    return f"##{len(data):04d}{segment}{check_sum(data):04X}\r\n".encode("ascii")


def real_time(station: str) -> bytes:
    """What the standard calls 2011: three values, one of a broken instrument, and the state of a pump."""
    now = datetime.now(UTC) + timedelta(hours=8)
    number = now.strftime("%Y%m%d%H%M%S") + f"{now.microsecond // 1000:03d}"
    said = ";".join(f"{name}-Rtd={value},{name}-Flag=N" for name, value in VALUES.items())
    head = f"QN={number};ST=32;PW=123456;MN={station};Flag=5"
    data = packet(head.replace("ST=32;", "ST=32;CN=2011;") + f";CP=&&{said};w21003-Rtd=9.9,w21003-Flag=D&&")
    return data + packet(head.replace("ST=32;", "ST=32;CN=2021;") + ";CP=&&SB1-RS=1&&")


async def call(port: int, station: str, period_s: float) -> None:
    """One station for ever."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while True:
                writer.write(real_time(station))
                for _ in range(2):
                    if b"CN=9014" not in await reader.readuntil(b"\r\n"):
                        raise OSError("not acknowledged")
                await asyncio.sleep(period_s)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.05)


async def main() -> None:
    """Until stdin ends."""
    port, period_s = int(sys.argv[1]), int(sys.argv[2]) / 1000
    calls = [asyncio.create_task(call(port, name, period_s)) for name in ("STATION1", "STATION2")]
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        _, factor, value = line.split()
        VALUES[factor] = value
        print("ok", flush=True)
    for one in calls:
        one.cancel()


if __name__ == "__main__":
    asyncio.run(main())
