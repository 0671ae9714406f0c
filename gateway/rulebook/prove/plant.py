"""What a site declares of its tags and devices, as the prover asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from gateway.core.program import Operator
from gateway.core.tags import Source, Tag, TagTable
from gateway.core.terms import OPERATORS

_KIND = re.compile(r"([a-z]+?)(8|16|32|64)?")
_NAMED_BITS = {
    "byte": 8,
    "usint": 8,
    "sint": 8,
    "word": 16,
    "int": 16,
    "uint": 16,
    "dword": 32,
    "dint": 32,
    "udint": 32,
}
_SIGNED = ("int", "sint", "dint", "lint")


@dataclass(frozen=True, slots=True)
class Steps:
    """A tag whose device counts in whole numbers: value = n * scale + offset, n from `low` to `high`."""

    scale: float = 1.0
    offset: float = 0.0
    low: int = 0
    high: int = 65535

    def value(self, n: int) -> float:
        """The value as a driver computes it."""
        return n * self.scale + self.offset

    def nearest(self, value: float) -> int:
        """The count whose value is about `value`."""
        return round((Fraction(value) - Fraction(self.offset)) / Fraction(self.scale))


def counted(kind: str) -> tuple[int, int] | None:
    """The least and largest count of a type of the tag list (`uint16`, `int32/cdab`, `WORD`), None for one that is not whole."""
    name = kind.lower().partition("/")[0].strip()
    match = _KIND.fullmatch(name)
    if match is None or match[1] not in ("int", "uint", *_NAMED_BITS):
        return None
    bits = int(match[2] or _NAMED_BITS[match[1]])
    signed = match[1] in _SIGNED
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Plant:
    """Tags with their ranges and steps, and the times of the sources they come from."""

    table: TagTable
    steps: Mapping[str, Steps] = field(default_factory=dict)

    @cached_property
    def tags(self) -> dict[str, Tag]:
        """Tags by name."""
        return {tag.name: tag for tag in self.table.tags}

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit by tag name, "" without one."""
        return {tag.name: tag.unit for tag in self.table.tags}

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Sources by name."""
        return {source.name: source for source in self.table.sources}

    def stale_ms(self, tag: str) -> int:
        """For how long a value of `tag` may be old before it is BAD."""
        group = self.tags[tag].group
        return self.table.groups[group].stale_ms if group < len(self.table.groups) else 0

    def period_ms(self, tag: str) -> int:
        """How long a change may wait until it is read: the period of the source, 0 where it declares none."""
        source = self.sources.get(self.tags[tag].source)
        return source.period_ms if source else 0

    def scan_ms(self, tag: str) -> int:
        """How long the device of output `tag` takes for a scan, at most."""
        return self.sources[self.tags[tag].source].scan_ms

    def write_ms(self, tag: str) -> int:
        """How long a write of output `tag` with its read-back takes, at most."""
        return self.sources[self.tags[tag].source].write_ms


def step_test(op: Operator, limit: float, steps: Steps) -> tuple[str, int] | None:
    """`n * scale + offset <op> limit` as a test of the count n itself, exact for doubles; None where no count meets `=`."""
    test, middle = OPERATORS[op], steps.nearest(limit)
    near = range(middle - 4, middle + 5)
    if op in ("=", "!="):
        hit = next((n for n in near if steps.value(n) == limit), None)
        return None if hit is None else (op, hit)
    met = [n for n in near if test(steps.value(n), limit)]
    below = test(steps.value(near[0]), limit)
    if below:
        return "<=", max(met)
    return ">=", min(met, default=near[-1] + 1)
