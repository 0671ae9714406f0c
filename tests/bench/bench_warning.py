"""Early warning: 2,000 tags with trends and 50 groups at 1 Hz as a share of a core; what is found in public data, where it is at hand.

The reference of the cost is the same plant with the same alarms on plain values, in the same run.
"""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np

from gateway.core.kernel import Kernel
from gateway.core.program import Alarm, Compare, Measure, Program, Score, Trend, Value
from gateway.core.samples import Columns, SelfCheck, Stamp
from gateway.core.tags import Group, Source, Tag, TagTable, with_cards
from gateway.offline.learning import Wish, learn
from tests.bench.figure import figure

SECOND = 1_000_000_000
TAGS, GROUPS, EACH = 2_000, 50, 40
WINDOW_NS = 300 * SECOND
WARM_S = 160  # half a window: before that a trend has no result and costs less
CORE_MUST = 0.05


def table(groups: int) -> TagTable:
    """One polled group of 2,000 tags, and `groups` early-warning groups of 40 of them."""
    tags = [Tag(at, f"t{at}", "plc", 0, unit="cm") for at in range(TAGS)]
    plain = TagTable(tags, [Group(0, "poll", "plc", 0, TAGS, 5000)], [Source("plc", "modbus", 1000)])
    facts: dict[str, Any] = {"from_utc_ms": 0, "to_utc_ms": 0, "learned_from": "made", "learned_utc_ms": 0}
    rows = _rows(600, EACH, 3)
    cards = []
    for at in range(groups):
        names = [f"t{at * EACH + n}" for n in range(EACH)]
        cards.append(learn(f"g{at}", names, ["cm"] * EACH, 1000, rows, Wish(lags=1), **facts))
    return with_cards(plain, cards)


def _rows(count: int, width: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    draw = np.random.default_rng(seed)
    return 50.0 + draw.normal(size=(count, 5)) @ draw.normal(size=(5, width)) + draw.normal(size=(count, width)) * 0.5


def share(rules: tuple[Alarm, ...], site: TagTable, seconds: int) -> float:
    """CPU seconds per simulated second of a kernel that is polled once a second."""
    kernel, rows = Kernel(site, Program(rules), 1), _rows(64, TAGS, 5)
    kernel.step(Stamp(1, SECOND, SECOND), SelfCheck(True, "start"))
    zeros = np.zeros(TAGS, np.uint8)
    began = 0.0
    for at in range(WARM_S + seconds):
        if at == WARM_S:
            began = process_time()
        now_ns = (at + 2) * SECOND
        kernel.step(Stamp(at + 2, now_ns, now_ns), Columns(0, rows[at % 64].copy(), zeros, zeros))
    return (process_time() - began) / seconds


def trends(sure: int) -> tuple[Alarm, ...]:
    """An alarm on the slope of every tag."""
    return tuple(
        _alarm(f"A{at}", Measure(Trend("rate", Value(f"t{at}"), WINDOW_NS, sure), ">", 1e6)) for at in range(TAGS)
    )


def _alarm(name: str, when: Compare | Measure) -> Alarm:
    return Alarm(name=name, when=when, priority=3, on_bad="alarm")


def figures(quick: bool) -> list[dict[str, Any]]:
    """Cost, then detection."""
    seconds = 30 if quick else 300
    plain, full = table(0), table(GROUPS)
    base = share(tuple(_alarm(f"A{at}", Compare(f"t{at}", ">", 1e6)) for at in range(TAGS)), plain, seconds)
    warned = tuple(_alarm(f"W{c.name}", Measure(Score(c.name, "level", c.hash), ">", 1.0)) for c in full.cards)
    groups = share(warned, full, seconds)
    found = []
    for name, sure in (("least squares", 0), ("robust, sure = 95 %", 95)):
        cost = share(trends(sure), plain, seconds) + groups
        text = f"2,000 trends ({name}) and 50 groups of 40 tags at 1 Hz"
        found.append(
            figure(text, cost, "share of a core", f"< {CORE_MUST}", cost < CORE_MUST, base, groups=round(groups, 5))
        )
    return found + _detection()


def _detection() -> list[dict[str, Any]]:
    """Tennessee Eastman by a card of d00 alone, beside the textbook's methods on the same files, held to 1 % of d00_te."""
    from tests.offline import campaign_warning as campaign

    if not campaign.EASTMAN.is_dir():
        return []
    told = campaign.eastman()
    ours, theirs = told.mean(campaign.ALONE), max(told.mean(name) for name in campaign.TEXTBOOK)
    far = told.false_alarms[campaign.ALONE]
    return [
        figure("Tennessee Eastman: false alarms on d00_te", far, "share", "<= 0.01", far <= 0.01),
        figure(
            "Tennessee Eastman: detection rate, mean of 21 faults",
            ours,
            "share",
            ">= reference",
            ours >= theirs,
            theirs,
        ),
    ]
