"""What a person wears, in three answers. *Uncertain* is an answer of its own and never counts as compliant.

Compliant needs the item seen with at least its threshold and its absence not suspected; violation needs the bare head or back
seen with at least its threshold and the item not seen. All else, also nothing seen at all, is uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from inference.cameras.found import HELMET, NO_HELMET, NO_VEST, VEST, Found


class Answer(IntEnum):
    """Of one person; a greater one outweighs a smaller one."""

    COMPLIANT = 0
    UNCERTAIN = 1
    VIOLATION = 2


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be worn: its class, the class of its absence, and the part of the person's box where it sits (top 0, bottom 1)."""

    worn: str
    missing: str
    top: float
    bottom: float


ITEMS = {"helmet": Item(HELMET, NO_HELMET, -0.10, 0.35), "vest": Item(VEST, NO_VEST, 0.05, 0.85)}
SIDE = 0.15  # so much of its width may an item stand beside the person's box
HEIGHT_MIN = 40.0  # pixels: a smaller person shows no helmet, so nothing is claimed of it
SUSPECTED = 0.5  # the absence is suspected from this share of its threshold on


def answers(persons: Found, all_found: Found, required: Sequence[str], least: Mapping[str, float]) -> list[Answer]:
    """One answer a person. `least`: threshold by class, as the model's card or its calibration says; required: keys of ITEMS."""
    return [
        max((_answer(box, all_found, ITEMS[name], least) for name in required), default=Answer.COMPLIANT)
        for box in persons.boxes
    ]


def _answer(
    person: np.ndarray[tuple[int], np.dtype[np.float32]], found: Found, item: Item, least: Mapping[str, float]
) -> Answer:
    if person[3] - person[1] < HEIGHT_MIN:
        return Answer.UNCERTAIN
    worn, missing = _best(person, found, item, item.worn), _best(person, found, item, item.missing)
    worn_least, missing_least = least[item.worn], least[item.missing]
    if worn >= worn_least and missing < missing_least * SUSPECTED:
        return Answer.COMPLIANT
    if missing >= missing_least and worn < worn_least:
        return Answer.VIOLATION
    return Answer.UNCERTAIN


def _best(person: np.ndarray[tuple[int], np.dtype[np.float32]], found: Found, item: Item, label: str) -> float:
    """The highest score of a class whose middle lies in the item's part of the person's box."""
    one = found.of(label)
    if not len(one):
        return 0.0
    left, top, right, bottom = (float(side) for side in person)
    width, height = right - left, bottom - top
    x, y = (one.boxes[:, 0] + one.boxes[:, 2]) / 2, (one.boxes[:, 1] + one.boxes[:, 3]) / 2
    here = (x >= left - SIDE * width) & (x <= right + SIDE * width)
    here &= (y >= top + item.top * height) & (y <= top + item.bottom * height)
    return float(one.scores[here].max(initial=0.0))
