"""An example for people: values of tags at one instant or some, in plain words, rounded as far as it stays one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec

from gateway.core.program import Age, Consecutive, Done, Eta, For, Tally, Trend
from gateway.core.written import amount, duration, leaf_text, number, term, unit_of
from gateway.rulebook.formula import expression
from gateway.rulebook.prove.plant import Plant

_DIGITS = (-2, -1, 0, 1, 2, 3, 4)  # of rounding, coarse first; finer only as the model has it


class Example(msgspec.Struct, frozen=True):
    """A way to what was found: instants of values in the unit of their tags, None = lost; and what time has to say for it."""

    instants: tuple[dict[str, float | None], ...]
    times: tuple[tuple[str, str], ...] = ()  # what a time operator says in it: (en, zh-CN)
    timed: bool = False  # it rests on what time operators say, beyond the `for` that waiting fulfils
    replayed: bool = False  # the kernel's own evaluation came to the same

    def words(self, plant: Plant, language: str) -> str:
        """The example as a sentence without its end."""
        chinese = language != "en"
        comma, then, first = ("，", "；随后 ", "先 ") if chinese else (", ", "; then ", "first ")
        told = [comma.join(_said(plant, tag, value, chinese) for tag, value in one.items()) for one in self.instants]
        text = (first if len(told) > 1 else "") + then.join(told)
        return comma.join(
            [text, *(one[chinese] for one in self.times)] if text else [one[chinese] for one in self.times]
        )


def _said(plant: Plant, tag: str, value: float | None, chinese: bool) -> str:
    if value is None:
        return f"{tag} 为坏值" if chinese else f"{tag} is bad"
    return f"{tag} = {amount(value, plant.units.get(tag, ''))}"


def changes(instants: list[dict[str, float | None]]) -> tuple[dict[str, float | None], ...]:
    """Instants without what stayed as it was, and without those in which nothing changed."""
    told: list[dict[str, float | None]] = []
    known: dict[str, float | None] = {}
    for values in instants[:-1]:
        if any(tag not in known or known[tag] != value for tag, value in values.items()):
            told.append(values)
        known |= values
    last = {**known, **instants[-1]}
    return (*(told[:-1] if told and told[-1] == last else told), last)


def roundings(value: Fraction) -> Iterator[Fraction]:
    """Simpler numbers near `value`, simplest first, `value` itself last."""
    seen: set[Fraction] = set()
    for digits in _DIGITS:
        step = Fraction(10) ** -digits
        below = value // step * step
        for candidate in sorted((below, below + step), key=lambda one: abs(one - value)):
            if candidate not in seen:
                seen.add(candidate)
                yield candidate
    yield value


def times(free: Mapping[tuple[str, Any], Any], units: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What the time operators say in a model, in both languages."""
    return tuple(said for (what, node), value in free.items() if (said := _time(what, node, value, units)) is not None)


def _time(what: str, node: Any, value: Any, units: Mapping[str, str]) -> tuple[str, str] | None:
    if isinstance(node, Trend | Eta | Age):
        shown = duration(round(value * 10**9)) if isinstance(node, Age | Eta) else amount(value, unit_of(node, units))
        return (f"{term(node, units)} = {shown}",) * 2
    if isinstance(node, Consecutive | Tally | Done):
        text = leaf_text(node, units)
        return (f"{text} is {'true' if value else 'false'}", f"{text} {'成立' if value else '不成立'}")
    if what.startswith("for"):
        assert isinstance(node, For)
        text, time = expression(node.item, units), duration(node.ns)
        if value:
            return f"{text} has stood for {time}", f"{text} 已持续 {time}"
        return None  # it need not have stood for long: that is how every condition begins
    if what.startswith("since"):
        return (f"since({expression(node, units)}) = {duration(round(value * 10**9))}",) * 2
    item, ns = node
    text = expression(item, units)
    if what.startswith("count"):
        return (f"count({text}, {duration(ns)}) = {number(float(value))}",) * 2
    if value:
        return f"{text} within the last {duration(ns)}", f"{text} 在最近 {duration(ns)} 内成立过"
    return None


def merely_for(free: Mapping[tuple[str, Any], Any]) -> bool:
    """Is `for` all that time decides here? Then an example can be replayed by waiting."""
    return all(what.startswith("for") for what, _ in free)
