"""`upstream watch` against a real broker, in both versions: sums, receipts, and a gateway that dies without a word."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Literal

import pytest

from gateway.upstream.receiver import Watch, Watching
from gateway.upstream.session import Settings
from tests.upstream.plant import ROOT, Broker, Gateway
from tests.waiting import until


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_counts_confirms_and_tells_of_a_gateway_that_died(
    tmp_path: Path, broker: Broker, protocol: Literal["5", "3.1.1"]
) -> None:
    lines: list[str] = []
    url = f"mqtt://127.0.0.1:{broker.plain_port}"
    settings = Watching(url, protocol=protocol, receipts=True, as_json=True, client=f"watch-{protocol}")
    receiver = Watch(settings, lines.append)

    async def main() -> float:
        task = asyncio.create_task(receiver.run())
        await until(lambda: receiver.connected)
        # Under 3.1.1 the broker publishes the will at once, under 5 after its delay of 10 s.
        async with Gateway(tmp_path / "gw", Settings(broker.address(), version=protocol, receipt=True)) as gateway:
            await gateway.until(lambda: gateway.session.view.connected)
            for n in range(40):
                gateway.alarm(n % 4 + 1)
            await gateway.delivered()
            assert gateway.session.view.proof == "receipt", "delivered because the receiver said so"
            gateway.pause_s = 60
            assert gateway.session._link is not None
            gateway.session._link.drop()
            died = time.monotonic()
            await until(lambda: any('"lost"' in line for line in lines), 30)
            took = time.monotonic() - died
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return took

    assert asyncio.run(main()) <= 30
    lost = next(json.loads(line) for line in lines if '"lost"' in line)
    assert lost["gateway"] == ROOT
    (sums,) = receiver.sums()
    assert (sums["received"], sums["missing"], sums["balanced"]) == (40, 0, True)
    assert receiver.tell_sums() is False, "a lost gateway is a reason to leave with 1"


def test_comes_back_to_a_broker_that_was_away(broker: Broker) -> None:
    lines: list[str] = []
    receiver = Watch(Watching(f"mqtt://127.0.0.1:{broker.plain_port}", lang="zh-CN"), lines.append)

    async def main() -> None:
        task = asyncio.create_task(receiver.run())
        await until(lambda: receiver.connected)
        broker.stop()
        await until(lambda: not receiver.connected)
        await asyncio.to_thread(broker.start)
        await until(lambda: receiver.connected)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert "服务器不可达" in lines[0]
