"""warn/*.json: the cards that `gatehouse warn learn` wrote, each held against the tag list of today."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.core.cards import CARDS_MAX, Card, decode, wrong
from gateway.core.errors import Problem
from gateway.core.tags import Tag, TagTable
from gateway.site.messages import problem
from gateway.site.place import Place
from gateway.site.text import read

FOLDER = "warn"
GROUP_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def read_cards(folder: Path, table: TagTable) -> tuple[list[Card], list[Problem]]:
    """The sound cards of a site in the order of their names, and what is wrong with the others."""
    problems: list[Problem] = []
    cards: list[Card] = []
    tags = {tag.name: tag for tag in table.tags}
    paths = sorted((folder / FOLDER).glob("*.json")) if (folder / FOLDER).is_dir() else []
    if len(paths) > CARDS_MAX:
        problems.append(problem("warn.too-many", Place(FOLDER), count=len(paths), limit=CARDS_MAX))
    for path in paths[:CARDS_MAX]:
        card, found = _read(path, tags)
        problems += found
        cards += [card] if card is not None else []
    return cards, problems


def _read(path: Path, tags: dict[str, Tag]) -> tuple[Card | None, list[Problem]]:
    name = f"{FOLDER}/{path.name}"
    data, problems = read(path, name)
    if data is None:
        return None, problems
    place = Place(name)
    try:
        card = decode(data)
    except msgspec.DecodeError as error:
        return None, [problem("warn.form", place, what=str(error)[:200])]
    field = wrong(card)
    if field == "hash":
        return None, [problem("warn.hash", place)]
    if field:
        return None, [problem("warn.field", place, field=field)]
    if card.name != path.stem or not GROUP_NAME.fullmatch(card.name):
        return None, [problem("warn.name", place, value=card.name, right=path.stem)]
    found = [*_against(card, tags, place)]
    return (None if found else card), found


def _against(card: Card, tags: dict[str, Tag], place: Place) -> Iterator[Problem]:
    """What of the card the tag list no longer says."""
    for name, unit in zip(card.tags, card.units, strict=True):
        tag = tags.get(name)
        if tag is None or tag.hidden or tag.personal:
            yield problem("warn.tag", place, value=name)
        elif tag.unit != unit:
            yield problem("warn.unit", place, value=name, was=unit or "1", now=tag.unit or "1")
    for name in card.names():
        if name in tags:
            yield problem("warn.taken", place, value=name)
