"""The demo site around its simulated plant in simulated time: what the PLC and the sensors say goes through the drivers' own decoders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from drivers.base import PlannedTag
from drivers.modbus_address import decode
from drivers.mqtt_payload import reading
from drivers.simulated import shape
from gateway.core.effects import Act, Beat, Effect, Journal, Write
from gateway.core.program import Rule
from gateway.core.samples import Columns, Few, Personal
from gateway.demo.detections import Detections
from gateway.demo.faults import answer
from gateway.demo.move import SENSORS, request
from gateway.demo.physics import Plant
from gateway.demo.registers import COILS, HEARTBEAT, Registers
from gateway.demo.sensors import messages
from gateway.rulebook import compile_rules
from gateway.site import Site, load_site
from tests.core.stage import SECOND, Stage

DEMO = Path(__file__).parents[2] / "config" / "demo"
SCAN_S = 0.05


def demo_site() -> Site:
    """The demo's site."""
    site = load_site(DEMO).site
    assert site is not None
    return site


def compiled(text: str, site: Site) -> list[Rule]:
    """The rules of `text` on the demo's site."""
    done = compile_rules([("a.rules", text)], site.table, site.channels)
    assert done.program is not None, [(problem.line, problem.text["en"]) for problem in done.problems]
    return list(done.program.rules)


class DemoWorld(Stage):
    """A stage whose field is the demo plant. `move` is what `gateway.demo.move` does while the demo runs."""

    def __init__(self, rules: Iterable[Rule], site: Site, **more: Any) -> None:
        super().__init__(rules, site.table, **more)
        self.plans = {name: source.plan for name, source in site.sources.items()}
        self.plant = Plant()
        self.registers = Registers(self.plant)
        self.detections = Detections()
        self.answer = self._write
        self._noise = Random(1)
        self._stepped_ns = self.now_ns
        self._sensed_ns = -SECOND

    def move(self, name: str, value: str, worker: int = 1, kind: int = 1) -> None:
        """Move the plant or what its detectors say."""
        where, asked = request(name, value, worker, kind)
        if where != SENSORS:
            answer(self.registers, asked)
        elif asked["do"] == "set":
            self.detections.set(name, asked["value"])
        else:
            self.detections.event(name, asked["seen"], worker, kind)

    def boot(self) -> None:
        """The gateway starts, and a person resets the watchdog at the PLC."""
        super().boot()
        self.run(1)
        assert self.plant.reset_watchdog()

    def prove(self) -> None:
        """The heartbeat is withheld on purpose, the PLC goes safe and stays so, and its watchdog is reset on site."""
        assert self.ask("source.watchdog", "plc1", state="begin").code == 0
        while not self.kernel.heart.proven("plc1"):
            self.run(0.5)
            assert self.now_ns < 60 * SECOND
        self.run(0.5)
        assert self.plant.reset_watchdog()

    def _took(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, Beat):
                self.registers.write("holding", HEARTBEAT, [effect.counter])
        return super()._took(effects)

    def _write(self, effect: Write) -> tuple[bool, float]:
        name = self.table.tags[effect.output].name
        address = next(at for at, coil in COILS.items() if coil == name)
        self.registers.write("coil", address, [int(effect.value)])
        return True, float(self.registers.read("coil", address, 1)[0])

    def poll(self, **values: float) -> list[Effect]:
        """The plant moves on to now, then every source says what it sees."""
        while self._stepped_ns + SCAN_S * SECOND <= self.now_ns:
            self._stepped_ns += int(SCAN_S * SECOND)
            self.plant.step(SCAN_S)
            self.registers.step()
        effects = self._read_plc()
        if self.now_ns - self._sensed_ns >= SECOND:
            self._sensed_ns = self.now_ns
            effects += self._sense()
        return effects

    def _read_plc(self) -> list[Effect]:
        effects: list[Effect] = []
        for group, tags in zip(self.plans["plc1"].groups, self.plans["plc1"].tags, strict=True):
            if group.name != "write":
                values = np.array([self._word(entry) for entry in tags])
                zeros = np.zeros(len(tags), np.uint8)
                effects += self.give(Columns(group.number, values, zeros, zeros.copy()))
        return effects

    def _word(self, entry: PlannedTag) -> float:
        address = entry.point.key
        words = self.registers.read(address.table, address.start, address.count)
        if address.bits:
            return float(words[0])
        return decode(address, b"".join(word.to_bytes(2, "big") for word in words)) * entry.scale + entry.offset

    def _sense(self) -> list[Effect]:
        said = messages(self.now_ns / SECOND, self._noise) | self.detections.messages()
        effects: list[Effect] = []
        for name, plan in self.plans.items():
            for group, tags in zip(plan.groups, plan.tags, strict=True):
                if name == "plc1":
                    continue
                if name == "simulated":
                    found = [(shape(entry.point.key)(self.now_ns / SECOND), 0, 0) for entry in tags]
                else:
                    found = [reading(said[entry.point.key.topic], entry) for entry in tags]
                block = Personal if tags[0].tag.personal else Few
                columns = [list(column) for column in zip(*found, strict=True)]
                effects += self.give(block(group.number, [entry.tag.number for entry in tags], *columns))  # type: ignore[arg-type]
        return effects

    # --- what came of it ---

    def up(self, name: str) -> bool:
        """An alarm or advisory is up."""
        return self.kernel.watches[name].up

    def said(self) -> list[tuple[str, str]]:
        """Rule and sink of everything that was told, since the last `forget`."""
        return [(effect.rule, effect.sink) for effect in self.effects if isinstance(effect, Act)]

    def rows(self, kind: str) -> list[str]:
        """The subjects of the journal's rows of a kind, since the last `forget`."""
        return [e.record.subject for e in self.effects if isinstance(e, Journal) and e.record.kind == kind]

    def forget(self) -> None:
        """Look only at what comes now."""
        self.effects.clear()
