"""What the shipped detector tells apart, and how each label set's names map to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CLASSES: Final = ("person", "helmet", "no_helmet", "vest", "no_vest", "forklift")
INDEX: Final = {name: index for index, name in enumerate(CLASSES)}
OPPOSITES: Final = (("helmet", "no_helmet"), ("vest", "no_vest"))


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A label set's names in ours; a class it never labels is unknown in its pictures, not absent from them."""

    folder: str
    names: Mapping[str, str]
    lookalikes: Mapping[str, str]
    """Names that may hide one of our classes: inside such a box that class is unknown."""

    @property
    def labelled(self) -> tuple[str, ...]:
        """Our classes that this set labels, in our order."""
        return tuple(name for name in CLASSES if name in self.names.values())

    @property
    def unknown(self) -> tuple[str, ...]:
        """Our classes about which a picture of this set says nothing."""
        hidden = set(self.lookalikes.values())
        return tuple(name for name in CLASSES if name not in self.labelled and name not in hidden)


LABEL_SETS: Final[Mapping[str, LabelSet]] = {
    "css_ppe": LabelSet(
        "css_ppe",
        {
            "Person": "person",
            "Hardhat": "helmet",
            "NO-Hardhat": "no_helmet",
            "Safety Vest": "vest",
            "NO-Safety Vest": "no_vest",
        },
        {"machinery": "forklift", "vehicle": "forklift"},
    ),
    "hhw_mini": LabelSet("hhw_mini", {"helmet": "helmet", "no_helmet": "no_helmet"}, {}),
    "forklift": LabelSet("forklift", {"person": "person", "forklift": "forklift"}, {}),
}
