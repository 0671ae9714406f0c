"""What is kept of one worker beside the records: consents, counters, notices, corrections, baseline. Sealed as one file.

Times are UTC ms. Lists are bounded; the oldest entries go first.
"""

from __future__ import annotations

from typing import Literal

import msgspec

STREAMS = ("ppg", "ecg", "motion", "heart_rate", "skin_temperature", "position", "behaviour")

NOTICES_MAX = 500
CORRECTIONS_MAX = 500
CONSENTS_MAX = 200
MONTHS_MAX = 36


class Consent(msgspec.Struct, frozen=True):
    """One consent, separate for each purpose (PIPL 29). `signature` is `ed25519:…` of the worker or `paper:SHA-256` of the sheet."""

    purpose: str
    streams: tuple[str, ...]
    given_utc_ms: int
    expires_utc_ms: int
    text_sha256: str  # of the text that was read, in the language it was read in
    signature: str
    withdrawn_utc_ms: int = 0

    def holds(self, now_ms: int) -> bool:
        """It is in force."""
        return not self.withdrawn_utc_ms and self.given_utc_ms <= now_ms < self.expires_utc_ms


class Notice(msgspec.Struct, frozen=True):
    """What the worker is told: who looked at what and why, a consent about to end, a certificate."""

    utc_ms: int
    kind: Literal["read", "glass", "consent", "certificate", "erase", "restore"]
    who: str
    what: str
    reason: str = ""


class Correction(msgspec.Struct, frozen=True):
    """A value that the worker says is wrong. The original record stays where it is."""

    utc_ms: int
    stream: str
    sequence: int
    was: str
    now: str
    reason: str


class Dossier(msgspec.Struct):
    """Everything of one worker that does not age out with the records."""

    version: int = 0
    consents: list[Consent] = []
    notices: list[Notice] = []
    corrections: list[Correction] = []
    months: dict[str, dict[str, int]] = {}  # "2026-11" -> kind -> how often
    rows: dict[str, int] = {}  # kind -> how many in a row, across shifts
    baseline: dict[str, float] = {}  # resting values that the fatigue index compares with

    def notify(self, notice: Notice) -> None:
        """Tell the worker at the next sign-in."""
        self.notices = [*self.notices, notice][-NOTICES_MAX:]

    def count(self, month: str, kind: str, row: int) -> None:
        """One behaviour event more; `row` = how many of this kind now stand in a row."""
        counts = self.months.setdefault(month, {})
        counts[kind] = counts.get(kind, 0) + 1
        self.rows[kind] = row
        for old in sorted(self.months)[:-MONTHS_MAX]:
            del self.months[old]
