"""What the door answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.people.words import Texts

OK, FAILED, USAGE, NOT_FOUND, NOT_PERMITTED, REFUSED = 0, 1, 2, 4, 5, 6  # exit codes of the command line


@dataclass(frozen=True, slots=True)
class Answer:
    """An exit code of the command line, words in both languages, data."""

    code: int
    texts: Texts = field(default_factory=dict)
    data: Any = None
