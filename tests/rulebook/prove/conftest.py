"""A small plant for the prover, and its rules as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.prove.check import Report, prove
from gateway.rulebook.prove.finding import Finding
from gateway.rulebook.prove.plant import Plant, Steps

_TAGS: list[tuple[str, dict[str, Any]]] = [
    ("tank1.level", {"unit": "cm", "low": 0.0, "high": 300.0}),
    ("tank2.level", {"unit": "cm", "low": 0.0, "high": 300.0}),
    ("co.kiln", {"unit": "ppm", "low": 0.0, "high": 500.0}),
    ("gas1", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("gas2", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("gas3", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("raw", {"unit": "bar", "low": 0.0, "high": 10.0}),
    ("mode", {"low": 0.0, "high": 9.0}),
    ("pump7.running", {"boolean": True}),
    ("door.open", {"boolean": True}),
    ("pump7.permit", {"boolean": True, "writable": True}),
    ("fan2.high", {"boolean": True, "writable": True, "safe": 1.0}),
    ("fan3.high", {"boolean": True, "writable": True}),
]


def plant(period_ms: int = 100, stale_ms: int = 1000) -> Plant:
    tags = [Tag(n, name, "plc1", 0, **more) for n, (name, more) in enumerate(_TAGS)]
    group = Group(0, "poll", "plc1", 0, len(tags), stale_ms)
    return Plant(TagTable(tags, [group], [Source("plc1", "modbus", period_ms)]), {"raw": Steps(0.1, 0.0, 0, 100)})


@pytest.fixture
def small() -> Plant:
    return plant()


def report(text: str, on: Plant | None = None, limit_ms: int = 5_000) -> Report:
    """What is proven of rules that compile."""
    on = on or plant()
    compiled = compile_rules([("a.rules", text)], on.table)
    assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
    return prove(compiled.program, on, limit_ms)


def found(text: str, on: Plant | None = None) -> list[Finding]:
    return list(report(text, on).findings)


def lock(when: str, rest: str = "", name: str = "L", then: str = "stop pump7.permit") -> str:
    return f"interlock {name}\n when {when}\n then {then}\n pst 60 s priority P1 {rest}\nend\n"


def alarm(when: str, name: str = "A") -> str:
    return f"alarm {name}\n when {when}\n then alarm\n priority P3\nend\n"


def control(when: str, rest: str = "", name: str = "C", then: str = "set fan2.high = 1") -> str:
    return f"control {name}\n when {when}\n then {then}\n {rest}\nend\n"
