"""The template that plants begin with: `python -m gateway.rulebook.workbook.template FOLDER` writes it anew, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.rulebook.workbook.export import Column, Layout
from gateway.rulebook.workbook.write import csv_text, xlsx_bytes

_LEVEL = {"id": "LSLL_101", "tag": "tank1.level", "op": "<", "limit": "30", "unit": "cm", "hyst": "5"}
_TERMS = {"on_bad": "safe after 2 s", "bypass": "4 h by supervisor", "pst": "30 s", "area": "pickling"}
_GAS = {
    "op": ">",
    "limit": "40",
    "unit": "%LEL",
    "hyst": "2",
    "vote": "2oo3:GAS",
    "on_bad": "safe after 2 s",
    "pst": "30 s",
}


def empty() -> Layout:
    """Headings and drop-downs only."""
    return Layout()


def example() -> Layout:
    """Two trips, a pre-alarm, a permissive and a vote, as a first matrix looks."""
    pump = {
        "id": "PKL_LSLL",
        "target": "pump7.permit",
        "value": "safe",
        "readback": "pump7.running = 0 within 3 s",
        "within": "1 s",
        "latch": "yes",
        "reset_by": "supervisor",
        "priority": "P1",
        "zh": "酸洗槽液位低低",
        "en": "Pickling tank level low-low",
        "response_zh": "检查进料阀后复位",
        "response_en": "Check the feed valve, then reset",
    }
    fan = {"id": "GAS_2OO3", "target": "vent1.start", "value": "safe", "latch": "yes", "priority": "P1"}
    fan |= {
        "reset_by": "supervisor",
        "delay": "1 s",
        "zh": "可燃气高高（三取二）",
        "en": "Combustible gas high-high, two of three",
    }
    low = {"id": "PKL_LSL", "priority": "P3", "zh": "酸洗槽液位低", "en": "Pickling tank level low"}
    causes = [
        _LEVEL | _TERMS | {"zh": "液位变送器 LT-101 低低", "en": "Level transmitter LT-101 low-low"},
        _LEVEL | {"id": "LSL_101", "limit": "50", "for": "10 s", "zh": "液位低", "en": "Level low"},
        *(
            _GAS | {"id": f"GAS_{at}", "tag": f"gas{at}.lel", "zh": f"可燃气探头 {at}", "en": f"Gas detector {at}"}
            for at in (1, 2, 3)
        ),
        {"id": "CRANE", "tag": "crane2.moving", "op": "=", "limit": "0", "zh": "行车静止", "en": "Crane at rest"},
    ]
    marks = [{0: "X/2s"}, {2: "A"}, {1: "X"}, {1: "X"}, {1: "X"}, {0: "P"}]
    return Layout([Column(pump), Column(fan), Column(low)], causes, marks)


def files() -> dict[str, bytes]:
    """The files of config/templates; the example stands in a sheet of the workbook that is not compiled, and in a CSV."""
    return {
        "interlocks.xlsx": xlsx_bytes(empty(), (), example()),
        "interlocks.csv": csv_text(empty()).encode("utf-8-sig"),  # Excel takes UTF-8 without the mark for GBK
        "interlocks-example.csv": csv_text(example()).encode("utf-8-sig"),
    }


if __name__ == "__main__":
    for name, data in files().items():
        (Path(sys.argv[1]) / name).write_bytes(data)
