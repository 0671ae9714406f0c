"""Numbers with units, and times: from what was written to what the kernel compares."""

from __future__ import annotations

from fractions import Fraction

from lark import Token

from gateway.core.limits import MS, WINDOW_MAX_NS
from gateway.core.tags import Tag
from gateway.rulebook.formula import amount, duration
from gateway.rulebook.sheet import Argument, Sheet
from gateway.rulebook.tree import Quantity
from gateway.rulebook.units import UnitError, convert, convert_difference, parse_unit

_TIMES = {"ms": MS, "s": 1000 * MS, "min": 60_000 * MS, "h": 3_600_000 * MS, "d": 86_400_000 * MS}
SHORTEST_NS = MS  # a shorter time is below the clock of any source


class Reader:
    """Reads the numbers of one sheet; `base` is where the rule begins, because tokens count from there."""

    def __init__(self, sheet: Sheet, base: int) -> None:
        self.sheet = sheet
        self.base = base

    def report(self, code: str, token: Token, last: Token | None = None, /, **arguments: Argument) -> None:
        """A problem under `token`, or from it to the end of `last`."""
        start = self.base + (token.start_pos or 0)
        stop = last if last is not None else token
        self.sheet.report(code, start, self.base + (stop.end_pos or 0), **arguments)

    def value(self, tag: Tag, quantity: Quantity, *, difference: bool = False) -> float | None:
        """The number in the unit of `tag`; a difference ignores the offset of degC. None after a report."""
        return self.amount(tag.name, "" if tag.boolean else tag.unit, quantity, difference=difference)

    def amount(self, whose: str, own: str, quantity: Quantity, *, difference: bool = False) -> float | None:
        """The number in the unit `own` of the value that people know as `whose`. None after a report."""
        number, unit = quantity.number, quantity.unit
        if unit is None:
            if own:
                self.report("rule.unit-missing", number, tag=whose, expected=f"{number} {own}")
                return None
            return float(number) + 0.0
        if not own:
            self.report("rule.unit-unexpected", unit, tag=whose, what=unit)
            return None
        if unit == own:
            return float(number) + 0.0
        try:
            written = parse_unit(unit)
        except UnitError:
            self.report("rule.unit-unknown", unit, tag=whose, what=unit, expected=own)
            return None
        try:
            return (convert_difference if difference else convert)(str(number), written, parse_unit(own)) + 0.0
        except UnitError:
            self.report("rule.unit-mismatch", unit, tag=whose, what=unit, expected=own, apart=kept_apart(own))
            return None

    def time(self, quantity: Quantity, low: int = SHORTEST_NS, high: int = WINDOW_MAX_NS) -> int | None:
        """The time in ns, from `low` to `high`. None after a report."""
        number, unit = quantity.number, quantity.unit
        written = f"{number} {unit}" if unit else str(number)
        if unit is None or unit not in _TIMES:
            self.report("rule.duration-unit", number, unit, what=written, expected=f"{number.lstrip('+-')} s")
            return None
        ns = round(Fraction(str(number)) * _TIMES[unit])
        if not low <= ns <= high:
            shown = {"low": duration(low), "high": duration(high)}
            self.report("rule.duration-range", number, unit, what=written, **shown)
            return None
        return ns


def kept_apart(unit: str) -> tuple[str, str]:
    """Why a unit that looks alike does not convert, where people often expect that it does."""
    if "bar" in unit or "Pa" in unit:
        return (
            "Gauge (barg), absolute (bara) and plain (bar) pressure are kept apart.",
            "表压（barg）、绝压（bara）与未注明的压力（bar）互不换算。",
        )
    if "%" in unit or unit == "ppm":
        return "%, %LEL, %vol and ppm are kept apart.", "%、%LEL、%vol 与 ppm 互不换算。"
    if unit.endswith(("/min", "/h", "/s")):
        return "A rate has a time below the line.", "变化率的单位须带时间，如 degC/min。"
    return "", ""


def shown_range(tag: Tag) -> dict[str, str]:
    """`low` and `high` of a tag as sentences use them."""
    return {"low": amount(tag.low, tag.unit), "high": amount(tag.high, tag.unit)}
