"""A small plant whose tags the rule texts of these tests name."""

from typing import Any

import pytest

from gateway.core.tags import Tag, TagTable

_TAGS: list[tuple[str, dict[str, Any]]] = [
    ("tank1.level", {"unit": "cm", "low": 0.0, "high": 300.0, "area": "pickling"}),
    ("rx1.temp", {"unit": "degC", "low": -20.0, "high": 400.0, "area": "reactor"}),
    ("h2s1", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("h2s2", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("h2s3", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("gas3.lel", {"unit": "%LEL", "low": 0.0, "high": 100.0}),
    ("steam.pressure", {"unit": "bar", "low": 0.0, "high": 16.0}),
    ("mode", {"low": 0.0, "high": 9.0}),
    ("free", {}),
    ("pump7.running", {"boolean": True}),
    ("crane2.moving", {"boolean": True}),
    ("LT-101.PV", {"unit": "m3/h", "low": 0.0, "high": 50.0}),
    ("pump7.permit", {"boolean": True, "writable": True}),
    ("vent1.start", {"boolean": True, "writable": True, "safe": 1.0}),
    ("valve9.open", {"boolean": True, "writable": True, "safe": float("nan")}),
    ("valve9.position", {"writable": True, "low": 0.0, "high": 100.0}),
    ("plc1.heartbeat", {"writable": True, "hidden": True}),
    ("heart.rate", {"low": 20.0, "high": 250.0, "personal": True}),
    ("alert", {"boolean": True}),
    ("alert.event", {}),
    ("alert.kind", {}),
    ("person.score", {"low": 0.0, "high": 1.0, "model": True}),
]


@pytest.fixture(scope="session")
def table() -> TagTable:
    return TagTable([Tag(n, name, "plc1", 0, **more) for n, (name, more) in enumerate(_TAGS)], [], [])
