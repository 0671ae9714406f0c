"""Change the deciding core one piece at a time and see whether a test notices.

scripts/mutation                     every mutant of every module, results in build/mutation.jsonl
scripts/mutation --again             only those that survived before
scripts/mutation --report            the table of docs/results/mutation.md from the results

A first run of the tests notes which of them passes each line and how long it takes; a mutant is given to those of its line, the
quick ones first, in a process of its own. What runs too long is noticed too.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import hypothesis
import msgspec  # noqa: F401 - loaded once here, and not again in every child
import numpy  # noqa: F401
import pytest

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
MODULES = ("interlocks", "voting", "leaves", "terms", "evaluate")
TESTS = ("tests/core", "tests/rulebook/workbook/test_list.py", "tests/rulebook/workbook/test_exhaustive.py")
MOST_S = 15.0  # of tests that one mutant is given
EXTRA_S = 20.0  # start of a child on a busy machine
QUIET = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)  # hypothesis is there already


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the changed module in place of the one on the disk."""

    def __init__(self, name: str, path: Path, mutant: Mutant) -> None:
        self.name, self.path = name, path
        self.code: CodeType = compile(mutant.tree, str(path), "exec")

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


class _Watch:
    """Notes for every test the lines of the modules that it passes, and its time."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = {file: set[int]() for file in files}
        self.tests: dict[str, dict[str, Any]] = {}

    def _call(self, frame: FrameType, event: str, arg: object) -> Any:
        lines = self.files.get(frame.f_code.co_filename)
        if lines is None:
            return None

        def line(frame: FrameType, event: str, arg: object) -> Any:
            lines.add(frame.f_lineno)
            return line

        lines.add(frame.f_lineno)
        return line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        began_s = time.perf_counter()
        for lines in self.files.values():
            lines.clear()
        sys.settrace(self._call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            seen = {Path(file).stem: sorted(lines) for file, lines in self.files.items() if lines}
            self.tests[item.nodeid] = {"s": time.perf_counter() - began_s, "lines": seen}


def _in_child(arguments: list[str], seconds: float, before: Any, plugins: list[Any], after: Any = None) -> int:
    """pytest in a forked process: its exit status, or 99 where it ran too long or broke off."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.alarm(int(seconds) + 1)
        hypothesis.settings.register_profile(
            "mutation", derandomize=True, database=None, deadline=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )  # fmt: skip
        hypothesis.settings.load_profile("mutation")
        before()
        status = int(pytest.main([*QUIET, *arguments], plugins=plugins))
        if after is not None:
            after()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99


def _copy(to: Path) -> None:
    """The tree as it is now, so that work on it goes on meanwhile."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)


def _paths(at: Path) -> dict[str, Path]:
    return {name: at / "gateway" / "core" / f"{name}.py" for name in MODULES}


def _coverage(at: Path) -> dict[str, dict[str, Any]]:
    watch, out = _Watch([str(path) for path in _paths(at).values()]), at / "coverage.json"
    status = _in_child(list(TESTS), 1500, lambda: None, [watch], lambda: out.write_text(json.dumps(watch.tests)))
    if status:
        sys.exit(f"the tests fail without a change (status {status})")
    found: dict[str, dict[str, Any]] = json.loads(out.read_text())
    return found


def _chosen(tests: dict[str, dict[str, Any]], module: str, mutant: Mutant) -> list[str]:
    """The tests of a mutant's lines, the quick ones first; all of them for a line that runs when the module is loaded."""
    lines = set(range(mutant.lines[0], mutant.lines[1] + 1))
    near = [name for name, test in tests.items() if lines & set(test["lines"].get(module, ()))] or list(tests)
    chosen, spent_s = list[str](), 0.0
    for name in sorted(near, key=lambda name: tests[name]["s"]):
        spent_s += tests[name]["s"]
        if spent_s > MOST_S and chosen:
            break
        chosen.append(name)
    return chosen


def run(modules: Sequence[str], out: Path, again: set[tuple[str, str]] | None) -> None:
    """Try the mutants; one line of JSON for each."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        _copy(at)
        os.chdir(at)
        sys.path.insert(0, str(at))
        tests = _coverage(at)
        print(f"{len(tests)} tests pass the modules", flush=True)
        with out.open("a") as file:
            for module in modules:
                path = _paths(at)[module]
                for mutant in mutants(path.read_text()):
                    if again is not None and (module, str(mutant)) not in again:
                        continue
                    chosen = _chosen(tests, module, mutant)
                    wanted_s = sum(tests[name]["s"] for name in chosen)
                    loader = _Loader(f"gateway.core.{module}", path, mutant)
                    status = _in_child(chosen, wanted_s * 3 + EXTRA_S, lambda: sys.meta_path.insert(0, loader), [])  # noqa: B023
                    row = {"module": module, "mutant": str(mutant), "noticed": status != 0, "tests": len(chosen)}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    file.flush()


def latest(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The last result of every mutant."""
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return {(row["module"], row["mutant"]): row for row in rows}


def report(out: Path) -> str:
    """The result as a table, and who survived."""
    rows = list(latest(out).values())
    lines = ["| module | mutants | noticed | score |", "|---|---|---|---|"]
    for module in (*MODULES, ""):
        mine = [row for row in rows if row["module"] == module or not module]
        noticed = sum(row["noticed"] for row in mine)
        if mine:
            lines.append(f"| {module or 'all'} | {len(mine)} | {noticed} | {100 * noticed / len(mine):.1f} % |")
    lines += ["", *(f"- {row['module']} {row['mutant']}" for row in rows if not row["noticed"])]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", choices=[*MODULES, []], default=list(MODULES))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutation.jsonl")
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    if given.report:
        print(report(given.out))
        return
    survivors = {key for key, row in latest(given.out).items() if not row["noticed"]}
    run(given.modules, given.out.resolve(), survivors if given.again else None)
    print(report(given.out))


if __name__ == "__main__":
    main()
