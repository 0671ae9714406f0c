"""Early warning: the groups of the site's warning cards, stepped on a grid of kernel time, their scores stored as tags.

One pass of whole vectors per group and step. The order of every sum is fixed (`numpy` adds rows in their order along the
first axis), so each machine and each replay finds the same bits. T² and SPE of a principal component model and of its
smoothed values: Russell, Chiang & Braatz, "Data-driven Methods for Fault Detection and Diagnosis", Springer 2000, §4;
multivariate EWMA: Lowry et al., Technometrics 34 (1992) 46; CUSUM with slack: Page, Biometrika 41 (1954) 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.cards import Card, Score, score_tag
from gateway.core.deadlines import WARN
from gateway.core.effects import Computed, View
from gateway.core.samples import Columns
from gateway.core.tags import Cause, Quality

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

Floats = NDArray[np.float64]

FARTHEST = 1e6  # spreads; what is farther away says no more, and its square stays a number
RAISE_AFTER = 3  # steps above the limit in a row that are a warning, so that the rare single ones write no rows
CLEAR_AFTER = 10  # steps below it that end one
TOLD_MAX = 5  # tags that a warning names
GOOD, BAD = int(Quality.GOOD), int(Quality.BAD)


class Model:
    """The arrays of a card and one step with them; knows nothing of time or quality."""

    def __init__(self, card: Card) -> None:
        self.card = card
        count = len(card.tags)
        self.width = count * (card.lags + 1)
        self._center, self._scale = np.array(card.center), np.array(card.scale)
        self._across = np.array(card.loadings)  # components x width
        self._along = np.ascontiguousarray(self._across.T)  # width x components
        self._variances = np.array(card.variances)
        limits = card.limits
        self._limits = (limits.t2, limits.spe, limits.t2_slow, limits.spe_slow)
        self.smooth = np.zeros(self.width)
        self.above, self.below = np.zeros(count), np.zeros(count)  # CUSUM of each tag, both ways
        self.stacked = np.zeros(self.width)  # the tags now, then as they were, in spreads
        self.filled = 0  # instants in it

    def deviations(self, values: Floats) -> Floats:
        """Values as spreads from their clean median."""
        spreads: Floats = (values - self._center) / self._scale
        held: Floats = np.minimum(np.maximum(spreads, -FARTHEST), FARTHEST)
        return held

    def step(self, values: Floats) -> tuple[float, ...] | None:
        """The scores t2, spe, ewma, cusum in their limits; None until the past instants are known."""
        card, count = self.card, len(self.card.tags)
        now = self.deviations(values)
        if card.lags:
            self.stacked[count:] = self.stacked[:-count].copy()
        self.stacked[:count] = now
        self.filled = min(self.filled + 1, card.lags + 1)
        if self.filled <= card.lags:
            return None
        self.smooth = (1.0 - card.smoothing) * self.smooth + card.smoothing * self.stacked
        self.above = np.clip(self.above + now - card.slack, 0.0, FARTHEST)
        self.below = np.clip(self.below - now - card.slack, 0.0, FARTHEST)
        scores = (*self.split(self.stacked)[:2], *self.split(self.smooth)[:2])
        t2, spe, t2_slow, spe_slow = (score / limit for score, limit in zip(scores, self._limits, strict=True))
        return max(t2, t2_slow), max(spe, spe_slow), float(self.ewmas().max()), float(self.cusums().max())

    def split(self, stacked: Floats) -> tuple[float, float, Floats, Floats]:
        """T² and SPE of a stacked vector, its component scores, and what the components leave of it."""
        parts = np.add.reduce(self._along * stacked[:, None], axis=0)
        rest = stacked - np.add.reduce(self._across * parts[:, None], axis=0)
        return float(np.add.reduce(parts * parts / self._variances)), float(np.add.reduce(rest * rest)), parts, rest

    def ewmas(self) -> Floats:
        """The smoothed deviation of each tag in its limit."""
        found: Floats = np.abs(self.smooth[: len(self.card.tags)]) / self.card.limits.ewma
        return found

    def cusums(self) -> Floats:
        """The larger CUSUM of each tag in its limit."""
        found: Floats = np.maximum(self.above, self.below) / self.card.limits.cusum
        return found

    def contributions(self) -> Floats:
        """The share of each tag in the score that stands highest; they add up to 1."""
        standing = []
        for vector, t2_limit, spe_limit in (
            (self.stacked, self._limits[0], self._limits[1]),
            (self.smooth, self._limits[2], self._limits[3]),
        ):
            t2, spe, parts, rest = self.split(vector)
            weighed = vector * np.add.reduce(self._across * (parts / self._variances)[:, None], axis=0)
            standing += [(t2 / t2_limit, weighed), (spe / spe_limit, rest * rest)]
        _, each = max(standing, key=lambda pair: pair[0])
        by_tag = np.add.reduce(np.clip(each, 0.0, None).reshape(self.card.lags + 1, -1), axis=0)
        total = float(np.add.reduce(by_tag))
        shares: Floats = by_tag / total if total else by_tag
        return shares

    def forget(self) -> None:
        """An instant is missing: what came before is no past of what comes next."""
        self.filled = 0

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [part.tobytes() for part in (self.smooth, self.above, self.below, self.stacked)] + [self.filled]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self.smooth, self.above, self.below, self.stacked = (np.frombuffer(part).copy() for part in state[:4])
        self.filled = state[4]


class Watched:
    """One group at work: its model, its scores now, and whether it warns."""

    def __init__(self, card: Card, group: int, numbers: dict[str, int], kernel: Kernel) -> None:
        self.card, self.group, self.model = card, group, Model(card)
        self._kernel, self._image = kernel, kernel.image
        self.numbers = np.array([numbers[tag] for tag in card.tags], np.intp)
        self._values = np.frombuffer(kernel.image.values, np.float64)
        self._qualities = np.frombuffer(kernel.image.qualities, np.uint8)
        self._charts = np.array([card.tags.index(tag) for tag in card.charts], np.intp)
        self._count = kernel.table.groups[group].count
        self._tag = {name: kernel.table.groups[group].first + at for at, name in enumerate(card.names())}
        self.raised = False
        self.since_ns = -1  # since when it has stood above its limit, or warns
        self._run = 0  # steps in a row that speak for a change

    def score(self, what: Score, of: str = "") -> float:
        """A score now, in its limit; NaN while unknown."""
        return self._image.values[self._tag[score_tag(self.card.name, what, of)]]

    def step(self, now_ns: int) -> None:
        """One instant of the group: compute, store, wake the rules, and say where a warning begins or ends."""
        qualities = self._qualities[self.numbers]
        quality = int(np.bitwise_or.reduce(qualities))
        scores = None
        if quality == BAD:
            self.model.forget()
        else:
            scores = self.model.step(self._values[self.numbers])
        values = np.full(self._count, np.nan)
        if scores is None:
            quality, cause = BAD, int(Cause.INPUT)
        else:
            cause = int(Cause.NONE)
            charts = np.stack((self.model.ewmas()[self._charts], self.model.cusums()[self._charts]), axis=1)
            values[:5] = (max(scores[0], scores[1]), *scores)
            values[5:] = charts.reshape(-1)
        block = Columns(
            self.group, values, np.full(self._count, quality, np.uint8), np.full(self._count, cause, np.uint8)
        )
        self._kernel.intake.computed(block, now_ns)
        told = tuple(values.tolist())
        self._kernel.emit(Computed(self.group, now_ns, self._kernel.utc_ns(now_ns), told, quality, cause))
        if scores is not None:
            self._judge(told[0] > 1.0, now_ns)

    def _judge(self, over: bool, now_ns: int) -> None:
        if over == self.raised:
            self._run = 0
            return
        self._run += 1
        if over and self._run == 1:
            self.since_ns = now_ns
        if self._run < (RAISE_AFTER if over else CLEAR_AFTER):
            return
        self.raised, self._run = over, 0
        detail: dict[str, Any] = {"level": round(self.score("level"), 3), "card": self.card.hash[:12]}
        if over:
            detail["tags"] = {tag: round(share, 3) for tag, share, _ in self.reasons()}
        self._kernel.record("warning.raised" if over else "warning.cleared", self.card.name, now_ns, detail)
        self._kernel.emit(View("warning", self.card.name))
        self.since_ns = self.since_ns if over else -1

    def reasons(self) -> list[tuple[str, float, float]]:
        """The tags that contribute most: name, share, and how many spreads the value is from its clean median."""
        shares, model = self.model.contributions().tolist(), self.model
        order = sorted(range(len(shares)), key=lambda at: (-shares[at], at))[:TOLD_MAX]
        return [(self.card.tags[at], shares[at], float(model.stacked[at])) for at in order if shares[at] >= 0.05]

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.card.name, self.card.hash, self.model.save(), self.raised, self.since_ns, self._run]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self.model.load(state[2])
        self.raised, self.since_ns, self._run = state[3:]


class EarlyWarning:
    """All groups of the site."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        first = len(kernel.table.groups) - len(kernel.table.cards)
        numbers = kernel.names
        self.groups = [Watched(card, first + at, numbers, kernel) for at, card in enumerate(kernel.table.cards)]

    def begin(self, now_ns: int) -> None:
        """The first self-check: every group steps from the next instant of its grid on."""
        for at in range(len(self.groups)):
            self._next(at, now_ns)

    def due(self, at: int, now_ns: int) -> None:
        """A group's next instant."""
        self.groups[at].step(now_ns)
        self._next(at, now_ns)

    def _next(self, at: int, now_ns: int) -> None:
        period_ns = self.groups[at].card.period_ns
        self._kernel.schedule((now_ns // period_ns + 1) * period_ns, WARN, at)

    def known(self, state: Sequence[Any]) -> bool:
        """Is a snapshot's state of these very cards?"""
        return [entry[:2] for entry in state] == [[group.card.name, group.card.hash] for group in self.groups]

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [group.save() for group in self.groups]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        for group, saved in zip(self.groups, state, strict=True):
            group.load(saved)
