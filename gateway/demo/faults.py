"""Fault hooks of the simulated PLC: a Unix socket that takes one JSON object per line and answers with one.

{"do": "state"}                                          everything there is to see
{"do": "log", "since": 0}                                [[monotonic_ns, what, value, why], ...]
{"do": "set", "name": "tank1.level", "value": 31.0}      move the process
{"do": "force", "name": "tank1.level", "value": 30.2}    a lying transmitter; without "value" it tells the truth again
{"do": "gas", "name": "gas1.lel", "value": 45.0}         a cloud; without "value" it blows away
{"do": "drift", "name": "rx1.temp", "value": 2.0}        it runs away by so much a minute; without "value" it stays
{"do": "switch", "name": "crane2.moving", "on": true}    also watcher.present
{"do": "freeze", "on": true}                             the PLC's own counter stands still
{"do": "stick", "on": true}                              the fill valve stays shut
{"do": "fault", "ignore": ["coil:20"], "redirect": {"coil:20": 45}, "refuse": [], "late_ms": 0, "reply_ms": 0,
 "mute": false, "stale": false}                          replaces all faults of the interface at once
{"do": "push", "button": "watchdog.reset"}               also pump7.start, pump7.stop
{"do": "auto", "on": true}                               the PLC starts pump 7 itself
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.demo.registers import RESET, START, STOP, Faults, Registers

BUTTONS = {"watchdog.reset": RESET, "pump7.start": START, "pump7.stop": STOP}
LINE_MAX = 65_536

Answer = dict[str, Any]


def answer(registers: Registers, request: dict[str, Any]) -> Answer:
    """Carry out one request. Raises KeyError, TypeError or ValueError for one that is not understood."""
    actions: dict[str, Callable[[Registers, dict[str, Any]], Answer]] = {
        "state": _state,
        "set": _set,
        "force": _force,
        "gas": _gas,
        "drift": _drift,
        "switch": _switch,
        "fault": _fault,
        "freeze": _switches,
        "stick": _switches,
        "auto": _switches,
        "push": _push,
    }
    return actions[request["do"]](registers, request)


async def ask(path: Path, **request: Any) -> Answer:
    """One request to the plant at `path`, e.g. `await ask(path, do="set", name="tank1.level", value=20.0)`."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 24)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        reply: Answer = json.loads(await reader.readline())
    finally:
        writer.close()
        await writer.wait_closed()
    if "error" in reply:
        raise ValueError(reply["error"])
    return reply


def _state(registers: Registers, _: dict[str, Any]) -> Answer:
    plant = registers.plant
    return {
        "time_s": plant.time_s,
        "outputs": dict(plant.outputs),
        "measured": dict(plant.measured),
        "healthy": plant.watchdog.healthy,
        "silence_s": min(plant.watchdog.silence_s, 1e6),
        "trips": plant.watchdog.trips,
        "running": {name: motor.running for name, motor in plant.motors.items()},
        "ready": plant.ready("pump7"),
        "valve_open": plant.valve_open,
        "counter": plant.counter,
        "heartbeat": plant.heartbeat,
    }


def _set(registers: Registers, request: dict[str, Any]) -> Answer:
    registers.plant.true[_known(registers, request)] = float(request["value"])
    return {}


def _force(registers: Registers, request: dict[str, Any]) -> Answer:
    name = request["name"] if request["name"] == "tank1.current" else _known(registers, request)
    return _put(registers.plant.forced, name, request)


def _gas(registers: Registers, request: dict[str, Any]) -> Answer:
    return _put(registers.plant.gas, _known(registers, request), request)


def _drift(registers: Registers, request: dict[str, Any]) -> Answer:
    return _put(registers.plant.drifts, _known(registers, request), request)


def _switch(registers: Registers, request: dict[str, Any]) -> Answer:
    switches, name = registers.plant.switches, request["name"]
    if name not in switches:
        raise ValueError(f"no such switch: {name}")
    switches[name] = bool(request["on"])
    return {}


def _known(registers: Registers, request: dict[str, Any]) -> str:
    name: str = request["name"]
    if name not in registers.plant.true:
        raise ValueError(f"no such value: {name}")
    return name


def _put(values: dict[str, float], name: str, request: dict[str, Any]) -> Answer:
    if "value" in request:
        values[name] = float(request["value"])
    else:
        values.pop(name, None)
    return {}


def _fault(registers: Registers, request: dict[str, Any]) -> Answer:
    keys = {key: value for key, value in request.items() if key != "do"}
    for key in ("ignore", "refuse"):
        keys[key] = set(keys.get(key, ()))
    registers.faults = Faults(**keys)
    return {}


def _switches(registers: Registers, request: dict[str, Any]) -> Answer:
    plant, on = registers.plant, bool(request["on"])
    match request["do"]:
        case "freeze":
            plant.counter_frozen = on
        case "stick":
            plant.fill_stuck = on
        case "auto":
            plant.motors["pump7"].auto = on
    return {}


def _push(registers: Registers, request: dict[str, Any]) -> Answer:
    registers.write("coil", BUTTONS[request["button"]], [1])
    return {"healthy": registers.plant.watchdog.healthy}
