"""Task-aligned assignment written out cell by cell, to hold the fast one to."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def iou(a: Floats, b: Floats) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared + 1e-7))


def assigned(
    scores: Floats,
    boxes: Floats,
    centres: Floats,
    found: Floats,
    top: int = 10,
    alpha: float = 0.5,
    beta: float = 6.0,
    smallest: float = 16.0,
) -> tuple[Floats, dict[int, int]]:
    """Target scores [C, A] and the thing each chosen cell has, of one picture: scores [C, A], boxes [A, 4], found [M, 5]."""
    cells = len(centres)
    worth = np.zeros((len(found), cells))
    fit = np.array([[iou(thing, box) for box in boxes] for thing in found]).reshape(len(found), cells)
    for m, thing in enumerate(found):
        middle = (thing[:2] + thing[2:4]) / 2
        reach = np.maximum(thing[2:4] - thing[:2], smallest) / 2
        for a in range(cells):
            if (np.abs(centres[a] - middle) < reach).all():
                worth[m, a] = scores[int(thing[4]), a] ** alpha * fit[m, a] ** beta
    taken = {
        (m, int(a))
        for m in range(len(found))
        for a in np.argsort(-worth[m], kind="stable")[:top]
        if worth[m, a] > 1e-12
    }
    owner: dict[int, int] = {}
    for m, a in sorted(taken):
        if a not in owner or fit[m, a] > fit[owner[a], a]:
            owner[a] = m
    quality = np.zeros(scores.shape)
    for m, thing in enumerate(found):
        own = [a for a, who in owner.items() if who == m]
        if own:
            best, best_fit = max(worth[m, a] for a in own), max(fit[m, a] for a in own)
            for a in own:
                quality[int(thing[4]), a] = worth[m, a] / (best + 1e-9) * best_fit
    return quality, owner
