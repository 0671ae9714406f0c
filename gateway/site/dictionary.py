"""alarms.csv: cause, consequence and response of every alarm, in both languages (spec/alarms.md §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gateway.core.errors import Problem
from gateway.core.program import RuleText
from gateway.site.messages import Both, nearest, problem
from gateway.site.place import Place
from gateway.site.table import Table

Dictionary = dict[str, dict[str, RuleText]]

FILE = "alarms.csv"
_PARTS = {"title": ("标题", "名称"), "cause": ("原因",), "consequence": ("后果",), "response": ("处置", "处置措施")}
_LANGUAGES = {"zh": ("中文", "中"), "en": ("英文", "英")}
HEADINGS: dict[str, tuple[str, ...]] = {
    "alarm": ("报警", "报警名称", "rule", "规则"),
    **{
        f"{part}_{language}": tuple(
            shape.format(word, other)
            for word in zh
            for other in others
            for shape in ("{}({})", "{}_{}", "{}{}", "{1}{0}")
        )
        + (zh if language == "zh" else ())
        for part, zh in _PARTS.items()
        for language, others in _LANGUAGES.items()
    },
}
REQUIRED = ("alarm",)
LANGUAGES = {"en": "en", "zh-CN": "zh"}
_NAMED: dict[str, Both] = {"en": ("English", "英文"), "zh-CN": ("Chinese", "中文")}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def read_dictionary(table: Table) -> tuple[Dictionary, list[Problem]]:
    """Alarm -> language -> text; an alarm without a response is a warning."""
    problems = list(table.problems)
    dictionary: Dictionary = {}
    rows: dict[str, int] = {}
    for row in table.rows if "alarm" in table.columns else ():
        name = row["alarm"]
        if not _NAME.fullmatch(name):
            problems.append(problem("alarm.name", table.place(row, "alarm"), value=name))
        elif name in rows:
            problems.append(problem("alarm.duplicate", table.place(row, "alarm"), value=name, row=rows[name]))
        else:
            rows[name] = row.number
            dictionary[name] = {}
            for language, suffix in LANGUAGES.items():
                text = RuleText(**{part: row[f"{part}_{suffix}"] for part in _PARTS})
                if text != RuleText():
                    dictionary[name][language] = text
                if not text.response:
                    place = table.place(row, f"response_{suffix}")
                    named = _NAMED[language]
                    problems.append(problem("alarm.no-response", place, "warning", value=name, language=named))
    return dictionary, problems


def check_dictionary(
    dictionary: Mapping[str, Mapping[str, RuleText]], rules: Iterable[str], told: Iterable[str] = ()
) -> list[Problem]:
    """Warnings for rules without a row and rows without a rule; for after the rules are compiled.

    `told` are rules that carry a response text of their own.
    """
    names, own = list(rules), set(told)
    place = Place(FILE)
    problems = [
        problem("alarm.not-in-dictionary", place, "warning", value=name)
        for name in names
        if name not in dictionary and name not in own
    ]
    unused = [name for name in dictionary if name not in names]
    return problems + [
        problem("alarm.no-rule", place, "warning", value=name, near=nearest(name, names)) for name in unused
    ]
