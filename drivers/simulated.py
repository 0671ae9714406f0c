"""Values made in the box: for trying rules, for training and for benchmarks. They are a simulation and say so.

Protocol: none. Library: none. Not supported: anything of a real device; clock class is "none".

Addresses (period, levels and slopes are numbers; every key is optional):

    sine?mean=50&amplitude=10&period_s=60&phase_s=0
    square?low=0&high=1&period_s=10&duty=0.5
    ramp?low=0&high=100&period_s=60
    walk?seed=7&start=50&step=0.5&low=0&high=100&every_s=0.1
    constant?value=1
    output?initial=0                 a word that can be written and is read back

Values depend on the time since the start of the driver alone, so two runs give equal values at equal times. Each group
gives one block per `period_ms`; late cycles are skipped.

name: Simulation | 仿真
done: sine, square, ramp, walk, constant, and an output that is read back | 正弦、方波、斜坡、随机游走、常数，以及可回读的输出
exempt: anything of a real device: it says of itself that it is simulated | 真实设备的一切特性：明确标为仿真
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import parse_qsl

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from gateway.core.errors import AddressError
from gateway.core.samples import FEW_MAX, Columns, Few, Personal

NOTE = ("simulated value: made in the box, not measured", "仿真值:由网关自行生成,并非现场测量")

PERSONAL = ("personal", "个人")  # the words of the tag list's privacy column; personal tags are a group of their own

# kind -> its keys with their defaults
KINDS: dict[str, dict[str, float]] = {
    "sine": {"mean": 0.0, "amplitude": 1.0, "period_s": 60.0, "phase_s": 0.0},
    "square": {"low": 0.0, "high": 1.0, "period_s": 10.0, "duty": 0.5},
    "ramp": {"low": 0.0, "high": 100.0, "period_s": 60.0},
    "walk": {"seed": 1.0, "start": 50.0, "step": 0.5, "low": 0.0, "high": 100.0, "every_s": 0.1},
    "constant": {"value": 0.0},
    "output": {"initial": 0.0},
}

SHORTEST_S = 0.001  # a walk in smaller steps would spend the loop's time on catching up

Shape = Callable[[float], float]


class Settings(BaseModel):
    """Keys of a simulated source."""

    model_config = ConfigDict(extra="forbid")
    period_ms: int = Field(default=1000, ge=1, le=3_600_000)


@dataclass(frozen=True, slots=True)
class Wave:
    """A parsed address."""

    kind: str
    keys: dict[str, float]


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    kind, _, query = spec.address.partition("?")
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise AddressError(
            f'"{kind}" is no simulated value; use one of {known}, such as sine?mean=50&amplitude=10',
            f"“{kind}”不是可用的仿真类型;可用:{known},例如 sine?mean=50&amplitude=10",
        )
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply to a simulated value; leave it empty or write bool',
            f"类型“{spec.type}”不适用于仿真值;请留空或填 bool",
        )
    keys = dict(KINDS[kind])
    for key, text in parse_qsl(query, keep_blank_values=True):
        keys[key] = _number(kind, key, text)
    if min(keys.get("period_s", 1.0), keys.get("every_s", 1.0)) < SHORTEST_S:
        raise AddressError(
            f"period_s and every_s must be {SHORTEST_S} or more", f"period_s 与 every_s 不得小于 {SHORTEST_S}"
        )
    if spec.writable and kind != "output":
        raise AddressError(
            "only output?initial=… can be written", "只有 output?initial=… 可写;其他仿真类型不能作为输出"
        )
    privacy = "personal" if spec.columns.get("privacy", "") in PERSONAL else ""
    return Point(privacy, (), spec.type == "bool", Wave(kind, keys), NOTE)


def _number(kind: str, key: str, text: str) -> float:
    if key not in KINDS[kind]:
        allowed = ", ".join(KINDS[kind])
        raise AddressError(f'"{kind}" has no key "{key}"; it has {allowed}', f"“{kind}”没有参数“{key}”;可用:{allowed}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AddressError(f'{key} must be a number, not "{text}"', f"{key} 必须是数字,而不是“{text}”")
    return value


def shape(wave: Wave) -> Shape:
    """The value of a wave as a function of the seconds since the start; a walk must be asked with rising times."""
    k = wave.keys
    if wave.kind == "sine":
        return lambda t: k["mean"] + k["amplitude"] * math.sin(2.0 * math.pi * (t + k["phase_s"]) / k["period_s"])
    if wave.kind == "square":
        return lambda t: k["high"] if (t / k["period_s"]) % 1.0 < k["duty"] else k["low"]
    if wave.kind == "ramp":
        return lambda t: k["low"] + (k["high"] - k["low"]) * ((t / k["period_s"]) % 1.0)
    if wave.kind == "walk":
        return Walk(k)
    level = k["value"] if wave.kind == "constant" else k["initial"]
    return lambda _: level


class Walk:
    """A random walk on a fixed grid of time, reflected at its limits."""

    def __init__(self, keys: dict[str, float]) -> None:
        self.keys = keys
        self.random = Random(int(keys["seed"]))
        self.value = keys["start"]
        self.steps = 0

    def __call__(self, t: float) -> float:
        k = self.keys
        while self.steps < int(t / k["every_s"]):
            self.steps += 1
            self.value += k["step"] * self.random.uniform(-1.0, 1.0)
            self.value = min(k["high"], max(k["low"], self.value))
        return self.value


class Driver:
    """A source without a device."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.written: dict[int, float] = {}  # tag number -> value in its unit
        self.writable = {entry.tag.number for tags in plan.tags for entry in tags if entry.point.key.kind == "output"}

    async def run(self, emit: Emit) -> None:
        """Emit every group each period until cancelled."""
        shapes = [[(entry, shape(entry.point.key)) for entry in tags] for tags in self.plan.tags]
        period_s = self.settings.period_ms / 1000.0
        begun = time.monotonic()
        cycle = 0
        while True:
            at_s = cycle * period_s
            for group, entries in zip(self.plan.groups, shapes, strict=True):
                self._emit(emit, group.number, entries, at_s)
            cycle = max(cycle + 1, int((time.monotonic() - begun) / period_s))
            await asyncio.sleep(begun + cycle * period_s - time.monotonic())

    def _emit(self, emit: Emit, group: int, entries: list[tuple[PlannedTag, Shape]], at_s: float) -> None:
        values = [self._value(entry, form, at_s) for entry, form in entries]
        if not any(entry.tag.personal for entry, _ in entries):
            zero = np.zeros(len(values), np.uint8)
            emit(Columns(group, np.array(values, np.float64), zero, zero.copy()))
            return
        numbered = [(entry.tag, value) for (entry, _), value in zip(entries, values, strict=True)]
        for block, personal in ((Personal, True), (Few, False)):
            chosen = [(tag.number, value) for tag, value in numbered if tag.personal is personal]
            for first in range(0, len(chosen), FEW_MAX):
                part = chosen[first : first + FEW_MAX]
                good = [0] * len(part)
                emit(block(group, [number for number, _ in part], [value for _, value in part], good, list(good)))

    def _value(self, entry: PlannedTag, form: Shape, at_s: float) -> float:
        number = entry.tag.number
        if number in self.written:
            return self.written[number]
        value = form(at_s) * entry.scale + entry.offset
        return float(value != 0.0) if entry.point.boolean else value

    async def write(self, command: WriteCommand) -> ReadBack:
        """Set an output word; it answers at once and the next cycle reads it."""
        if command.output not in self.writable:
            return ReadBack(False, error="not a writable simulated value")
        self.written[command.output] = command.value
        return ReadBack(True, command.value if command.read_back else math.nan)
