"""A clean plant that is made here: correlated tags with memory, and the card learned from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.cards import Card
from gateway.core.tags import Group, Source, Tag, TagTable, with_cards
from gateway.offline.learning import Wish, learn

Floats = NDArray[np.float64]

TAGS = ("rx.temp", "rx.press", "rx.flow", "rx.valve", "rx.power", "rx.level")
UNITS = ("degC", "bar", "m3/h", "%", "kW", "cm")
CENTER, SPREAD = (180.0, 4.0, 12.0, 45.0, 60.0, 150.0), (1.5, 0.05, 0.3, 2.0, 1.0, 4.0)


def clean(rows: int, seed: int = 1) -> Floats:
    """Rows x tags: two slow causes move all tags, each has noise of its own."""
    draw = np.random.default_rng(seed)
    causes, state = np.empty((rows, 2)), np.zeros(2)
    for at in range(rows):
        state = 0.9 * state + draw.normal(size=2) * 0.436
        causes[at] = state
    mixing = np.random.default_rng(99).normal(size=(2, len(TAGS)))
    deviations = causes @ mixing * 0.6 + draw.normal(size=(rows, len(TAGS))) * 0.5
    return np.array(CENTER) + np.array(SPREAD) * deviations


def card(name: str = "reactor", lags: int = 1, charts: tuple[str, ...] = ("rx.temp",), period_ms: int = 1000) -> Card:
    """The card of 2,000 clean rows."""
    facts = {
        "charts": charts,
        "from_utc_ms": 1,
        "to_utc_ms": 2_000_001,
        "learned_from": "made",
        "learned_utc_ms": 3_000_000,
    }
    return learn(name, TAGS, UNITS, period_ms, clean(2000), Wish(lags=lags), **facts)


def plain_table() -> TagTable:
    """One polled group of the tags with an output, and a heartbeat."""
    tags = [Tag(at, name, "plc1", 0, unit=UNITS[at], area="hall") for at, name in enumerate(TAGS)]
    tags.append(Tag(len(tags), "y0", "plc1", 0, boolean=True, writable=True, safe=0.0))
    polled = len(tags)
    tags.append(Tag(polled, "plc1.$heartbeat", "plc1", 1, writable=True, hidden=True))
    groups = [Group(0, "poll", "plc1", 0, polled, 5000), Group(1, "write", "plc1", polled, 1, 1000)]
    return TagTable(tags, groups, [Source("plc1", "modbus", 1000, heartbeat=polled)])


def table(*cards: Card) -> TagTable:
    """The same with the scores of `cards`, of one by default."""
    return with_cards(plain_table(), cards or (card(),))
