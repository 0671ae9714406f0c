"""The whole daemon as a real process between a real Modbus server and a real broker, with every cable in our hands."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway.demo import ca, faults
from gateway.demo.broker import Broker, mosquitto
from gateway.demo.site import prepare
from gateway.journal.reader import Event, Reader
from tests.daemon.receiver import Receiver
from tests.daemon.signing import Laptop
from tests.daemon.wire import Wire
from tests.peers.build import absent

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
WHY = "a test of the daemon"
STATES_TRIPPED = ("TRIPPED", "READY")


_given: set[int] = set()


def port() -> int:
    """A free TCP port that no other rig of this process has, below those that connections take for themselves."""
    while True:
        number = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", number))
            if number not in _given:
                _given.add(number)
                return number


class Refused(Exception):
    """The gateway's answer to a command, with its exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def until(condition: Callable[[], T], within_s: float, what: str, every_s: float = 0.05) -> T:
    """The first true answer of `condition`. Raises AssertionError after `within_s`."""
    end = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(every_s)


class Loop:
    """An event loop in a thread, for the cables and the broker."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rig", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T], within_s: float = 20) -> T:
        """The result of `work`, run there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Rig:
    """One site with everything around it. `seed` is a state folder in which functions are armed already (see `arm`)."""

    def __init__(
        self,
        seed: Path | None = None,
        *,
        sensors: bool = False,
        acl: str = "",
        rules: str = "",
        upstream: str = "",
        broker: type[Broker] = Broker,
    ) -> None:
        if mosquitto() is None:
            absent("mosquitto is missing: apt install mosquitto")
        self.folder = Path(tempfile.mkdtemp(prefix="gh-"))  # short: a Unix socket's path has 107 bytes
        self.loop = Loop()
        self.plant_port, self.page, self.metrics, broker_port = (port() for _ in range(4))
        self.certs = ca.make(self.folder / "certs")
        self.broker = broker(self.folder / "broker", broker_port, certs=self.certs, acl=acl)
        self.to_plant, self.to_broker = Wire(self.plant_port), Wire(self.broker.port)
        self.plant_socket, self.sensors_socket = self.folder / "plant.sock", self.folder / "sensors.sock"
        self.log = self.folder / "gateway.log"
        self.site = self.folder / "site"
        self.state = self.site / "state"
        self.laptop = Laptop(self.folder / "laptop")
        self._seed = seed
        self.boots_before = 0  # lives of the seed: what they announced went to another broker
        self._sensors = sensors
        self._rules = rules
        self._upstream = upstream  # more keys of [upstream]
        self._plant: subprocess.Popen[bytes] | None = None
        self._guests: list[subprocess.Popen[bytes]] = []
        self.gateway: subprocess.Popen[bytes] | None = None
        self.receiver: Receiver | None = None

    # --- the world ---

    def __enter__(self) -> Self:
        try:
            self._enter()
        except BaseException:
            self.close()
            raise
        return self

    def _enter(self) -> None:
        for work in (self.to_plant.start(), self.to_broker.start(), self.broker.start()):
            self.loop.do(work)
        prepare(
            ROOT / "config" / "demo",
            self.site,
            plant=self.to_plant.port,
            broker=self.to_broker.port,
            page=self.page,
            metrics=self.metrics,
        )
        shutil.copytree(self.certs, self.site / "certs")
        if self._rules:
            (self.site / "rules" / "90-test.rules").write_text(self._rules, encoding="utf-8")
        if self._upstream:
            file = self.site / "site.toml"
            text = file.read_text("utf-8").replace("[upstream]", f"[upstream]\n{self._upstream} ", 1)
            file.write_text(text, "utf-8")
        self.laptop.enrol(self.site / "users.toml")
        if self._seed is not None:
            shutil.copytree(self._seed, self.state, ignore=shutil.ignore_patterns("*.sock", "lock"))
            self.boots_before = max(row.boot for row in rows_of(self.state))
        self.start_plant()
        self.receiver = Receiver(self.broker.port, self.certs)
        if self._sensors:
            more = ["--url", self.broker.url, "--certs", str(self.certs), "--control", str(self.sensors_socket)]
            self._guests.append(self._python("gateway.demo.sensors", *more))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(f"--- gateway.log\n{self.said()[-6000:]}")
        self.close()

    def close(self) -> None:
        """End everything and remove the folder."""
        if self.receiver is not None:
            self.receiver.close()
        for process in [self.gateway, self._plant, *self._guests]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        for work in (self.to_plant.stop(), self.to_broker.stop(), self.broker.kill()):
            self.loop.do(work)
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _python(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def start_plant(self) -> None:
        """The PLC, on its port."""
        words = ["--port", str(self.plant_port), "--control", str(self.plant_socket)]
        self._plant = self._python("gateway.demo.plant", *words)
        until(self.plant_socket.exists, 15, "the plant is up")

    def kill_plant(self) -> None:
        """Its Modbus server goes away with everything it knew."""
        assert self._plant is not None
        self._plant.kill()
        self._plant.wait()
        self.plant_socket.unlink(missing_ok=True)

    def plant(self, do: str, **more: Any) -> dict[str, Any]:
        """One request to the PLC's fault hooks."""
        return asyncio.run(faults.ask(self.plant_socket, do=do, **more))

    def plant_log(self, since_ns: int = 0) -> list[tuple[int, str, float, str]]:
        """What the PLC's outputs did: (monotonic ns, what, value, why)."""
        return [tuple(row) for row in self.plant("log", since=since_ns)["log"]]

    # --- the daemon ---

    def start(self) -> float:
        """Start the gateway and wait until its control socket answers; seconds from exec to there."""
        began_s = time.monotonic()
        with self.log.open("ab") as log:
            self.gateway = subprocess.Popen(self.command(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, 20, f"the control socket answers\n{self.said()}", 0.02)
        return time.monotonic() - began_s

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gateway.cli.main", "run", str(self.site)]

    def answers(self) -> bool:
        """The control socket gives an overview."""
        assert self.gateway is not None
        assert self.gateway.poll() is None, f"the gateway ended with {self.gateway.returncode}\n{self.said()}"
        with contextlib.suppress(OSError, ValueError):
            self.overview()
            return True
        return False

    def signal(self, number: signal.Signals) -> None:
        assert self.gateway is not None
        self.gateway.send_signal(number)

    def kill(self) -> None:
        """kill -9 of the daemon."""
        self.signal(signal.SIGKILL)
        assert self.gateway is not None
        self.gateway.wait()

    def waited_s(self) -> float:
        """Seconds in which the gateway's main thread was ready to run and others had the processor (proc(5), schedstat)."""
        assert self.gateway is not None
        return int(Path(f"/proc/{self.gateway.pid}/schedstat").read_text().split()[1]) / 1e9

    def stop(self, within_s: float = 8) -> tuple[int, float]:
        """SIGTERM: (exit code, seconds it took)."""
        assert self.gateway is not None
        began_s = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.gateway.wait(within_s)
        return code, time.monotonic() - began_s

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- people ---

    def call(self, verb: str, target: str = "", args: dict[str, str] | None = None, **more: Any) -> Any:
        """One request over the supervisor's socket. Raises Refused, OSError."""
        request = {"verb": verb, "target": target, "args": args or {}, **more}
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(7)
            link.connect(str(self.state / "control" / "supervisor.sock"))
            link.sendall(json.dumps(request).encode() + b"\n")
            rows: list[Any] = []
            with link.makefile("rb") as lines:
                for line in lines:
                    reply = json.loads(line)
                    if not reply.get("more"):
                        break
                    rows += reply["data"]
                else:
                    raise OSError("hung up without an answer")
        if reply["code"]:
            raise Refused(reply["code"], reply["message"])
        return rows + reply["data"] if rows else reply["data"]

    def confirmed(self, verb: str, target: str) -> None:
        """A dangerous verb: its plan, then the deed."""
        args = {"reason": WHY}
        plan = self.call(verb, target, args, plan=True)
        self.call(verb, target, args, token=plan["token"])

    def overview(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("status.show")
        return found

    def interlock(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("interlock.show", name)
        return found

    def states(self) -> dict[str, str]:
        return {row["name"]: row["state"] for row in self.call("interlock.list") if row["mode"] == "live"}

    def source(self, name: str = "plc1") -> dict[str, Any]:
        found: dict[str, Any] = self.call("source.show", name)
        return found

    def tag(self, name: str) -> dict[str, Any]:
        return next(row for row in self.call("tag.list") if row["name"] == name)

    def alarm(self, name: str) -> dict[str, Any]:
        """As the list shows it: an alarm that is over and done is not there, and `state` NORMAL stands for it."""
        rows = (row for row in self.call("alarm.list") if row["name"] == name)
        return next(rows, {"name": name, "state": "NORMAL", "active": False})

    def heal_plc(self) -> None:
        """Push the PLC's watchdog reset until the gateway sees it healthy."""

        def healthy() -> bool:
            if not self.plant("push", button="watchdog.reset")["healthy"]:
                return False
            tag = self.tag("watchdog.healthy")
            return bool(tag["value"] == 1 and tag["quality"] == "good")

        until(healthy, 15, "the PLC's watchdog is healthy", 0.2)

    def arm(self, *names: str) -> None:
        """Prove the watchdog and arm, as the demo's operator does."""
        until(lambda: self.source()["up"], 10, "the PLC is connected")
        self.heal_plc()
        if not self.source()["watchdog_proven"]:
            self.call("source.watchdog", "plc1", {"state": "begin"})
            until(lambda: self.source()["watchdog_proven"], 10, "the watchdog is proven", 0.1)
            self.heal_plc()
        self.laptop.activate(self.site, self.state)
        for name in names:
            self.confirmed("interlock.arm", name)

    def energise(self, *names: str, within_s: float = 30) -> None:
        """Wait for READY, reset, wait for ARMED."""
        self.heal_plc()

        def armed() -> bool:
            states = self.states()
            for name in names:
                if states[name] == "READY":
                    with contextlib.suppress(Refused):
                        self.confirmed("interlock.reset", name)
            return all(states[name] == "ARMED" for name in names)

        until(armed, within_s, f"{names} are ARMED; {self.states()}", 0.1)

    def wait_state(self, name: str, *states: str, within_s: float = 10) -> dict[str, Any]:
        """The interlock once it is in one of `states`."""

        def there() -> dict[str, Any] | None:
            found = self.interlock(name)
            return found if found["state"] in states else None

        return until(there, within_s, f"{name} is {states}") or {}

    # --- witnesses ---

    def http(self, port: int, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            body: bytes = reply.read()
        return body.decode()

    def journal(self) -> list[Event]:
        """Every row of the journal."""
        return list(rows_of(self.state))

    def balanced(self) -> dict[str, Any]:
        """The balancing equation now, asserted."""
        upstream: dict[str, Any] = self.overview()["upstream"]
        assert upstream["balanced"], upstream
        parts = ("confirmed", "queued", "aggregated", "expired")
        assert upstream["produced"] == sum(upstream[part] for part in parts), upstream
        return upstream

    def drained(self, within_s: float = 40) -> dict[str, Any]:
        """The algebra once nothing waits any more."""

        def empty() -> dict[str, Any] | None:
            now = self.balanced()
            return now if now["connected"] and not now["queued"] and not now["pending"] else None

        return until(empty, within_s, f"the outbox is empty: {self.overview()['upstream']}", 0.2) or {}


def rows_of(state: Path) -> Iterator[Event]:
    """Every row of a journal, oldest first."""
    reader, since = Reader(state / "journal" / "journal.db"), 0
    try:
        while page := reader.events(since, limit=10_000):
            yield from page
            since = page[-1].seq
    finally:
        reader.close()


def event_ids(rows: list[Event]) -> set[str]:
    """The ids under which rows of the demo's gateway leave."""
    return {f"gw-demo-01:{row.boot:x}:{row.counter}" for row in rows}


def beside(seed: Path, *scenarios: Callable[[Rig], None], at_once: int = 4) -> int:
    """How many scenarios held, each in a rig and a thread of its own: most of their time is waiting. Raises what the first raises."""

    def one(scenario: Callable[[Rig], None]) -> None:
        with Rig(seed) as rig:
            rig.start()
            scenario(rig)

    with ThreadPoolExecutor(at_once) as pool:
        running = [pool.submit(one, scenario) for scenario in scenarios]
        return len([done.result() for done in running])
