"""The metrics: what the documentation lists is what a scrape gives, and the figures are those of the views."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics.collector import Counters, Gauges, WorkerCount
from gateway.metrics.server import Metrics

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(gatehouse_\w+)` \| (gauge|counter) \| ([^|]*) \| ([^|]+) \|", re.MULTILINE)
WORKER = WorkerCount("cpu", starts=2, killed=1, results=900, skipped=4, resident=180 << 20)


def plant() -> Any:
    """The plant in memory of the page's tests."""
    name = "gatehouse_tests_web_fakes"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tests/web/fakes.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    made = sys.modules[name].Plant()
    made.tripped()
    return made


def families(counters: Counters | None = None) -> dict[str, Metric]:
    return {
        family.name: family for family in Gauges(plant(), lambda: counters or Counters(workers=(WORKER,))).collect()
    }


def value(name: str, **labels: str) -> float:
    for family in families().values():
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"{name} {labels} is not there")


def test_the_list_in_the_documentation_is_what_is_exported() -> None:
    listed = {row[0]: row[1] for row in ROW.findall((ROOT / "docs/metrics.md").read_text())}
    real = {family.samples[0].name: family.type for family in families().values()}
    assert listed == real


def test_figures_are_those_of_the_views() -> None:
    assert value("gatehouse_state", state="TRIPPED") == 1
    assert value("gatehouse_state", state="NORMAL") == 0
    assert value("gatehouse_heartbeat_withheld", source="plc2") == 1
    assert value("gatehouse_heartbeat_withheld", source="plc1") == 0
    assert value("gatehouse_source_up", source="plc2") == 0
    assert value("gatehouse_interlock_state", function="PKL_LSLL", state="TRIPPED", mode="live") == 1
    assert value("gatehouse_trips_total", function="PKL_LSLL") == 2
    assert value("gatehouse_alarms_active", priority="1") == 1
    assert value("gatehouse_step_p99_seconds") == 412e-6
    assert value("gatehouse_last_trip_seconds", function="PKL_LSLL") == 0.0384


def test_the_equation_is_exported_as_it_is_read() -> None:
    part = {name: value("gatehouse_upstream_messages", part=name) for name in ("produced", "confirmed", "queued")}
    rest = value("gatehouse_upstream_messages", part="aggregated") + value(
        "gatehouse_upstream_messages", part="expired"
    )
    assert part["produced"] == part["confirmed"] + part["queued"] + rest


def test_counters_come_from_the_runtime() -> None:
    found = families(Counters(points=7, steps=3, read_backs_verified=2))
    assert found["gatehouse_points"].samples[0].value == 7
    assert found["gatehouse_steps"].samples[0].value == 3
    assert found["gatehouse_read_backs_verified"].samples[0].value == 2


def test_it_is_served_to_prometheus_and_to_nothing_else() -> None:
    async def scrape() -> tuple[str, str, int, int]:
        metrics = Metrics(plant(), "127.0.0.1", 0)
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
            task = group.create_task(metrics.run())
            await metrics.started.wait()
            base = f"http://127.0.0.1:{metrics.port}"
            async with session.get(f"{base}/metrics") as reply:
                text, kind = await reply.text(), reply.headers["Content-Type"]
            async with session.post(f"{base}/metrics") as post, session.get(f"{base}/") as other:
                statuses = post.status, other.status
            task.cancel()
        return text, kind, *statuses

    text, kind, post, other = asyncio.run(scrape())
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"gatehouse_points", "gatehouse_state", "process_resident_memory_bytes"} <= names
    assert kind.startswith("text/plain; version=0.0.4")
    assert (post, other) == (405, 404)
