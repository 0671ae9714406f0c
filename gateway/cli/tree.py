"""A truth tree as lines of text."""

from __future__ import annotations

from typing import Any

from gateway.cli.columns import in_language
from gateway.cli.texts import say, word

_MARK = {"true": "●", "false": "○", "unknown": "?", "left the vote": "–"}


def drawn(node: dict[str, Any], language: str) -> list[str]:
    """The lines of `node` and all below it: a mark, the text, its value in words, and what is to be noted."""
    return _lines(node, language, "", "")


def _lines(node: dict[str, Any], language: str, first: str, later: str) -> list[str]:
    notes = [word(language, "truth", node["value"])]
    notes += [] if node["certain"] else [say(language, "note.uncertain")]
    note = in_language(node["note"], language)
    notes += [note] if note else []
    out = [f"{first}{_MARK.get(node['value'], '?')} {node['text']}  [{', '.join(notes)}]"]
    items = node["items"]
    for at, item in enumerate(items):
        last = at + 1 == len(items)
        out += _lines(item, language, later + ("└─ " if last else "├─ "), later + ("   " if last else "│  "))
    return out
