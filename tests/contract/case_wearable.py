"""Wearables by way of mosquitto: a station that watches the surroundings, which no consent concerns; people see tests/people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drivers import wearable
from drivers.base import Plan, PointSpec
from drivers.base_worn import Frame, Reading, Readings, Surroundings
from gateway.core.tags import Cause, Quality
from tests.contract.case import Peer, plan_of
from tests.contract.case_mqtt import MqttCase, Sensors, sensors

TOPIC = "wearable/surroundings/yard"
FIELDS = {"noise": "noise_dba", "heat": "wbgt_degC", "light": "light_lux"}


class Station(Sensors):
    """The publisher."""

    def change(self, name: str, value: float) -> None:
        self.set(TOPIC, FIELDS[name], value)


class Nobody:
    """A keeper of a site without people, which hands on what its station says."""

    def devices(self) -> Sequence[str]:
        return ()

    def allowed(self, device: str) -> frozenset[str]:
        return frozenset()

    def hear(self, device: str, frame: Frame, allowed: frozenset[str]) -> Readings:
        raise AssertionError(f"{device} is nobody's")

    def surroundings(self, area: str, said: Surroundings) -> Readings:
        found = {name: getattr(said, field) for name, field in FIELDS.items()}
        return [(f"surroundings/{area}", {name: _reading(value) for name, value in found.items()})]

    def tick(self) -> Readings:
        return ()


def _reading(value: float | None) -> Reading:
    return (value, Quality.GOOD, Cause.NONE) if value is not None else (math.nan, Quality.BAD, Cause.DECODE)


class WearableCase(MqttCase):
    """Wearables."""

    name = "wearable"
    known = {"noise": 71.5, "heat": 24.0, "light": 300.0}
    changing = ("noise", 85.0)
    bad = ""

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with sensors(directory, Station) as station:
            station.set(TOPIC, "t", 1)
            for name, value in self.known.items():
                station.change(name, value)
            yield station

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[wearable.Driver, Plan]:  # type: ignore[override]
        settings = wearable.Settings(url=f"mqtt://127.0.0.1:{port}", keep_alive_s=2, connect_timeout_s=1.0)
        plan = plan_of(wearable, settings, [PointSpec(name, f"surroundings/yard/{name}", "") for name in FIELDS])
        made = wearable.Driver(settings, plan)
        made.keeper = Nobody()
        return made, plan


CASE = WearableCase()
