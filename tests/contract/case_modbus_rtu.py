"""Modbus RTU through a serial server, against a device made with libmodbus: the memory and the rows of Modbus TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import modbus
from drivers.base import Plan
from tests.contract.case import Peer, frames, named, plan_of
from tests.contract.case_modbus import BAD_HOLDING, MEMORY, ROWS, ModbusCase, ModbusPeer
from tests.peers.build import compiled
from tests.peers.lines import LinePeer
from tests.peers.serial_bus import SerialBus

TIMEOUT_MS = 200
UNIT = 17


class RtuPeer(ModbusPeer):
    """The libmodbus device and its line."""

    def __init__(self, server: LinePeer, bus: SerialBus) -> None:
        super().__init__(server)
        self._bus = bus
        self.port = bus.port

    def connections(self) -> int | None:
        return self._bus.connections


@contextmanager
def device(path: str, unit: int) -> Iterator[LinePeer]:
    """A libmodbus device on a serial line."""
    with LinePeer([str(compiled("modbus_server")), "rtu", path, str(unit)]) as server:
        for table, at, content in MEMORY:
            server.ask(f"set {table} {at} {content}")
        server.ask(f"bad holding {BAD_HOLDING}")
        yield server


class ModbusRtuCase(ModbusCase):
    """Modbus RTU over TCP."""

    name = "modbus_rtu"
    loss_s = 1.0
    silence_s = 1.5
    garbage = (
        bytes.fromhex("110302000a7840"),  # of the right unit and function, of a wrong length
        bytes.fromhex("110304000000000000"),  # of a wrong CRC
        bytes.fromhex("1103"),
        b"\x00" * 300,
        b"\xff" * 300,
    )

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 8, lambda _: 8):  # functions 1 to 6; any other would be named by what it begins with
            yield named(frame[1:6], 1, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with SerialBus(1) as bus, device(bus.devices[0], UNIT) as server:
            yield RtuPeer(server, bus)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[modbus.Driver, Plan]:
        settings = modbus.Settings(
            url=f"rtu+tcp://127.0.0.1:{port}", unit=UNIT, period_ms=period_ms, timeout_ms=TIMEOUT_MS
        )
        plan = plan_of(modbus, settings, ROWS)
        return modbus.Driver(settings, plan), plan


CASE = ModbusRtuCase()
