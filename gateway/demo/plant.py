"""The simulated PLC of the demo plant: `python -m gateway.demo.plant --port 1502 [--script] [--control PATH]`.

A Modbus TCP server (codec: pymodbus) in front of `physics.Plant`. Every unit id answers. Zero-based addresses:

    what                        address         type           unit   range      remark
    tank1.level                 holding:100     float32/cdab   cm     0..300     pump7 drains, fill valve refills
    tank1.temperature           holding:102     float32/cdab   degC   0..120
    tank2.level                 holding:104     float32/cdab   cm     0..300     pump7 fills, pump8 drains
    tank2.temperature           holding:106     float32/cdab   degC   0..120
    pump7.pressure              holding:108     float32/cdab   bar    0..10      about 3.2 while pump7 runs
    pump7.flow                  holding:110     float32/cdab   L/min  0..100     about 42 while pump7 runs
    vent1.flow                  holding:112     float32/cdab   m3/h   0..2000    about 900 while vent1 runs
    tank1.level_b               holding:114     float32/cdab   cm     0..300     second transmitter, for voting
    tank1.level_c               holding:116     float32/cdab   cm     0..300     third transmitter
    rx1.temp                    holding:118     float32/cdab   degC   -20..400   reactor, 150 until it drifts
    ch4.a                       holding:120     float32/cdab   %vol   0..5       portable detector at the hot work
    o2.a                        holding:122     float32/cdab   %vol   0..25
    wind1, wind2                holding:124,126 float32/cdab   m/s    0..60      yard, two masts
    gas1.lel                    input:100       uint16 x 0.1   %LEL   0..100     tank farm
    gas2.lel                    input:101       uint16 x 0.1   %LEL   0..100     pump pit
    gas4.h2s                    input:102       uint16 x 0.1   ppm    0..100     pickling hall
    h2s1, h2s2, h2s3            input:104..106  uint16 x 0.1   ppm    0..100     stripper
    co.kiln                     input:107       uint16 x 0.1   ppm    0..500     kiln; fan 2 at high speed clears it
    tank1.current               input:103       uint16 x 0.001 mA     4..20      level transmitter as current (NE 43)

    outputs of the gateway (coils; while the watchdog is dropped the PLC overwrites them with `safe` each scan):
    pump7.permit                coil:20         bool                             safe 0
    vent1.start                 coil:22         bool                             safe 1: the fan must run
    horn1.on                    coil:23         bool                             safe 0
    beacon1.on                  coil:24         bool                             safe 0
    fill1.permit                coil:25         bool                             safe 0
    pump8.permit                coil:26         bool                             safe 0
    heat1.permit                coil:27         bool                             safe 0
    fan2.high                   coil:28         bool                             safe 1: kiln ventilation at high speed
    crane2.enable               coil:29         bool                             safe 0
    heartbeat                   holding:400     uint16                           the counter the PLC watches

    feedback (discrete inputs):
    watchdog.healthy            discrete:20     bool                             0 = dropped and latched
    pump7.running               discrete:21     bool                             contactor feedback, 80 ms
    vent1.running               discrete:22     bool
    fill1.open                  discrete:23     bool
    pump7.ready                 discrete:24     bool                             permit and watchdog healthy
    pump8.running               discrete:26     bool
    heat1.on                    discrete:27     bool
    fan2.running_high           discrete:28     bool
    crane2.moving               discrete:29     bool                             only while enabled
    watcher.present             discrete:30     bool                             badge of the fire watcher

    the PLC about itself (input registers):
    counter                     input:400       uint16                           +1 every 100 ms: the reverse heartbeat
    watchdog.state              input:401       uint16                           1 healthy, 2 dropped
    watchdog.silence            input:402       uint16         ms                since the heartbeat changed
    watchdog.trips              input:403       uint16
    heartbeat.seen              input:404       uint16                           the counter as the PLC sees it

    for people at the PLC (pushes clear themselves); not outputs of the gateway, never writable in tags.csv:
    watchdog.reset              coil:30         push                             refused while the heartbeat is silent
    pump7.start                 coil:31         push                             refused unless pump7.ready (I15)
    pump7.stop                  coil:32         push
    pump7.auto                  coil:33         bool                             starts by itself 2 s after ready

Coils and discrete inputs 0..63, holding and input registers 0..499 answer; free ones hold 0. Holding registers 200..399
and coils 40..63 store what is written (for a write that went to the wrong address); all others refuse writes.
`--script` tells the story of `script.py`. `--control PATH` opens a Unix socket with the fault hooks of `faults.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import struct
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from gateway.demo.faults import LINE_MAX, answer
from gateway.demo.physics import EVENTS_MAX, Plant
from gateway.demo.registers import Refused, Registers
from gateway.demo.script import Script, story_plant

SCAN_S = 0.01  # the PLC's scan; the watchdog acts within one of it
STALL_S = (
    0.1  # a simulator that was not scheduled for longer loses the time instead of tripping for it: a PLC never stalls
)
FRAME_MIN = 7  # a header and nothing to ask
FRAME_MAX = 260
TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding", 15: "coil", 16: "holding"}
TABLES |= {22: "holding", 23: "holding"}

LogLine = tuple[int, str, float, str]


@dataclass(slots=True)
class Server:
    """A running PLC: the scan, the Modbus socket, and the log of what its outputs did with monotonic times."""

    registers: Registers
    script: Script | None = None
    port: int = 0
    connections: int = 0  # open now
    accepted: int = 0  # since start
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    _echo: dict[tuple[str, int], int] = field(default_factory=dict)
    _writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = field(default_factory=dict)

    @property
    def plant(self) -> Plant:
        """The plant behind it."""
        return self.registers.plant

    async def scan(self) -> None:
        """Step the plant on a fixed grid until cancelled."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(SCAN_S)
            now = time.monotonic()
            dt_s = min(now - last, STALL_S)
            last = now
            self.plant.step(dt_s)
            self.registers.step()
            if self.script is not None:
                self.script.step(self.plant, dt_s)
            self.note()

    def note(self) -> None:
        """Stamp what happened since the last call."""
        events = self.plant.events
        while events:
            event = events.popleft()
            self.log.append((time.monotonic_ns(), event.what, event.value, event.why))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One Modbus connection: requests are answered in order, however many arrive at once."""
        self.connections += 1
        self.accepted += 1
        self._writers[writer] = asyncio.current_task()
        framer = FramerSocket(DecodePDU(True))
        try:
            await self._answers(framer, reader, writer)
        except (ConnectionError, ValueError):
            pass  # a frame that is none, or a client that left: the connection ends, as on a real PLC
        finally:
            self.connections -= 1
            self._writers.pop(writer)
            writer.close()

    async def _answers(self, framer: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        while received := await reader.read(4096):
            buffer += received
            while len(buffer) > FRAME_MIN and len(buffer) >= (length := 6 + int.from_bytes(buffer[4:6], "big")):
                reply = await self._answer(framer, buffer[:length])
                buffer = buffer[length:]
                writer.write(reply)
                await writer.drain()
            if len(buffer) >= FRAME_MAX:
                raise ValueError("longer than any Modbus frame")

    async def _answer(self, framer: Any, frame: bytes) -> bytes:
        """The reply to one whole frame, after the delay that the faults ask for; empty for none. Raises ValueError."""
        if frame[2:4] != b"\0\0" or len(frame) <= FRAME_MIN:
            raise ValueError("not a Modbus frame")
        faults = self.registers.faults
        if faults.reply_ms > 0.0:
            await asyncio.sleep(faults.reply_ms / 1000.0)
        if faults.mute:
            return b""
        illegal = frame[:4] + b"\0\3" + frame[6:7] + bytes((frame[7] | 0x80, 1))
        try:
            _, request = framer.handleFrame(frame, 0, 0)
        except (ModbusException, struct.error, IndexError):
            return illegal
        if request is None or request.function_code not in TABLES:
            return illegal
        reply = await request.datastore_update(self, request.dev_id)
        self.note()
        reply.transaction_id, reply.dev_id = request.transaction_id, request.dev_id
        built: bytes = framer.buildFrame(reply)
        return built

    async def async_getValues(self, _: int, function: int, address: int, count: int = 1) -> Any:
        """What pymodbus calls to read; a single write is answered with what was asked, whatever became of it."""
        if function in (5, 6):
            return [self._echo.pop((TABLES[function], address))]
        try:
            return self.registers.read(TABLES[function], address, count)
        except Refused as refusal:
            return ExcCodes(refusal.code)

    async def async_setValues(self, _: int, function: int, address: int, values: list[int]) -> Any:
        """What pymodbus calls to write."""
        try:
            self.registers.write(TABLES[function], address, [int(value) for value in values])
        except Refused as refusal:
            return ExcCodes(refusal.code)
        if function in (5, 6):
            self._echo[TABLES[function], address] = values[0]
        return None

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client of the fault hooks."""
        try:
            self._writers[writer] = asyncio.current_task()
            while line := await reader.readline():
                writer.write(json.dumps(self._ask(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client left, or sent a line without end
        finally:
            self._writers.pop(writer)
            writer.close()

    def _ask(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if request["do"] == "log":
                since = int(request.get("since", 0))
                return {"log": [list(entry) for entry in self.log if entry[0] > since]}
            reply = answer(self.registers, request)
        except (KeyError, TypeError, ValueError, Refused) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        self.note()
        return reply

    def drop(self) -> None:
        """Cut every connection: the PLC's network card went away."""
        for writer in self._writers:
            writer.transport.abort()

    async def ended(self) -> None:
        """Cut every connection and wait until nothing of them is left."""
        tasks = [task for task in self._writers.values() if task is not None]
        self.drop()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)


@asynccontextmanager
async def running(
    registers: Registers,
    *,
    port: int = 0,
    control: Path | None = None,
    script: Script | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[Server]:
    """A PLC for the length of a block; `port` 0 takes a free one and `server.port` names it."""
    server = Server(registers, script)
    modbus = await asyncio.start_server(server.serve, host, port)
    server.port = modbus.sockets[0].getsockname()[1]
    hooks = await asyncio.start_unix_server(server.control, str(control), limit=LINE_MAX) if control else None
    async with asyncio.TaskGroup() as tasks:
        scan = tasks.create_task(server.scan(), name="plc scan")
        try:
            yield server
        finally:
            scan.cancel()
            modbus.close()
            if hooks is not None:
                hooks.close()
            await server.ended()
            _remove(control)


def _remove(control: Path | None) -> None:
    if control is not None:
        control.unlink(missing_ok=True)


async def _main(port: int, host: str, script: bool, control: Path | None, seed: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plant = story_plant(seed) if script else Plant(seed=seed)
    story = Script() if script else None
    async with running(Registers(plant), port=port, control=control, script=story, host=host) as server:
        print(f"plant: Modbus TCP on {host}:{server.port}", flush=True)
        await stop.wait()


def main() -> None:
    """Run the plant until SIGTERM."""
    parser = argparse.ArgumentParser(prog="gateway.demo.plant", description="the simulated PLC of the demo plant")
    parser.add_argument("--port", type=int, default=1502)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--script", action="store_true", help="tell the story of script.py")
    parser.add_argument("--control", type=Path, help="Unix socket for the fault hooks")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(_main(given.port, given.host, given.script, given.control, given.seed))


if __name__ == "__main__":
    main()
