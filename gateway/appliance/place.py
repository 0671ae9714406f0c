"""Where things lie on a box. Everything is below one root, so that a test, an image and a chroot use the same code."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Slot = Literal["A", "B"]
SLOTS: tuple[Slot, Slot] = ("A", "B")
ARCHITECTURES = ("x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one box; `root` is "/" on a box that runs."""

    root: Path = Path("/")

    @property
    def opt(self) -> Path:
        return self.root / "opt" / "gatehouse"

    @property
    def slots(self) -> Path:
        return self.opt / "slots"

    @property
    def current(self) -> Path:
        """The link that says which slot runs; it is only ever replaced by a rename."""
        return self.opt / "current"

    @property
    def update(self) -> Path:
        """State and history of updates."""
        return self.opt / "update"

    @property
    def guard(self) -> Path:
        """The start guard: outside the slots, because it judges them."""
        return self.opt / "guard"

    @property
    def trust(self) -> Path:
        """Public keys (PEM) whose bundles are installed; nothing ever comes here out of a bundle."""
        return self.root / "etc" / "gatehouse" / "trust"

    @property
    def site(self) -> Path:
        return self.root / "etc" / "gatehouse" / "site"

    def slot(self, name: Slot) -> Path:
        return self.slots / name

    def running(self) -> Slot | None:
        """The slot that `current` points to, None where there is none yet."""
        try:
            name = Path(os.readlink(self.current)).name
        except OSError:
            return None
        return next((slot for slot in SLOTS if slot == name), None)


def here() -> Place | None:
    """The box whose slot this very process runs from; None in a source tree or a plain virtual environment."""
    slot = Path(sys.prefix).resolve()
    if slot.name not in SLOTS or slot.parent.name != "slots" or slot.parents[2].name != "opt":
        return None
    return Place(slot.parents[3])


def machine() -> str:
    """The architecture of this machine as bundles name it."""
    return platform.machine()


def other(slot: Slot | None) -> Slot:
    """The slot that does not run."""
    return "B" if slot == "A" else "A"


def sync(folder: Path) -> None:
    """The names in `folder` are on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """The whole of `data` under the name `path`, or what was there before; on the disk when this returns."""
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(mode)
    part.replace(path)
    sync(path.parent)


def replace_link(path: Path, target: str) -> None:
    """The link `path` leads to `target`, or where it led before; on the disk when this returns."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)
    sync(path.parent)
