"""The clock of a foreign OPC UA server that is put forward (libfaketime): our estimate holds the truth within what it admits."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from drivers import opcua
from drivers.base import PointSpec
from gateway.core.samples import Alive, Block
from gateway.runtime.clock import SystemClock
from gateway.runtime.source_clocks import Lag
from tests.contract.case import plan_of
from tests.contract.case_opcua import WAIVER
from tests.contract.listener import until
from tests.peers.build import PeerMissing, absent, node_script
from tests.peers.lines import LinePeer

SKEW_MS = 3_000.0
_FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


def skewed(directory: Path) -> LinePeer:
    """A node-opcua server whose wall clock is ahead. Raises PeerMissing."""
    words = [str(directory), json.dumps({"level": {"type": "Double", "value": 1.5}}), "None", "0"]
    command = [*node_script("opcua_server.js", "node-opcua-server"), *words]
    if not _FAKETIME:
        raise PeerMissing("libfaketime is missing: apt install faketime")
    ahead = f"FAKETIME=+{SKEW_MS / 1000:.0f}"
    return LinePeer(["env", f"LD_PRELOAD={_FAKETIME[0]}", ahead, "FAKETIME_DONT_FAKE_MONOTONIC=1", *command])


@pytest.fixture
def port(tmp_path: Path) -> object:
    try:
        with skewed(tmp_path) as server:
            yield server.port
    except PeerMissing as missing:
        absent(str(missing))


def test_a_server_whose_clock_is_put_forward_is_found_out(port: int) -> None:
    settings = opcua.Settings(url=f"opc.tcp://127.0.0.1:{port}", security="none", waiver=WAIVER, period_ms=50)
    plan = plan_of(opcua, settings, [PointSpec("level", "ns=1;s=level", "")])
    driver = opcua.Driver(settings, plan)

    blocks: list[Block] = []

    async def dialogue() -> None:
        running = asyncio.create_task(driver.run(blocks.append))
        try:
            await until(lambda: driver.clock.offset() is not None and len(blocks) > 1, 20.0)
        finally:
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(dialogue())
    offset = driver.clock.offset()
    assert offset is not None
    assert not offset.unset
    assert offset.uncertainty_ms < SKEW_MS / 2
    assert abs(offset.ms - SKEW_MS) <= offset.uncertainty_ms
    assert driver._groups[0].uncertainty_ns >= (SKEW_MS - offset.uncertainty_ms) * 1e6, "its stamps are as far off"
    lag = Lag(SystemClock())
    lag.heard(next(one for one in reversed(blocks) if not isinstance(one, Alive) and one.source_ns))
    assert lag.known(offset).way == "two-way"
    assert (lag.known(None).lag_ms or 0.0) < 0, "a stamp from our future proves that its clock is ahead"
