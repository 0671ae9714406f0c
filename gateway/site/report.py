"""Problems for people and for programs: text with excerpt and remedy in one language, or plain data for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.core.errors import Problem

_SEVERITY = {
    "en": {"error": "error", "warning": "warning", "note": "note"},
    "zh-CN": {"error": "错误", "warning": "警告", "note": "提示"},
}
_MORE = {"en": "… and {count} more", "zh-CN": "……另有 {count} 项"}
_SUM = {
    "en": "errors: {error}, warnings: {warning}, notes: {note}",
    "zh-CN": "错误 {error} 项，警告 {warning} 项，提示 {note} 项",
}


def where(problem: Problem) -> str:
    """`file:line:column`, or `file [Sheet!D7]` in a workbook."""
    if problem.cell:
        return f"{problem.file} [{problem.cell}]"
    parts = [problem.file, *(str(part) for part in (problem.line, problem.column) if part)]
    return ":".join(parts)


def one(problem: Problem, language: str) -> str:
    """One problem in `language` ("en" or "zh-CN"): place, what is wrong, the line with a caret, what would be right."""
    severity = _SEVERITY[language][problem.severity]
    colon, arrow = (": ", "→ ") if language == "en" else ("：", "→ ")
    lines = [f"{where(problem)}: {severity}{colon}{problem.text[language]}"]
    lines += [f"    {line}" for line in problem.excerpt.split("\n") if problem.excerpt]
    lines.append(f"  {arrow}{problem.remedy[language]}")
    return "\n".join(lines)


def text(problems: Sequence[Problem], language: str, most: int | None = None) -> str:
    """All problems, or the first `most`, and the sum of all, as `gatehouse check` prints them."""
    counts = {kind: sum(p.severity == kind for p in problems) for kind in ("error", "warning", "note")}
    lines = [one(problem, language) for problem in problems[:most]]
    if len(lines) < len(problems):
        lines.append(_MORE[language].format(count=len(problems) - len(lines)))
    return "\n".join([*lines, _SUM[language].format(**counts)]) + "\n"


def plain(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """All problems as data that JSON can hold."""
    return [msgspec.to_builtins(problem) for problem in problems]
