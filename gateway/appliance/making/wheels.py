"""The wheels of the product for one architecture: which ones, from the hashed lock, fetched by pip and by nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from gateway.appliance.manifest import PRODUCT

PYTHON = "3.11"
EXTRAS = ("inference", "prove")
GLIBC = (5, 12, 17, 24, 26, 27, 28, 31, 34, 35, 36)  # manylinux_2_N that Debian 12 can load
# what a box does not need: pip comes in as a dependency of sqlite-utils' own command line
NEVER = frozenset({"pip", "setuptools", "wheel"})


class WheelError(Exception):
    """Wheels that are not to be had, in pip's words."""


def canonical(name: str) -> str:
    """The one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(architecture: str, extras: Iterable[str] = EXTRAS, without: Iterable[str] = ()) -> set[str]:
    """Names of all that the product needs on `architecture`, by the metadata of what is installed here."""
    around: dict[str, str] = {
        **{key: str(value) for key, value in default_environment().items()},
        "platform_machine": architecture,
        "python_version": PYTHON,
    }
    left, found = [(PRODUCT, frozenset(extras))], dict[str, frozenset[str]]()
    barred = {canonical(name) for name in without} | NEVER
    while left:
        name, asked = left.pop()
        own = canonical(name)
        if own in barred or (own in found and found[own] >= asked):
            continue
        found[own] = found.get(own, frozenset()) | asked
        for text in metadata.requires(name) or ():
            need = Requirement(text)
            markers = [{**around, "extra": extra} for extra in (*asked, "")]
            if need.marker is None or any(need.marker.evaluate(one) for one in markers):
                left.append((need.name, frozenset(need.extras)))
    return set(found) - {PRODUCT}


def locked(lock: Path, names: set[str]) -> str:
    """The rows of the lock for `names`: exact versions with hashes, no addresses. Raises WheelError where one is missing."""
    rows = dict[str, str]()
    for row in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)(\[[^]]*\])?==", row)
        if found and canonical(found[1]) in names:
            rows[canonical(found[1])] = " ".join(row.split()).replace(" --hash", " \\\n    --hash")
    if missing := names - rows.keys():
        raise WheelError(f"not in {lock.name}: {', '.join(sorted(missing))}")
    return "".join(f"{rows[name]}\n" for name in sorted(rows))


def fetch(requirements: Path, architecture: str, folder: Path) -> list[Path]:
    """The wheels of a requirements file in `folder`, and nothing else there. Raises WheelError."""
    folder.mkdir(parents=True, exist_ok=True)
    tags = [f"manylinux_2_{number}_{architecture}" for number in GLIBC] + [f"manylinux2014_{architecture}"]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON,
        "--abi", "cp311", "--abi", "abi3", "--abi", "none",
        *(word for tag in tags for word in ("--platform", tag)), "--dest", str(folder), "--requirement", str(requirements),
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        errors = [line for line in said.stderr.splitlines() if line.startswith("ERROR")]
        raise WheelError("\n".join(errors) or said.stderr)
    wanted = {
        canonical(row.partition("==")[0].partition("[")[0])
        for row in requirements.read_text().splitlines()
        if "==" in row
    }
    for path in folder.glob("*.whl"):
        if canonical(path.name.partition("-")[0]) not in wanted:
            path.unlink()
    return sorted(folder.glob("*.whl"))
