"""`gatehouse check`, and what every start does first: read a site folder with its rules, every problem at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.errors import Problem
from gateway.core.program import Program
from gateway.rulebook import compile_rules
from gateway.rulebook.sheet import Spot
from gateway.rulebook.units import UnitError, convert, parse_unit
from gateway.site import Site, load_site
from gateway.site.dictionary import check_dictionary
from gateway.site.hearing import check_rules
from gateway.site.permit_limits import check_limits
from gateway.site.report import plain
from gateway.site.report import text as as_text

CHECK_INVALID = 9


@dataclass(frozen=True, slots=True)
class Checked:
    """A site folder after every check; `site` and `program` are None where there is an error."""

    site: Site | None
    program: Program | None
    formulas: Mapping[str, str]
    problems: list[Problem]
    marks: Mapping[str, Spot] = field(default_factory=dict)  # where the name of each sound rule stands

    @property
    def ok(self) -> bool:
        """Nothing stands in the way of a start."""
        return self.site is not None and self.program is not None


def examine(folder: Path, *, for_run: bool = False) -> Checked:
    """Read and check a site folder with its rules; every problem at once. `for_run`: what a start needs must be there."""
    loaded = load_site(folder, for_run=for_run)
    problems = list(loaded.problems)
    if loaded.site is None:
        return Checked(None, None, {}, problems)
    compiled = compile_rules(list(loaded.site.rules), loaded.site.table, loaded.site.channels)
    problems += compiled.problems
    if compiled.program is not None:
        rules = compiled.program.rules
        told = [rule.name for rule in rules if any(text.response for text in rule.text.values())]
        problems += check_dictionary(loaded.site.dictionary, [rule.name for rule in rules], told)
        problems += check_rules(loaded.site, rules)
        tags = {tag.name: tag for tag in loaded.site.table.tags}
        problems += check_limits(loaded.site.limits, rules, tags, _converted)
    program = None if any(problem.severity == "error" for problem in problems) else compiled.program
    return Checked(loaded.site, program, compiled.formulas, problems, compiled.marks)


def _converted(value: float, source: str, target: str) -> float | None:
    try:
        return convert(value, parse_unit(source), parse_unit(target))
    except UnitError:
        return None


def check(site: Path, *, lang: str, as_json: bool) -> int:
    """`gatehouse check`: every problem on stdout; 0, or 9 where the site could not run."""
    checked = examine(site)
    if as_json:
        print(json.dumps(plain(checked.problems), ensure_ascii=False, indent=2))
    else:
        print(as_text(checked.problems, lang), end="")
        if checked.ok and checked.site is not None and checked.program is not None:
            tags = sum(not tag.hidden for tag in checked.site.table.tags)
            rules = len(checked.program.rules)
            en = f"{site}: {tags} tags, {len(checked.site.sources)} sources, {rules} rules, in order."
            zh = f"{site}：{tags} 个位号，{len(checked.site.sources)} 个数据源，{rules} 条规则，检查通过。"
            print(zh if lang.startswith("zh") else en)
    return 0 if checked.ok else CHECK_INVALID
