"""The Modbus face of the plant: which value lives at which address, and the ways a PLC can misbehave."""

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import dataclass, field

from gateway.demo.physics import Plant

ILLEGAL_ADDRESS = 2  # Modbus exception codes
DEVICE_FAILURE = 4

BITS = 64
WORDS = 500
SPARE_COILS = range(40, BITS)
SPARE_WORDS = range(200, 400)
LATE_MAX = 256  # late writes that may wait

FLOATS = {
    100: "tank1.level",
    102: "tank1.temperature",
    104: "tank2.level",
    106: "tank2.temperature",
    108: "pump7.pressure",
    110: "pump7.flow",
    112: "vent1.flow",
    114: "tank1.level_b",
    116: "tank1.level_c",
    118: "rx1.temp",
    120: "ch4.a",
    122: "o2.a",
    124: "wind1",
    126: "wind2",
}
TENTHS = {100: "gas1.lel", 101: "gas2.lel", 102: "gas4.h2s"}
TENTHS |= {104: "h2s1", 105: "h2s2", 106: "h2s3", 107: "co.kiln"}
CURRENT = 103
COILS = {
    20: "pump7.permit",
    22: "vent1.start",
    23: "horn1.on",
    24: "beacon1.on",
    25: "fill1.permit",
    26: "pump8.permit",
    27: "heat1.permit",
    28: "fan2.high",
    29: "crane2.enable",
}
HEARTBEAT = 400
RESET, START, STOP, AUTO = 30, 31, 32, 33


class Refused(Exception):
    """The PLC answers with Modbus exception `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(slots=True)
class Faults:
    """What is wrong with this PLC; addresses as "coil:20" or "holding:400"."""

    ignore: set[str] = field(default_factory=set)  # writes are acknowledged and dropped
    redirect: dict[str, int] = field(default_factory=dict)  # writes land at another address of the same table
    refuse: set[str] = field(default_factory=set)  # reads and writes that touch it answer exception 4
    late_ms: float = 0.0  # writes are acknowledged now and stored later
    reply_ms: float = 0.0  # every answer takes this long
    mute: bool = False  # requests are read and never answered
    stale: bool = False  # reads give the bytes of the moment this was set


@dataclass(slots=True)
class Registers:
    """Reads and writes of one PLC. Words are 0..65535, bits 0 or 1."""

    plant: Plant
    faults: Faults = field(default_factory=Faults)
    tables: dict[str, list[int]] = field(
        default_factory=lambda: {
            "coil": [0] * BITS,
            "discrete": [0] * BITS,
            "holding": [0] * WORDS,
            "input": [0] * WORDS,
        }
    )
    late: deque[tuple[float, str, int, int]] = field(default_factory=lambda: deque(maxlen=LATE_MAX))
    drawn_s: float = -1.0

    def read(self, table: str, address: int, count: int) -> list[int]:
        """`count` words or bits. Raises Refused."""
        self._check(table, address, count)
        if not self.faults.stale:
            self._draw()
        return self.tables[table][address : address + count]

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Store words or bits; the faults decide where and when. Raises Refused."""
        self._check(table, address, len(values))
        for at in range(address, address + len(values)):
            if not self._writable(table, at):
                raise Refused(ILLEGAL_ADDRESS)
        for at, value in enumerate(values, start=address):
            key = f"{table}:{at}"
            if key in self.faults.ignore:
                continue
            target = self.faults.redirect.get(key, at)
            if self.faults.late_ms > 0.0 and at != HEARTBEAT:
                self.late.append((self.plant.time_s + self.faults.late_ms / 1000.0, table, target, value))
            else:
                self._store(table, target, value)

    def step(self) -> None:
        """After each scan of the plant: store the late writes that are due."""
        while self.late and self.late[0][0] <= self.plant.time_s:
            _, table, address, value = self.late.popleft()
            self._store(table, address, value)

    def _check(self, table: str, address: int, count: int) -> None:
        if count < 1 or address + count > len(self.tables[table]):
            raise Refused(ILLEGAL_ADDRESS)
        if self.faults.refuse and any(f"{table}:{at}" in self.faults.refuse for at in range(address, address + count)):
            raise Refused(DEVICE_FAILURE)

    def _writable(self, table: str, address: int) -> bool:
        if table == "coil":
            return address in COILS or address in (RESET, START, STOP, AUTO) or address in SPARE_COILS
        return table == "holding" and (address == HEARTBEAT or address in SPARE_WORDS)

    def _store(self, table: str, address: int, value: int) -> None:
        plant = self.plant
        pump = plant.motors["pump7"]
        self.drawn_s = -1.0
        if table == "holding" and address == HEARTBEAT:
            plant.heartbeat = value
        elif table == "coil" and address in COILS:
            plant.write(COILS[address], bool(value))
        elif table == "coil" and address == RESET and value:
            plant.reset_watchdog()
        elif table == "coil" and address == START and value:
            pump.start = plant.ready("pump7")
        elif table == "coil" and address == STOP and value:
            pump.stop = True
        elif table == "coil" and address == AUTO:
            pump.auto = bool(value)
        elif (table, address in SPARE_COILS) == ("coil", True) or address in SPARE_WORDS:
            self.tables[table][address] = value

    def _draw(self) -> None:
        """Bring the tables up to date, once per scan however many clients read."""
        plant = self.plant
        if self.drawn_s == plant.time_s:
            return
        self.drawn_s = plant.time_s
        coil, discrete = self.tables["coil"], self.tables["discrete"]
        for address, name in COILS.items():
            coil[address] = int(plant.outputs[name])
        coil[AUTO] = int(plant.motors["pump7"].auto)
        discrete[20] = int(plant.watchdog.healthy)
        discrete[21] = int(plant.motors["pump7"].running)
        discrete[22] = int(plant.true["vent1.flow"] > 450.0)
        discrete[23] = int(plant.valve_open)
        discrete[24] = int(plant.ready("pump7"))
        discrete[26] = int(plant.motors["pump8"].running)
        discrete[27] = int(plant.heating)
        discrete[28] = int(plant.outputs["fan2.high"])
        discrete[29] = int(plant.crane_moves())
        discrete[30] = int(plant.switches["watcher.present"])
        self._draw_words()

    def _draw_words(self) -> None:
        plant = self.plant
        holding, words = self.tables["holding"], self.tables["input"]
        for address, name in FLOATS.items():
            high, low = struct.unpack(">HH", struct.pack(">f", plant.measured[name]))
            holding[address], holding[address + 1] = low, high  # cdab: the low word comes first
        for address, name in TENTHS.items():
            words[address] = _word(plant.measured[name] * 10.0)
        words[CURRENT] = _word(
            plant.forced.get("tank1.current", 4.0 + 16.0 * plant.measured["tank1.level"] / 300.0) * 1e3
        )
        holding[HEARTBEAT] = plant.heartbeat
        words[400] = plant.counter
        words[401] = 1 if plant.watchdog.healthy else 2
        words[402] = _word(plant.watchdog.silence_s * 1000.0)
        words[403] = plant.watchdog.trips & 0xFFFF
        words[404] = plant.watchdog.last


def _word(value: float) -> int:
    """Rounded and held inside an unsigned 16-bit word; what is no number reads as all ones."""
    return 65535 if math.isnan(value) else int(min(65535.0, max(0.0, value + 0.5)))
