"""docs/requirements.md names at least one collected test for every requirement I1 to I26, and no test that is gone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (I\d+) \| .* \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> dict[str, list[tuple[str, str]]]:
    text = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    return {number: TEST.findall(named) for number, named in ROW.findall(text)}


def collected(files: list[str]) -> set[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-o",
        "addopts=--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        *files,
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout[-2000:]
    return {line.split("[")[0] for line in ran.stdout.splitlines() if "::" in line}


def test_every_requirement_has_tests_that_are_collected() -> None:
    named = rows()
    assert list(named) == [f"I{number}" for number in range(1, 27)]
    assert all(named.values())
    text = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
    every = {f"{file}::{test}" for file, test in TEST.findall(text)}
    there = collected(sorted({file for file, _ in TEST.findall(text)}))
    assert every - there == set()


def test_a_test_that_carries_a_number_stands_in_the_table() -> None:
    """What is named after a requirement is not forgotten in it."""
    listed = {test for tests in rows().values() for _, test in tests}
    source = (ROOT / "tests" / "core" / "test_requirements.py").read_text(encoding="utf-8")
    numbered = re.findall(r"^def (test_i\d\d_\w+)", source, re.MULTILINE)
    numbers = {f"I{int(name[6:8])}" for name in numbered}
    assert len(numbered) > 40
    assert {number for number, tests in rows().items() if any(test in numbered for _, test in tests)} == numbers
    assert len(set(numbered) - listed) < 15
