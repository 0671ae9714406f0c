"""What a zone of a picture says: who stands in it, what moves in it, who wears what. Pure: pictures of boxes in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.cameras.found import FORKLIFT, PERSON, Found
from inference.cameras.machines import Machines
from inference.cameras.polygon import Corner, ground, inside
from inference.cameras.protection import Answer, answers
from inference.cameras.votes import Rule, Vote

SCENE = ("persons", "machines", "moving")
VALUES = ("persons", "occupied", "confidence", "machines", "moving", "intrusion")
PPE_VALUES = ("compliant", "violation", "uncertain", "violations")
LOWER = 0.05  # a machine stands where the lower edge of its box does; five points of it are tried
STEPS = 5


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A zone as the site declares it, its corners in pixels of the picture it was drawn in."""

    name: str
    corners: Sequence[Corner]
    ppe: Sequence[str] = ()
    rule: Rule = field(default_factory=Rule)


def names(specs: Sequence[ZoneSpec]) -> list[str]:
    """Every value that a camera with these zones gives."""
    return [
        *SCENE,
        *(f"zone.{one.name}.{value}" for one in specs for value in VALUES + (PPE_VALUES if one.ppe else ())),
    ]


class Zone:
    """One zone over the pictures of a camera."""

    def __init__(self, spec: ZoneSpec, scale: tuple[float, float]) -> None:
        """`scale`: pixels of the camera for one of the picture it was drawn in, across and down."""
        self.spec = spec
        self._corners = np.array(spec.corners, float) * np.array(scale)
        self._occupied, self._intrusion, self._violation = Vote(spec.rule), Vote(spec.rule), Vote(spec.rule)

    def picture(
        self,
        found: Found,
        persons: Found,
        machines: Found,
        moving: Sequence[bool],
        least: Mapping[str, float],
        at_ns: int,
    ) -> dict[str, float]:
        """The values of one picture. `persons` and `machines` are those of `found` over their thresholds."""
        here = inside(self._corners, ground(persons.boxes))
        count = int(here.sum())
        inside_machines = self._machines(machines)
        moves = sum(bool(one) and bool(flag) for one, flag in zip(inside_machines, moving, strict=True))
        values = {
            "persons": float(count),
            "occupied": float(self._occupied.picture(count > 0, at_ns)),
            "confidence": float(persons.scores[here].max(initial=0.0)),
            "machines": float(sum(inside_machines)),
            "moving": float(moves),
            "intrusion": float(self._intrusion.picture(count > 0 and moves > 0, at_ns)),
        }
        if self.spec.ppe:
            kept = Found(persons.boxes[here], persons.scores[here], [PERSON] * count)
            told = answers(kept, found, self.spec.ppe, least)
            for answer in Answer:
                values[answer.name.lower()] = float(told.count(answer))
            values["violations"] = values.pop("violation")
            values["violation"] = float(self._violation.picture(values["violations"] > 0, at_ns))
        return values

    def _machines(self, machines: Found) -> list[bool]:
        """Which machines stand in the zone with some part of their lower edge."""
        boxes = machines.boxes.astype(np.float64)
        across = np.linspace(LOWER, 1 - LOWER, STEPS)
        found = []
        for left, _, right, bottom in boxes:
            points = np.stack([left + (right - left) * across, np.full(STEPS, bottom)], axis=1)
            found.append(bool(inside(self._corners, points).any()))
        return found

    def tick(self, now_ns: int) -> dict[str, float]:
        """What time alone changed: the answers of the votes."""
        values = {"occupied": float(self._occupied.tick(now_ns)), "intrusion": float(self._intrusion.tick(now_ns))}
        if self.spec.ppe:
            values["violation"] = float(self._violation.tick(now_ns))
        return values

    def forget(self) -> None:
        """The camera was lost."""
        for vote in (self._occupied, self._intrusion, self._violation):
            vote.forget()


class Watch:
    """All zones of one camera."""

    def __init__(self, specs: Sequence[ZoneSpec], drawn: tuple[int, int], least: Mapping[str, float]) -> None:
        """`drawn`: width and height of the picture in which the zones were drawn; `least`: threshold by class."""
        self._specs, self._drawn, self._least = specs, drawn, least
        self._zones: list[Zone] = []
        self._size = (0, 0)
        self._machines = Machines()

    def picture(self, found: Found, size: tuple[int, int], at_ns: int) -> dict[str, float]:
        """Every value of one picture of `size` (width, height)."""
        if size != self._size:  # another stream of the same camera: the zones stand where they were drawn
            scale = size[0] / self._drawn[0], size[1] / self._drawn[1]
            self._zones = [Zone(spec, scale) for spec in self._specs]
            self._size = size
        persons, machines = (found.of(label, self._least.get(label, 1.0)) for label in (PERSON, FORKLIFT))
        moving = self._machines.moving(machines.boxes, at_ns)
        values = {"persons": float(len(persons)), "machines": float(len(machines)), "moving": float(moving.sum())}
        for zone in self._zones:
            told = zone.picture(found, persons, machines, list(moving), self._least, at_ns)
            values |= {f"zone.{zone.spec.name}.{key}": value for key, value in told.items()}
        return values

    def tick(self, now_ns: int) -> dict[str, float]:
        """What time alone changed."""
        return {
            f"zone.{zone.spec.name}.{key}": value for zone in self._zones for key, value in zone.tick(now_ns).items()
        }

    def forget(self) -> None:
        """The camera was lost."""
        self._machines.forget()
        for zone in self._zones:
            zone.forget()
