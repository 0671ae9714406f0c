"""A test list and a workbook's remarks as people read them: table, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from gateway.rulebook.formula import number
from gateway.rulebook.sheet import width
from gateway.rulebook.workbook.export import Layout
from gateway.rulebook.workbook.testlist import Case, Step

_HEADINGS = {
    "en": ("no.", "kind", "rule", "causes", "do", "expected", "first-out"),
    "zh": ("序号", "类别", "规则", "原因", "操作", "预期", "首出"),
}
_WORDS = {
    "true": "原因成立", "false": "原因不成立", "mcdc": "单因决定", "first-out": "首出", "bad": "坏值", "bypass": "旁路",
    "read-back": "回读失败", "impossible": "无法试验", "trip": "跳车", "hold": "不跳车", "blocked": "不能复位",
    "ready": "可以复位", "alarm": "报警", "quiet": "不报警", "failed": "跳车失败", "refused": "拒绝旁路", "": "",
}  # fmt: skip
_STEPS = {
    "set": ("set {tag} = {value}", "置 {tag} = {value}"),
    "bad": ("break the signal of {tag}", "断开 {tag} 信号"),
    "bypass": ("bypass {tag}", "旁路 {tag}"),
    "refuse": ("let the device refuse writes to {tag}", "使设备拒绝写 {tag}"),
    "wait": ("wait {value} s", "等待 {value} s"),
}


def _step(step: Step, chinese: bool) -> str:
    return _STEPS[step.do][chinese].format(tag=step.tag, value=number(round(step.value, 3)))


def _start(case: Case) -> str:
    """The plant in which the test begins: too wide for a table on a terminal."""
    return "; ".join(f"{tag} = {number(value)}" for tag, value in case.start.items())


def _rows(cases: Sequence[Case], chinese: bool) -> list[tuple[str, ...]]:
    said = (lambda word: _WORDS[word]) if chinese else (lambda word: word)
    joint = "；" if chinese else "; "
    return [
        (
            str(case.number),
            said(case.kind),
            case.effect,
            " ".join(case.causes),
            joint.join(_step(step, chinese) for step in case.steps),
            said(case.expect),
            " ".join(case.first_out),
        )
        for case in cases
    ]


def listed(cases: Sequence[Case], form: str, language: str) -> str:
    """The test list as `table`, `csv` or `json`."""
    chinese = language.startswith("zh")
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(list(cases)), indent=2).decode() + "\n"
    rows = [_HEADINGS["zh" if chinese else "en"], *_rows(cases, chinese)]
    if form == "csv":
        out = io.StringIO()
        starts = ["起始状态" if chinese else "start", *(_start(case) for case in cases)]
        csv.writer(out, lineterminator="\n").writerows((*row, start) for row, start in zip(rows, starts, strict=True))
        return out.getvalue()
    widths = [max(width(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "".join(
        "  ".join(text + " " * (widths[at] - width(text)) for at, text in enumerate(row)).rstrip() + "\n"
        for row in rows
    )


def left_as_text(layout: Layout, language: str) -> str:
    """The rules that the matrix cannot say, one a line, and why; they stand as text in the workbook."""
    if language.startswith("zh"):
        return "".join(f"{left.name}：{left.why[1]}；已作为文本规则写入工作簿。\n" for left in layout.left)
    return "".join(f"{left.name}: {left.why[0]}; it stands in the workbook as text.\n" for left in layout.left)
