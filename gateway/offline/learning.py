"""From clean rows to a warning card: robust scaling, components, and limits from the clean period's own quantiles.

The limits are those of rows that the model has not seen: the period is cut into five parts, each scored by a model of the
other four. How far the parts differ says how far another period may differ: without a second clean period the limits are the
upper 95 % bound for the next part (prediction interval of the logarithm, Student's t); with one, what it shows counts instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.cards import Card, Limits

Floats = NDArray[np.float64]

FOLDS = 5
CLIP = 6.0  # spreads beyond which a clean value turns no component
ROWS_MIN = 200  # of which 1 % are two
ROWS_PER_COLUMN = 3  # so many rows for each column of the stacked values, or the covariance is made of chance
BAD_MAX = 0.01  # share of steps with a BAD value that is left out without a word
SLACK = 0.5  # CUSUM for shifts of one spread
TO_SIGMA = 1.4826  # median of absolute deviations -> standard deviation of a normal value
T_95 = 2.132  # Student's t, one-sided 95 %, for FOLDS - 1 degrees of freedom
UNUSED = 1e30  # a limit that nothing reaches: the score is left out
SLOW_T2 = 2  # column of the scores
TIE = 1.0 + 1e-9  # a clean row that stands on its limit is below it, in whatever order its sums are taken
STANDS = 0.2  # a robust spread below this share of the plain one is of a value that mostly stands


class NotCleanError(ValueError):
    """The period teaches nothing; `key` says why (words in app.warnings), `args` with what."""

    def __init__(self, key: str, **args: object) -> None:
        super().__init__(key)
        self.key, self.args_of_text = key, args


@dataclass(frozen=True, slots=True)
class Wish:
    """How to learn. `share` of the variance that the components keep; `rate` of false alarms per step."""

    lags: int = 0
    rate: float = 0.01
    share: float = 0.9
    smoothing: float = 0.1


@dataclass(frozen=True, slots=True)
class Fit:
    """A model of some rows."""

    center: Floats
    scale: Floats
    loadings: Floats  # columns x components
    variances: Floats
    explained: float


def stack(deviations: Floats, lags: int) -> Floats:
    """Rows beside the rows before them; the first `lags` rows have no such past and are left out."""
    count = len(deviations)
    return np.hstack([deviations[lags - back : count - back] for back in range(lags + 1)])


def fit(rows: Floats, wish: Wish, names: Sequence[str] = ()) -> Fit:
    """Median, robust spread, and the components that keep `wish.share` of the variance. Raises NotCleanError if a tag stands."""
    center = np.median(rows, axis=0)
    robust, plain = TO_SIGMA * np.median(np.abs(rows - center), axis=0), rows.std(axis=0)
    scale = np.where(robust < STANDS * plain, plain, robust)
    still = np.flatnonzero(scale <= 1e-12 * np.maximum(np.abs(center), 1e-300))
    if len(still):
        raise NotCleanError("still", tags=", ".join(names[at] if names else str(at) for at in still[:5]))
    stacked = stack(np.clip((rows - center) / scale, -CLIP, CLIP), wish.lags)
    values, vectors = np.linalg.eigh(np.cov(stacked.T).reshape(stacked.shape[1], -1))
    values, vectors = np.maximum(values[::-1], 1e-9), vectors[:, ::-1]
    share = np.cumsum(values) / values.sum()
    most = max(1, len(values) - 1)  # SPE needs something that is left
    kept = min(int(np.searchsorted(share, wish.share) + 1), most)
    return Fit(center, scale, vectors[:, :kept], values[:kept], float(share[kept - 1]))


def scores(model: Fit, rows: Floats, wish: Wish) -> Floats:
    """Rows x (t2, spe, t2_slow, spe_slow, ewma, cusum), as `core.early` computes them, from the row `lags` on."""
    deviations = (rows - model.center) / model.scale
    stacked = stack(deviations, wish.lags)
    smooth = np.empty_like(stacked)
    held, above, below = np.zeros(stacked.shape[1]), np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    cusum = np.empty(len(stacked))
    for at, row in enumerate(stacked):
        held = (1.0 - wish.smoothing) * held + wish.smoothing * row
        smooth[at] = held
        above = np.maximum(above + row[: len(above)] - SLACK, 0.0)
        below = np.maximum(below - row[: len(below)] - SLACK, 0.0)
        cusum[at] = max(above.max(), below.max())
    columns = []
    for each in (stacked, smooth):
        parts = each @ model.loadings
        rest = each - parts @ model.loadings.T
        columns += [(parts * parts / model.variances).sum(axis=1), (rest * rest).sum(axis=1)]
    ewma = np.abs(smooth[:, : rows.shape[1]]).max(axis=1)
    return np.column_stack([*columns, ewma, cusum])


def _unseen(rows: Floats, wish: Wish) -> list[Floats]:
    """By part, the scores of its rows by a model of the other parts."""
    found = []
    for fold in range(FOLDS):
        begin, end = fold * len(rows) // FOLDS, (fold + 1) * len(rows) // FOLDS
        model = fit(np.delete(rows, slice(begin, end), axis=0), wish)
        found.append(scores(model, rows, wish)[max(begin - wish.lags, 0) : end - wish.lags])
    return found


def supports_slow(rows: int, components: int, wish: Wish) -> bool:
    """Whether so many rows tell how the smoothed values spread along the components: only every 2/smoothing-th one is new to them."""
    return rows * wish.smoothing / (2.0 - wish.smoothing) >= ROWS_PER_COLUMN * components


def _quantile(values: Floats, share: float) -> Floats:
    """The least value that at most `1 - share` of the rows exceed."""
    return np.quantile(values, share, axis=0, method="higher")


def _next(parts: Sequence[Floats], share: float) -> Floats:
    """What the quantile of one more part stays below with 95 % confidence, as far as these parts tell."""
    each = np.log(np.maximum([_quantile(part, share) for part in parts], 1e-300))
    bound: Floats = np.exp(each.mean(axis=0) + T_95 * each.std(axis=0, ddof=1) * np.sqrt(1.0 + 1.0 / len(parts)))
    return bound


def limits(parts: Sequence[Floats], checked: Floats | None, rate: float, slow: bool) -> tuple[Floats, float]:
    """The limits of the six scores, and the highest level of the clean rows in them.

    The level exceeds 1 in at most `rate` of the clean rows, and of the checked ones. Not `slow`: without the smoothed T².
    """
    counts = [at for at in range(4) if slow or at != SLOW_T2]  # the scores that the level is made of
    clean = np.concatenate(parts)
    shares = np.array([1.0 - rate / 2] * 4 + [1.0 - rate] * 2)
    found = np.array([_quantile(clean[:, at], share) for at, share in enumerate(shares)])
    if checked is None:
        found = np.maximum(found, [_next([part[:, at] for part in parts], share) for at, share in enumerate(shares)])
        least, periods = 1.0, [clean]
    else:
        found = np.maximum(found, _quantile(checked, 1.0 - rate / 2))
        least, periods = 0.0, [clean, checked]
    joint = max(float(_quantile((period[:, counts] / found[counts]).max(axis=1), 1.0 - rate)) for period in periods)
    found[counts] *= max(joint, least)
    found *= TIE
    most = float(max((period[:, counts] / found[counts]).max() for period in periods))
    if not slow:
        found[SLOW_T2] = UNUSED
    return found, most


def learn(
    name: str,
    tags: Sequence[str],
    units: Sequence[str],
    period_ms: int,
    rows: Floats,
    wish: Wish,
    checked: Floats | None = None,
    **facts: object,
) -> Card:
    """The sealed card of clean `rows` (rows x tags). Raises NotCleanError."""
    least = max(ROWS_MIN, ROWS_PER_COLUMN * len(tags) * (wish.lags + 1))
    if len(rows) < least:
        raise NotCleanError("few", rows=len(rows), least=least)
    model = fit(rows, wish, tags)
    second = None if checked is None else scores(model, checked, wish)
    slow = checked is not None or supports_slow(len(rows), len(model.variances), wish)
    found, most = limits(_unseen(rows, wish), second, wish.rate, slow)
    return Card(
        name=name,
        tags=tuple(tags),
        units=tuple(units),
        period_ms=period_ms,
        lags=wish.lags,
        center=tuple(model.center.tolist()),
        scale=tuple(model.scale.tolist()),
        loadings=tuple(tuple(row) for row in model.loadings.T.tolist()),
        variances=tuple(model.variances.tolist()),
        smoothing=wish.smoothing,
        slack=SLACK,
        limits=Limits(*found.tolist()),
        false_alarm_rate=wish.rate,
        clean_most=most,
        explained=model.explained,
        rows=len(rows),
        **facts,  # type: ignore[arg-type]
    ).sealed()
