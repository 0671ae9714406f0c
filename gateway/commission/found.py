"""A tag as another tool describes it, and what of that description fits our tag list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from drivers.base import Listed
from gateway.core.errors import Problem
from gateway.rulebook.units import UnitError, parse_unit

NAME_MAX = 64
_WORD = re.compile(r"[A-Za-z0-9_]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class FoundTag:
    """One tag of an import: the cells it can fill in the tag list, and where in the file it stands.

    `name` is as the other tool has it; `cells` are texts by column of the tag list, without tag and source.
    `own_name` is False where `named` had to make one up. Nothing here is ever writable: an output is declared by a person.
    """

    name: str
    cells: dict[str, str]
    where: str
    own_name: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave: tags in its order, and every row that could not be taken with the reason."""

    tags: list[FoundTag] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def described(text: str) -> dict[str, str]:
    """A comment in the column of its language."""
    plain = " ".join(text.split())
    return {("zh" if _CHINESE.search(plain) else "en"): plain} if plain else {}


def told(listed: Iterable[Listed]) -> Imported:
    """What a device says of its own tags; a unit that the tag list does not know is left out, for a person to fill in."""
    tags = []
    for one in listed:
        cells = {"address": one.address, "type": one.type, "unit": known_unit(one.unit), **described(one.text)}
        cells |= {name: f"{value:g}" for name, value in (("low", one.low), ("high", one.high)) if value is not None}
        tags.append(FoundTag(one.name, {name: text for name, text in cells.items() if text}, one.address))
    return Imported(tags)


def known_unit(unit: str) -> str:
    """`unit` where the tag list knows it, else ""."""
    try:
        parse_unit(unit)
    except UnitError:
        return ""
    return unit


def named(tags: Iterable[FoundTag], source: str) -> list[FoundTag]:
    """The tags with names the tag list takes, each once: what has no Latin letters is named after its address.

    `Tank1.Level[3]` becomes `Tank1.Level_3`; a name that is changed stays readable in the text columns.
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    out = []
    tags = list(tags)
    fitting = [_fitting(tag.name) for tag in tags]
    often = Counter(name.lower() for name in fitting)
    for tag, own in zip(tags, fitting, strict=True):
        name = base = own or _fitting(f"{source}.{tag.cells.get('address', '')}") or f"{source}.tag"
        while name.lower() in taken:
            numbers[base.lower()] += 1
            name = f"{base[: NAME_MAX - 7].rstrip('._')}_{numbers[base.lower()] + 1}"
        taken.add(name.lower())
        cells = dict(tag.cells)
        if name != tag.name and not cells.keys() & {"en", "zh"}:
            cells |= described(tag.name)
        out.append(replace(tag, name=name, cells=cells, own_name=name == own and often[own.lower()] == 1))
    return out


def _fitting(name: str) -> str:
    """`name` in the letters of a tag name, "" where nothing of it can stay."""
    if _CHINESE.search(name):
        return ""
    parts = ["_".join(_WORD.findall(part)) for part in name.split(".")]
    joined = ".".join(part for part in parts if part)[:NAME_MAX].rstrip("._")
    if not joined:
        return ""
    return joined if joined[0].isalpha() else f"t_{joined}"[:NAME_MAX]
