"""Findings about a program of rules, and the desk on which the checks lay them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.core.errors import Problem
from gateway.core.program import Rule
from gateway.rulebook.prove.example import Example
from gateway.rulebook.prove.plant import Plant
from gateway.rulebook.prove.sentences import QUESTIONS, SAID, Severity
from gateway.rulebook.sheet import Argument, Spot

NOWHERE = Spot("")


class Finding(msgspec.Struct, frozen=True):
    """One finding: the rule it is about, what was found and what to do in both languages, and an example where there is one."""

    code: str
    severity: Severity
    rule: str  # "" = about all
    text: dict[str, str]
    remedy: dict[str, str]
    example: Example | None = None

    def problem(self, mark: Spot) -> Problem:
        """The finding at the place of its rule."""
        place: dict[str, Any] = {
            "file": mark.file,
            "line": mark.line,
            "column": mark.column,
            "cell": mark.cell,
            "excerpt": mark.excerpt,
        }
        return Problem(code=self.code, text=self.text, remedy=self.remedy, severity=self.severity, **place)


@dataclass(slots=True)
class Desk:
    """What was found so far, and what is known of each rule."""

    plant: Plant
    found: list[Finding] = field(default_factory=list)
    coverage: dict[str, dict[str, str]] = field(default_factory=dict)  # rule -> tag -> what its loss does

    def say(self, code: str, rule: Rule | None, example: Example | None = None, /, **arguments: Argument) -> None:
        """Lay down a finding; `{rule}` and `{example}` of its sentence are filled here."""
        said, texts, remedies = SAID[code], {}, {}
        for at, language in enumerate(("en", "zh-CN")):
            words = {name: value if isinstance(value, str) else value[at] for name, value in arguments.items()}
            words["rule"] = rule.name if rule else ""
            words["example"] = example.words(self.plant, language) if example else ""
            texts[language] = (said.en, said.zh)[at].format_map(words)
            remedies[language] = (said.remedy_en, said.remedy_zh)[at].format_map(words)
        self.found.append(Finding(code, said.severity, rule.name if rule else "", texts, remedies, example))

    def undecided(self, question: str, rule: Rule, **arguments: str) -> None:
        """Lay down that a question was left open by the time limit."""
        en, zh = (text.format_map(arguments) for text in QUESTIONS[question])
        self.say("check.not-decided", rule, None, what=(en, zh))


def seen(example: Example | None, *, replayed: bool) -> Example | None:
    """The example with what its replay by the kernel's evaluation came to."""
    return None if example is None else msgspec.structs.replace(example, replayed=replayed)
