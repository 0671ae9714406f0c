"""A small image as scripts/image makes them (GPT with a SITE), and loop devices that stand for sticks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.appliance.flash import image
from tests.appliance.box import KEY

MB = 1 << 20
TOOLS = ("sfdisk", "mkfs.vfat", "mcopy", "losetup")
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def needed() -> None:
    """Skips where this machine has no loop devices or lacks a tool."""
    missing = [name for name in TOOLS if shutil.which(name, path=SEARCH) is None]
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"missing: {', '.join(missing)} (scripts/peers)"
        )
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("loop devices need root and /dev/loop-control")


def make(folder: Path, size_mb: int = 24, site_mb: int = 8) -> Path:
    """An image with a partition SITE and one with some megabytes of data, the rest holes; signed map beside it."""
    target = folder / "gatehouse.img"
    with target.open("wb") as file:
        file.truncate(size_mb * MB)
    plan = f"label: gpt\nstart=1MiB, size={site_mb}MiB, name=SITE\nstart={site_mb + 1}MiB, name=rootA\n"
    subprocess.run(["sfdisk", "-q", str(target)], input=plan, text=True, check=True, capture_output=True)
    subprocess.run(
        ["mkfs.vfat", "-F", "16", "-s", "1", "-n", "SITE", "--offset", "2048", str(target), str(site_mb * 1024)],
        check=True,
        capture_output=True,
    )
    with target.open("r+b") as file:
        file.seek((site_mb + 2) * MB)
        file.write(random.Random(5).randbytes(2 * MB))
    image.make(target, KEY)
    return target


@contextmanager
def loop(folder: Path, size_mb: int, *options: str) -> Iterator[tuple[Path, Path]]:
    """A loop device of that size, and the file behind it."""
    behind = folder / f"stick-{size_mb}"
    with behind.open("wb") as file:
        file.truncate(size_mb * MB)
    name = subprocess.run(
        ["losetup", "-f", "--show", *options, str(behind)], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        yield Path(name), behind
    finally:
        subprocess.run(["losetup", "-d", name], check=False, capture_output=True)
