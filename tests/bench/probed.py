"""A gateway with a stopwatch inside, driven by lines on stdin: `python -m tests.bench.probed SITE`.

    lag begin | lag end    lateness of the loop every 20 ms, in ms
    sent begin | sent end  time from an alarm's admission to its PUBLISH, in ms
    energise SOURCE        proves the watchdog, arms and resets every interlock (waiting times of people set to nothing)
    states                 how many functions are in which state

It is the daemon otherwise: same process set-up, same composition.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from gateway.app import daemon
from gateway.core import functions
from gateway.core.effects import Journal
from gateway.upstream.encode import Message, event_id
from gateway.upstream.link import Link
from tests.bench.figure import spread

GRID_S = 0.02
SOME = 32  # commands at once: the desk takes 64, the device 64 writes
WAIT_S = 5.0
PERSON = "bench"


class Probe:
    """What is measured from inside."""

    def __init__(self, gateway: daemon.Gateway) -> None:
        self._gateway = gateway
        self._late_ms: list[float] = []
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._seen: dict[str, int] = {}
        self._sent_ms: list[float] = []

    async def answer(self, line: str) -> dict[str, Any]:
        """One line of the benchmark."""
        match line.split():
            case ["lag", "begin"]:
                self._late_ms, self._due_s = [], asyncio.get_running_loop().time()
                self._gateway.line.meter.lag_max_ns = 0
                self._next()
            case ["lag", "end"]:
                assert self._timer is not None
                self._timer.cancel()
                return {"late_ms": spread(self._late_ms), "input_max_ms": self._gateway.line.meter.lag_max_ns / 1e6}
            case ["sent", "begin"]:
                self._tap()
            case ["sent", "end"]:
                return {"sent_ms": spread(self._sent_ms), "n": len(self._sent_ms)}
            case ["energise", source]:
                return await self._energise(source)
            case ["states"]:
                return dict(Counter(f.state.name for f in self._gateway.kernel.functions.values()))
        return {}

    def _next(self) -> None:
        self._due_s += GRID_S
        self._timer = asyncio.get_running_loop().call_at(self._due_s, self._ticked)

    def _ticked(self) -> None:
        self._late_ms.append(1000 * (asyncio.get_running_loop().time() - self._due_s))
        self._next()

    def _tap(self) -> None:
        """Stand beside the journal's door and the socket's door."""
        self._seen, self._sent_ms = {}, []
        append, send, clock = self._gateway.journal.append, Link.send, self._gateway.clock

        def appended(effect: Journal) -> None:
            if effect.summary is not None and effect.record.kind.startswith("alarm."):
                self._seen[event_id(self._gateway.site.id, effect.record.id)] = effect.record.at_ns
            append(effect)

        def sent(link: Link, message: Message, **options: Any) -> int:
            number = send(link, message, **options)
            seen = self._seen.pop(message.id, None)
            if seen is not None:
                self._sent_ms.append((clock.monotonic_ns() - seen) / 1e6)
            return number

        self._gateway.journal.append = appended  # type: ignore[method-assign]
        Link.send = sent  # type: ignore[assignment,method-assign]

    async def _energise(self, source: str) -> dict[str, Any]:
        submit, names = self._gateway.desk.submit, list(self._gateway.kernel.functions)
        for state in ("begin", "proven"):
            reply = await submit(PERSON, "supervisor", "source.watchdog", source, {"state": state, "reason": PERSON})
            if reply.code:
                return {"error": reply.texts}
        for verb, state in (("interlock.arm", "READY"), ("interlock.reset", "ARMED")):
            for at in range(0, len(names), SOME):
                some = names[at : at + SOME]
                asked = [submit(PERSON, "supervisor", verb, name, {"reason": PERSON}) for name in some]
                for reply in await asyncio.gather(*asked):
                    if reply.code:
                        return {"error": reply.texts, "verb": verb}
                until_s = time.monotonic() + WAIT_S
                while any(self._gateway.kernel.functions[name].state.name != state for name in some):
                    if time.monotonic() > until_s:
                        return {"error": await self.answer("states"), "verb": verb}
                    await asyncio.sleep(0.02)
        return {"live": len(names)}


async def _unwatched(*_: object) -> None:
    """A waiting time inside the rules is shortened here; the daemon's own watch would rightly see that and trip everything."""
    await asyncio.Event().wait()


async def _main(site: Path) -> int:
    daemon.watch_program = _unwatched  # type: ignore[assignment]
    gateway = daemon.start(site, "en")
    if isinstance(gateway, int):
        return gateway
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, gateway.stop)
    for function in gateway.kernel.functions.values():
        function.rule = msgspec.structs.replace(function.rule, clear_ns=0)
    probe = Probe(gateway)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    asking = loop.create_task(_ask(probe, reader))
    await gateway.run()
    asking.cancel()
    return 0


async def _ask(probe: Probe, reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        print(json.dumps(await probe.answer(line.decode())), flush=True)


if __name__ == "__main__":
    functions.GOOD_NS = 0  # like T_clear above a wait of people before a reset, and no part of what is measured
    daemon.set_up_process()
    raise SystemExit(uvloop.run(_main(Path(sys.argv[1]))))
