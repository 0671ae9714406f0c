"""The import contracts of `.importlinter`: kept on this tree, each broken by a planted import, and complete as rooms are added."""

from __future__ import annotations

import ast
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.base import models

ROOT = Path(__file__).parents[1]
RULES = ".importlinter"
PREFIX = "importlinter:contract:"

# contract -> (file, the module it is, what it must not import)
PLANTED = {
    "core": ("gateway/core/limits.py", "gateway.core.limits", "asyncio"),
    "summary": ("gateway/core/summary.py", "gateway.core.summary", "gateway.core.limits"),
    "upstream": ("gateway/upstream/__init__.py", "gateway.upstream", "gateway.core.tags"),
    "drivers": ("drivers/base.py", "drivers.base", "gateway.core.kernel"),
    "libraries": ("drivers/s7.py", "drivers.s7", "asyncua"),
    "siblings": ("drivers/simulated.py", "drivers.simulated", "drivers.replay"),
    "cli": ("gateway/cli/__init__.py", "gateway.cli", "gateway.core.tags"),
    "windows": ("gateway/page/__init__.py", "gateway.page", "gateway.core.image"),
    "access": ("gateway/access/__init__.py", "gateway.access", "gateway.control"),
    "app": ("gateway/metrics/__init__.py", "gateway.metrics", "gateway.app"),
    "runtime": ("gateway/runtime/__init__.py", "gateway.runtime", "gateway.site"),
    "stores": ("gateway/history/__init__.py", "gateway.history", "gateway.core.kernel"),
    "compile-time": ("gateway/rulebook/__init__.py", "gateway.rulebook", "gateway.runtime"),
    "activation": ("gateway/activation/__init__.py", "gateway.activation", "gateway.core.kernel"),
    "appliance": ("gateway/appliance/__init__.py", "gateway.appliance", "gateway.site"),
    "commission": ("gateway/commission/__init__.py", "gateway.commission", "gateway.runtime"),
    "identify": ("gateway/cli/codes.py", "gateway.cli.codes", "drivers.identify"),
    "rooms": ("inference/runtime/ring.py", "inference.runtime.ring", "inference.models.card"),
    "native": ("inference/runtime/worker.py", "inference.runtime.worker", "onnxruntime"),
    "sources": ("gateway/offline/__init__.py", "gateway.offline", "inference"),
    "people": ("gateway/people/__init__.py", "gateway.people", "gateway.upstream"),
    "demo": ("gateway/demo/__init__.py", "gateway.demo", "gateway.core.tags"),
}


def contracts() -> dict[str, configparser.SectionProxy]:
    """The contracts by their id."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / RULES)
    return {name.removeprefix(PREFIX): parser[name] for name in parser.sections() if name.startswith(PREFIX)}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on a tree, and on no other: it stands first on the path."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the check says of a copy of this tree with one forbidden import for every contract."""
    tree = tmp_path_factory.mktemp("tree")
    for room in ("gateway", "drivers", "inference"):
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(ROOT / RULES, tree / RULES)
    clean = lint(tree)
    assert clean.returncode == 0, clean.stdout
    for file, _, target in PLANTED.values():
        with (tree / file).open("a", encoding="utf-8") as out:
            out.write(f"\nimport {target}\n")
    found = lint(tree)
    assert found.returncode == 1, found.stdout + found.stderr
    return found.stdout


def test_every_contract_is_kept() -> None:
    found = lint(ROOT)
    assert found.returncode == 0, found.stdout + found.stderr
    for contract in contracts().values():
        assert f"{contract['name']} KEPT" in found.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(contracts())


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_import_breaks_its_contract(broken: str, name: str) -> None:
    """The check fails, names the contract, and shows the very import that was planted under its heading."""
    title = contracts()[name]["name"]
    _, module, target = PLANTED[name]
    assert f"{title} BROKEN" in broken
    reasons = broken.partition("Broken contracts")[2]
    heading = f"\n{title}\n{'-' * len(title)}\n"
    assert heading in reasons
    section = reasons.partition(heading)[2].partition("\n---")[0]
    assert f"{module} -> {target} (l." in section


def listed(name: str, key: str) -> set[str]:
    """The modules a contract lists."""
    return set(contracts()[name][key].split())


def rooms() -> set[str]:
    """The packages under gateway/."""
    return {f"gateway.{path.parent.name}" for path in (ROOT / "gateway").glob("*/__init__.py")}


def core() -> set[str]:
    """The modules of the kernel."""
    return {f"gateway.core.{path.stem}" for path in (ROOT / "gateway" / "core").glob("*.py") if path.stem != "__init__"}


def test_a_new_room_cannot_slip_through() -> None:
    """Lists of what is forbidden name everything that exists but what is allowed."""
    everything, kernel = rooms(), core()
    leaves = {"gateway.core.tags", "gateway.core.cards", "gateway.core.samples", "gateway.core.errors"}
    assert listed("core", "forbidden_modules") >= everything - {"gateway.core"} | {"drivers", "inference"}
    assert listed("summary", "forbidden_modules") >= kernel - {"gateway.core.summary"}
    outside = everything - {"gateway.upstream", "gateway.core"} | kernel - {"gateway.core.summary"}
    assert listed("upstream", "forbidden_modules") >= outside
    assert listed("drivers", "forbidden_modules") >= everything - {"gateway.core"} | kernel - leaves
    assert listed("demo", "forbidden_modules") >= everything - {"gateway.demo"}
    assert listed("app", "source_modules") >= everything - {"gateway.app"} | {"drivers", "inference"}
    views = {"gateway.page", "gateway.control", "gateway.metrics", "gateway.access"}
    limits = {"gateway.core.limits"}  # numbers only
    assert listed("windows", "forbidden_modules") >= everything - views - {"gateway.core"} | kernel - limits


def test_the_daemons_side_of_every_model_imports_no_native_code() -> None:
    sources = {f"inference.{name}" for name in models() if (ROOT / "inference" / f"{name}.py").is_file()}
    assert listed("native", "source_modules") >= sources


def test_every_driver_is_a_sibling() -> None:
    files = [path for path in (ROOT / "drivers").glob("*.py") if path.stem != "base"]
    drivers = {f"drivers.{path.stem}" for path in files if "\nclass Driver" in path.read_text("utf-8")}
    assert drivers
    assert listed("siblings", "modules") >= drivers


def test_the_parts_of_a_driver_are_its_own() -> None:
    """`modbus_wire` belongs to `modbus`: no other driver reads it, which the contract between drivers does not say."""
    for path in (ROOT / "drivers").glob("*.py"):
        family = path.stem.partition("_")[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.startswith("drivers."):
                    other = name.split(".")[1].partition("_")[0]
                    assert other in ("base", family), f"{path.name} imports {name}"
