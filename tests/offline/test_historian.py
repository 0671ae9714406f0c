"""Exports of historians: forms, names, qualities, times, and what cannot be read."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.core.samples import Alive, Columns, SourceDown
from gateway.core.tags import Cause, Group, Source, Tag, TagTable
from gateway.offline.historian import Export, ExportError, read_map

TABLE = TagTable(
    [
        Tag(0, "tank.level", "plc", 0, "%"),
        Tag(1, "tank.temp", "plc", 0, "°C"),
        Tag(2, "hall.gas", "mqtt", 1, "%LEL"),
        Tag(3, "crane.pulse", "watch", 2, "1/min", personal=True),
    ],
    [Group(0, "poll", "plc", 0, 2, 2000), Group(1, "gas", "mqtt", 2, 1, 2000), Group(2, "w", "watch", 3, 1, 2000)],
    [Source("plc", "modbus"), Source("mqtt", "mqtt"), Source("watch", "mqtt")],
)
UTC_NS = 1_780_000_000 * 1_000_000_000  # 2026-05-28T20:26:40Z


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "export.csv"
    path.write_bytes(text.encode(encoding))
    return path


def blocks(export: Export) -> list[tuple[int, int, list[float], list[int], list[int]]]:
    return [
        (stamp.utc_ns - UTC_NS, item.group, item.values.tolist(), item.qualities.tolist(), item.causes.tolist())
        for stamp, item in export.inputs()
        if isinstance(item, Columns)
    ]


def test_the_wide_form_has_a_column_per_tag(tmp_path: Path) -> None:
    text = (
        "Time,tank.level,tank.level.quality,hall.gas\n2026-05-28T20:26:40Z,30.5,192,1\n2026-05-28T20:26:41Z,29.5,64,\n"
    )
    found = blocks(Export(written(tmp_path, text), TABLE))
    assert [(at, group, values[0], qualities[0]) for at, group, values, qualities, _ in found] == [
        (0, 0, 30.5, 0),
        (0, 1, 1.0, 0),
        (1_000_000_000, 0, 29.5, 1),
    ]
    assert found[0][3][1] == 3  # a tag that the export does not hold is BAD, never zero
    assert found[0][4][1] == Cause.NEVER


def test_the_long_form_has_a_row_per_value_with_chinese_headings(tmp_path: Path) -> None:
    text = "时间;位号;数值;质量\n2026/05/29 04:26:40;液位;30,5;好\n2026/05/29 04:26:40;hall.gas;5;坏\n"
    export = Export(written(tmp_path, text, "gb18030"), TABLE, ZoneInfo("Asia/Shanghai"), {"液位": "tank.level"})
    found = blocks(export)
    assert found[0][0] == 0
    assert found[1][2:] == ([5.0], [3], [Cause.DEVICE])
    assert [(cell.line, cell.column, cell.text) for cell in export.bad] == [(2, 3, "30,5")]
    assert found[0][3][0] == 3


@pytest.mark.parametrize(
    ("cell", "zone"),
    [
        ("1780000000", "UTC"),
        ("1780000000000", "UTC"),
        ("1780000000000000000", "UTC"),
        ("2026-05-28 20:26:40", "UTC"),
        ("2026-05-29T04:26:40+08:00", "UTC"),
        ("2026-05-29 04:26:40", "Asia/Shanghai"),
        ("2026/05/29 04:26", "Asia/Shanghai"),
        ("28.05.2026 22:26:40", "Europe/Berlin"),
    ],
)
def test_times_in_the_forms_that_plants_use(tmp_path: Path, cell: str, zone: str) -> None:
    text = f"time,tank.level\n{cell},1\n"
    found = blocks(Export(written(tmp_path, text), TABLE, ZoneInfo(zone)))
    assert abs(found[0][0]) <= 40_000_000_000 if cell.endswith("04:26") else found[0][0] == 0


def test_bad_cells_are_named_and_bad(tmp_path: Path) -> None:
    text = (
        "time,tag,value,quality\nyesterday,tank.level,1,good\n2026-05-28T20:26:40Z,tank.level,Bad Input,good\n"
        "2026-05-28T20:26:41Z,tank.level,nan,good\n2026-05-28T20:26:42Z,tank.level,5,perhaps\n"
        "2026-05-28T20:26:43Z,tank.level,,bad\n2026-05-28T20:26:44Z,tank.level\n"
    )
    export = Export(written(tmp_path, text), TABLE)
    found = blocks(export)
    assert [(cell.line, cell.column, cell.text) for cell in export.bad] == [
        (2, 1, "yesterday"),
        (3, 3, "Bad Input"),
        (4, 3, "nan"),
        (5, 4, "perhaps"),
        (7, 3, ""),
    ]
    assert export.bad_in_all == 5
    assert [qualities[0] for _, _, _, qualities, _ in found] == [3, 3, 3, 3]


def test_unknown_and_personal_tags_are_left_out_and_named(tmp_path: Path) -> None:
    text = "time,tag,value\n2026-05-28T20:26:40Z,crane.pulse,72\n2026-05-28T20:26:40Z,no.such,1\n2026-05-28T20:26:41Z,hall.gas,2\n"
    export = Export(written(tmp_path, text), TABLE)
    assert [group for _, group, *_ in blocks(export)] == [1]
    assert export.unknown == {"crane.pulse", "no.such"}


def test_a_silence_is_a_gap_and_not_a_quiet_plant(tmp_path: Path) -> None:
    text = "time,hall.gas\n2026-05-28T20:26:40Z,1\n2026-05-28T20:26:50Z,2\n2026-05-28T21:26:50Z,3\n"
    export = Export(written(tmp_path, text), TABLE, gap_s=60.0)
    items = list(export.inputs())
    assert export.gaps == [((UTC_NS + 70_000_000_000) // 1_000_000, (UTC_NS + 3_610_000_000_000) // 1_000_000)]
    lost = [(stamp.utc_ns - UTC_NS) // 1_000_000_000 for stamp, item in items if isinstance(item, SourceDown)]
    assert lost == [70]
    held = [stamp.utc_ns - UTC_NS for stamp, item in items if isinstance(item, Alive)]
    assert 1_000_000_000 in held
    assert max(held) < 70_000_000_000
    assert [stamp.seq for stamp, _ in items] == list(range(1, len(items) + 1))


def test_two_values_of_one_instant_are_two_blocks(tmp_path: Path) -> None:
    text = "time,tag,value\n2026-05-28T20:26:40Z,hall.gas,1\n2026-05-28T20:26:40Z,hall.gas,2\n"
    assert [values for _, _, values, *_ in blocks(Export(written(tmp_path, text), TABLE))] == [[1.0], [2.0]]


def test_what_is_no_export_says_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="column of times"):
        blocks(Export(written(tmp_path, "a,b\n1,2\n"), TABLE))
    back = "time,hall.gas\n2026-05-28T20:26:41Z,1\n2026-05-28T20:26:40Z,2\n"
    with pytest.raises(ExportError, match="back in time"):
        blocks(Export(written(tmp_path, back), TABLE))


def test_a_map_names_tags(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("header,tag\nLI-101.PV,tank.level\n", encoding="utf-8")
    assert read_map(path) == {"LI-101.PV": "tank.level"}


def test_parquet_needs_its_extra_and_then_reads_the_same(tmp_path: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        with pytest.raises(ExportError, match="extra historian"):
            blocks(Export(tmp_path / "export.parquet", TABLE))
        return
    path = tmp_path / "export.parquet"
    parquet.write_table(
        pyarrow.table({"time": ["2026-05-28T20:26:40Z"], "tank.level": [30.5], "hall.gas": [None]}), path
    )
    assert [(group, values[0]) for _, group, values, *_ in blocks(Export(path, TABLE))] == [(0, 30.5)]
