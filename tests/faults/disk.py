"""What the disk, the kernel and the power switch can do to journal and outbox: each function is one campaign.

A campaign returns what it found; `skipped` says why the machine cannot run it. None needs a broker.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.store_child import Durable, lines, live, wrong

ROOT = Path(__file__).parents[2]
SYSTEM_CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,fallocate,unlink,rename"
SYNCS_OF_START = 22  # the first ones belong to the start, which may refuse; the writer's thread counts anew
FULL_MB = 96  # the log is grown to 8 MB, the reserve takes 16, and twice that must be free for it to be built up again


@dataclass
class Found:
    """`wrong` must stay empty."""

    rounds: int = 0
    durable: int = 0
    skipped: str = ""
    wrong: list[str] = field(default_factory=list)
    note: str = ""


def killed(folder: Path, rounds: int, seed: int = 1) -> Found:
    """kill -9 at a random moment; forked, so that a life is a few hundredths of a second."""
    found, dice, durable = Found(), random.Random(seed), Durable()
    for number in range(rounds):
        durable |= _life(folder, number + 1, dice.uniform(0.01, 0.12))
        found.rounds += 1
        if number % 20 == 19 or number + 1 == rounds:
            found.wrong += wrong(folder, durable)
    found.durable = len(durable)
    return found


def _life(folder: Path, seed: int, seconds: float) -> Durable:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.close(read)
        asyncio.run(live(folder, seed, 0))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        first = told.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return lines(first + told.read())


def killed_at_calls(folder: Path, most: int, verb: str = "") -> Found:
    """SIGKILL at the n-th write or sync call of a life of all `store_child.VERBS` or of one, for every n."""
    found = Found(skipped=_no_strace())
    if found.skipped:
        return found
    ops = 12
    calls = _calls(folder / "count", ops, verb)
    step = max(1, calls // most)
    for at in range(1, calls + 1, step):
        box = folder / str(at)
        durable = _traced(box, ops, f"inject={SYSTEM_CALLS}:signal=SIGKILL:when={at}", verb)
        found.rounds += 1
        found.durable += len(durable)
        found.wrong += [f"call {at}: {one}" for one in wrong(box, durable)]
        shutil.rmtree(box)
    found.note = f"{calls} calls in one life, every {step}" if step > 1 else f"each of {calls} calls"
    return found


def sync_errors(folder: Path, most: int) -> Found:
    """EIO from the n-th fsync or fdatasync: not durable, a new file, and nothing lost."""
    found = Found(skipped=_no_strace())
    if found.skipped:
        return found
    renewed = 0
    for at in range(SYNCS_OF_START, SYNCS_OF_START + most):
        box = folder / str(at)
        durable = _traced(box, 60, f"inject=fsync,fdatasync:error=EIO:when={at}")
        found.rounds += 1
        found.durable += len(durable)
        found.wrong += [f"sync {at}: {one}" for one in wrong(box, durable)]
        renewed += b"journal.renewed" in _bytes(box)
        shutil.rmtree(box)
    if not renewed:
        found.wrong.append("no error ever led to a new file")
    found.note = f"{renewed} times a new file"
    return found


def full_disk(folder: Path) -> Found:
    """A small tmpfs filled up under the storm, then emptied: it goes on without a restart."""
    found = Found()
    with _mounted(folder, ["-t", "tmpfs", "-o", f"size={FULL_MB}m", "tmpfs"], found):
        box = folder / "box"
        with subprocess.Popen(_command(box, 0), cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            ballast = folder / "ballast"
            _fill(ballast)
            time.sleep(2.0)
            spent = not (box / "reserve").exists()
            ballast.unlink()
            emptied = time.monotonic()
            while not (box / "reserve").exists() and time.monotonic() - emptied < 10:
                time.sleep(0.05)
            after_s = time.monotonic() - emptied
            found.note = f"reserve spent: {'yes' if spent else 'no'}; there again {after_s:.1f} s after there was room"
            time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
            durable = lines(first + process.stdout.read())
        found.rounds, found.durable = 1, len(durable)
        found.wrong = wrong(box, durable)
    return found


def power_cuts(folder: Path, cuts: int, seed: int = 1) -> Found:
    """The disk as it is at a random instant: a reflink copy of the image that the journal's file system lives on."""
    found = Found(skipped="" if shutil.which("mkfs.xfs") and os.geteuid() == 0 else "needs root and mkfs.xfs")
    if found.skipped:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    image, dice = folder / "xfs.img", random.Random(seed)
    _made(image, "2G", ["mkfs.xfs", "-q", "-m", "reflink=1"])
    outer, inner, cut = (folder / name for name in ("outer", "inner", "cut"))
    with _mounted(outer, ["-o", "loop", str(image)], found):
        disk = outer / "disk.img"
        _made(disk, "192M", ["mkfs.ext4", "-q"])
        with _mounted(inner, ["-o", "loop", str(disk)], found):
            box, durable = inner / "box", Durable()
            for number in range(cuts):
                before, after = _cut(box, disk, outer / "cut.img", number, dice)
                with _mounted(cut, ["-o", "loop", str(outer / "cut.img")], found):
                    found.wrong += [f"cut {number}: {one}" for one in wrong(cut / "box", durable | before)]
                found.rounds += 1
                found.durable += len(before)
                durable |= after
                if number % 10 == 9:
                    shutil.rmtree(box)
                    durable = Durable()
    return found


def _cut(box: Path, disk: Path, image: Path, number: int, dice: random.Random) -> tuple[Durable, Durable]:
    """A life on the inner file system, and a copy of its disk at a random instant.

    Returns what the life had called durable when the copy began, and at its end.
    """
    image.unlink(missing_ok=True)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        asyncio.run(live(box, number + 1, 0))
        os._exit(0)
    os.close(write)
    os.set_blocking(read, False)
    end, raw = time.monotonic() + 5, b""
    while not raw and time.monotonic() < end:
        time.sleep(0.005)
        raw += _available(read)
    time.sleep(dice.uniform(0.0, 0.15))
    raw += _available(read)
    subprocess.run(["cp", "--reflink=always", str(disk), str(image)], check=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = _available(read)
    os.close(read)
    return lines(raw), lines(raw + rest)


def _available(handle: int) -> bytes:
    found = b""
    while True:
        try:
            data = os.read(handle, 1 << 16)
        except BlockingIOError:
            return found
        if not data:
            return found
        found += data


def _made(path: Path, size: str, make: list[str]) -> None:
    subprocess.run(["truncate", "-s", size, str(path)], check=True)
    subprocess.run([*make, str(path)], check=True)


@contextmanager
def _mounted(folder: Path, arguments: list[str], found: Found) -> Iterator[None]:
    """Mount at `folder`; where this machine does not let us, the campaign is skipped (the body then fails at once)."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        found.skipped = f"mount: {done.stderr.strip()}"
        raise SkippedError(found)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class SkippedError(Exception):
    """This machine cannot run the campaign; carries what it found so far."""

    def __init__(self, found: Found) -> None:
        super().__init__(found.skipped)
        self.found = found


def or_skipped(campaign: Callable[[], Found]) -> Found:
    """Run it; a machine that does not let us mount is a reason, not a failure."""
    try:
        return campaign()
    except SkippedError as skip:
        return skip.found


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 18))
        except OSError:  # full, as it should be
            return


def _no_strace() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


def _command(box: Path, ops: int, verb: str = "") -> list[str]:
    return [sys.executable, "-m", "tests.faults.store_child", str(box), "1", str(ops), *([verb] if verb else [])]


def _calls(box: Path, ops: int, verb: str) -> int:
    """How many such calls the busiest thread of one whole life makes."""
    box.parent.mkdir(parents=True, exist_ok=True)
    log = box.with_suffix(".strace")
    subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={SYSTEM_CALLS}", "-o", str(log), *_command(box, ops, verb)],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    by_thread: dict[str, int] = {}
    for line in log.read_text().splitlines():
        thread = re.match(r"\d+", line)
        if thread is not None and "(" in line:
            by_thread[thread[0]] = by_thread.get(thread[0], 0) + 1
    return max(by_thread.values())


def _traced(box: Path, ops: int, inject: str, verb: str = "") -> Durable:
    box.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={SYSTEM_CALLS}", "-e", inject, "-o", "/dev/null", *_command(box, ops, verb)],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return lines(done.stdout)


def _bytes(box: Path) -> bytes:
    return b"".join(path.read_bytes() for path in box.glob("*.db*"))
