"""A disk of its own for a state folder: an ext4 file system in a file, on a loop device. Needs root; the image is searched raw."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MEBIBYTES = 768
CHUNK = 8 << 20
OVERLAP = 64  # longer than anything that is looked for


def possible() -> bool:
    """Whether this machine lets us."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists()


def make(image: Path) -> None:
    """A fresh file system, with what ext4 keeps of deleted names and blocks where any disk would have it."""
    with image.open("wb") as file:
        file.truncate(MEBIBYTES << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """`image` as a block device, mounted at `folder`. Raises CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-o", "loop,nodiscard", str(image), str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def searched(image: Path, found: Callable[[bytes], int]) -> tuple[int, int]:
    """How often something is found in the raw image, and how many of its bytes are not zero blocks."""
    hits = used = 0
    rest = b""
    with image.open("rb") as file:
        while part := file.read(CHUNK):
            if part.count(0) < len(part):
                used += len(part)
                hits += found(rest + part)
            rest = part[-OVERLAP:]
    return hits, used


def kept(image: Path, target: Path) -> None:
    """A copy of the image as it is on the device now."""
    os.sync()
    subprocess.run(["cp", "--sparse=always", str(image), str(target)], check=True)
