"""Pictures and their labelled boxes: YOLO text files in, boxes in pixels with what is unknown beside what is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.training.classes import INDEX, LABEL_SETS, LabelSet

Boxes = NDArray[np.float32]
"""[n, 5]: x1, y1, x2, y2 in pixels, class."""

Pixels = NDArray[np.uint8]
"""[height, width, 3]: blue, green, red."""

NO_BOXES: Boxes = np.zeros((0, 5), np.float32)
NO_BOXES.flags.writeable = False


class LabelError(Exception):
    """A label file that cannot be what it should be: which file, which line, what is wrong."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a picture shows (`found`) and where it says nothing about a class (`unknown`)."""

    found: Boxes
    unknown: Boxes


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a label set, not yet read."""

    image: Path
    labels: Path
    set_name: str


def entries(root: Path, set_name: str, part: str) -> list[Entry]:
    """Every picture of `root/set_name/part` that has a label file, in order of name."""
    folder = root / set_name / part
    found = []
    for image in sorted((folder / "images").iterdir()):
        labels = folder / "labels" / f"{image.stem}.txt"
        if not labels.is_file():
            raise LabelError(f"{image}: no label file {labels}; an empty one says that nothing is to be seen")
        found.append(Entry(image, labels, set_name))
    return found


def names(root: Path, set_name: str) -> list[str]:
    """The set's own class names, by number."""
    return (root / set_name / "classes.txt").read_text().splitlines()


def read(entry: Entry, own_names: list[str], width: int, height: int) -> Labels:
    """Labels of a picture of this size, in pixels and in our classes."""
    kind = LABEL_SETS[entry.set_name]
    found: list[tuple[float, ...]] = []
    unknown: list[tuple[float, ...]] = [
        (0.0, 0.0, float(width), float(height), float(INDEX[name])) for name in kind.unknown
    ]
    scale = np.array([width, height, width, height], np.float64)
    for number, centre in _rows(entry.labels, len(own_names)):
        x, y, w, h = centre
        box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]).clip(0, 1) * scale
        ours, hidden = _ours(kind, own_names[number])
        if ours is not None:
            found.append((*box, float(ours)))
        if hidden is not None:
            unknown.append((*box, float(hidden)))
    return Labels(table(found), table(unknown))


def _rows(path: Path, classes: int) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            number, x, y, w, h = int(words[0]), *map(float, words[1:])
        except ValueError as error:
            raise LabelError(f"{path}, line {line_number}: expected 'class cx cy w h', found {line!r}") from error
        if not 0 <= number < classes:
            raise LabelError(f"{path}, line {line_number}: class {number}, but classes.txt names 0 to {classes - 1}")
        if not all(np.isfinite((x, y, w, h))) or w <= 0 or h <= 0:
            raise LabelError(
                f"{path}, line {line_number}: a box needs finite numbers and a positive size, found {line!r}"
            )
        yield number, (x, y, w, h)


def _ours(kind: LabelSet, own_name: str) -> tuple[int | None, int | None]:
    ours, hidden = kind.names.get(own_name), kind.lookalikes.get(own_name)
    return INDEX[ours] if ours else None, INDEX[hidden] if hidden else None


def table(rows: Sequence[tuple[float, ...]]) -> Boxes:
    """Rows of x1, y1, x2, y2, class as boxes."""
    return np.array(rows, np.float32).reshape(-1, 5) if rows else NO_BOXES
