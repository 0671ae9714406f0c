"""What a Modbus poll costs: our client beside C programs made with libmodbus, against one and the same server written in C.

Server and client each have a core of their own where the machine has two, as a PLC and a gateway have: on one core the
scheduler hands over without ever idling, and the ratio would tell of the scheduler. Runs of both sides take turns and the
medians are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from resource import RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import uvloop

from drivers import modbus
from drivers.base import PointSpec
from gateway.core.samples import Block, Columns
from tests.bench.__main__ import table
from tests.bench.figure import figure, spread
from tests.contract.case import plan_of
from tests.peers.build import compiled

FLOATS = 2000
PERIOD_MS = 100
CORES = sorted(os.sched_getaffinity(0))


@contextmanager
def server(*options: str) -> Iterator[int]:
    """The C server on the first core; gives its port."""
    process = subprocess.Popen(
        [str(compiled("modbus_epoll")), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    os.sched_setaffinity(process.pid, {CORES[0]})
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@contextmanager
def on_the_other_core() -> Iterator[None]:
    """This process and its children run on the last core; garbage is frozen as in the daemon."""
    os.sched_setaffinity(0, {CORES[-1]})
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        os.sched_setaffinity(0, CORES)


def reference(*arguments: object) -> list[float]:
    """The numbers that the C client prints."""
    command = [str(compiled("modbus_client")), *map(str, arguments)]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def driver(port: int, specs: list[PointSpec], **more: Any) -> modbus.Driver:
    """A driver for these rows."""
    settings = modbus.Settings(url=f"tcp://127.0.0.1:{port}", **more)
    return modbus.Driver(settings, plan_of(modbus, settings, specs))


class Counter:
    """Counts blocks, and the values in those that carry some."""

    def __init__(self) -> None:
        self.blocks = 0
        self.values = 0

    def __call__(self, block: Block) -> None:
        self.blocks += 1
        if isinstance(block, Columns):
            self.values += len(block.values)


async def polling(drivers: list[modbus.Driver], seconds: float) -> tuple[Counter, float, float]:
    """What arrived, the seconds it took and the CPU seconds used, after the connections stand."""
    counter = Counter()
    tasks = [asyncio.create_task(one.run(counter)) for one in drivers]
    await asyncio.sleep(0.2)
    begun, used = time.monotonic(), cpu_s()
    counter.blocks = counter.values = 0
    await asyncio.sleep(seconds)
    took, used = time.monotonic() - begun, cpu_s() - used
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return counter, took, used


def cpu_s() -> float:
    """CPU seconds of this process."""
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def requests_per_s(port: int, connections: int, seconds: float) -> float:
    """Reads of 100 registers, back to back, one driver a connection."""
    rows = [PointSpec(f"r{at}", f"holding:{at}", "uint16") for at in range(100)]
    drivers = [driver(port, rows, period_ms=0) for _ in range(connections)]
    counter, took, _ = uvloop.run(polling(drivers, seconds))
    return counter.blocks / took


def float_tags(port: int, seconds: float, depth: int) -> tuple[float, float]:
    """Points per second and per cent of a core of 2,000 floats at 100 ms, every one decoded in every cycle."""
    rows = [PointSpec(f"f{at}", f"holding:{2 * at}", "float32") for at in range(FLOATS)]
    counter, took, used = uvloop.run(polling([driver(port, rows, period_ms=PERIOD_MS, depth=depth)], seconds))
    return counter.values / took, 100 * used / took


def beside(name: str, unit: str, ours: list[float], theirs: list[float], must: float, *, least: bool) -> dict[str, Any]:
    """The medians of both sides; `must` bounds their ratio, from below if `least`."""
    value, reference = median(ours), median(theirs)
    met = value / reference >= must if least else value / reference <= must
    bound = f"ratio {'>=' if least else '<='} {must}"
    return figure(name, value, unit, bound, met, reference, ours=spread(ours), theirs=spread(theirs))


def in_turn(rounds: int, *sides: Callable[[], Any]) -> list[list[Any]]:
    """The results of each side, taken in alternation so that a busy moment of the machine hits all of them."""
    results: list[list[Any]] = [[] for _ in sides]
    for index in range(rounds):
        order = list(enumerate(sides))
        for at, side in order if index % 2 == 0 else reversed(order):
            results[at].append(side())
    return results


def figures(quick: bool) -> list[dict[str, Any]]:
    """Requests per second at one and eight connections, and the cost of 2,000 float tags at 100 ms."""
    with on_the_other_core():
        back_to_back = rates(*((15, 0.4) if quick else (25, 1.0)))
    return [*back_to_back, *floats(*((3, 2.5) if quick else (5, 10.0)))]


def rates(rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Reads of 100 registers, back to back. With eight connections a C program may poll in turn or have eight threads."""

    def ours(connections: int) -> Callable[[], float]:
        return lambda: requests_per_s(port, connections, seconds)

    def theirs(connections: int, how: str) -> Callable[[], float]:
        return lambda: reference("rate", port, connections, seconds, how)[0]

    with server() as port:
        one = in_turn(rounds, ours(1), theirs(1, "turn"))
        eight, turn, threads = in_turn(rounds // 2, ours(8), theirs(8, "turn"), theirs(8, "threads"))
    return [
        beside("requests of 100 registers, 1 connection", "1/s", *one, 0.9, least=True),
        beside("requests, 8 connections, libmodbus in turn", "1/s", eight, turn, 2.0, least=True),
        beside("requests, 8 connections, libmodbus in 8 threads", "1/s", eight, threads, 1.0, least=True),
    ]


def floats(rounds: int, seconds: float) -> list[dict[str, Any]]:
    """2,000 floats at 100 ms, all of them changing, decoded on both sides. There is time to spare: no core is set aside."""
    with server("--changing") as port:
        ours, theirs, deep = in_turn(
            rounds,
            lambda: float_tags(port, seconds, 1),
            lambda: reference("poll", port, FLOATS, PERIOD_MS, seconds),
            lambda: float_tags(port, seconds, 4),
        )
    cpu = [used for _, used in theirs]
    name, share = "2,000 floats at 100 ms", "% of a core"
    own = median(used for _, used in ours)
    return [
        beside(f"{name}, points", "1/s", [rate for rate, _ in ours], [rate for rate, _ in theirs], 0.95, least=True),
        beside(f"{name}, CPU", share, [used for _, used in ours], cpu, 2.0, least=False),
        figure(f"{name}, CPU alone", own, share, "value <= 5", own <= 5.0),
        beside(f"{name}, CPU, 4 outstanding", share, [used for _, used in deep], cpu, 2.0, least=False),
    ]


def main() -> None:
    """`python -m tests.bench.bench_modbus [--quick] [--json]`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    results = figures(chosen.quick)
    print(json.dumps(results, indent=1) if chosen.json else table(results))


if __name__ == "__main__":
    main()
