"""Trying an example with the kernel's own evaluation: the proof of the pudding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gateway.core.evaluate import Condition
from gateway.core.image import Image
from gateway.core.limits import SECOND
from gateway.core.program import Expression, For
from gateway.core.samples import Columns
from gateway.core.tags import Cause, Group, Quality, Tag, TagTable
from gateway.rulebook.prove.example import Example
from gateway.rulebook.prove.plant import Plant
from gateway.rulebook.prove.walk import parts, tags

Judge = Callable[[Sequence[int]], bool]


def replayed(
    example: Example, expressions: Sequence[Expression], judge: Judge, plant: Plant, policy: str = "safe"
) -> bool:
    """Does the kernel come to truths that `judge` accepts, if the values of `example` are seen one after the other and stay?

    How long the last ones stay is tried: not at all, or as long as one of the `for` asks.
    """
    if example.timed:
        return False
    waits = sorted({0, *(part.ns for one in expressions for part in parts(one) if isinstance(part, For))})
    return any(judge(truths(example, expressions, plant, policy, wait_ns)) for wait_ns in waits)


def truths(
    example: Example, expressions: Sequence[Expression], plant: Plant, policy: str = "safe", wait_ns: int = 0
) -> list[int]:
    """What the kernel finds each expression to be after the example; a tag it does not name is never heard of."""
    table = _table(tags(*expressions), plant)
    image, numbers = Image(table), table.names()
    read = [Condition(one, image, numbers, policy, SECOND, lambda _ns: None).root.read for one in expressions]
    now_ns, found = SECOND, []
    for values in example.instants or ({},):
        _store(image, table, values, now_ns)
        found = [each(now_ns) for each in read]
        now_ns += SECOND
    if any(value is None for values in example.instants for value in values.values()):
        now_ns += SECOND  # lost only when its badness has lasted
        found = [each(now_ns) for each in read]
    if wait_ns:
        found = [each(now_ns + wait_ns) for each in read]
    return found


def _table(names: Sequence[str], plant: Plant) -> TagTable:
    """The tags that are read, alone in one group; what needs a history of its own to be GOOD is left out."""
    found = [plant.tags[name] for name in names]
    numbered = [
        Tag(at, one.name, "plant", 0, one.unit, one.boolean, one.low, one.high, one.fault_low, one.fault_high)
        for at, one in enumerate(found)
    ]
    return TagTable(numbered, [Group(0, "all", "plant", 0, len(numbered), 1000)], [])


def _store(image: Image, table: TagTable, values: dict[str, float | None], now_ns: int) -> None:
    count = len(table.tags)
    if not count:
        return
    held, qualities = np.array(image.values), np.array(image.qualities, np.uint8)
    causes = np.array(image.causes, np.uint8)
    for tag in table.tags:
        if tag.name in values:
            value = values[tag.name]
            lost = value is None
            held[tag.number] = held[tag.number] if value is None else value
            qualities[tag.number] = Quality.BAD if lost else Quality.GOOD
            causes[tag.number] = Cause.COMMS if lost else Cause.NONE
    image.store_columns(Columns(0, held, qualities, causes), now_ns)
