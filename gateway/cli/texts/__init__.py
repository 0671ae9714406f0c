"""The catalogue of the command line: one file per language with the same keys."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from gateway.cli.texts.doctor import DOCTOR


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of `language` ("en", "zh-CN"); only the asked file is loaded."""
    module = import_module(f"gateway.cli.texts.{'zh_cn' if language == 'zh-CN' else 'en'}")
    texts: dict[str, str] = module.TEXTS
    return {**texts, **{key: pair[language == "zh-CN"] for key, pair in DOCTOR.items()}}


def say(language: str, key: str, **args: object) -> str:
    """The text `key` in `language` with `args` filled in. Raises KeyError: a missing text is our mistake."""
    return catalogue(language)[key].format(**args)


def word(language: str, kind: str, value: str) -> str:
    """What people call the coded word `value` of `kind` ("state", "quality" …); an unknown word stays as it is."""
    return catalogue(language).get(f"{kind}.{value}", value)
