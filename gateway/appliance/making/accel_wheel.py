"""A wheel that somebody downloaded: is it whole, for this architecture and Python, and what does it still need."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from gateway.appliance.making import wheels
from gateway.appliance.manifest import PRODUCT

LOCK = Path(__file__).parents[3] / "requirements-dev.lock"
_NAME = re.compile(r"[A-Za-z0-9_.!+-]+\.whl")
GLIBC = 35  # Ubuntu 22.04 of JetPack 6; Debian 12 has 36


class WheelFault(Exception):
    """A wheel that is not taken: a key of WORDS and what belongs into its text."""

    def __init__(self, key: str, /, **words: object) -> None:
        super().__init__(key)
        self.key, self.words = key, words


@dataclass(frozen=True, slots=True)
class Wheel:
    """A whole wheel for this box."""

    path: Path
    name: str
    version: Version
    requires: tuple[Requirement, ...]
    files: tuple[str, ...]

    def library(self, name: str) -> bytes:
        """A file of it by its last name, empty where there is none."""
        with zipfile.ZipFile(self.path) as packed:
            return next((packed.read(one) for one in self.files if one.rpartition("/")[2] == name), b"")

    def serves(self, distribution: str) -> bool:
        """Whether it is new enough to stand in for what the product asks for under that name."""
        asked = (Requirement(text) for text in metadata.requires(PRODUCT) or ())
        return all(one.specifier.contains(self.version) for one in asked if one.name == distribution)


def read(path: Path, architecture: str, sums: Mapping[str, str]) -> Wheel:
    """A wheel whose name, sum and every file are right. `sums`: file -> SHA-256, empty = not known. Raises WheelFault."""
    if not _NAME.fullmatch(path.name):
        raise WheelFault("accel-name", file=path.name)
    try:
        name, version, _build, marks = parse_wheel_filename(path.name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise WheelFault("accel-name", file=path.name) from error
    _fits(path, marks, architecture)
    if sums:
        with path.open("rb") as file:
            if sums.get(path.name) != hashlib.file_digest(file, "sha256").hexdigest():
                raise WheelFault("accel-sum", file=path.name)
    try:
        with zipfile.ZipFile(path) as packed:
            _whole(packed, path)
            described = next((one for one in packed.namelist() if one.endswith(".dist-info/METADATA")), "")
            said = BytesParser().parsebytes(packed.read(described)) if described else None
            files = tuple(packed.namelist())
    except (
        zipfile.BadZipFile,
        zlib.error,
        csv.Error,
        RuntimeError,
        OSError,
    ) as error:  # RuntimeError: under a password
        why = "a page of a web site" if begin(path).lstrip().startswith(b"<") else error
        raise WheelFault("accel-damaged", file=path.name, why=why) from error
    if said is None or canonicalize_name(str(said["Name"])) != name or str(said["Version"]) != str(version):
        raise WheelFault("accel-damaged", file=path.name, why="it says another name or version inside")
    try:
        needs = tuple(Requirement(text) for text in said.get_all("Requires-Dist") or ())
    except InvalidRequirement as error:
        raise WheelFault("accel-damaged", file=path.name, why=error) from error
    return Wheel(path, name, version, needs, files)


def begin(path: Path) -> bytes:
    """The first bytes of a file: what it is, whatever its name says."""
    with path.open("rb") as file:
        return file.read(64)


def _fits(path: Path, marks: frozenset[Tag], architecture: str) -> None:
    platforms = [f"manylinux_2_{number}_{architecture}" for number in range(5, GLIBC + 1)]
    platforms += [f"manylinux2014_{architecture}", f"linux_{architecture}"]
    python = tuple(int(part) for part in wheels.PYTHON.split("."))
    good = {*cpython_tags(python, platforms=platforms), *compatible_tags(python, "cp311", platforms)}
    if marks & good:
        return
    if not any(one.platform == "any" or one.platform.endswith(architecture) for one in marks):
        raise WheelFault("accel-architecture", file=path.name, architecture=architecture)
    if not {(one.interpreter, one.abi) for one in marks} & {(one.interpreter, one.abi) for one in good}:
        raise WheelFault("accel-python", file=path.name, python=wheels.PYTHON)
    raise WheelFault("accel-libc", file=path.name, glibc=f"2.{GLIBC}")


def _whole(packed: zipfile.ZipFile, path: Path) -> None:
    """Every file is the one that the wheel's own list names. Raises WheelFault, BadZipFile."""
    listed = next((one for one in packed.namelist() if one.endswith(".dist-info/RECORD")), "")
    if not listed:
        raise WheelFault("accel-damaged", file=path.name, why="no RECORD")
    for row in csv.reader(io.StringIO(packed.read(listed).decode("utf-8", "replace"))):
        if len(row) != 3 or not row[1].startswith("sha256="):
            continue
        try:
            with packed.open(row[0]) as file:
                found = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
        except KeyError as error:
            raise WheelFault("accel-damaged", file=path.name, why=f"{row[0]} is missing") from error
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != row[1].removeprefix("sha256="):
            raise WheelFault("accel-damaged", file=path.name, why=f"{row[0]} is not what its list says")


def unmet(main: Wheel, beside: Sequence[Wheel], architecture: str) -> tuple[list[Wheel], list[str]]:
    """The wheels that `main` needs besides what a slot has, and requirements that neither the slot nor the folder meets."""
    around: dict[str, str] = {
        **{key: str(value) for key, value in default_environment().items()},
        "platform_machine": architecture, "python_version": wheels.PYTHON, "extra": "",
    }  # fmt: skip
    slot, taken, lacking = slot_versions(architecture), dict[str, Wheel](), list[str]()
    left = list(main.requires)
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        if (need.marker is not None and not need.marker.evaluate(around)) or name in taken:
            continue
        if name in slot and need.specifier.contains(slot[name]):
            continue
        found = [one for one in beside if one.name == name and need.specifier.contains(one.version)]
        if not found:
            lacking.append(f"{need.name}{need.specifier}")
            continue
        taken[name] = max(found, key=lambda one: one.version)
        left += taken[name].requires
    return list(taken.values()), sorted(set(lacking))


def slot_versions(architecture: str) -> dict[str, str]:
    """What a slot of this version has: name -> version, by the hashed lock."""
    rows = wheels.locked(LOCK, wheels.closure(architecture))
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", rows, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}
