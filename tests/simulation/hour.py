"""An hour of the demo plant in simulated time: the real table, rules, kernel and recorder around the plant of `gateway.demo`.

Nothing here reads a clock or opens a socket; all chance comes from one `Random(seed)`. What the runtime does with effects
is played: writes reach the PLC's registers and are read back, beats feed its watchdog, rows become durable later.
"""

from __future__ import annotations

import heapq
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import numpy as np

from drivers.simulated import shape
from gateway.core.effects import Act, Answer, Beat, Effect, Ended, Journal, Write
from gateway.core.interlocks import State
from gateway.core.kernel import Kernel
from gateway.core.limits import MS, SECOND, SNAPSHOT_NS
from gateway.core.program import Program
from gateway.core.samples import Alive, Columns, Command, Durable, Few, Input, SelfCheck, SourceDown, Stamp, WriteResult
from gateway.core.tags import Cause, TagTable
from gateway.demo.detections import Detections
from gateway.demo.physics import Plant
from gateway.demo.registers import COILS, CURRENT, FLOATS, HEARTBEAT, TENTHS, Registers
from gateway.demo.sensors import messages
from gateway.history.identity import identity
from gateway.history.recorder import Recorder
from gateway.history.writer import Limits
from gateway.rulebook import compile_rules
from gateway.site import Site, load_site

DEMO = Path(__file__).parents[2] / "config" / "demo"
UTC0 = 1_795_000_000 * SECOND
SCAN_S = 0.05  # coarser than the demo's 10 ms: twelve gauss numbers a scan are the price of this simulation
POLL_NS = 100 * MS
BUSY = 0.05  # share of wake-ups that come late: an input is then first, and its step fires the deadline

PLC = {"watchdog.healthy": 20, "pump7.running": 21, "vent1.running": 22, "fill1.open": 23}
PLC |= {"pump7.ready": 24, "pump8.running": 26, "heat1.on": 27}
PLC |= {"fan2.running_high": 28, "crane2.moving": 29, "watcher.present": 30}
WORDS = {name: (address, 0.1, 0.0) for address, name in TENTHS.items()}
WORDS |= {"tank1.level_loop": (CURRENT, 0.01875, -75.0), "plc1.$peer": (400, 1.0, 0.0)}
WORDS |= {"watchdog.silence": (402, 1.0, 0.0), "watchdog.trips": (403, 1.0, 0.0)}
SENSED = {
    "gas3.lel": ("plant/gas/3", "lel"),
    "gas5.ch4": ("plant/gas/5", "ch4_lel"),
    "gas5.co": ("plant/gas/5", "co_ppm"),
    "pump7.vibration_x": ("plant/vibration/7", "rms", "x"),
    "pump7.vibration_y": ("plant/vibration/7", "rms", "y"),
    "pump7.bearing": ("plant/vibration/7", "bearing_degC"),
    "leak.sound.f12": ("plant/leak/f12", "sound"),
    "leak.ir.f12": ("plant/leak/f12", "ir"),
    "crane_bay.occupied": ("plant/zone/crane_bay", "occupied"),
}

_encode = msgspec.msgpack.Encoder().encode


def demo_site() -> tuple[Site, Program]:
    """The demo's site and its compiled rules."""
    site = load_site(DEMO).site
    assert site is not None
    compiled = compile_rules(list(site.rules), site.table)
    assert compiled.program is not None, compiled.problems
    return site, compiled.program


class Moment(NamedTuple):
    """The kernel between two inputs: its last input, when it was woken after that (-1: not), the effects so far, its state."""

    seq: int
    woken_ns: int
    effects: int
    state: bytes


@dataclass(slots=True)
class Told:
    """What one boot said. `cuts[n]` = number of effects before the n-th snapshot; `whole` = effects up to the last input."""

    boot: int
    effects: list[bytes] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)
    whole: int = 0
    inputs: int = 0
    rows: list[Journal] = field(default_factory=list)
    trips: list[int] = field(default_factory=list)  # numbers of the inputs at which a function tripped
    moments: list[Moment] = field(default_factory=list)  # kept here, not recorded

    def kinds(self) -> dict[str, int]:
        """Journal rows by kind."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.record.kind] = counts.get(row.record.kind, 0) + 1
        return counts


@dataclass(slots=True)
class Troubles:
    """What is wrong around the gateway now; what is wrong in the PLC is in `Registers.faults` and `Plant`."""

    away: set[str] = field(default_factory=set)  # sources that are lost
    bad: dict[str, tuple[int, int]] = field(default_factory=dict)  # tag -> quality and cause the device gives
    sensed: dict[str, float] = field(default_factory=dict)  # what a sensor says instead
    hold: bool = False  # sensors repeat themselves: confirmed unchanged
    answer_ms: float = 0.0  # answers to writes come so much later
    lie: bool = False  # read-backs show the contrary
    disk: str = ""  # "refuses" or "hangs"


class Hour:
    """The stage: `run` lets simulated time pass, `give` admits an input, `boots` holds what came out."""

    def __init__(self, site: Site, program: Program, directory: Path, seed: int) -> None:
        self.table: TagTable = site.table
        self.program = program
        self.directory = directory
        self.chance = Random(seed)
        self.plant = Plant(seed=seed)
        self.plant.motors["pump7"].auto = True
        self.registers = Registers(self.plant)
        self.troubles = Troubles()
        self.now_ns = SECOND
        self.utc_ns = UTC0  # moves when the clock is set
        self.boots: list[Told] = []
        self.kept: dict[str, bytes] = {}
        self.answers: dict[int, Answer] = {}
        self.ended: list[bool] = []
        self.longest_ns = 0  # a coil energised by the PLC's word while a function that owns it stands tripped
        self._energised_ns: dict[str, int] = {}
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._pushed = self._commands = 0
        self._noise = Random(seed + 1)
        self._glance = Random(seed + 2)
        self._last: dict[int, bytes] = {}
        self._waves = [(entry, shape(entry.point.key)) for entry in site.sources["simulated"].plan.tags[0]]
        self._groups = {group.name: group for group in self.table.groups}
        self.kernel: Kernel
        self.recorder: Recorder | None = None
        self.every(int(SCAN_S * SECOND), self._scan)

    # --- time ---

    def at(self, at_ns: int, do: Callable[[], object]) -> None:
        """Do something at an instant; equal instants in the order they were asked for."""
        self._pushed += 1
        heapq.heappush(self._queue, (at_ns, self._pushed, do))

    def later(self, wait_s: float, do: Callable[[], object]) -> None:
        """Do something after a while."""
        self.at(self.now_ns + int(wait_s * SECOND), do)

    def every(self, period_ns: int, do: Callable[[], object], jitter_ns: int = 0) -> None:
        """Do something on a grid, each time up to `jitter_ns` late."""
        grid_ns = self.now_ns

        def again() -> None:
            nonlocal grid_ns
            grid_ns += period_ns
            self.at(grid_ns + (self.chance.randrange(jitter_ns) if jitter_ns else 0), again)
            do()

        self.at(grid_ns, again)

    def run(self, until_ns: int) -> None:
        """Let time pass. Deadlines of the kernel wake it at their time, or find it busy."""
        while self._queue[0][0] <= until_ns:
            at_ns = self._queue[0][0]
            due_ns = self.kernel.next_due_ns() if self.recorder is not None else -1
            if 0 <= due_ns < at_ns and self.chance.random() >= BUSY:
                self.now_ns = max(self.now_ns, due_ns)
                self._took(self.kernel.wake(self.now_ns))
                continue
            self.now_ns, _, do = heapq.heappop(self._queue)
            do()

    # --- life of the gateway ---

    def boot(self) -> None:
        """The daemon starts, with what the journal kept."""
        number = len(self.boots) + 1
        self.boots.append(Told(number))
        self.kernel = Kernel(self.table, self.program, number, dict(self.kept))
        limits = Limits(reserve_bytes=0, chunk_bytes=1 << 18, segment_bytes=4 << 20, memory_bytes=128 << 20)
        self.recorder = Recorder(self.directory, number, limits, identity(self.table))
        self.recorder.start()
        self._last.clear()
        self._snapshot()
        self.give(SelfCheck(True, "start"))
        if number == 1:
            self.every(POLL_NS, self._poll, 3 * MS)
            self.every(SECOND, self._simulate, 5 * MS)
            self.every(SECOND, self._sense, 40 * MS)
            self.every(SNAPSHOT_NS, self._minute)

    def die(self) -> None:
        """kill -9, but for the recording, which is what this is about."""
        assert self.recorder is not None
        assert self.recorder.close(30.0)
        status = self.recorder.status()
        assert not status.holes, status
        assert not status.dropped_snapshots, status
        self.recorder = None
        self.answers.clear()

    def give(self, given: Input) -> None:
        """Admit one input now: step, act on the effects, record it, snapshot after a trip (as `runtime.line` does)."""
        if self.recorder is None:
            return
        told = self.boots[-1]
        told.inputs += 1
        stamp = Stamp(told.inputs, self.now_ns, self.now_ns + self.utc_ns)
        tripped = self._dispatch(self.kernel.step(stamp, given))
        told.whole = len(told.effects)
        self.recorder.append(stamp, given)
        if tripped:
            self._snapshot()
        self._look(-1, 0.01 if isinstance(given, Columns | Few | Alive) else 0.25)

    def ask(self, verb: str, target: str, role: str, **args: str) -> int:
        """A command; its number."""
        self._commands += 1
        self.give(Command(self._commands, "li", role, verb, target, args))
        return self._commands

    def _took(self, effects: list[Effect]) -> None:
        if self._dispatch(effects):
            self._snapshot()
        self._look(self.now_ns, 0.01)

    def _look(self, woken_ns: int, share: float) -> None:
        """Keep some moments, mostly those with something under way: a write, a command, a trip."""
        if self._glance.random() < share:
            told, kernel = self.boots[-1], self.kernel
            told.moments.append(Moment(kernel.seq, woken_ns, len(told.effects), kernel.snapshot()))

    def _minute(self) -> None:
        if self.recorder is not None:
            self._snapshot()

    def _snapshot(self) -> None:
        assert self.recorder is not None
        told = self.boots[-1]
        told.cuts.append((self.kernel.seq, len(told.effects)))
        self.recorder.snapshot(self.kernel.seq, self.now_ns, self.now_ns + self.utc_ns, self.kernel.snapshot())

    # --- effects ---

    def _dispatch(self, effects: list[Effect]) -> bool:
        told, tripped = self.boots[-1], False
        for effect in effects:
            told.effects.append(_encode(effect))
            if isinstance(effect, Write):
                self._write(effect)
            elif isinstance(effect, Beat):
                self.later(0.004, lambda counter=effect.counter: self._beat(counter))  # type: ignore[misc]
            elif isinstance(effect, Journal):
                told.rows.append(effect)
                self._journal(effect)
                if effect.record.kind == "interlock.tripping":
                    tripped = True
                    told.trips.append(self.kernel.seq)
            elif isinstance(effect, Answer):
                self.answers[effect.id] = effect
            elif isinstance(effect, Act) and effect.until_ns:
                self.later(0.1, lambda number=effect.id: self.give(WriteResult(number, True, math.nan)))  # type: ignore[misc]
            elif isinstance(effect, Ended):
                self.ended.append(effect.safe)
        for output in self.kernel.outputs.values():
            if output.owners and output.wanted == output.energised_value:
                assert all(owner.asks(output) for owner in output.owners), (
                    f"{output.tag.name} energised against an owner"
                )
        return tripped

    def _write(self, effect: Write) -> None:
        tag, boot = self.table.tags[effect.output], len(self.boots)
        address = next(at for at, name in COILS.items() if name == tag.name)

        def store() -> None:
            if "plc1" in self.troubles.away:
                self.later(0.02, lambda: answer(WriteResult(effect.id, False, math.nan, "connection lost")))
                return
            self.registers.write("coil", address, [int(effect.value)])
            wait_s = 0.003 + self.chance.random() * 0.01 + self.troubles.answer_ms / 1000.0
            self.later(wait_s, read_back)

        def read_back() -> None:
            value = float(self.registers.read("coil", address, 1)[0])
            answer(WriteResult(effect.id, True, 1.0 - value if self.troubles.lie else value))

        def answer(result: WriteResult) -> None:
            if boot == len(self.boots):
                self.give(result)

        self.later(0.001 + self.chance.random() * 0.003, store)

    def _beat(self, counter: int) -> None:
        if "plc1" not in self.troubles.away and self.recorder is not None:
            self.registers.write("holding", HEARTBEAT, [counter])

    def _journal(self, effect: Journal) -> None:
        boot = len(self.boots)

        def committed() -> None:
            record = effect.record
            if record.key and record.keep is not None:
                self.kept[record.key] = record.keep
            elif record.key:
                self.kept.pop(record.key, None)
            if effect.confirm and boot == len(self.boots):
                self.give(Durable(effect.confirm))

        if self.troubles.disk == "refuses" and effect.confirm:
            self.later(0.05, lambda: self.give(Durable(effect.confirm, False)))
        elif self.troubles.disk == "hangs":
            self.later(2.6, committed)
        else:
            self.later(0.002 + self.chance.random() * 0.01, committed)

    # --- the plant, and what is read of it ---

    def _scan(self) -> None:
        self.plant.step(SCAN_S)
        self.registers.step()
        for name, output in self.kernel.outputs.items():
            if self.plant.outputs[name] != output.tag.safe and self.recorder is not None:
                states = [f.state for f in self.kernel.functions.values() if f.live and output in f.outputs]
                if State.TRIPPED in states or State.READY in states:
                    since_ns = self._energised_ns.setdefault(name, self.now_ns)
                    self.longest_ns = max(self.longest_ns, self.now_ns - since_ns)
                    continue
            self._energised_ns.pop(name, None)

    def _poll(self) -> None:
        if "plc1" in self.troubles.away or self.recorder is None:
            return
        group = self._groups["poll"]
        coils, discrete = self.registers.read("coil", 0, 64), self.registers.read("discrete", 0, 64)
        holding, words = self.registers.read("holding", 100, 40), self.registers.read("input", 100, 304)
        values: dict[str, float] = {name: float(coils[at]) for at, name in COILS.items()}
        values |= {name: float(discrete[at]) for name, at in PLC.items()}
        for at, name in FLOATS.items():
            values[name] = struct.unpack(">f", struct.pack(">HH", holding[at - 99], holding[at - 100]))[0]
        for name, (at, scale, offset) in WORDS.items():
            values[name] = words[at - 100] * scale + offset
        names = [tag.name for tag in self.table.tags[group.first : group.first + group.count]]
        self._emit(group.number, names, [values[name] for name in names])

    def _simulate(self) -> None:
        if "simulated" in self.troubles.away:
            return
        at_s = float(self.now_ns // SECOND)
        values = [form(at_s) * entry.scale + entry.offset for entry, form in self._waves]
        self._emit(self._groups[""].number, [entry.tag.name for entry, _ in self._waves], values)

    def _sense(self) -> None:
        said = messages(self.now_ns / SECOND, self._noise) | Detections().messages()
        for topic in said:
            group = self._groups.get(topic)
            if group is None or group.source in self.troubles.away:
                continue  # of personal values the group has another name: they are in no recording
            if self.troubles.hold:
                self.give(Alive(group.number))
                continue
            tags = list(range(group.first, group.first + group.count))
            values = []
            for tag in tags:
                value: object = said
                for key in SENSED[self.table.tags[tag].name]:
                    assert isinstance(value, dict)
                    value = value[key]
                assert isinstance(value, float | bool)
                values.append(self.troubles.sensed.get(self.table.tags[tag].name, float(value)))
            self.give(Few(group.number, tags, values, [0] * len(tags), [0] * len(tags), self.now_ns + self.utc_ns))

    def _emit(self, group: int, names: list[str], values: list[float]) -> None:
        """A block, or Alive where the device gave the same bytes again."""
        data = np.array(values, np.float64)
        marks = [self.troubles.bad.get(name, (0, 0)) for name in names]
        said = data.tobytes() + bytes(quality for quality, _ in marks)
        if self._last.get(group) == said:
            self.give(Alive(group))
            return
        self._last[group] = said
        qualities, causes = (np.array([mark[at] for mark in marks], np.uint8) for at in (0, 1))
        self.give(Columns(group, data, qualities, causes))

    def lose(self, source: str, cause: Cause, wait_s: float) -> None:
        """A source goes away and comes back after `wait_s`."""

        def back() -> None:
            self.troubles.away.discard(source)
            for group in self.table.groups:
                if group.source == source:
                    self._last.pop(group.number, None)

        self.troubles.away.add(source)
        self.give(SourceDown(source, cause))
        self.later(wait_s, back)
