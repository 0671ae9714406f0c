"""People and mishaps of the simulated hour: an operator who brings functions into service, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

from hour import Hour

from gateway.core.alarms import Base
from gateway.core.interlocks import State
from gateway.core.limits import SECOND
from gateway.core.samples import SelfCheck, Stop
from gateway.core.tags import Cause, Quality
from gateway.demo.registers import COILS, Faults

RESET_GAP_NS = 330 * SECOND  # so that the limit of six an hour (I21) is met, and its refusal too
MAJOR_GAP_NS = 45 * SECOND
MINOR_GAP_S = (4.0, 14.0)
DIES_NS = 2400 * SECOND
STOPS_NS = 3590 * SECOND
ENDS_NS = 3600 * SECOND


class Shift:
    """The operator of the hour: one request at a time, as a person does."""

    def __init__(self, hour: Hour) -> None:
        self.hour = hour
        self.waiting = 0
        self.asked_ns = 0
        self.reset_ns: dict[str, int] = {}

    def tick(self) -> None:
        """Once a second: look, and do one thing."""
        hour = self.hour
        if hour.recorder is None:
            self.waiting = 0
            return
        if self.waiting and self.waiting not in hour.answers and hour.now_ns - self.asked_ns < 5 * SECOND:
            return
        self.waiting = 0
        watchdog, proof = hour.plant.watchdog, hour.kernel.heart.peers[0].proof
        if not watchdog.healthy and proof not in ("running", "latched") and hour.chance.random() < 0.3:
            hour.plant.reset_watchdog()
        elif proof == "none":
            self._ask("source.watchdog", "plc1", state="begin")
        elif proof == "proven" and not self._functions():
            self._alarms()

    def _ask(self, verb: str, target: str, role: str = "supervisor", **args: str) -> bool:
        self.waiting, self.asked_ns = self.hour.ask(verb, target, role, **args), self.hour.now_ns
        return True

    def _functions(self) -> bool:
        hour = self.hour
        for name, function in hour.kernel.functions.items():
            if not function.live:
                return self._ask("interlock.arm", name)
            if function.state is State.FAULT and hour.kernel.self_ok:
                return self._ask("interlock.clear", name, "engineer")
            if function.state is State.READY and any(output.hunting for output in function.outputs):
                return self._ask("interlock.clear", name, "engineer")
            if function.state is State.READY and hour.now_ns >= self.reset_ns.get(name, 0):
                self.reset_ns[name] = hour.now_ns + RESET_GAP_NS
                return self._ask("interlock.reset", name)
        return False

    def _alarms(self) -> None:
        for name, point in self.hour.kernel.alarms.points.items():
            if point.base in (Base.UNACK, Base.RTN_UNACK, Base.LATCHED_UNACK) and self.hour.chance.random() < 0.2:
                boot, counter = point.occurrence
                self._ask("alarm.ack", name, "operator", occurrence=f"{boot:x}-{counter}")
                return
            if point.base is Base.LATCHED_ACKED:
                self._ask("alarm.reset", name, "operator")
                return


class Mishaps:
    """Small things every few seconds; big ones when the function they are about is in service."""

    def __init__(self, hour: Hour) -> None:
        self.hour = hour
        self.happened: dict[str, int] = {}
        self._major_ns = 0
        self._bag: list[str] = []
        self._major: dict[str, tuple[str, Callable[[], object]]] = {
            "ignored": ("PKL_LSLL", self._ignored),
            "redirected": ("PKL_LSLL", self._redirected),
            "low": ("PKL_LSLL", self._low),
            "high": ("PKL_LSHH", lambda: self._forced("tank1.level", 275.0, 4.0)),
            "degraded": ("GAS_2OO3", lambda: self._bad("gas1.lel", Quality.BAD, Cause.DEVICE, 4.0)),
            "gas": ("GAS_2OO3", lambda: self._gas(("gas1.lel", "gas2.lel"), 60.0, 12.0)),
            "above": ("GAS_2OO3", self._above),
            "lost": ("PKL_LSHH", lambda: hour.lose("plc1", Cause.COMMS, 4.0)),
            "overflow": ("PKL_LSHH", lambda: hour.lose("plc1", Cause.OVERFLOW, 0.4)),
            "silent": ("PKL_LSLL", self._silent),
            "nan": ("PKL_LSLL", lambda: self._forced("tank1.level", math.nan, 3.5)),
            "external": ("PKL_LSLL", lambda: self._foreign("pump7.permit")),
            "self": ("PKL_LSHH", self._self_check),
            "lie": ("GAS_2OO3", self._lie),
            "stale": ("PKL_LSLL", lambda: self._stale(1.8)),
            "by hand": ("GAS_2OO3", lambda: hour.ask("interlock.trip", "GAS_2OO3", "operator")),
            "disarm": ("PKL_LSHH", lambda: hour.ask("interlock.disarm", "PKL_LSHH", "supervisor")),
            "mute": ("PKL_LSLL", self._mute),
        }
        self._bag += self._major  # the first round in this order, the others as it comes
        self._minor: list[Callable[[], object]] = [
            lambda: hour.lose("plc1", Cause.COMMS, 0.7),
            lambda: hour.lose("sensors", Cause.COMMS, 6.0),
            lambda: hour.lose("sensors", Cause.REFUSED, 15.0),
            lambda: hour.lose("simulated", Cause.OVERFLOW, 2.0),
            lambda: self._forced("tank2.level", math.nan, 1.0),
            lambda: self._forced("tank1.current", 2.0, 2.0),
            lambda: self._forced("tank1.level", 29.8, 1.0),
            lambda: self._forced("tank1.level", 340.0, 0.15),
            lambda: self._forced("gas4.h2s", 9.0, 3.0),
            lambda: self._gas(("gas2.lel",), 45.0, 8.0),
            lambda: self._bad("gas1.lel", Quality.BAD, Cause.DEVICE, 4.0),
            lambda: self._bad("tank1.level", Quality.UNCERTAIN, Cause.MAINTENANCE, 3.0),
            lambda: self._bad("pump7.running", Quality.BAD, Cause.DECODE, 1.0),
            self._vibration,
            self._held,
            self._disk,
            self._bypass,
            self._nonsense,
            self._clock,
            lambda: self._foreign("pump7.permit") if self._state("PKL_LSLL") is State.READY else None,
            lambda: self._stale(0.5),
        ]
        hour.later(20.0, self._some)

    def tick(self) -> None:
        """Once a second: the next big thing, as soon as its function is in service."""
        if self.hour.recorder is None or self.hour.now_ns < self._major_ns or self.hour.troubles.disk:
            return
        if not self._bag:
            self._bag = sorted(self._major)
            self.hour.chance.shuffle(self._bag)
        for name in self._bag:
            if self._state(self._major[name][0]) is State.ARMED:
                self._bag.remove(name)
                self._major_ns = self.hour.now_ns + MAJOR_GAP_NS
                self.happened[name] = self.happened.get(name, 0) + 1
                self._major[name][1]()
                return

    def _some(self) -> None:
        if self.hour.recorder is not None:
            self.hour.chance.choice(self._minor)()
        self.hour.later(self.hour.chance.uniform(*MINOR_GAP_S), self._some)

    def _state(self, name: str) -> State:
        return self.hour.kernel.functions[name].state

    def _forced(self, name: str, value: float, wait_s: float) -> None:
        """A transmitter lies for a while."""
        forced = self.hour.plant.forced
        forced[name] = value
        self.hour.later(wait_s, lambda: forced.pop(name, None))

    def _above(self) -> None:
        """Two detectors above their range: that is gas."""
        self._forced("gas1.lel", 110.0, 3.0)
        self._forced("gas2.lel", 110.0, 3.0)

    def _gas(self, names: tuple[str, ...], value: float, wait_s: float) -> None:
        gas = self.hour.plant.gas
        gas.update(dict.fromkeys(names, value))
        self.hour.later(wait_s, lambda: [gas.pop(name, None) for name in names])

    def _bad(self, name: str, quality: Quality, cause: Cause, wait_s: float) -> None:
        bad = self.hour.troubles.bad
        bad[name] = (int(quality), int(cause))
        self.hour.later(wait_s, lambda: bad.pop(name, None))

    def _faults(self, faults: Faults, wait_s: float) -> None:
        self.hour.registers.faults = faults
        self.hour.later(wait_s, lambda: setattr(self.hour.registers, "faults", Faults()))

    def _ignored(self) -> None:
        """The pump's coil does not move any more, and then it must: TRIP_FAILED until the PLC's watchdog acts."""
        self._faults(Faults(ignore={"coil:20"}), 12.0)
        self.hour.later(1.0, lambda: self._forced("tank1.level", 10.0, 6.0))

    def _redirected(self) -> None:
        self._faults(Faults(redirect={"coil:20": 45}), 5.0)
        self.hour.later(1.0, lambda: self._forced("tank1.level", 10.0, 6.0))

    def _mute(self) -> None:
        """Writes come late by more than a try may take, and a trip is due."""
        self.hour.troubles.answer_ms = 700.0
        self.hour.later(0.5, lambda: self._forced("tank1.level", 12.0, 4.0))
        self.hour.later(5.0, lambda: setattr(self.hour.troubles, "answer_ms", 0.0))

    def _low(self) -> None:
        """The fill valve sticks and the tank runs low; the pump draws until the trip."""
        plant = self.hour.plant
        plant.true["tank1.level"], plant.fill_stuck = 36.0, True
        self.hour.later(15.0, lambda: setattr(plant, "fill_stuck", False))

    def _silent(self) -> None:
        plant = self.hour.plant
        plant.counter_frozen = True
        self.hour.later(6.0, lambda: setattr(plant, "counter_frozen", False))

    def _foreign(self, name: str) -> None:
        """Someone at the PLC turns the output to its other value."""
        at = next(address for address, known in COILS.items() if known == name)
        self.hour.registers.write("coil", at, [int(not self.hour.plant.outputs[name])])

    def _self_check(self) -> None:
        self.hour.give(SelfCheck(False, "inputs waited 700 ms"))
        self.hour.later(3.0, lambda: self.hour.give(SelfCheck(True, "the line keeps up again")))

    def _lie(self) -> None:
        self.hour.troubles.lie = True
        self.hour.ask("interlock.trip", "GAS_2OO3", "operator")
        self.hour.later(0.8, lambda: setattr(self.hour.troubles, "lie", False))

    def _stale(self, wait_s: float) -> None:
        self._faults(Faults(stale=True), wait_s)

    def _vibration(self) -> None:
        self.hour.troubles.sensed["pump7.vibration_x"] = 8.5
        self.hour.later(9.0, lambda: self.hour.troubles.sensed.pop("pump7.vibration_x", None))

    def _held(self) -> None:
        self.hour.troubles.hold = True
        self.hour.later(5.0, lambda: setattr(self.hour.troubles, "hold", False))

    def _disk(self) -> None:
        """The journal cannot store: what gives permission is refused meanwhile."""
        self.hour.troubles.disk = self.hour.chance.choice(("refuses", "hangs"))
        self.hour.ask("bypass.set", "GAS_2OO3", "supervisor", **_terms("gas1.lel", "1"))
        self.hour.later(4.0, lambda: setattr(self.hour.troubles, "disk", ""))

    def _bypass(self) -> None:
        tag = self.hour.chance.choice(("gas1.lel", "gas3.lel"))
        minutes = self.hour.chance.choice(("1", "2", "20"))
        self.hour.ask("bypass.set", "GAS_2OO3", "supervisor", **_terms(tag, minutes))
        if self.hour.chance.random() < 0.5:
            self.hour.later(30.0, lambda: self.hour.ask("bypass.clear", "GAS_2OO3", "operator", tag=tag))

    def _nonsense(self) -> None:
        """Requests that must be refused."""
        self.hour.ask("interlock.reset", "PKL_LSLL", "operator")
        self.hour.ask("interlock.reset", "NO_SUCH", "supervisor")
        self.hour.ask("interlock.please", "PKL_LSLL", "engineer")

    def _clock(self) -> None:
        """Someone sets the clock; kernel time does not care."""
        self.hour.utc_ns += self.hour.chance.randrange(-2 * SECOND, 3 * SECOND)


def _terms(tag: str, minutes: str) -> dict[str, str]:
    return {
        "tag": tag,
        "code": "calibration",
        "reason": "transmitter is being calibrated",
        "measure": "portable detector on the spot",
        "minutes": minutes,
    }


def play(hour: Hour) -> Mishaps:
    """The hour: service, mishaps, a kill and a restart in minute 40, an orderly stop at the end."""
    hour.boot()
    shift, mishaps = Shift(hour), Mishaps(hour)
    hour.every(SECOND, shift.tick)
    hour.every(SECOND, mishaps.tick)
    hour.run(DIES_NS)
    hour.die()
    hour.run(DIES_NS + 3 * SECOND)
    shift.reset_ns.clear()
    hour.boot()
    hour.run(STOPS_NS)
    hour.give(Stop())
    hour.run(ENDS_NS)
    hour.die()
    return mishaps
