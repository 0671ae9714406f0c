"""What stands in a drawn scene: a worker and a forklift, from polygons, with the box of every part that has a class."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from inference.training.labels import Pixels

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

SKIN: tuple[Colour, ...] = ((170, 200, 235), (120, 160, 210), (80, 110, 160), (45, 65, 100))
HELMETS: tuple[Colour, ...] = (
    (30, 210, 245),
    (240, 240, 240),
    (40, 40, 210),
    (200, 110, 30),
    (30, 130, 245),
    (80, 170, 60),
)
VESTS: tuple[Colour, ...] = ((40, 250, 200), (60, 230, 235), (20, 110, 250), (30, 70, 240))
HAIR: tuple[Colour, ...] = ((20, 20, 25), (30, 45, 70), (120, 130, 140), (60, 100, 150))
TRUCKS: tuple[Colour, ...] = ((30, 170, 240), (30, 110, 230), (60, 60, 190), (90, 140, 60), (150, 90, 40))


@dataclass(frozen=True, slots=True)
class Figure:
    """What has been drawn: its outline (x1, y1, x2, y2) and the boxes of its classes."""

    outline: Box
    boxes: tuple[tuple[str, Box], ...]


def shade(random: Generator, low: float, high: float, spread: float) -> Colour:
    """A greyish colour."""
    blue, green, red = (np.full(3, random.uniform(low, high)) + random.normal(0, spread, 3)).clip(0, 255)
    return int(blue), int(green), int(red)


def _pick(random: Generator, colours: tuple[Colour, ...]) -> Colour:
    blue, green, red = (np.array(colours[random.integers(len(colours))]) + random.normal(0, 12, 3)).clip(0, 255)
    return int(blue), int(green), int(red)


def person(canvas: Pixels, foot: tuple[float, float], tall: float, random: Generator) -> Figure:
    """A standing or walking worker; helmet and vest by chance."""
    x, ground = foot
    unit = tall / 8  # a head
    helmet, vest = random.random() < 0.5, random.random() < 0.5
    stride, lean = random.uniform(0.1, 0.9) * unit, random.normal(0, 0.25) * unit
    hip, neck = ground - 4 * unit, ground - 6.7 * unit
    broad = unit * random.uniform(0.85, 1.15)
    cloth, trousers = shade(random, 20, 200, 40), shade(random, 15, 140, 25)
    for side in (-1, 1):
        _limb(canvas, (x, hip), (x + side * stride, ground), unit * 0.55, trousers)
    _limb(canvas, (x - broad + lean, neck + 0.3 * unit), (x - broad * random.uniform(0.9, 1.6), hip), unit * 0.4, cloth)
    body = [(x - broad + lean, neck), (x + broad + lean, neck), (x + broad * 0.8, hip), (x - broad * 0.8, hip)]
    _fill(canvas, body, _pick(random, VESTS) if vest else cloth)
    if vest:
        _bands(canvas, x, (neck, hip), broad, lean)
    _limb(canvas, (x + broad + lean, neck + 0.3 * unit), (x + broad * random.uniform(0.9, 1.6), hip), unit * 0.4, cloth)
    head = (x + lean, neck - 0.65 * unit)
    _ellipse(canvas, head, (0.45 * unit, 0.6 * unit), _pick(random, SKIN))
    wide, top = 0.52 * unit, neck - 1.3 * unit
    if helmet:
        colour = _pick(random, HELMETS)
        _ellipse(canvas, (head[0], head[1] - 0.2 * unit), (0.58 * unit, 0.55 * unit), colour, half=True)
        _limb(
            canvas,
            (head[0] - 0.7 * unit, head[1] - 0.2 * unit),
            (head[0] + 0.7 * unit, head[1] - 0.2 * unit),
            unit * 0.14,
            colour,
        )
        wide, top = 0.7 * unit, head[1] - 0.75 * unit
    else:
        _ellipse(canvas, (head[0], head[1] - 0.15 * unit), (0.48 * unit, 0.48 * unit), _pick(random, HAIR), half=True)
    reach = max(broad * 1.3, stride + 0.3 * unit)
    outline = (x - reach, top, x + reach, ground + 0.2 * unit)
    cap = (head[0] - wide, top, head[0] + wide, head[1] if helmet else neck)
    trunk = (x - broad + min(lean, 0), neck, x + broad + max(lean, 0), hip)
    return Figure(
        outline,
        (("person", outline), ("helmet" if helmet else "no_helmet", cap), ("vest" if vest else "no_vest", trunk)),
    )


def _bands(canvas: Pixels, x: float, span: tuple[float, float], broad: float, lean: float) -> None:
    """Reflecting stripes."""
    neck, hip = span
    silver: Colour = (215, 220, 220)
    thick = (hip - neck) * 0.09
    for part in (0.55, 0.8):
        y = neck + (hip - neck) * part
        _limb(canvas, (x - broad * 0.85, y), (x + broad * 0.85, y), thick, silver)
    for side in (-0.5, 0.5):
        _limb(canvas, (x + side * broad + lean, neck), (x + side * broad, neck + (hip - neck) * 0.55), thick, silver)


def forklift(canvas: Pixels, foot: tuple[float, float], tall: float, random: Generator) -> Figure:
    """A counterbalance truck from the side, forks to the left or right, sometimes with a load."""
    x, ground = foot
    way = 1 if random.random() < 0.5 else -1
    unit = tall / 10
    paint, dark, tyre = _pick(random, TRUCKS), shade(random, 15, 60, 8), shade(random, 10, 40, 5)

    def at(along: float, up: float) -> tuple[float, float]:
        return x + way * along * unit, ground - up * unit

    _fill(canvas, [at(-6, 1.2), at(-6, 4.6), at(-4.5, 5.2), at(-0.5, 4.6), at(2.5, 3.2), at(2.5, 1.2)], paint)
    _fill(canvas, [at(-6.2, 1.4), at(-6.2, 4), at(-5, 4), at(-5, 1.4)], dark)
    for post in ((-4.6, -4.2), (1.8, 1.0)):
        _limb(canvas, at(post[0], 4), at(post[1], 9.6), unit * 0.35, dark)
    _limb(canvas, at(-4.4, 9.6), at(1.2, 9.6), unit * 0.4, dark)
    for along in (2.8, 3.4):
        _limb(canvas, at(along, 0.6), at(along, 9.9), unit * 0.3, dark)
    lift = random.uniform(0.3, 4)
    _limb(canvas, at(3.4, lift), at(7, lift), unit * 0.25, dark)
    if random.random() < 0.4:
        _fill(canvas, [at(3.8, lift), at(3.8, lift + 3.5), at(7, lift + 3.5), at(7, lift)], shade(random, 60, 190, 40))
    for along, size in ((-4.2, 1.3), (1.6, 1.6)):
        _ellipse(canvas, at(along, size), (size * unit, size * unit), tyre)
        _ellipse(canvas, at(along, size), (size * unit * 0.5, size * unit * 0.5), paint)
    ends = sorted((at(-6.3, 0)[0], at(7, 0)[0]))
    outline = (ends[0], ground - 10 * unit, ends[1], ground)
    return Figure(outline, (("forklift", outline),))


def _point(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _fill(canvas: Pixels, points: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(canvas, [np.array([_point(point) for point in points], np.int32)], colour, cv2.LINE_AA)


def _limb(canvas: Pixels, start: tuple[float, float], end: tuple[float, float], thick: float, colour: Colour) -> None:
    cv2.line(canvas, _point(start), _point(end), colour, max(round(thick), 1), cv2.LINE_AA)


def _ellipse(
    canvas: Pixels, centre: tuple[float, float], radii: tuple[float, float], colour: Colour, half: bool = False
) -> None:
    start, end = (180, 360) if half else (0, 360)
    cv2.ellipse(
        canvas,
        _point(centre),
        (max(round(radii[0]), 1), max(round(radii[1]), 1)),
        0,
        start,
        end,
        colour,
        -1,
        cv2.LINE_AA,
    )
