"""A verified bundle becomes a slot: wheels laid out as a virtual environment, the system's files, launchers, and a mark at the end.

A slot without its mark was never whole. Everything is written beside the slot and takes its name when it is on the disk.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from gateway.appliance.archive import Opened, copy
from gateway.appliance.manifest import Entry
from gateway.appliance.place import Place, Slot, machine, replace_file, sync
from gateway.appliance.words import FAILED, NOT_FOUND, ApplianceError

MARK = "slot.json"
PACKAGES = Path("lib/python3.11/site-packages")
SYSTEM_PYTHON = Path("/usr/bin/python3.11")
ROOM = 5  # a slot needs about so many times the bundle's bytes for one architecture
LAUNCHER = """#!/bin/sh
# The real folder, not the links that led here (/usr/local/bin, current): after a switch this process goes on with its own files.
slot=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
exec "$slot/bin/python" -P -m gateway.cli.main "$@"
"""
OWN_PYTHON = """#!/bin/sh
# CPython with the C library it was built for: the vendor's may be older.
slot=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
exec "$slot/python/{loader}" --argv0 "$slot/bin/python" --library-path "$slot/python/lib/{triplet}:$slot/python/usr/lib/{triplet}" \\
    "$slot/python/usr/bin/python3.11" "$@"
"""
LOADERS = {
    "x86_64": ("lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "aarch64": ("lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}


class Mark(msgspec.Struct, frozen=True):
    """What a whole slot says of itself."""

    version: str
    digest: str
    data_schema: int
    architecture: str
    built_s: int = 0


def read_mark(place: Place, slot: Slot) -> Mark | None:
    """The mark of a slot, None where it is not whole."""
    try:
        return msgspec.json.decode((place.slot(slot) / MARK).read_bytes(), type=Mark)
    except (OSError, msgspec.DecodeError):
        return None


def unpack(opened: Opened, place: Place, slot: Slot, architecture: str = "") -> None:
    """Fill the idle `slot` from a verified bundle. Raises ApplianceError, OSError; the slot is then as it was, or gone."""
    wanted = architecture or machine()
    manifest, target = opened.manifest, place.slot(slot)
    making = target.with_name(f"{slot}.part")
    entries = list(manifest.of(wanted))
    _room(place, entries)
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for entry in entries:
        _place(opened, entry, making, wanted)
    _launchers(making, wanted)
    _compile(making, wanted)
    mark = Mark(manifest.version, opened.digest, manifest.data_schema, wanted, manifest.built_s)
    os.sync()
    replace_file(making / MARK, msgspec.json.encode(mark))
    sync(making)
    _remove(target)
    making.rename(target)
    sync(target.parent)


def discard(place: Place, slot: Slot) -> None:
    """Take away what an interrupted unpacking left of a slot that does not run."""
    shutil.rmtree(place.slots / f"{slot}.part", ignore_errors=True)
    if read_mark(place, slot) is None:
        shutil.rmtree(place.slot(slot), ignore_errors=True)


def _remove(target: Path) -> None:
    """The old contents lose their mark first, so that a cut in the middle leaves nothing that looks whole."""
    if target.exists():
        (target / MARK).unlink(missing_ok=True)
        sync(target)
        shutil.rmtree(target)


def _room(place: Place, entries: list[Entry]) -> None:
    place.slots.mkdir(parents=True, exist_ok=True)
    need, free = sum(entry.size for entry in entries) * ROOM, shutil.disk_usage(place.slots).free
    if free < need:
        raise ApplianceError(FAILED, "space", need=need >> 20, free=free >> 20, folder=place.slots)


def _place(opened: Opened, entry: Entry, making: Path, architecture: str) -> None:
    kind, _, rest = entry.path.partition("/")
    match kind:
        case "app" | "wheels":
            held = making / PurePosixPath(entry.path).name
            copy(opened, entry, held)
            lay_out(held, making)
            held.unlink()
        case "python":
            held = making / "python.tar"
            copy(opened, entry, held)
            with tarfile.open(held) as tree:
                # Python 3.11.2 of Debian 12 has no filters yet; the bytes are signed either way
                if hasattr(tarfile, "tar_filter"):
                    tree.extraction_filter = tarfile.tar_filter
                tree.extractall(making / "python")
            held.unlink()
        case "tree":
            copy(opened, entry, _made(making / PACKAGES / rest))
        case "sbom":
            if rest == f"{architecture}.cdx.json":
                copy(opened, entry, making / "sbom.cdx.json")
        case "system" | "licences.csv":
            target = _made(making / entry.path)
            copy(opened, entry, target)
            target.chmod(0o755 if rest == "guard" else 0o644)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lay_out(path: Path, making: Path) -> None:
    """A wheel is a zip of what goes into site-packages; what goes elsewhere, but for data, is not for a box.

    Raises ApplianceError, OSError.
    """
    packages = making / PACKAGES
    packages.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            target = _wheel_target(info.filename, making)
            if target is None or info.is_dir():
                continue
            if not target.resolve().is_relative_to(making.resolve()):
                raise ApplianceError(FAILED, "differs", path=f"{path.name}: {info.filename}")
            with wheel.open(info) as source, _made(target).open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            if (info.external_attr >> 16) & stat.S_IXUSR:
                target.chmod(0o755)


def _wheel_target(name: str, making: Path) -> Path | None:
    parts = PurePosixPath(name).parts
    if len(parts) < 3 or not parts[0].endswith(".data"):
        return making / PACKAGES / name
    inside = {"purelib": making / PACKAGES, "platlib": making / PACKAGES, "data": making}
    return inside[parts[1]].joinpath(*parts[2:]) if parts[1] in inside else None


def _launchers(making: Path, architecture: str) -> None:
    (making / "bin").mkdir(exist_ok=True)
    if (making / "python").is_dir():
        loader, triplet = LOADERS[architecture]
        home = making.with_suffix("") / "python/usr/bin"  # where it will be, not where it is being made
        _script(making / "bin/python", OWN_PYTHON.format(loader=loader, triplet=triplet))
    else:
        if not SYSTEM_PYTHON.exists():
            raise ApplianceError(NOT_FOUND, "no-python", file=SYSTEM_PYTHON)
        home = SYSTEM_PYTHON.parent
        (making / "bin/python").symlink_to(SYSTEM_PYTHON)
    (making / "bin/python3").symlink_to("python")
    settings = f"home = {home}\ninclude-system-site-packages = false\nversion = 3.11\n"
    (making / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    _script(making / "bin/gatehouse", LAUNCHER)


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _compile(making: Path, architecture: str) -> None:
    """Byte code once, here: the daemon may not write into its slot, and would translate everything at each start."""
    if architecture != machine():
        return
    command = [str(making / "bin/python"), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # some packages carry files of other Python versions that do not compile here: nothing imports those
    subprocess.run([*command, str(making / PACKAGES)], capture_output=True, check=False)


def slots(place: Place) -> Iterator[tuple[Slot, Mark | None]]:
    """Both slots with their marks."""
    yield "A", read_mark(place, "A")
    yield "B", read_mark(place, "B")
