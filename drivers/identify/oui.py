"""The maker of a network card by the first bytes of its hardware address: a short table of makers met in plants."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("oui.toml")


@cache
def _table() -> dict[str, str]:
    return {
        prefix: name
        for name, prefixes in tomllib.loads(FILE.read_text("utf-8"))["maker"].items()
        for prefix in prefixes
    }


def maker(mac: str) -> str:
    """The maker of `mac` (six bytes, hex with colons), "" where the table does not know it."""
    return _table().get(mac[:8].lower(), "")
