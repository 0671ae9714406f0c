"""Class names from the metadata of an ONNX file, which are a Python literal there: read with bounds, never evaluated."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from inference.models.card import CLASSES_MAX

TEXT_MAX = 100_000  # characters: 2,000 names of 50
NAME_MAX = 80


def from_metadata(metadata: Mapping[str, str]) -> list[str] | None:
    """The names under `names`, by class number without gaps; None where there are none or they are something else."""
    text = metadata.get("names", "")
    if not text or len(text) > TEXT_MAX or _depth(text) > 1:
        return None
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if isinstance(found, (list, tuple)):
        found = dict(enumerate(found))
    if not isinstance(found, dict) or not 0 < len(found) <= CLASSES_MAX:
        return None
    if set(found) != set(range(len(found))):
        return None
    names = [found[i] for i in range(len(found))]
    if not all(isinstance(name, str) and 0 < len(name) <= NAME_MAX for name in names) or len(set(names)) != len(names):
        return None
    return names


def _depth(text: str) -> int:
    """How deep brackets are nested, counted without regard to quotes: a name with brackets only makes it look deeper."""
    deepest = depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest - (text.count("(") > 0 and deepest > 1)
