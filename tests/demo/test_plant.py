"""The simulated PLC over real sockets, spoken to with pymodbus's own client."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pymodbus")
from pymodbus.client import AsyncModbusTcpClient

from gateway.demo.faults import ask
from gateway.demo.physics import Plant
from gateway.demo.plant import Server, running
from gateway.demo.registers import Faults, Registers


@asynccontextmanager
async def plc(control: Path | None = None) -> AsyncIterator[tuple[Server, Any]]:
    """A PLC and a connected foreign client."""
    async with running(Registers(Plant()), control=control) as server:
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=1, retries=0)
        assert await client.connect()
        try:
            yield server, client
        finally:
            client.close()


async def energise(client: Any) -> None:
    """Heartbeat once, reset at the PLC, permit."""
    await client.write_register(400, 1)
    await asyncio.sleep(0.03)
    await client.write_coil(30, True)
    await client.write_coil(20, True)


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 20))  # type: ignore[arg-type]


def test_values_are_where_the_table_says() -> None:
    async def body() -> None:
        async with plc() as (server, client):
            server.plant.forced.update({"tank1.level": 123.5, "gas1.lel": 12.3, "tank1.current": 3.5})
            await asyncio.sleep(0.03)
            words = (await client.read_holding_registers(100, count=18)).registers
            assert struct.unpack(">f", struct.pack(">HH", words[1], words[0]))[0] == 123.5
            assert (await client.read_input_registers(100, count=4)).registers[0] == 123
            assert (await client.read_input_registers(103)).registers == [3500]
            assert (await client.read_coils(20, count=3)).bits[:3] == [False, False, True]
            assert (await client.read_discrete_inputs(20, count=2)).bits[:2] == [False, False]

    run(body)


def test_the_watchdog_over_the_wire() -> None:
    async def body() -> None:
        async with plc() as (server, client):
            await energise(client)
            assert (await client.read_coils(20)).bits[0]
            changed = time.monotonic_ns()
            await client.write_register(400, 2)
            for _ in range(300):
                if not (await client.read_coils(20)).bits[0]:
                    break
                await asyncio.sleep(0.01)
            assert not (await client.read_discrete_inputs(20)).bits[0]
            dropped = next(at for at, what, _, why in server.log if what == "pump7.permit" and why == "watchdog")
            assert 0.85e9 <= dropped - changed <= 1.0e9
            for count in range(3, 6):
                await client.write_register(400, count)
                await client.write_coil(20, True)
                await asyncio.sleep(0.1)
            assert not (await client.read_coils(20)).bits[0], "latched although the heartbeat is back"
            assert (await client.read_input_registers(401, count=4)).registers[0] == 2
            await client.write_coil(30, True)
            await client.write_coil(20, True)
            await asyncio.sleep(0.03)
            assert (await client.read_coils(20)).bits[0]
            await client.write_coil(31, True)
            await asyncio.sleep(0.15)
            assert (await client.read_discrete_inputs(21)).bits[0]

    run(body)


def test_a_start_push_without_permit_does_nothing() -> None:
    async def body() -> None:
        async with plc() as (server, client):
            await client.write_coil(31, True)
            await energise(client)
            await asyncio.sleep(0.15)
            assert not server.plant.motors["pump7"].run

    run(body)


def test_faults_of_the_interface() -> None:
    async def body() -> None:
        async with plc() as (server, client):
            await energise(client)
            await client.write_coil(20, False)
            faults = server.registers
            faults.faults = Faults(ignore={"coil:20"})
            assert not (await client.write_coil(20, True)).isError(), "acknowledged"
            assert not (await client.read_coils(20)).bits[0], "and ignored"
            faults.faults = Faults(redirect={"coil:20": 45})
            await client.write_coil(20, True)
            assert [(await client.read_coils(at)).bits[0] for at in (20, 45)] == [False, True]
            faults.faults = Faults(late_ms=100.0)
            await client.write_coil(20, True)
            assert not (await client.read_coils(20)).bits[0]
            await asyncio.sleep(0.2)
            assert (await client.read_coils(20)).bits[0]
            faults.faults = Faults(refuse={"holding:102"})
            assert (await client.read_holding_registers(100, count=4)).isError()
            assert not (await client.read_holding_registers(104, count=4)).isError()
            faults.faults = Faults(reply_ms=80.0)
            begun = time.monotonic()
            await client.read_coils(20)
            assert time.monotonic() - begun >= 0.08
            faults.faults = Faults()
            assert (await client.write_coil(60, True)).isError() is False
            assert (await client.write_coil(0, True)).isError()
            assert (await client.read_coils(60, count=10)).isError()

    run(body)


def test_pipelined_requests_are_answered_in_order_and_garbage_ends_the_connection() -> None:
    async def body() -> None:
        async with plc() as (server, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            for tid in range(20):
                writer.write(struct.pack(">HHHBBHH", tid, 0, 6, 1, 4, 400, 1))
            replies = [await reader.readexactly(11) for _ in range(20)]
            assert [int.from_bytes(reply[:2], "big") for reply in replies] == list(range(20))
            writer.write(b"GET / HTTP/1.1\r\n\r\n" * 20)
            assert await asyncio.wait_for(reader.read(), 2) == b""
            writer.close()
            assert server.accepted == 2

    run(body)


def test_requests_of_every_shape_leave_it_standing() -> None:
    async def body() -> None:
        chance = random.Random(5)
        unhandled: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with plc() as (server, client):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(bytes.fromhex("000900000002 0163"))  # a function nobody knows
            assert await reader.readexactly(9) == bytes.fromhex("000900000003 01e301")
            writer.close()
            for _ in range(300):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                function = chance.choice((chance.randrange(256), chance.randrange(1, 25), 43))
                request = bytes((1, function)) + chance.randbytes(chance.randrange(12))
                writer.write(struct.pack(">HHH", 7, 0, len(request)) + request)
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 2)
                writer.close()
            assert (await client.read_input_registers(401)).registers == [2]
        assert not unhandled

    run(body)


def test_hooks_answer_on_their_socket(tmp_path: Path) -> None:
    async def body() -> None:
        path = tmp_path / "plant"
        async with plc(path) as (server, client):
            await ask(path, do="set", name="tank1.level", value=31.0)
            await ask(path, do="freeze", on=True)
            await ask(path, do="fault", ignore=["coil:20"], late_ms=5.0)
            assert server.registers.faults == Faults(ignore={"coil:20"}, late_ms=5.0)
            await ask(path, do="fault")
            await client.write_register(400, 9)
            await asyncio.sleep(0.03)
            assert (await ask(path, do="push", button="watchdog.reset"))["healthy"]
            state = await ask(path, do="state")
            assert state["measured"]["tank1.level"] == pytest.approx(31.0, abs=1.0)
            assert state["healthy"]
            assert (await ask(path, do="log"))["log"][0][1:] == ["watchdog.healthy", 1.0, "plc"]
            for wrong in ({"do": "sing"}, {"do": "set", "name": "nothing", "value": 1}, {"do": "fault", "what": 1}):
                with pytest.raises(ValueError):
                    await ask(path, **wrong)

    run(body)


def test_the_process_starts_and_ends_on_sigterm(tmp_path: Path) -> None:
    async def body() -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.demo.plant", "--port", "0", "--script", "--control", str(tmp_path / "c")),
            stdout=asyncio.subprocess.PIPE,
            env=dict(os.environ),
        )
        assert process.stdout is not None
        assert b"Modbus TCP on 127.0.0.1:" in await process.stdout.readline()
        assert (await ask(tmp_path / "c", do="state"))["measured"]["tank1.level"] == pytest.approx(75.0, abs=1.0)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert not (tmp_path / "c").exists()

    run(body)
