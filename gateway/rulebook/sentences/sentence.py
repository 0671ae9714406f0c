"""A sentence to people: what is wrong and what would be right, in both languages."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """What is wrong and what would be right; `{name}` fields are filled by whoever reports it."""

    en: str
    zh: str
    remedy_en: str
    remedy_zh: str
    warning: bool = False
