"""A small pickling plant and the PLC that runs it: plain arithmetic stepped with `dt`, no clock, no socket."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from random import Random

SILENCE_S = 0.9  # spec/interlocks.md I2: the PLC times out at 0.9 s, so that everything is safe within 1.0 s
CONTACTOR_S = 0.08  # a running contact follows its coil after this time
AUTO_START_S = 2.0  # the PLC's own sequencer waits this long after "ready"
EVENTS_MAX = 10_000  # kept for whoever reads the log; older ones are forgotten

# Outputs of the gateway: name -> the value the PLC drives it to when the gateway is silent (the `safe` column).
OUTPUTS: dict[str, bool] = {
    "pump7.permit": False,
    "vent1.start": True,
    "horn1.on": False,
    "beacon1.on": False,
    "fill1.permit": False,
    "pump8.permit": False,
    "heat1.permit": False,
    "fan2.high": True,
    "crane2.enable": False,
}

# Measured values at power-up, in the unit of plant.py's table, and the standard deviation of their noise.
START: dict[str, tuple[float, float]] = {
    "tank1.level": (180.0, 0.10),
    "tank1.level_b": (180.0, 0.15),
    "tank1.level_c": (180.0, 0.15),
    "tank1.temperature": (62.0, 0.05),
    "tank2.level": (120.0, 0.10),
    "tank2.temperature": (45.0, 0.05),
    "pump7.pressure": (0.1, 0.01),
    "pump7.flow": (0.0, 0.2),
    "vent1.flow": (0.0, 2.0),
    "gas1.lel": (2.0, 0.05),
    "gas2.lel": (1.5, 0.05),
    "gas4.h2s": (0.4, 0.02),
    "h2s1": (0.5, 0.0),
    "h2s2": (0.5, 0.0),
    "h2s3": (0.5, 0.0),
    "co.kiln": (12.0, 0.0),
    "rx1.temp": (150.0, 0.0),
    "wind1": (3.0, 0.0),
    "wind2": (3.4, 0.0),
    "ch4.a": (0.05, 0.0),
    "o2.a": (20.9, 0.0),
}

# What people and machines do that no output of ours commands.
SWITCHES: dict[str, bool] = {"crane2.moving": False, "watcher.present": True}


@dataclass(slots=True)
class Rates:
    """How fast the plant moves; levels in cm/s."""

    drain_cm_s: float = 1.0
    fill_cm_s: float = 1.6
    fill_on_cm: float = 150.0
    fill_off_cm: float = 200.0
    tank2_drain_cm_s: float = 0.8


@dataclass(slots=True)
class Watchdog:
    """The PLC's side of interlocks.md §7: counts silence of the heartbeat, drops, stays dropped until reset on site.

    Powered up it is dropped too: a person at the PLC resets it once the heartbeat runs.
    """

    healthy: bool = False
    silence_s: float = math.inf
    trips: int = 0
    last: int = 0

    def scan(self, dt_s: float, counter: int) -> None:
        """One PLC scan with the heartbeat register as it stands."""
        if counter != self.last:
            self.last = counter
            self.silence_s = 0.0
        else:
            self.silence_s += dt_s
        if self.healthy and self.silence_s >= SILENCE_S:
            self.healthy = False
            self.trips += 1

    def reset(self) -> bool:
        """The push button at the PLC; refused while the heartbeat is silent."""
        if self.silence_s < SILENCE_S:
            self.healthy = True
        return self.healthy


@dataclass(slots=True)
class Motor:
    """A drive with its own start logic: permission never starts it, a start push or the sequencer does (I15)."""

    run: bool = False
    running: bool = False
    auto: bool = False
    ready_s: float = 0.0
    follow_s: float = 0.0
    start: bool = False
    stop: bool = False

    def scan(self, dt_s: float, permitted: bool) -> None:
        """One PLC scan; `start` and `stop` are pushes since the last scan."""
        self.ready_s = self.ready_s + dt_s if permitted and not self.run else 0.0
        if self.start or (self.auto and self.ready_s >= AUTO_START_S):
            self.run = True
        if self.stop or not permitted:
            self.run = False
        self.start = self.stop = False
        self.follow_s = self.follow_s + dt_s if self.run != self.running else 0.0
        if self.follow_s >= CONTACTOR_S:
            self.running = self.run
            self.follow_s = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something an output or drive did; `at_s` is plant time."""

    at_s: float
    what: str
    value: float
    why: str  # "gateway", "watchdog", "plc"


@dataclass(slots=True)
class Plant:
    """Everything behind the PLC's terminals: `outputs` as the PLC holds them, `measured` as transmitters say."""

    rates: Rates = field(default_factory=Rates)
    seed: int = 1
    time_s: float = 0.0
    heartbeat: int = 0
    counter: int = 0
    watchdog: Watchdog = field(default_factory=Watchdog)
    outputs: dict[str, bool] = field(default_factory=lambda: dict(OUTPUTS))
    true: dict[str, float] = field(default_factory=lambda: {name: start for name, (start, _) in START.items()})
    measured: dict[str, float] = field(default_factory=lambda: {name: start for name, (start, _) in START.items()})
    forced: dict[str, float] = field(default_factory=dict)  # a transmitter that lies: name -> what it says
    gas: dict[str, float] = field(default_factory=dict)  # where a detector's reading is heading, if anywhere
    drifts: dict[str, float] = field(default_factory=dict)  # a value that runs away: name -> its change per minute
    switches: dict[str, bool] = field(default_factory=lambda: dict(SWITCHES))
    counter_frozen: bool = False
    fill_stuck: bool = False
    valve_open: bool = False
    heating: bool = False
    motors: dict[str, Motor] = field(default_factory=lambda: {"pump7": Motor(), "pump8": Motor(auto=True)})
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    noise: Random = field(init=False)
    _counted_s: float = 0.0

    def __post_init__(self) -> None:
        self.noise = Random(self.seed)

    def write(self, output: str, value: bool) -> None:
        """The gateway writes one of its outputs; a dropped watchdog overrules it at the next scan."""
        if self.outputs[output] != value:
            self._log(output, value, "gateway")
        self.outputs[output] = value

    def step(self, dt_s: float) -> None:
        """One PLC scan and `dt_s` of physics."""
        self.time_s += dt_s
        self._counted_s += dt_s
        while self._counted_s >= 0.1:
            self._counted_s -= 0.1
            if not self.counter_frozen:
                self.counter = (self.counter + 1) & 0xFFFF
        was = self.watchdog.healthy
        self.watchdog.scan(dt_s, self.heartbeat)
        if was and not self.watchdog.healthy:
            self._log("watchdog.healthy", False, "watchdog")
        if not self.watchdog.healthy:
            self._drive_safe()
        self._drives(dt_s)
        self._process(dt_s)
        self._measure()

    def reset_watchdog(self) -> bool:
        """A person on site pushes the PLC's reset button."""
        was = self.watchdog.healthy
        if self.watchdog.reset() and not was:
            self._log("watchdog.healthy", True, "plc")
        return self.watchdog.healthy

    def ready(self, drive: str, output: str = "permit") -> bool:
        """Whether the PLC would accept a start of this drive."""
        return self.watchdog.healthy and self.outputs[f"{drive}.{output}"]

    def crane_moves(self) -> bool:
        """The driver moves crane 2, and its drive is enabled."""
        return self.switches["crane2.moving"] and self.ready("crane2", "enable")

    def _drive_safe(self) -> None:
        for name, safe in OUTPUTS.items():
            if self.outputs[name] != safe:
                self.outputs[name] = safe
                self._log(name, safe, "watchdog")

    def _drives(self, dt_s: float) -> None:
        rates = self.rates
        level2 = self.true["tank2.level"]
        pump8 = self.motors["pump8"]
        pump8.stop = pump8.stop or level2 < 80.0
        pump8.auto = level2 > 130.0
        for name, motor in self.motors.items():
            was = motor.running
            motor.scan(dt_s, self.ready(name))
            if motor.running != was:
                self._log(f"{name}.running", motor.running, "plc")
        level1 = self.true["tank1.level"]
        wanted = level1 < (rates.fill_off_cm if self.valve_open else rates.fill_on_cm)
        self.valve_open = wanted and self.outputs["fill1.permit"] and not self.fill_stuck
        temperature = self.true["tank1.temperature"]
        self.heating = self.outputs["heat1.permit"] and temperature < (65.0 if self.heating else 60.0)

    def _process(self, dt_s: float) -> None:
        true, rates = self.true, self.rates
        pumping = self.motors["pump7"].running and true["tank1.level"] > 0.0
        filling = rates.fill_cm_s if self.valve_open else 0.0
        draining = rates.drain_cm_s if pumping else 0.0
        true["tank1.level"] = min(300.0, max(0.0, true["tank1.level"] + (filling - draining) * dt_s))
        true["tank1.level_b"] = true["tank1.level_c"] = true["tank1.level"]
        drain2 = rates.tank2_drain_cm_s if self.motors["pump8"].running else 0.0
        weir = 0.05 * max(0.0, true["tank2.level"] - 240.0)  # an overflow weir keeps tank 2 from running over
        true["tank2.level"] = max(0.0, true["tank2.level"] + (0.5 * draining - drain2 - weir) * dt_s)
        heat = 0.25 if self.heating else -0.02
        true["tank1.temperature"] = max(20.0, true["tank1.temperature"] + heat * dt_s)
        self._towards("tank2.temperature", 0.75 * true["tank1.temperature"], 120.0, dt_s)
        self._towards("pump7.pressure", 3.2 if pumping else 0.1, 0.3, dt_s)
        self._towards("pump7.flow", 42.0 if pumping else 0.0, 0.3, dt_s)
        vented = self.outputs["vent1.start"]
        self._towards("vent1.flow", 900.0 if vented else 0.0, 1.5, dt_s)
        for name, still in (("gas1.lel", 2.0), ("gas2.lel", 1.5), ("gas4.h2s", 0.4)):
            self._towards(name, self.gas.get(name, still if vented else 2.0 * still), 1.0, dt_s)
        for name in ("h2s1", "h2s2", "h2s3"):
            self._towards(name, self.gas.get(name, 0.5), 1.0, dt_s)
        # At high speed fan 2 takes away four fifths of the carbon monoxide that the kiln makes.
        self._towards("co.kiln", self.gas.get("co.kiln", 12.0) * (0.2 if self.outputs["fan2.high"] else 1.0), 3.0, dt_s)
        for name, per_minute in self.drifts.items():
            true[name] += per_minute * dt_s / 60.0

    def _towards(self, name: str, goal: float, lag_s: float, dt_s: float) -> None:
        """First-order lag."""
        self.true[name] += (goal - self.true[name]) * min(1.0, dt_s / lag_s)

    def _measure(self) -> None:
        gauss = self.noise.gauss
        for name, (_, sigma) in START.items():
            noise = gauss(0.0, sigma) if sigma else 0.0
            self.measured[name] = self.forced[name] if name in self.forced else self.true[name] + noise

    def _log(self, what: str, value: float, why: str) -> None:
        self.events.append(Event(self.time_s, what, float(value), why))
