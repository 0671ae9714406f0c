"""Why a model or picture is not taken: one sentence and, where a person can settle it, the question to answer, in both languages."""

from __future__ import annotations

from gateway.core.errors import SourceError
from gateway.core.tags import Cause


class Refused(SourceError):
    """For a source an operating error that trying again soon does not cure.

    `code` is a stable identifier; `en` and `zh` say what was found and what would be right, or what must be answered.
    """

    def __init__(self, code: str, en: str, zh: str) -> None:
        super().__init__(en, Cause.DEVICE, slow=True)
        self.code, self.en, self.zh = code, en, zh


class Question(Refused):
    """The file fits more than one reading: only a card (`family`, `classes`, `preparation`) can say which."""
