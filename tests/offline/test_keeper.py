"""The keeper: every trip of the journal gets its bundle, whatever happened in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.core.samples import Columns, Personal
from gateway.history import reader
from gateway.offline import bundle
from gateway.offline.archive import verify
from gateway.offline.keeper import Keep, keep, list_bundles, main, retire
from tests.offline.campaign_trips import Recorded

HERE = Path(__file__).parents[2]


@pytest.fixture
def state(recorded: Recorded, tmp_path: Path) -> Path:
    """A copy of the state folder."""
    return Path(shutil.copytree(recorded.directory, tmp_path / "state"))


def manifests(state: Path) -> list[bundle.Opened]:
    return [verify(path.read_bytes()) for path in list_bundles(state / "bundles")]


def test_every_trip_of_the_journal_is_bundled_once(state: Path, recorded: Recorded) -> None:
    done = keep(state, 0, Keep())
    found = manifests(state)
    assert done.made == len(found) >= len(recorded.trips())
    assert {opened.manifest.id for opened in found} >= {trip.id for trip in recorded.trips()}
    for opened in found:
        again = bundle.replay(opened)
        assert again.identical, again.differing
        assert again.tripped
    assert keep(state, 0, Keep()).made == 0


def test_trips_within_half_a_minute_have_a_bundle_each(state: Path, recorded: Recorded) -> None:
    keep(state, 0, Keep())
    times = sorted(trip.at_ns for trip in recorded.trips())
    assert any(late - early < 30_000_000_000 for early, late in pairwise(times))
    assert len({opened.manifest.id for opened in manifests(state)}) == len(manifests(state))


def test_a_trip_of_the_running_boot_waits_for_its_half_minute(state: Path, recorded: Recorded) -> None:
    rows = [e.record for e in recorded.hour.boots[0].rows if e.record.kind == "interlock.tripping"]
    now_s = rows[-1].utc_ms / 1000 + 1
    cut_ns = rows[-1].at_ns + 5_000_000_000
    _end_history(state / "history", cut_ns)
    done = keep(state, 1, Keep(), now_s=now_s)
    assert done.waiting == 1
    assert done.made < len(rows)
    done = keep(state, 2, Keep(), now_s=now_s)  # another boot runs: what there is, is all there will be
    assert done.waiting == 0
    last = manifests(state)[-1].manifest
    assert last.notes == ("ended-by-restart",)
    assert not last.complete
    assert bundle.replay(manifests(state)[-1]).identical


def _end_history(history: Path, end_ns: int) -> None:
    """As if the gateway had died: nothing is recorded behind an instant."""
    segments = reader.segments(history)
    assert len(segments) == 1
    data = segments[0].path.read_bytes()
    keep_to = next(at for at, stamp in _offsets(data) if stamp > end_ns)
    segments[0].path.write_bytes(data[:keep_to])
    for index in history.glob("*.ghx"):
        index.unlink()


def _offsets(data: bytes) -> list[tuple[int, int]]:
    from gateway.history import layout
    from gateway.history.codec import Decoder

    decoder, found = Decoder(), []
    for at, payload, _ in layout.walk(data, layout.HEADER_BYTES):
        assert payload is not None
        item = decoder.feed(payload)
        if isinstance(item, tuple):
            found.append((at, item[0].admit_ns))
    return found


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_leaves_no_half_bundle_and_loses_none(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.offline.keeper.shutil.disk_usage", lambda _path: _Usage(1, 1, 0))
    assert main([str(state)]) == 75
    assert not list_bundles(state / "bundles")
    monkeypatch.undo()
    assert main([str(state)]) == 0
    assert list_bundles(state / "bundles")
    assert not list((state / "bundles").glob("*.part"))


def test_a_write_that_fails_is_made_again(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, [0]

    def failing(handle: int) -> None:
        calls[0] += 1
        if calls[0] > 6:
            raise OSError(5, "input/output error")
        real(handle)

    monkeypatch.setattr("gateway.offline.keeper.os.fsync", failing)
    with pytest.raises(OSError, match="input/output"):
        keep(state, 0, Keep())
    monkeypatch.undo()
    before = len(list_bundles(state / "bundles"))
    keep(state, 0, Keep())
    assert len(list_bundles(state / "bundles")) > before
    assert len({opened.manifest.id for opened in manifests(state)}) == len(manifests(state))


def test_the_oldest_bundles_go_first_and_the_newest_stays(state: Path) -> None:
    keep(state, 0, Keep())
    folder = state / "bundles"
    found = list_bundles(folder)
    room = sum(path.stat().st_size for path in found[-3:])
    assert retire(folder, Keep(bytes_max=room), 0.0) == len(found) - 3
    assert list_bundles(folder) == found[-3:]
    late_s = found[-1].stat().st_mtime + 8 * 86_400
    assert retire(folder, Keep(days=7), late_s) == 2
    assert list_bundles(folder) == found[-1:]
    assert keep(state, 0, Keep()).made == 0  # what was deleted is not made again


def test_a_state_of_another_version_costs_its_bundle_and_no_other(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = bundle.collect, [0]

    def older(*given: object) -> bytes:
        calls[0] += 1
        if calls[0] == 1:
            raise IndexError("list index out of range")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("gateway.offline.keeper.collect", older)
    done = keep(state, 0, Keep())
    assert done.lost == 1
    assert done.made == calls[0] - 1 > 0
    assert "no bundle" in caplog.text
    assert keep(state, 0, Keep()).made == 0


def test_a_state_without_a_journal_waits(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 75


def test_it_runs_as_a_process_of_its_own(state: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.offline.keeper", str(state), "--running", "9"],
        cwd=HERE, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list_bundles(state / "bundles")


def test_personal_inputs_are_refused_by_their_type(recorded: Recorded) -> None:
    stamp, item = next(pair for pair in reader.inputs(recorded.directory / "history") if isinstance(pair[1], Columns))
    personal = Personal(0, [0], [72.0], [0], [0])
    assert bundle.encode_inputs([(stamp, item)])
    with pytest.raises(TypeError, match="Personal"):
        bundle.encode_inputs([(stamp, personal)])
