"""Problems from the sentences of this room: what is wrong and what would be right, in English and Chinese.

Templates are filled by `str.format`; an argument may be a pair (English, Chinese).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

from gateway.core.errors import Problem
from gateway.site.place import Place
from gateway.site.sentence import Sentence
from gateway.site.sentences_hearing import HEARING
from gateway.site.sentences_import import IMPORT
from gateway.site.sentences_people import PEOPLE
from gateway.site.sentences_site import SITE
from gateway.site.sentences_tags import TAGS
from gateway.site.sentences_warn import WARN

Severity = Literal["error", "warning", "note"]
Both = tuple[str, str]

SENTENCES: dict[str, Sentence] = {**SITE, **HEARING, **TAGS, **IMPORT, **PEOPLE, **WARN}


def problem(code: str, place: Place, severity: Severity = "error", **args: str | int | float | Both) -> Problem:
    """The problem `code` at `place`, its sentences filled with `args`."""
    sentence = SENTENCES[code]
    en: dict[str, Any] = {key: arg[0] if isinstance(arg, tuple) else arg for key, arg in args.items()}
    zh: dict[str, Any] = {key: arg[1] if isinstance(arg, tuple) else arg for key, arg in args.items()}
    return Problem(
        file=place.file,
        code=code,
        text={"en": sentence.en.format_map(en), "zh-CN": sentence.zh.format_map(zh)},
        remedy={"en": sentence.remedy_en.format_map(en), "zh-CN": sentence.remedy_zh.format_map(zh)},
        line=place.line,
        column=place.column,
        cell=place.cell,
        severity=severity,
        excerpt=place.excerpt,
    )


def nearest(word: str, known: Iterable[str]) -> Both:
    """ "Did you mean …? " in both languages, or a pair of empty strings where nothing is near."""
    close = _close(word, tuple(known))
    return (f'Did you mean "{close[0]}"? ', f"是否应为“{close[0]}”？") if close else ("", "")


@lru_cache(maxsize=256)  # one mistyped source stands in every row of a list
def _close(word: str, known: tuple[str, ...]) -> list[str]:
    return difflib.get_close_matches(word, known, n=1, cutoff=0.6)


def listed(known: Iterable[str]) -> Both:
    """A list of words in both languages."""
    words = list(known)
    return ", ".join(words), "、".join(words)
