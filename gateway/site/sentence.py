"""What one problem says."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """What is wrong and what would be right, in both languages."""

    en: str
    zh: str
    remedy_en: str
    remedy_zh: str
