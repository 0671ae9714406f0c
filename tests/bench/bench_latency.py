"""From a change of a register to the alarm at the broker, and to the coil that a trip writes.

The servers are stopwatches (c/trip_server.c). The alarm is timed where a subscriber outside has it, so the broker's hop and
the subscriber's Python are in the figure. The trip is timed in the server, beside a C poller on the same server program.
"""

from __future__ import annotations

import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from tests.bench.figure import figure, spread
from tests.bench.rig import Daemon, Device, alarm_rule, compiled, write_site
from tests.peers.lines import LinePeer
from tests.upstream.plant import Broker

PERIODS_MS = (2, 10, 100)
LATE_S = 5.0
REGISTERS, CODES = 40, 3  # 120 functions, each good for one trip: a latch is not reset within a second
HEARTBEAT = 'heartbeat = { address = "holding:1000", period_ms = 250 }\n'
INTERLOCK = """interlock I{n} "测试 | I{n}"
  when r{r} > {limit} cm
  then stop y{n}
  latch reset by supervisor
  on bad trip
  priority P3
  area bench
end
"""


class Subscriber:
    """Notes when the events of each alarm arrive."""

    def __init__(self, port: int) -> None:
        self.arrived = {f"A{ms}": queue.Queue[tuple[int, str]]() for ms in PERIODS_MS}
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="stopwatch", protocol=paho.MQTTv311)
        self._client.on_connect = lambda client, *_: client.subscribe("gatehouse/#", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def _message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        now_ns = time.monotonic_ns()
        event = json.loads(message.payload)
        if event.get("alarm") in self.arrived and "ev" in event:
            self.arrived[event["alarm"]].put((now_ns, event["ev"]))

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


def alarms(counts: dict[int, int]) -> tuple[dict[int, list[float]], dict[str, Any]]:
    """ms from change to arrival by poll period, and what the probe inside saw from admission to the socket."""
    server = str(compiled("trip_server"))
    with tempfile.TemporaryDirectory(prefix="alarm-bench-") as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        broker = Broker(folder / "broker")
        conf = folder / "broker" / "mosquitto.conf"  # the tests' broker saves at every change: its syncs would be ours
        conf.write_text(conf.read_text().replace("persistence true\n", "persistence false\n").replace("autosave_", "#"))
        broker.start()
        servers = {ms: LinePeer([server]) for ms in PERIODS_MS}
        for peer in servers.values():
            peer.__enter__()
        listener = Subscriber(broker.plain_port)
        try:
            devices = [
                Device(f"p{ms}", peer.port, ms, [f"t{ms},p{ms},holding:0,uint16,cm,0,300,2500,,,bench,测点,Point"])
                for ms, peer in servers.items()
            ]
            rules = "".join(alarm_rule(f"A{ms}", f"t{ms}", "100 cm") for ms in PERIODS_MS)
            metrics = write_site(folder / "site", devices, rules, broker.address())
            with Daemon(folder / "site", metrics) as daemon:
                daemon.ready(100)
                _until_connected(daemon)
                daemon.ask("sent begin")
                found: dict[int, list[float]] = {ms: [] for ms in PERIODS_MS}
                threads = [
                    threading.Thread(target=_change, args=(ms, servers[ms], listener.arrived[f"A{ms}"], counts[ms], found[ms]))
                    for ms in PERIODS_MS
                ]  # fmt: skip
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                inside = daemon.ask("sent end")
                daemon.stop()
            return found, inside
        finally:
            listener.close()
            broker.stop()
            for peer in servers.values():
                peer.__exit__(None, None, None)


def _until_connected(daemon: Daemon) -> None:
    until = time.monotonic() + 20
    while not daemon.metric("upstream_connected"):
        assert time.monotonic() < until, daemon.log()
        time.sleep(0.1)
    time.sleep(1.0)  # the retained states of a new session go first


def _change(ms: int, peer: LinePeer, arrived: queue.Queue[tuple[int, str]], count: int, found: list[float]) -> None:
    dice = random.Random(ms)
    for at in range(count + 4):
        time.sleep(0.005 + dice.uniform(0, 2 * ms / 1000))
        changed_ns = int(peer.ask(f"set 0 {200 if at % 2 == 0 else 0}"))
        try:
            now_ns, _ = arrived.get(timeout=LATE_S)
        except queue.Empty:
            now_ns = changed_ns + int(LATE_S * 1e9)
        if at >= 4:  # first samples meet caches and a journal file that still grows
            found.append((now_ns - changed_ns) / 1e6)


def trips(count: int) -> tuple[list[float], list[float], int]:
    """ms from change to coil written: ours, the C poller before and after it (turns), and how many of ours were late."""
    server = str(compiled("trip_server"))
    reference = _c_trips(server, min(REGISTERS * CODES, count) // 2)
    ours: list[float | None] = []
    while len(ours) < count:
        ours += _our_trips(server, min(REGISTERS * CODES, count - len(ours)))
        reference += _c_trips(server, min(REGISTERS * CODES, count) // 2)
    return [ms for ms in ours if ms is not None], [ms for ms in reference if ms is not None], ours.count(None)


def _our_trips(server: str, count: int) -> list[float | None]:
    with armed(server) as (_, peer):
        return time_trips(peer, count)


@contextmanager
def armed(server: str, period_ms: int = 1) -> Iterator[tuple[Daemon, LinePeer]]:
    """A daemon with 120 armed functions, polling the server program, which is a stopwatch."""
    with tempfile.TemporaryDirectory(prefix="trip-bench-") as name, LinePeer([server]) as peer:
        site = Path(name)
        rows = [f"r{at},plc1,holding:{at},uint16,cm,0,300,2500,,,bench,测点,Point" for at in range(REGISTERS)]
        rows += [f"y{at},plc1,coil:{at},bool,,,,2500,yes,0,bench,输出,Output" for at in range(REGISTERS * CODES)]
        rules = "".join(
            INTERLOCK.format(n=at, r=at // CODES, limit=at % CODES + 0.5) for at in range(REGISTERS * CODES)
        )
        metrics = write_site(site, [Device("plc1", peer.port, period_ms, rows, HEARTBEAT)], rules)
        with Daemon(site, metrics) as daemon:
            daemon.ready(2000)
            told = daemon.ask("energise plc1")
            if "error" in told:
                raise RuntimeError(f"the functions are not armed: {told}")
            time.sleep(0.5)
            yield daemon, peer
            daemon.stop()


def _c_trips(server: str, count: int) -> list[float | None]:
    with LinePeer([server]) as peer:
        for coil in range(REGISTERS * CODES):
            peer.ask(f"coil {coil} 1")
        command = [str(compiled("poll_trip")), str(peer.port), str(REGISTERS), str(CODES), "1000"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as poller:
            time.sleep(0.3)
            found = time_trips(peer, count)
            poller.terminate()
    return found


def time_trips(peer: LinePeer, count: int, first: int = 0) -> list[float | None]:
    """Trip one function after the other at random moments; a register only ever rises, so each trips exactly one."""
    dice, found = random.Random(first + 1), []
    for at in range(first, first + count):
        code, register = divmod(at, REGISTERS)
        time.sleep(dice.uniform(0.01, 0.06))
        took = peer.ask(f"trip {register} {code + 1} {register * CODES + code}")
        found.append(None if took == "late" else int(took) / 1e6)
    return found


def figures(quick: bool) -> list[dict[str, Any]]:
    """Alarms at three poll periods, and trips at 1 ms; `quick` in about 20 s."""
    counts = {2: 150, 10: 80, 100: 12} if quick else {2: 1500, 10: 1000, 100: 300}
    found, inside = alarms(counts)
    lines = []
    for ms in PERIODS_MS:
        all_ms = spread(found[ms])
        p50, p99 = ms / 2 + 3, ms + 5
        lines.append(
            figure(f"register change -> PUBLISH, T = {ms} ms, p50", all_ms["p50"], "ms", f"<= T/2 + 3 = {p50:g} ms",
                   all_ms["p50"] <= p50, ms / 2, reference_is="T/2, half a poll period", change_ms=all_ms)
        )  # fmt: skip
        lines.append(
            figure(f"register change -> PUBLISH, T = {ms} ms, p99", all_ms["p99"], "ms", f"<= T + 5 = {p99:g} ms",
                   all_ms["p99"] <= p99, ms, reference_is="T, one poll period")
        )  # fmt: skip
    sent = inside["sent_ms"]
    lines.append(
        figure("seen -> sent, p50", sent["p50"], "ms", "< 2 ms", sent["n"] > 0 and sent["p50"] < 2, sent_ms=sent)
    )
    ours, reference, late = trips(60 if quick else 6 * REGISTERS * CODES)
    mine, theirs = spread(ours), spread(reference)
    lines.append(
        figure("register change -> coil written, 1 ms poll, p99", mine["p99"], "ms", "<= 2x a C poller, none late",
               not late and mine["p99"] <= 2 * theirs["p99"], theirs["p99"], ours_ms=mine, c_ms=theirs, late=late)
    )  # fmt: skip
    return lines


if __name__ == "__main__":
    print(json.dumps(figures("--quick" in sys.argv), indent=1))
