"""A clean period as rows: recorded inputs through a kernel, its values read on the grid on which the card will be stepped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.core.effects import Effect, Journal
from gateway.core.limits import MS
from gateway.core.program import Alarm, Interlock, Program, Rule, Score
from gateway.core.samples import Input, Stamp
from gateway.core.tags import Quality, TagTable
from gateway.offline.ideal import Ideal
from gateway.rulebook.prove.walk import conditions, leaves, tags, terms

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Rows:
    """What the tags were at each step: `values` rows x tags; `bad` counts the steps at which one of them was BAD."""

    values: list[Floats] = field(default_factory=list)
    bad: int = 0
    worst: Counter[str] = field(default_factory=Counter)  # tag -> steps at which it was BAD
    alarms: Counter[str] = field(default_factory=Counter)  # rule -> how often it came up
    first_utc_ms: int = 0
    last_utc_ms: int = 0

    def array(self) -> Floats:
        """Rows x tags."""
        return np.array(self.values)


def alarms_of(program: Program, wanted: Sequence[str]) -> Program:
    """The alarms and the demands of interlocks that read one of the tags, as alarms; none that rests on a model."""
    rules: list[Rule] = []
    for rule in program.rules:
        if not isinstance(rule, Alarm | Interlock) or not set(tags(*conditions(rule))) & set(wanted):
            continue
        terms_of = [one for leaf in leaves(rule.when) if hasattr(leaf, "term") for one in terms(leaf.term)]
        if not any(isinstance(one, Score) for one in terms_of):
            rules.append(Alarm(name=rule.name, when=rule.when, priority=rule.priority, on_bad="avail"))
    return Program(tuple(rules))


class Sampler:
    """Collects rows over one or several boots. `begin_utc_ms` is where the period begins; what comes before only warms up."""

    def __init__(
        self, table: TagTable, program: Program, wanted: Sequence[str], period_ms: int, begin_utc_ms: int
    ) -> None:
        self._table = TagTable(table.tags, table.groups, table.sources)
        self._names, self._period_ns, self._begin_ms = list(wanted), period_ms * MS, begin_utc_ms
        self._numbers = [table.names()[tag] for tag in wanted]
        self._program = alarms_of(program, wanted)
        self._watched = {rule.name for rule in self._program.rules}
        self.rows = Rows()

    def take(self, items: Iterable[tuple[Stamp, Input]]) -> None:
        """The inputs of one boot."""
        ideal, due_ns, begun = None, 0, False
        for stamp, given in items:
            if ideal is None:
                ideal = Ideal(self._table, self._program, 1)
                self._heard(ideal.begin(stamp.admit_ns, stamp.utc_ns))
                due_ns = (stamp.admit_ns // self._period_ns + 1) * self._period_ns
            while due_ns <= stamp.admit_ns:
                self._heard(ideal.kernel.wake(due_ns))
                begun = self._row(ideal, stamp.utc_ns // MS - (stamp.admit_ns - due_ns) // MS, begun)
                due_ns += self._period_ns
            self._heard(ideal.step(stamp, given))

    def _heard(self, effects: Iterable[Effect]) -> None:
        """The rules that came up; the gateway's own alarms say nothing of the process."""
        for effect in effects:
            record = effect.record if isinstance(effect, Journal) else None
            if record is None or record.kind != "alarm.raise" or record.utc_ms < self._begin_ms:
                continue
            if record.subject in self._watched:
                self.rows.alarms[record.subject] += 1

    def _row(self, ideal: Ideal, utc_ms: int, begun: bool) -> bool:
        """One step; False until all tags were there once, because a recording does not begin with all of them."""
        image, rows = ideal.kernel.image, self.rows
        bad = [
            name for name, tag in zip(self._names, self._numbers, strict=True) if image.qualities[tag] == Quality.BAD
        ]
        if utc_ms < self._begin_ms or (bad and not begun):
            return begun
        rows.first_utc_ms, rows.last_utc_ms = rows.first_utc_ms or utc_ms, utc_ms
        if bad:
            rows.bad += 1
            rows.worst.update(bad)
        else:
            rows.values.append(np.array([image.values[tag] for tag in self._numbers]))
        return True
