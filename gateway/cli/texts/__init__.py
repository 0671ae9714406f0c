"""The catalogue of the command line: one file per kind of text, English and Chinese side by side."""

from __future__ import annotations

from functools import cache

from gateway.cli.texts import columns, doctor, identification, leaks, maintaining, operating, options, speech, words

FILES = (columns, doctor, identification, leaks, maintaining, operating, options, speech, words)


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of `language` ("en", "zh-CN")."""
    return {key: pair[language == "zh-CN"] for file in FILES for key, pair in file.TEXTS.items()}


def say(language: str, key: str, **args: object) -> str:
    """The text `key` in `language` with `args` filled in. Raises KeyError: a missing text is our mistake."""
    return catalogue(language)[key].format(**args)


def word(language: str, kind: str, value: str) -> str:
    """What people call the coded word `value` of `kind` ("state", "quality" …); an unknown word stays as it is."""
    return catalogue(language).get(f"{kind}.{value}", value)
