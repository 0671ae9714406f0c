"""The form of a figure, and the statistics all benchmarks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def figure(
    name: str, value: float | None, unit: str, must: str, met: bool, reference: float | None = None, **more: object
) -> dict[str, Any]:
    """One line of a benchmark; `ratio` is value / reference. `more` are the details people ask for next."""
    ratio = value / reference if value is not None and reference else None
    line = {"figure": name, "value": short(value), "unit": unit, "reference": short(reference), "ratio": short(ratio)}
    return {**line, "must": must, "met": bool(met), **more}


def short(value: float | None) -> float | None:
    """Five digits that count."""
    return None if value is None else float(f"{value:.5g}")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and tail, with the number of samples."""
    p50, p99, p999 = np.percentile(np.array(values), [50, 99, 99.9]) if len(values) else (0.0, 0.0, 0.0)
    most = max(values) if len(values) else 0.0
    tail = {"p50": p50, "p99": p99, "p99.9": p999, "max": most}
    return {**{key: float(f"{value:.4g}") for key, value in tail.items()}, "n": len(values)}
