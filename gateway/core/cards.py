"""Warning cards: what was learned from a clean period of a group of tags, and the kernel tags in which its scores stand.

A card is data that people sign through the rules that use it: its hash is part of their canonical form. All scores are
multiples of their limit, so 1 is where the clean period was exceeded as often as `false_alarm_rate` says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

import msgspec

Score = Literal["level", "t2", "spe", "ewma", "cusum"]
SCORES: tuple[Score, ...] = ("level", "t2", "spe", "ewma", "cusum")
CHARTS: tuple[Score, ...] = ("ewma", "cusum")
SOURCE, DRIVER = "early-warning", "derived"  # a source of the kernel itself: no driver is started for it
CARDS_MAX = 64
TAGS_MAX = 128  # of one group: its step stays far below a millisecond
LAGS_MAX = 4
VERSION = 1


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where each score is 1: of one instant, and of the smoothed values (`slow`)."""

    t2: float
    spe: float
    t2_slow: float
    spe_slow: float
    ewma: float
    cusum: float


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One group. Vectors have one number per tag, `loadings` one row per component over all tags now, then one instant back, …"""

    name: str
    tags: tuple[str, ...]
    units: tuple[str, ...]
    period_ms: int  # of the clean rows, and of the steps in the kernel
    lags: int  # so many instants back are looked at beside the present one
    center: tuple[float, ...]  # median of the clean period, in the tag's unit
    scale: tuple[float, ...]  # its robust spread, in the tag's unit
    loadings: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]  # of the components, in clean spreads squared
    smoothing: float  # share of the newest instant in the smoothed values
    slack: float  # CUSUM counts what exceeds so many spreads
    limits: Limits
    charts: tuple[str, ...] = ()  # tags with a chart of their own
    false_alarm_rate: float
    clean_most: float  # the highest level of the clean period, in its own limits
    explained: float  # share of the variance in the components
    rows: int
    from_utc_ms: int
    to_utc_ms: int
    learned_from: str
    learned_utc_ms: int
    checked_on: str = ""  # a second clean period that the limits were held against
    version: int = VERSION
    hash: str = ""

    @property
    def period_ns(self) -> int:
        """Time between two steps."""
        return self.period_ms * 1_000_000

    def sealed(self) -> Card:
        """The card with its hash."""
        return msgspec.structs.replace(self, hash=self.true_hash())

    def true_hash(self) -> str:
        """SHA-256 over everything but the hash itself."""
        return hashlib.sha256(_canonical.encode(msgspec.structs.replace(self, hash=""))).hexdigest()

    def names(self) -> Iterator[str]:
        """The kernel tags of its scores, in their order."""
        for what in SCORES:
            yield score_tag(self.name, what)
        for of in self.charts:
            for what in CHARTS:
                yield score_tag(self.name, what, of)


_canonical = msgspec.json.Encoder(order="deterministic")


def score_tag(group: str, what: str, of: str = "") -> str:
    """The kernel tag of a score."""
    return f"warn.{group}.{what}.{of}" if of else f"warn.{group}.{what}"


def encode(card: Card) -> bytes:
    """The card as its file has it."""
    return msgspec.json.format(_canonical.encode(card), indent=1) + b"\n"


def decode(data: bytes) -> Card:
    """A card from its file. Raises msgspec.DecodeError; `wrong` says whether it is sound."""
    return msgspec.json.decode(data, type=Card, strict=True)


def wrong(card: Card) -> str:
    """The field in which a card contradicts itself, "" where it is sound."""
    count, width = len(card.tags), len(card.tags) * (card.lags + 1)
    limits = msgspec.structs.astuple(card.limits)
    checks = {
        "version": card.version == VERSION,
        "hash": card.hash == card.true_hash(),
        "tags": 1 <= count <= TAGS_MAX and len(set(card.tags)) == count,
        "lags": 0 <= card.lags <= LAGS_MAX,
        "period_ms": 100 <= card.period_ms <= 3_600_000,
        "units": len(card.units) == count,
        "center": len(card.center) == count and all(map(_finite, card.center)),
        "scale": len(card.scale) == count and all(map(_positive, card.scale)),
        "loadings": 1 <= len(card.loadings) <= width
        and all(len(row) == width and all(map(_finite, row)) for row in card.loadings),
        "variances": len(card.variances) == len(card.loadings) and all(map(_positive, card.variances)),
        "smoothing": 0 < card.smoothing <= 1,
        "slack": card.slack >= 0 and _finite(card.slack),
        "limits": all(map(_positive, limits)),
        "charts": set(card.charts) <= set(card.tags) and len(set(card.charts)) == len(card.charts),
        "false_alarm_rate": 0 < card.false_alarm_rate < 1,
    }
    return next((name for name, sound in checks.items() if not sound), "")


def _finite(value: float) -> bool:
    return abs(value) < 1e300


def _positive(value: float) -> bool:
    return 0 < value < 1e300
