"""Servers that come and go, and a dead one among ten."""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path

from gateway.core.samples import Alive, Columns, Few
from gateway.history import reader as history
from gateway.site import load_site
from tests.daemon import restarts
from tests.daemon.rig import Rig, until
from tests.daemon.wire import Wire

DEVICES = 10
PERIOD_MS = 100
PHASE_S = 6.0


def test_a_modbus_server_that_restarts_has_one_connection_and_values_are_bad_meanwhile(armed_state: Path) -> None:
    found = restarts.campaign(armed_state, 3)
    assert found.rounds == 3
    assert max(found.bad_s) <= restarts.BAD_WITHIN_S + 0.5, "a busy machine"
    assert max(found.good_s) <= restarts.GOOD_WITHIN_S
    assert found.open_most == 1


def _ten_devices(rig: Rig, last: Wire) -> None:
    """Nine units of the PLC, and one behind a cable of its own; each with a few tags."""
    head = (rig.site / "site.toml").read_text()
    rows = (rig.site / "tags.csv").read_text()
    for unit in range(2, DEVICES + 2):
        port = last.port if unit == DEVICES + 1 else rig.plant_port
        head += f'\n[source.unit{unit}]\ndriver = "modbus"\nurl = "tcp://127.0.0.1:{port}"\n'
        head += f"unit = {unit}\nperiod_ms = {PERIOD_MS}\n"
        for address, name in ((100, "level"), (102, "temperature"), (108, "pressure")):
            rows += (
                f"unit{unit}.{name},unit{unit},holding:{address},float32/cdab,,,,,,2500,,,,pickling,{name},{name},\n"
            )
    (rig.site / "site.toml").write_text(head)
    (rig.site / "tags.csv").write_text(rows)


def test_one_dead_device_of_ten_leaves_the_period_of_the_others_alone() -> None:
    with Rig() as rig:
        last = Wire(rig.plant_port)
        rig.loop.do(last.start())
        try:
            _ten_devices(rig, last)
            rig.start()
            sources = [f"unit{unit}" for unit in range(2, DEVICES + 2)]
            until(lambda: all(rig.source(name)["up"] for name in sources), 10, "all ten are up")
            time.sleep(0.5)
            whole_ns = time.time_ns()
            time.sleep(PHASE_S)
            rig.loop.do(last.cut())
            cut_ns = time.time_ns()
            until(lambda: rig.tag(f"{sources[-1]}.level")["quality"] == "bad", 5, "the dead one is BAD")
            assert time.time_ns() - cut_ns < 3e9
            time.sleep(max(0.0, PHASE_S - (time.time_ns() - cut_ns) / 1e9))
            end_ns = time.time_ns()
            assert all(rig.source(name)["up"] for name in sources[:-1])
            assert rig.stop()[0] == 0
        finally:
            rig.loop.do(last.stop())
        before = _cycles(rig, sources[:-1], whole_ns, cut_ns)
        after = _cycles(rig, sources[:-1], cut_ns, end_ns)
    for name in sources[:-1]:
        assert _keeps(after[name], end_ns - cut_ns) >= 0.97 * min(1.0, _keeps(before[name], cut_ns - whole_ns)), name
        assert abs(statistics.median(after[name]) - PERIOD_MS) <= 5, name


def _keeps(gaps_ms: list[float], phase_ns: int) -> float:
    """Cycles of a phase against the cycles that the period asks for."""
    return len(gaps_ms) / (phase_ns / 1e6 / PERIOD_MS)


def _cycles(rig: Rig, sources: list[str], from_ns: int, to_ns: int) -> dict[str, list[float]]:
    """Milliseconds between one cycle of a source and the next, as history has them."""
    site = load_site(rig.site).site
    assert site is not None
    source_of = {group.number: group.source for group in site.table.groups}
    times: dict[str, list[int]] = {name: [] for name in sources}
    for stamp, item in history.inputs(rig.state / "history", from_utc_ns=from_ns, to_utc_ns=to_ns):
        if isinstance(item, Columns | Few | Alive) and (source := source_of[item.group]) in times:
            times[source].append(stamp.admit_ns)
    return {name: [(b - a) / 1e6 for a, b in itertools.pairwise(at)] for name, at in times.items()}
