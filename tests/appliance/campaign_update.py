"""The campaign behind docs/results/update.md: damage, kills and power cuts in updates of a box.

    python -m tests.appliance.campaign_update [--flips 1000] [--bundle FILE --trust FOLDER] [--kills 200] [--cuts 200]

`--flips` changes single bits of a bundle and asks that each is refused. `--kills` ends the updater with SIGKILL at random
instants. `--cuts` takes the disk as it is at a random instant (a reflink copy of an ext4 image on XFS, as root) and starts
from that. After every one: the slot that runs is whole and says its version, and the next update goes through.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.appliance import archive
from gateway.appliance import state as states
from gateway.appliance.place import Place, replace_link
from gateway.appliance.trust import trusted
from gateway.appliance.unpack import read_mark
from gateway.appliance.update import recover
from gateway.appliance.words import ApplianceError
from tests.appliance.box import box, bundle, updater

OLD, NEW = "0.1.0", "0.2.0"
PAYLOAD = 6 << 20  # so that unpacking takes long enough to be hit
IMAGE_MB = 96


def main(words: list[str]) -> int:
    options = _options(words)
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        made = Made(Path(scratch))
        if options.flips:
            _flips(
                Path(options.bundle) if options.bundle else made.new,
                Path(options.trust or made.trust),
                options.flips,
                draw,
            )
        if options.kills:
            _kills(made, options.kills, draw)
        if options.cuts:
            _cuts(made, options.cuts, draw)
    return 0


class Made:
    """Two versions of a small product with some weight, and a box that runs the first."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        weight = random.Random(1).randbytes(PAYLOAD)
        self.old = bundle(scratch, OLD, weight=weight)
        self.new = bundle(scratch, NEW, weight=weight)
        self.place = box(scratch / "box")
        self.trust = self.place.trust
        updater(self.place).install(self.old, "campaign")
        self.state = self.place.root / "var/lib/gatehouse"
        self.state.mkdir(parents=True)
        (self.state / "journal.db").write_bytes(random.Random(2).randbytes(1 << 20))


def _flips(path: Path, trust: Path, count: int, draw: random.Random) -> None:
    """Half of them anywhere, half where the order of the file stands: manifest, signature, headers, filling, end."""
    keys, size = trusted(trust), path.stat().st_size
    opened = archive.open_signed(path, keys)
    archive.check_all(opened)
    heads = [0, 512, *(start - archive.BLOCK for start in opened.starts.values()), size - 1024]
    found, began = Counter[str](), time.monotonic()
    for turn in range(count):
        at = draw.randrange(size) if turn % 2 else min(size - 1, draw.choice(heads) + draw.randrange(1024))
        with path.open("r+b") as file:
            was = os.pread(file.fileno(), 1, at)
            os.pwrite(file.fileno(), bytes([was[0] ^ (1 << draw.randrange(8))]), at)
            try:
                archive.check_all(archive.open_signed(path, keys))
            except ApplianceError as error:
                found[error.key] += 1
            else:
                raise SystemExit(f"byte {at} changed and nobody noticed")
            finally:
                os.pwrite(file.fileno(), was, at)
    archive.check_all(archive.open_signed(path, keys))
    print(
        f"flips: {sum(found.values())} of {count} refused in {time.monotonic() - began:.0f} s, {size / 1e6:.1f} MB; {dict(found)}",
        flush=True,
    )


def _kills(made: Made, count: int, draw: random.Random) -> None:
    span = _whole_run(made)
    hit, began = Counter[str](), time.monotonic()
    for _ in range(count):
        _pristine(made.place)
        child, _lines = _started(made.place, made.new)
        time.sleep(draw.uniform(0, span))
        child.send_signal(signal.SIGKILL)
        child.wait()
        hit[_checked(made.place, made.state)] += 1
    print(
        f"kills: {count} in {time.monotonic() - began:.0f} s over {span:.2f} s of an update; cut in {dict(hit)}; 0 without a good slot",
        flush=True,
    )


def _cuts(made: Made, count: int, draw: random.Random) -> None:
    hit, began = Counter[str](), time.monotonic()
    with _disks(made) as (base, live, mount):
        span = _span_on(made, base, live, mount)
        for _ in range(count):
            subprocess.run(["cp", "--reflink=always", str(base), str(live)], check=True)
            cut = live.with_name("cut.img")
            with _mounted(live, mount):
                child, _lines = _started(Place(mount), made.new)
                time.sleep(draw.uniform(0, span))
                subprocess.run(["cp", "--reflink=always", str(live), str(cut)], check=True)
                child.kill()
                child.wait()
            with _mounted(cut, mount):
                hit[_checked(Place(mount), mount / "var/lib/gatehouse")] += 1
    print(
        f"cuts: {count} in {time.monotonic() - began:.0f} s over {span:.2f} s of an update; cut in {dict(hit)}; 0 without a good slot",
        flush=True,
    )


def _started(place: Place, path: Path) -> tuple[subprocess.Popen[str], Iterator[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.appliance.child_update", str(place.root), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begin\n"
    return child, child.stdout


def _whole_run(made: Made) -> float:
    _pristine(made.place)
    child, _lines = _started(made.place, made.new)
    began = time.monotonic()
    if child.wait() != 0:
        raise SystemExit("an update that nobody disturbs does not go through")
    return time.monotonic() - began


def _span_on(made: Made, base: Path, live: Path, mount: Path) -> float:
    subprocess.run(["cp", "--reflink=always", str(base), str(live)], check=True)
    with _mounted(live, mount):
        child, _lines = _started(Place(mount), made.new)
        began = time.monotonic()
        child.wait()
        return time.monotonic() - began


def _pristine(place: Place) -> None:
    """Slot A runs the old version and is good; there is nothing else."""
    replace_link(place.current, "slots/A")
    for path in place.slots.iterdir():
        if path.name != "A":
            shutil.rmtree(path)
    states.write(place, states.State("GOOD", "A", OLD))


def _checked(place: Place, state: Path) -> str:
    """What the cut hit, after everything that must hold was held."""
    running = place.running()
    if running is None:
        raise SystemExit("no slot runs")
    hit = states.read(place).step
    mark = read_mark(place, running)
    expected = hashlib.sha256(random.Random(2).randbytes(1 << 20)).digest()
    if mark is None or _version(place) != mark.version:
        raise SystemExit(f"slot {running} is not whole after a cut in {hit}")
    if hashlib.sha256((state / "journal.db").read_bytes()).digest() != expected:
        raise SystemExit("the state of the plant was touched")
    weight = place.slot(running) / "system/weight"
    if hashlib.sha256(weight.read_bytes()).digest() != hashlib.sha256(random.Random(1).randbytes(PAYLOAD)).digest():
        raise SystemExit(f"slot {running} is not what was signed")
    recover(place)
    if list(place.slots.glob("*.part")) or states.read(place).step in states.UNDER_WAY:
        raise SystemExit(f"not recovered from a cut in {hit}")
    return f"{hit}, runs {running}"


def _version(place: Place) -> str:
    command = [str(place.current / "bin/python"), "-P", "-c", "import tiny; print(tiny.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def _disks(made: Made) -> Iterator[tuple[Path, Path, Path]]:
    """An XFS file system in a file (reflinks), in it an ext4 image with the box; where to mount it."""
    store, mount = made.scratch / "xfs", made.scratch / "mnt"
    outer = made.scratch / "xfs.img"
    store.mkdir()
    mount.mkdir()
    with outer.open("wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.xfs", "-q", str(outer)], check=True)
    with _mounted(outer, store):
        base = store / "base.img"
        with base.open("wb") as file:
            file.truncate(IMAGE_MB << 20)
        _pristine(made.place)
        subprocess.run(["mkfs.ext4", "-q", "-d", str(made.place.root), str(base)], check=True)
        yield base, store / "live.img", mount


@contextmanager
def _mounted(image: Path, where: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=True)
    try:
        yield
    finally:
        for _ in range(50):
            with suppress(subprocess.CalledProcessError):
                subprocess.run(["umount", str(where)], check=True, capture_output=True)
                break
            time.sleep(0.1)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.appliance.campaign_update")
    for name in ("flips", "kills", "cuts"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--bundle", help="a real bundle for --flips")
    parser.add_argument("--trust", help="its trust folder")
    parser.add_argument("--scratch", help="folder for what is made")
    parser.add_argument("--seed", type=int, default=20)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
