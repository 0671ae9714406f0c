"""Decoded pictures in one mapped file, so that an epoch reads memory and decodes nothing."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.training.labels import Boxes, Entry, Labels, Pixels, names, read
from inference.training.scenes import draw

GREY = 114
SCENES = "scenes"
SCENE_SEED = 1_000_000
"""Scenes below this number are for tests and the golden batch, never for training."""


@dataclass(frozen=True, slots=True)
class Album:
    """Pictures whose long side is `side`, in the corner of square pages; labels in page pixels."""

    pages: NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]
    """Height and width of each picture on its page."""
    labels: tuple[Labels, ...]
    sets: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    def picture(self, index: int) -> Pixels:
        """A view of one picture."""
        height, width = self.sizes[index]
        return self.pages[index, :height, :width]


def build(root: Path, chosen: list[Entry], side: int, file: Path, scenes: int = 0) -> Album:
    """Decodes every entry once into `file`, drawn scenes after them; a file that was finished for as many pages is used as it stands."""
    shape = (len(chosen) + scenes, side, side, 3)
    done = file.with_suffix(".sizes.npy")
    if not done.is_file() or len(np.load(done)) != len(chosen) or file.stat().st_size != int(np.prod(shape)):
        _decode(chosen, file, shape, done)
    sizes = [(int(height), int(width)) for height, width in np.load(done)]
    own_names = {name: names(root, name) for name in {entry.set_name for entry in chosen}}
    labels = [
        read(entry, own_names[entry.set_name], size[1], size[0]) for entry, size in zip(chosen, sizes, strict=True)
    ]
    drawn = [draw(SCENE_SEED + seed, side, side).labels for seed in range(scenes)]
    return Album(
        np.memmap(file, np.uint8, "r", shape=shape),
        (*sizes, *[(side, side)] * scenes),
        (*labels, *drawn),
        (*(entry.set_name for entry in chosen), *[SCENES] * scenes),
    )


def _decode(chosen: list[Entry], file: Path, shape: tuple[int, ...], done: Path) -> None:
    """Writes the pages, then the sizes: these say that the pages are complete."""
    done.unlink(missing_ok=True)
    side = shape[1]
    pages = np.memmap(file, np.uint8, "w+", shape=shape)
    sizes = np.zeros((len(chosen), 2), np.int32)
    for index, entry in enumerate(chosen):
        picture = cv2.imread(str(entry.image))
        if picture is None:
            raise ValueError(f"{entry.image}: not a picture that can be decoded")
        scale = side / max(picture.shape[:2])
        height, width = (round(edge * scale) for edge in picture.shape[:2])
        pages[index, :height, :width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        pages[index, height:] = pages[index, :, width:] = GREY
        sizes[index] = height, width
    for seed in range(shape[0] - len(chosen)):
        pages[len(chosen) + seed] = draw(SCENE_SEED + seed, side, side).pixels
    pages.flush()
    np.save(done, sizes)


def clipped(boxes: Boxes, width: float, height: float) -> Boxes:
    """Boxes cut to the picture."""
    out = boxes.copy()
    out[:, 0:4:2] = out[:, 0:4:2].clip(0, width)
    out[:, 1:4:2] = out[:, 1:4:2].clip(0, height)
    return out
