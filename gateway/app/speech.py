"""What a command says beside its data: short texts by key in English and Chinese, told on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping


class Speech:
    """The texts of one command: key -> (English, Chinese), with `{fields}`. A missing key or field is our mistake: KeyError."""

    def __init__(self, texts: Mapping[str, tuple[str, str]]) -> None:
        self._texts = texts

    def text(self, key: str, lang: str, /, **fields: object) -> str:
        """The text `key`, Chinese where `lang` begins with zh."""
        return self._texts[key][lang.startswith("zh")].format(**fields)

    def __call__(self, key: str, lang: str, /, **fields: object) -> None:
        """Tell it."""
        print(self.text(key, lang, **fields), file=sys.stderr)

    def leave(self, code: int, key: str, lang: str, /, **fields: object) -> int:
        """Tell it, and give back the exit code."""
        self(key, lang, **fields)
        return code
