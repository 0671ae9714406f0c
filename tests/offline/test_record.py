"""Lists and exports of a recording made by the recorder itself."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from gateway.core import samples as s
from gateway.core.tags import Cause, Group, Source, Tag, TagTable
from gateway.history.identity import identity
from gateway.history.recorder import Recorder
from gateway.history.writer import Limits
from gateway.offline.record import UnknownTagError, export, list_records

UTC_MS = 1_780_000_000_000
TABLE = TagTable(
    [
        Tag(0, "tank.level", "plc", 0, "%"),
        Tag(1, "tank.temp", "plc", 0, "°C"),
        Tag(2, "hall.gas", "mqtt", 1, "%LEL"),
        Tag(3, "crane.driver_pulse", "watch", 2, "1/min", personal=True),
    ],
    [Group(0, "poll", "plc", 0, 2, 500), Group(1, "gas", "mqtt", 2, 1, 500), Group(2, "watch", "watch", 3, 1, 500)],
    [Source("plc", "modbus"), Source("mqtt", "mqtt"), Source("watch", "mqtt")],
)


def stamp(seq: int) -> s.Stamp:
    return s.Stamp(seq, seq * 1_000_000_000, (UTC_MS + seq * 1000) * 1_000_000)


def poll(level: float, temp: float, bad: bool = False) -> s.Columns:
    zero = np.zeros(2, np.uint8)
    mark = np.array([0, 3 if bad else 0], np.uint8)
    return s.Columns(0, np.array([level, temp]), mark, np.array([0, Cause.DEVICE if bad else 0], np.uint8) | zero)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    limits = Limits(reserve_bytes=0, chunk_bytes=4096, segment_bytes=8192, bytes_max=1 << 20, flush_ns=5_000_000)
    for boot in (1, 2):
        recorder = Recorder(tmp_path, boot, limits, identity(TABLE))
        recorder.start()
        recorder.append(stamp(1), poll(30.2, 61.0))
        recorder.append(stamp(2), s.Few(1, [2], [12.5], [0], [0], stamp(1).utc_ns))
        recorder.append(stamp(3), s.Alive(0))
        recorder.withhold(stamp(4))
        recorder.append(stamp(5), poll(29.8, 61.0))
        recorder.append(stamp(6), poll(29.8, float("nan"), bad=True))
        recorder.append(stamp(7), s.SourceDown("mqtt", Cause.COMMS))
        recorder.snapshot(7, stamp(7).admit_ns, stamp(7).utc_ns, b"state")
        assert recorder.close()
    return tmp_path


def rows(directory: Path, **asked: object) -> list[dict[str, str]]:
    out = io.StringIO()
    count = export(directory, out, **asked)  # type: ignore[arg-type]
    found = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert count == len(found)
    return found


def brief(found: list[dict[str, str]], boot: str = "1") -> list[tuple[str, ...]]:
    return [(r["seq"], r["tag"], r["value"], r["quality"], r["cause"]) for r in found if r["boot"] == boot]


def test_the_list_says_what_is_kept(recording: Path) -> None:
    one, two = list_records(recording)
    assert (one.boot, two.boot) == (1, 2)
    assert (one.inputs, one.withheld, one.snapshots, one.missing, one.holes) == (6, 1, 1, 0, ())
    assert (one.from_utc_ms, one.to_utc_ms) == (UTC_MS + 1000, UTC_MS + 7000)
    assert one.hours == pytest.approx(6 / 3600)


def test_an_export_has_a_row_for_every_change(recording: Path) -> None:
    found = rows(recording)
    assert brief(found) == brief(found, "2") == [
        ("1", "tank.level", "30.2", "good", "none"),
        ("1", "tank.temp", "61.0", "good", "none"),
        ("2", "hall.gas", "12.5", "good", "none"),
        ("5", "tank.level", "29.8", "good", "none"),
        ("6", "tank.temp", "", "bad", "device"),
        ("7", "hall.gas", "12.5", "bad", "comms"),
    ]  # fmt: skip
    assert found[0]["utc"] == "2026-05-28T20:26:41.000000Z"
    assert found[2]["source_utc"] == found[0]["utc"]
    assert found[2]["unit"] == "%LEL"


def test_tags_and_time_choose(recording: Path) -> None:
    found = rows(recording, tags=["tank.level"], from_utc_ms=UTC_MS + 4500, to_utc_ms=UTC_MS + 6000)
    assert [(r["boot"], r["value"], r["utc"][17:19]) for r in found] == [
        ("1", "30.2", "44"),  # held when the window opens
        ("1", "29.8", "45"),
        ("2", "30.2", "44"),
        ("2", "29.8", "45"),
    ]


def test_json_lines_hold_the_same(recording: Path) -> None:
    out = io.StringIO()
    export(recording, out, tags=["tank.temp"], fmt="jsonl")
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["value"] for row in found if row["boot"] == 1] == [61.0, None]
    assert found[0]["unit"] == "°C"


@pytest.mark.parametrize("name", ["no.such", "crane.driver_pulse"])
def test_an_unknown_or_personal_tag_is_named(recording: Path, name: str) -> None:
    with pytest.raises(UnknownTagError, match=name):
        rows(recording, tags=[name])


def test_personal_tags_are_in_no_file(recording: Path) -> None:
    for path in recording.iterdir():
        assert b"driver_pulse" not in path.read_bytes()


def test_an_empty_directory_lists_nothing(tmp_path: Path) -> None:
    assert list_records(tmp_path) == []
    assert rows(tmp_path) == []
