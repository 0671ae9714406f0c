"""Picture files and labelled folders, read with bounds: a file may say it is larger than any memory.

A labelled folder is what most tools write: `images/`, `labels/` (a line per thing: class, centre x, centre y, width, height as shares) and
`classes.txt` in it or above it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault(
    "OPENCV_IO_MAX_IMAGE_PIXELS", str(64 << 20)
)  # before OpenCV is loaded: a picture of 64 million pixels

import cv2
import numpy as np

from inference.models.boxes import Floats, Indices
from inference.models.prepare import Pixels
from inference.models.refusal import Refused

FILE_MAX = 64 << 20  # bytes of one picture
LABELS_MAX = 1 << 20  # bytes of the labels of one picture
PICTURES_MAX = 100_000
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def read(path: Path) -> Pixels:
    """A picture as uint8 height x width x (blue, green, red). Raises Refused."""
    name = path.name
    try:
        if path.stat().st_size > FILE_MAX:
            raise Refused(
                "picture.too-large", f"{name} has more than {FILE_MAX >> 20} MB", f"{name} 超过 {FILE_MAX >> 20} MB"
            )
        data = np.frombuffer(path.read_bytes(), np.uint8)
        found = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except OSError as error:
        raise Refused(
            "picture.unreadable", f"{name} cannot be read: {error.strerror}", f"{name} 无法读取：{error.strerror}"
        ) from None
    except (cv2.error, MemoryError):  # says it has more pixels than are allowed
        found = None
    if found is None or found.ndim != 3:
        raise Refused(
            "picture.damaged",
            f"{name} is no picture that can be read, is cut off, or has more than 64 million pixels",
            f"{name} 不是可读的图像、不完整，或超过 6400 万像素",
        )
    return np.asarray(found, np.uint8)


def listed(paths: Sequence[Path]) -> list[Path]:
    """Files as named, and of folders the pictures in them, in order of name. Raises Refused where there is none."""
    found: list[Path] = []
    for path in paths:
        inside = path / "images" if (path / "images").is_dir() else path
        found += sorted(one for one in inside.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not found or len(found) > PICTURES_MAX:
        raise Refused(
            "picture.none",
            f"{len(found)} pictures; there must be 1 to {PICTURES_MAX}",
            f"找到 {len(found)} 幅图像；应为 1 至 {PICTURES_MAX} 幅",
        )
    return found


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what is in it: corners in pixels (n x 4), numbers of the model's classes. Things of no class of ours are left out."""

    path: Path
    corners: Floats
    classes: Indices


class LabelledFolder:
    """A folder of labelled pictures, its classes matched to a model's by name. Raises Refused."""

    def __init__(self, folder: Path, classes: Sequence[str], renamed: Mapping[str, str]) -> None:
        names = _names(folder)
        ours = {plain(name): i for i, name in enumerate(classes)}
        wanted = {plain(old): plain(new) for old, new in renamed.items()}
        self._number = [ours.get(wanted.get(plain(name), plain(name)), -1) for name in names]
        self.covered = sorted({number for number in self._number if number >= 0})
        if not self.covered:
            raise Refused(
                "labels.no-class",
                f"the labels name {', '.join(names)[:200]}; the model knows {', '.join(classes)[:200]};"
                " say which is which with --rename OLD=NEW",
                f"标注类别为 {', '.join(names)[:200]}；模型类别为 {', '.join(classes)[:200]}；请用 --rename 旧名=新名 对应",
            )
        self.pictures = listed([folder])
        self._labels = folder / "labels" if (folder / "labels").is_dir() else folder

    def __iter__(self) -> Iterator[tuple[Pixels, Labelled]]:
        for path in self.pictures:
            picture = read(path)
            yield picture, self._read(path, picture.shape[1], picture.shape[0])

    def _read(self, path: Path, width: int, height: int) -> Labelled:
        file = self._labels / f"{path.stem}.txt"
        corners, classes = [], []
        try:
            text = file.read_text("utf-8") if file.stat().st_size <= LABELS_MAX else None
        except FileNotFoundError:
            raise Refused(
                "labels.missing",
                f"{path.name} has no labels ({file.name}); an empty file says that there is nothing to be seen",
                f"{path.name} 缺少标注文件（{file.name}）；若画面中没有目标，请放一个空文件",
            ) from None
        except (OSError, UnicodeDecodeError):
            text = None
        for number, line in enumerate((text or "").splitlines(), 1):
            words = line.split()
            if not words:
                continue
            kind, box = _line(words, file.name, number, len(self._number))
            if self._number[kind] < 0:
                continue
            x, y, w, h = box[0] * width, box[1] * height, box[2] * width / 2, box[3] * height / 2
            corners.append((x - w, y - h, x + w, y + h))
            classes.append(self._number[kind])
        if text is None:
            raise Refused("labels.damaged", f"{file.name} cannot be read", f"{file.name} 无法读取")
        return Labelled(path, np.array(corners, np.float32).reshape(-1, 4), np.array(classes, np.intp))


def _line(words: Sequence[str], name: str, number: int, classes: int) -> tuple[int, list[float]]:
    """Class and box of one line; a polygon becomes the box around it. Raises Refused."""
    try:
        kind, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        kind, values = -1, []
    if len(values) > 4 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        values = [
            (min(xs) + max(xs)) / 2,
            (min(ys) + max(ys)) / 2,
            max(xs) - min(xs),
            max(ys) - min(ys),
        ]
    if not 0 <= kind < classes or len(values) != 4 or not all(-0.01 <= value <= 1.01 for value in values):
        raise Refused(
            "labels.damaged",
            f"{name}, line {number}: expected CLASS X Y WIDTH HEIGHT as shares of the picture, the class below {classes}",
            f"{name} 第 {number} 行：应为“类别 X Y 宽 高”，数值为占画面的比例，类别编号小于 {classes}",
        )
    return kind, values


def _names(folder: Path) -> list[str]:
    for place in (folder, folder.parent):
        file = place / "classes.txt"
        if file.is_file() and file.stat().st_size <= LABELS_MAX:
            return [line.strip() for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
    raise Refused(
        "labels.no-names",
        f"{folder.name} has no classes.txt with the names of its classes, one a line",
        f"{folder.name} 中没有 classes.txt（每行一个类别名）",
    )


def plain(name: str) -> str:
    """A name without case, spaces and signs, so that "NO-Safety Vest" is "no_safety_vest"."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
