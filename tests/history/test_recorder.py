"""Recording on a real disk: order, chunks, segments, retention, holes, a full disk and a slow one."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.core import samples as s
from gateway.history import layout, reader
from gateway.history.recorder import Recorder
from gateway.history.segments import Disk, segment_paths
from gateway.history.writer import Limits

MS = 1_000_000
UTC = 1_780_000_000_000_000_000
SMALL = Limits(
    hours=24,
    bytes_max=64 << 20,
    memory_bytes=256 << 10,
    chunk_bytes=16 << 10,
    segment_bytes=64 << 10,
    reserve_bytes=0,
    flush_ns=5 * MS,
    retry_ns=10 * MS,
)
IDENTITY = b'{"tags":[],"groups":[]}'


def stamp(seq: int, period_ms: int = 100) -> s.Stamp:
    return s.Stamp(seq, seq * period_ms * MS, UTC + seq * period_ms * MS)


def block(seed: int, count: int = 100) -> s.Columns:
    values = np.random.default_rng(seed).normal(size=count)
    return s.Columns(1, values, np.zeros(count, np.uint8), np.zeros(count, np.uint8))


def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)


def limits(**changes: float) -> Limits:
    fields = {name: getattr(SMALL, name) for name in SMALL.__slots__}
    return Limits(**{**fields, **changes})  # type: ignore[arg-type]


def record(directory: Path, count: int, *, first: int = 1, boot: int = 1, kept: Limits = SMALL) -> Recorder:
    recorder = Recorder(directory, boot, kept, IDENTITY)
    recorder.start()
    for seq in range(first, first + count):
        recorder.append(stamp(seq), block(seq))
        if seq % 20 == 0:
            until(lambda: recorder.status().pending_bytes < kept.memory_bytes // 2)
    return recorder


class GatedDisk(Disk):
    """A disk whose writes stand still until the gate opens."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.waiting = threading.Event()

    def write(self, fd: int, data: memoryview | bytes) -> None:
        self.waiting.set()
        self.gate.wait(20)
        super().write(fd, data)


class FailingDisk(Disk):
    """A disk that refuses what `broken` names."""

    broken = ""

    def create(self, path: Path, size: int, reserve: int) -> int:
        if self.broken == "create":
            raise OSError(28, "No space left on device")
        return super().create(path, size, reserve)

    def write(self, fd: int, data: memoryview | bytes) -> None:
        if self.broken == "write":
            os.write(fd, bytes(data)[: len(data) // 2])
            raise OSError(5, "Input/output error")
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        if self.broken == "sync":
            self.broken = ""
            raise OSError(5, "Input/output error")
        super().sync(fd)


def test_what_was_appended_comes_back_over_many_segments(tmp_path: Path) -> None:
    recorder = record(tmp_path, 400)
    assert recorder.close()
    found = reader.segments(tmp_path)
    assert len(found) > 3
    assert all(info.closed and info.index.torn_bytes == 0 for info in found)
    assert all(info.path.stat().st_size == info.index.used_bytes for info in found)
    back = list(reader.inputs(tmp_path))
    assert [st for st, _ in back] == [stamp(seq) for seq in range(1, 401)]
    for st, item in back:
        assert isinstance(item, s.Columns)
        assert item.values.tobytes() == block(st.seq).values.tobytes()
    (boot,) = reader.coverage(tmp_path)
    assert (boot.first_seq, boot.last_seq, boot.inputs, boot.holes) == (1, 400, 400, ())


def test_a_range_of_numbers_or_of_time_is_found(tmp_path: Path) -> None:
    assert record(tmp_path, 300).close()
    assert [st.seq for st, _ in reader.inputs(tmp_path, from_seq=137, to_seq=205)] == list(range(137, 206))
    by_time = reader.inputs(tmp_path, from_utc_ns=stamp(250).utc_ns, to_utc_ns=stamp(260).utc_ns)
    assert [st.seq for st, _ in by_time] == list(range(250, 261))
    assert list(reader.inputs(tmp_path, boot=2)) == []


def test_a_snapshot_is_kept_and_a_replay_can_start_after_it(tmp_path: Path) -> None:
    recorder = record(tmp_path, 30)
    recorder.snapshot(30, stamp(30).admit_ns, stamp(30).utc_ns, b"state" * 10_000)
    for seq in range(31, 40):
        recorder.append(stamp(seq), s.Alive(3))
    assert recorder.close()
    (shot,) = reader.snapshots(tmp_path)
    assert (shot.boot, shot.seq, shot.utc_ns) == (1, 30, stamp(30).utc_ns)
    assert shot.read() == b"state" * 10_000
    assert [st.seq for st, _ in reader.inputs(tmp_path, from_seq=shot.seq + 1)] == list(range(31, 40))


def test_a_snapshot_may_come_before_any_input(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7, SMALL, IDENTITY)
    recorder.start()
    recorder.snapshot(0, 0, UTC, b"boot")
    recorder.append(stamp(1), s.Stop())
    assert recorder.close()
    assert [shot.read() for shot in reader.snapshots(tmp_path)] == [b"boot"]
    assert [item for _, item in reader.inputs(tmp_path, boot=7)] == [s.Stop()]


def test_personal_is_refused_and_its_number_is_withheld(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1, SMALL, IDENTITY)
    recorder.start()
    recorder.append(stamp(1), s.Alive(1))
    with pytest.raises(TypeError, match="Personal"):
        recorder.append(stamp(2), s.Personal(1, [1], [99.5], [0], [0]))
    recorder.withhold(stamp(2))
    recorder.append(stamp(3), s.Alive(1))
    assert recorder.close()
    assert [st.seq for st, _ in reader.inputs(tmp_path)] == [1, 3]
    (boot,) = reader.coverage(tmp_path)
    assert (boot.inputs, boot.withheld, boot.holes) == (2, 1, ())


def test_numbers_that_never_came_are_a_hole(tmp_path: Path) -> None:
    recorder = record(tmp_path, 5)
    recorder.append(stamp(9), s.Alive(1))
    assert recorder.close()
    assert reader.coverage(tmp_path)[0].holes == ((6, 8, "missing"),)


def test_oldest_segments_go_when_the_bytes_are_used(tmp_path: Path) -> None:
    kept = limits(bytes_max=1 << 20, segment_bytes=64 << 10)
    recorder = record(tmp_path, 2000, kept=kept)
    assert recorder.close()
    assert sum(path.stat().st_size for path in tmp_path.glob("*.ghh")) <= kept.bytes_max
    assert {p.stem for p in tmp_path.glob("*.ghh")} == {p.stem for p in tmp_path.glob("*.ghx")}
    seqs = [st.seq for st, _ in reader.inputs(tmp_path)]
    assert seqs[0] > 500
    assert seqs == list(range(seqs[0], 2001))


def test_oldest_segments_go_when_their_hours_are_over(tmp_path: Path) -> None:
    recorder = record(tmp_path, 400, kept=limits(hours=20 / 3600))  # 20 s of the 40 s recorded
    assert recorder.close()
    first = next(iter(reader.inputs(tmp_path)))[0]
    assert stamp(50).utc_ns < first.utc_ns <= stamp(201).utc_ns


def test_the_loop_never_waits_for_a_disk_that_stands_still(tmp_path: Path) -> None:
    disk = GatedDisk()
    recorder = Recorder(tmp_path, 1, SMALL, IDENTITY, disk=disk)
    recorder.start()
    recorder.append(stamp(1), block(1))
    assert disk.waiting.wait(5)
    slowest = 0.0
    for seq in range(2, 2001):
        item = block(seq)
        begun = time.perf_counter()
        recorder.append(stamp(seq), item)
        slowest = max(slowest, time.perf_counter() - begun)
        assert recorder.status().pending_bytes <= SMALL.memory_bytes
    assert slowest < 1.0  # the gate stays shut for 20 s; a loaded machine may still take a time slice from us
    status = recorder.status()
    assert status.dropped_inputs > 1000
    disk.gate.set()
    assert recorder.close()
    (boot,) = reader.coverage(tmp_path)
    missing = sum(last - first + 1 for first, last, _ in boot.holes)
    assert missing == status.dropped_inputs == 2000 - boot.inputs
    assert {reason for _, _, reason in boot.holes} == {"memory"}
    assert boot.holes == status.holes
    seqs = [st.seq for st, _ in reader.inputs(tmp_path)]
    assert len(seqs) == boot.inputs
    assert seqs[-1] == 2000  # the newest is what was kept


@pytest.mark.parametrize(("broken", "state"), [("create", "disk full"), ("write", "failing")])
def test_a_full_or_broken_disk_is_said_and_recording_resumes(tmp_path: Path, broken: str, state: str) -> None:
    disk = FailingDisk()
    recorder = Recorder(tmp_path, 1, SMALL, IDENTITY, disk=disk)
    recorder.start()
    disk.broken = broken
    for seq in range(1, 61):
        recorder.append(stamp(seq), block(seq))
    until(lambda: recorder.status().state == state)
    assert recorder.status().error
    disk.broken = ""
    until(lambda: recorder.status().state == "recording")
    for seq in range(61, 100):
        recorder.append(stamp(seq), block(seq))
    assert recorder.close()
    assert [st.seq for st, _ in reader.inputs(tmp_path)] == list(range(1, 100))
    assert reader.coverage(tmp_path)[0].holes == ()


def test_after_a_failed_sync_the_chunk_is_written_again_elsewhere(tmp_path: Path) -> None:
    disk = FailingDisk()
    recorder = Recorder(tmp_path, 1, limits(sync_ns=0), IDENTITY, disk=disk)
    recorder.start()
    recorder.append(stamp(1), block(1))
    until(lambda: recorder.status().written_bytes > 0)
    disk.broken = "sync"
    recorder.append(stamp(2), block(2))
    until(lambda: disk.broken == "" and recorder.status().state == "recording")
    recorder.append(stamp(3), block(3))
    assert recorder.close()
    assert [st.seq for st, _ in reader.inputs(tmp_path)] == [1, 2, 3]


def test_a_disk_that_stays_full_does_not_keep_close_waiting(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.broken = "create"
    recorder = Recorder(tmp_path, 1, SMALL, IDENTITY, disk=disk)
    recorder.start()
    recorder.append(stamp(1), block(1))
    assert not recorder.close()
    assert recorder.status().lost_inputs == 1


def test_a_full_tmpfs_stops_history_and_space_brings_it_back(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "history-test", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(900 << 10))
        recorder = Recorder(tmp_path, 1, SMALL, IDENTITY)
        recorder.start()
        for seq in range(1, 200):
            recorder.append(stamp(seq), block(seq))
            time.sleep(0.001)
        until(lambda: recorder.status().state == "disk full")
        ballast.unlink()
        until(lambda: recorder.status().state == "recording")
        assert recorder.close()
        seqs = [st.seq for st, _ in reader.inputs(tmp_path)]
        assert seqs[-1] == 199
        (boot,) = reader.coverage(tmp_path)
        assert boot.inputs == len(seqs) == 199 - recorder.status().dropped_inputs
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


KILLED = """
import sys
from pathlib import Path
from tests.history.test_recorder import IDENTITY, SMALL, Recorder, block, stamp, until
recorder = Recorder(Path(sys.argv[1]), 1, SMALL, IDENTITY)
recorder.start()
for seq in range(1, 61):
    recorder.append(stamp(seq), block(seq))
until(lambda: recorder.status().state == "recording" and recorder.status().written_bytes > 40_000)
print("written", flush=True)
sys.stdin.read()
"""


def test_after_kill_the_written_part_is_there_and_the_next_start_mends_the_file(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
    before = [st.seq for st, _ in reader.inputs(tmp_path)]
    assert before == list(range(1, before[-1] + 1))
    last = segment_paths(tmp_path)[-1]
    assert last.stat().st_size > reader.segments(tmp_path)[-1].index.used_bytes  # preallocated, not yet cut
    assert record(tmp_path, 5, boot=2).close()
    assert all(info.closed for info in reader.segments(tmp_path))
    assert [st.seq for st, _ in reader.inputs(tmp_path, boot=1)] == before
    assert [boot.boot for boot in reader.coverage(tmp_path)] == [1, 2]


def test_a_file_size_limit_counts_as_a_full_disk(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = Recorder(tmp_path, 1, SMALL, IDENTITY)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        recorder.start()
        recorder.append(stamp(1), block(1))
        until(lambda: recorder.status().state == "disk full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    until(lambda: recorder.status().state == "recording")
    assert recorder.close()
    assert [st.seq for st, _ in reader.inputs(tmp_path)] == [1]


def test_a_file_that_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    strange = tmp_path / "0000000001-000000000000000001-000.ghh"
    strange.write_bytes(b"not ours")
    assert record(tmp_path, 3, boot=2).close()
    assert strange.read_bytes() == b"not ours"
    assert [st.seq for st, _ in reader.inputs(tmp_path)] == [1, 2, 3]
    with pytest.raises(layout.FormatError):
        layout.parse_header(strange.read_bytes())
