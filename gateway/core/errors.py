"""Errors that cross rooms."""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway.core.tags import Cause


class SourceError(Exception):
    """An operating error of a source: its tags turn BAD with `cause`. `slow` = do not retry fast (wrong password, certificate)."""

    def __init__(self, message: str, cause: Cause = Cause.COMMS, *, slow: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.slow = slow


class AddressError(ValueError):
    """An address or type in the tag list that a driver does not understand. `en` and `zh` say what would be right."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with what a plant configured: where it is, what is wrong and what would be right, in both languages.

    `line` and `column` count from 1, 0 = not known; `cell` names a workbook cell; `excerpt` is the line with a caret under it.
    """

    file: str
    code: str  # stable identifier, e.g. "tag.unknown-source"
    text: dict[str, str]  # "en", "zh-CN": what is wrong
    remedy: dict[str, str]  # "en", "zh-CN": what would be right
    line: int = 0
    column: int = 0
    cell: str = ""
    severity: Literal["error", "warning", "note"] = "error"
    excerpt: str = ""
