"""The scripted operator of the demo: proves the watchdog, arms, resets, acknowledges — over the control sockets, as people do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.demo.faults import ask

Say = Callable[[str], None]
WHY = "demo: scripted operator"
LINE_MAX = 1 << 20


class Refused(Exception):
    """The gateway said no; the message is its own."""


class Operator:
    """One person with a supervisor's socket and a way to push buttons at the PLC."""

    def __init__(self, control: Path, plant: Path, say: Say) -> None:
        self._socket = control / "supervisor.sock"
        self._plant = plant
        self._say = say

    async def call(self, verb: str, target: str = "", args: dict[str, str] | None = None, **more: Any) -> Any:
        """One request; its data. Raises Refused, OSError."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=LINE_MAX)
        try:
            request = {"verb": verb, "target": target, "args": args or {}, **more}
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        finally:
            writer.close()
            await writer.wait_closed()
        if not line:
            raise ConnectionResetError("the gateway hung up")
        reply = json.loads(line)
        if reply["code"] != 0:
            raise Refused(reply["message"])
        return reply["data"]

    async def confirmed(self, verb: str, target: str) -> None:
        """A dangerous verb: first its plan, then the deed with the plan's token."""
        args = {"reason": WHY}
        plan = await self.call(verb, target, args, plan=True)
        await self.call(verb, target, args, token=plan["token"])

    async def _until(self, condition: Callable[[dict[str, Any]], bool], name: str) -> dict[str, Any]:
        while True:
            for interlock in await self.call("interlock.list"):
                if interlock["name"] == name and condition(interlock):
                    return dict(interlock)
            await asyncio.sleep(0.2)

    async def prove(self, source: str) -> None:
        """Withhold the heartbeat, see the PLC go safe and stay latched, then reset its watchdog at the PLC."""
        self._say(f"operator: proves the watchdog of {source}: the heartbeat stops on purpose")
        await self._at_the_plc("watchdog.reset")
        await self.call("source.watchdog", source, {"state": "begin"})
        while True:
            sources = {row["name"]: row for row in await self.call("source.list")}
            if sources[source]["watchdog_proven"]:
                break
            await asyncio.sleep(0.2)
        await self._at_the_plc("watchdog.reset")
        self._say(
            f"operator: {source} went safe by itself and stayed latched: proven; its watchdog is reset at the PLC"
        )

    async def _at_the_plc(self, button: str) -> None:
        """Push a button at the PLC until its watchdog is healthy again: it is refused while the heartbeat is silent."""
        while True:
            await ask(self._plant, do="push", button=button)
            await asyncio.sleep(0.3)
            rows = await self.call("tag.list")
            if any(
                row["name"] == "watchdog.healthy" and row["value"] == 1 and row["quality"] == "good" for row in rows
            ):
                return

    async def shift(
        self, functions: tuple[str, ...], source: str, controls: tuple[str, ...] = (), notes: tuple[str, ...] = ()
    ) -> None:
        """Bring the functions and controls into service, note what is done, then look after the functions until cancelled."""
        while True:
            try:
                sources = {row["name"]: row for row in await self.call("source.list")}
                if sources[source]["up"]:
                    break
            except OSError:
                self._say("operator: waits for the gateway")
            await asyncio.sleep(0.3)
        if not sources[source]["watchdog_proven"]:
            await self.prove(source)
        await self._at_the_plc("watchdog.reset")  # a PLC that has just powered up has its watchdog dropped
        for name in functions:
            interlocks = {row["name"]: row for row in await self.call("interlock.list")}
            if interlocks[name]["mode"] != "live":
                await self.confirmed("interlock.arm", name)
                self._say(f"operator: {name} is armed; it comes up TRIPPED")
        await self._prepare(controls, notes)
        async with asyncio.TaskGroup() as group:
            for name in functions:
                group.create_task(self._look_after(name))

    async def _prepare(self, controls: tuple[str, ...], notes: tuple[str, ...]) -> None:
        """What a shift has done before it begins: controls in service, gas tested, detectors calibrated. Not worth a word."""
        live = {row["name"] for row in await self.call("control.list") if row["live"]}
        for name in controls:
            if name not in live:
                await self.confirmed("control.arm", name)
        for name in notes:
            await self.call("permit.done", name)

    async def _look_after(self, name: str) -> None:
        while True:
            try:
                await self._until(lambda row: row["state"] == "READY", name)
                await self.confirmed("interlock.reset", name)
                self._say(f"operator: {name} is reset: permission given, nothing started")
                row = await self._until(lambda row: row["first_out"] is not None and row["state"] == "TRIPPED", name)
                causes = ", ".join(row["first_out"]["causes"])
                self._say(
                    f"gateway:  {name} TRIPPED by {causes}; read back {row['last_trip_ms'] / 1000:.2f} s after the cause began"
                )
                await self._acknowledge(name)
            except Refused as refusal:
                self._say(f"operator: {name} refused: {refusal}")
                await asyncio.sleep(1.0)
            except OSError:
                await asyncio.sleep(1.0)  # the gateway is away: it may be restarting

    async def _acknowledge(self, name: str) -> None:
        for alarm in await self.call("alarm.list"):
            if alarm["name"] == name and alarm["state"] == "UNACK":
                await self.call("alarm.ack", name, {"occurrence": alarm["occurrence"]})
                self._say(f"operator: alarm {name} acknowledged")
