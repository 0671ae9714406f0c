"""The live truth tree of a condition: what each part is now, with its value, its certainty and why it does not count."""

from __future__ import annotations

import math
from typing import Literal

from gateway.control.messages import Texts
from gateway.control.views import TruthView
from gateway.core.evaluate import BYPASSED, LOST, Leaf, Node
from gateway.core.kernel import Kernel
from gateway.core.voting import SOFT
from gateway.runtime import words

TRUTH: dict[int, Literal["true", "false", "unknown", "left the vote"]] = {
    0: "left the vote",
    1: "false",
    2: "true",
    3: "unknown",
}


class TruthTree:
    """Reads the parts of conditions of one kernel; personal values never appear."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._sure = {
            tag.name.removesuffix(".confidence"): tag.number
            for tag in kernel.table.tags
            if tag.name.endswith(".confidence") and not tag.personal
        }

    def view(self, node: Node) -> TruthView:
        """`node` and all below it."""
        items = () if isinstance(node, Leaf) else tuple(self.view(item) for item in node.items)
        sure = self._confidence(node)
        note = _note(node) if sure is None else words.with_confidence(_note(node), sure)
        return TruthView(self._text(node), TRUTH[node.last & 3], not node.last & SOFT, note, items)

    def _confidence(self, node: Node) -> float | None:
        """The least confidence of all that a condition rests on, None where nothing of it has one.

        That of tag `bay.occupied` is tag `bay.occupied.confidence`, or `bay.confidence`.
        """
        if not isinstance(node, Leaf):
            below = [sure for item in node.items if (sure := self._confidence(item)) is not None]
            return min(below, default=None)
        found = []
        for number in node.numbers:
            name = self._kernel.table.tags[number].name
            beside = self._sure.get(name, self._sure.get(name.rpartition(".")[0]))
            if beside is not None and math.isfinite(self._kernel.image.values[beside]):
                found.append(self._kernel.image.values[beside])
        return min(found, default=None)

    def _text(self, node: Node) -> str:
        if not isinstance(node, Leaf):
            return node.word
        tags, value = self._kernel.table.tags, self._kernel.image.values[node.number]
        now = "?" if tags[node.number].personal or not math.isfinite(value) else f"{value:g}"
        return f"{node.shown(tags)}  [{now}]"


def _note(node: Node) -> Texts:
    if isinstance(node, Leaf) and node.state == BYPASSED:
        return words.BYPASSED
    if isinstance(node, Leaf) and node.state == LOST:
        return words.LOST
    return {}
