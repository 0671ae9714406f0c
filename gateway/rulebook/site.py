"""What the rulebook asks of a tag list: tags by name, nearest names, units parsed once."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from functools import lru_cache

from gateway.core.cards import SOURCE
from gateway.core.tags import Tag, TagTable

SUGGESTIONS_MAX = 20  # a search over 10,000 names takes tens of ms: a rule file for another site must not take minutes


class TagIndex:
    """The tags that rules may name, and whom they may speak to. Hidden tags belong to the gateway itself and are not among them."""

    def __init__(self, table: TagTable, channels: Collection[str] | None = None) -> None:
        self.channels = channels  # speakers and roles that the site declares, None = not to be judged
        self.by_name = {tag.name: tag for tag in table.fed() if not tag.hidden}
        self.cards = {card.name: card for card in table.cards}
        self.scores = {tag.name: tag for tag in table.tags if tag.source == SOURCE}  # named only by their functions
        self.units = {tag.name: tag.unit for tag in table.tags}
        self._writable = [tag.name for tag in table.tags if tag.writable and not tag.hidden]
        self._searches = 0
        self._known: dict[tuple[str, bool], str] = {}

    def nearest(self, name: str, *, writable: bool = False) -> str:
        """The tag whose name is most like `name`, or whose Chinese text has it; "" where none is, or too many were asked for."""
        key = (name, writable)
        if key in self._known:
            return self._known[key]
        if self._searches >= SUGGESTIONS_MAX:
            return ""
        self._searches += 1
        known = self._writable if writable else list(self.by_name)
        found = [tag for tag in known if len(name) > 1 and name in self.by_name[tag].text.get("zh-CN", "")][:1]
        found = found or difflib.get_close_matches(name[:80], known, 1, 0.6)
        self._known[key] = found[0] if found else ""
        return self._known[key]


@lru_cache(maxsize=256)
def nearest_of(word: str, choices: tuple[str, ...], alike: float = 0.5) -> str:
    """The choice most like `word`, "" when none is."""
    found = difflib.get_close_matches(word.lower()[:40], choices, 1, alike)
    return found[0] if found else ""


def has_safe(tag: Tag) -> bool:
    """Did the tag list give the safe value? A missing one is NaN in the table."""
    return not math.isnan(tag.safe)
