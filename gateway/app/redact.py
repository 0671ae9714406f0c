"""Taking out of a text what must not leave a plant: secrets by their form, people by their names in users.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[taken out]"
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"scrypt:[^\s\"',]+"),
    re.compile(r"gh1_[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?<=://)[^/\s\"'@]+(?=@)"),  # user and password of an address
    re.compile(r"(?i)(?<=bearer )\S+"),
)
_FIELD = re.compile(
    r"(?i)(?P<name>[\"']?[\w.-]*(?:pass(?:word|phrase|wd)?|secret|token|pin|community|psk|auth_key|priv_key|api_?key)[\w.-]*[\"']?\s*[=:]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;}\]]+)"
)
SHORTEST_NAME = 2  # one letter would take a text to pieces


class Redactor:
    """Replaces secrets by `[taken out]` and each person by the same number everywhere."""

    def __init__(self, people: Iterable[tuple[str, ...]] = ()) -> None:
        self._people = [
            (re.compile("|".join(_whole(word) for word in sorted(words, key=len, reverse=True))), f"person-{number}")
            for number, names in enumerate(people, 1)
            if (words := [name for name in names if len(name) >= SHORTEST_NAME])
        ]

    def text(self, text: str) -> str:
        """`text` without secrets and names."""
        for secret in _SECRETS:
            text = secret.sub(GONE, text)
        text = _FIELD.sub(lambda found: found["name"] + _same_kind(found["value"]), text)
        for person, number in self._people:
            text = person.sub(number, text)
        return text


def _whole(word: str) -> str:
    """A name as a word of its own where letters of its kind are set apart by spaces; Chinese ones stand anywhere."""
    escaped = re.escape(word)
    return rf"(?<![A-Za-z0-9_-]){escaped}(?![A-Za-z0-9_-])" if word.isascii() else escaped


def _same_kind(value: str) -> str:
    quote = value[0] if value[0] in "\"'" else ""
    return f"{quote}{GONE}{quote}" if quote else f'"{GONE}"'
