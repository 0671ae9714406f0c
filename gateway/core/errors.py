"""Errors that cross rooms."""

from __future__ import annotations

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
