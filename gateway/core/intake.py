"""What sources tell: blocks, confirmations and losses, and the watches that notice when they fall silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gateway.core.deadlines import FRESH, FROZEN, SOURCE
from gateway.core.effects import View
from gateway.core.freshness import NEVER
from gateway.core.limits import SECOND, SOURCE_ALARM_NS
from gateway.core.samples import Alive, Columns, Few, Personal, SourceDown
from gateway.core.tags import Cause

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


class Intake:
    """From a block to the rules that read what changed in it. Built when all rules are: it knows who reads what."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._image, self._fresh, self._table = kernel.image, kernel.fresh, kernel.table
        self._rules = kernel.rules
        self._source_of_group = [kernel.sources[group.source] for group in kernel.table.groups]
        self._watched = [self._image.watched(group.number) for group in kernel.table.groups]
        self._reading: dict[int, list[int]] = {}  # for scalar blocks: tag -> rules
        self._pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []  # for columns: parallel arrays per group
        self._awake = np.zeros(len(kernel.rules), np.bool_)
        self._find_readers()

    def _find_readers(self) -> None:
        pairs = sorted({(tag, at) for at, rule in enumerate(self._rules) for tag in rule.reads()})
        for tag, at in pairs:
            self._reading.setdefault(tag, []).append(at)
        for group in self._table.groups:
            inside = [(t - group.first, r) for t, r in pairs if group.first <= t < group.first + group.count]
            self._pairs.append((np.array([t for t, _ in inside], np.intp), np.array([r for _, r in inside], np.intp)))

    # --- inputs ---

    def on_columns(self, block: Columns, now_ns: int) -> None:
        """One cycle of a whole group."""
        number = block.group
        self._heard(number, now_ns)
        first = self._table.groups[number].first
        self._see_peer(number, lambda tag: float(block.values[tag - first]), now_ns)
        self._store(block, now_ns)
        self._after(number, now_ns)

    def computed(self, block: Columns, now_ns: int) -> None:
        """The kernel's own tags of a group, which no source tells."""
        self._fresh.heard(block.group, now_ns)
        self._store(block, now_ns)

    def _store(self, block: Columns, now_ns: int) -> None:
        """Store a whole group and evaluate the rules that read what changed in it."""
        mask = self._image.store_columns(block, now_ns)
        if mask is None:
            return
        tags, rules = self._pairs[block.group]
        awake = self._awake
        awake[rules[mask[tags]]] = True
        woken = np.flatnonzero(awake).tolist()
        awake[:] = False
        for at in woken:
            self._rules[at].evaluate(now_ns)

    def on_few(self, block: Few | Personal, now_ns: int) -> None:
        """Some values of a group; what it says of the others is that they are as they were."""
        self._heard(block.group, now_ns)
        if block.tags:
            values = dict(zip(block.tags, block.values, strict=True))
            self._see_peer(block.group, values.get, now_ns)
        recovered = self._image.unmask(block.group)
        changed = self._image.store_few(block, now_ns)
        self._wake(sorted({*recovered, *changed}) if recovered else changed, now_ns)
        self._after(block.group, now_ns)

    def on_alive(self, block: Alive, now_ns: int) -> None:
        """The group is as it was; after a loss there is nothing that this could confirm."""
        if self._fresh.down[block.group] not in (Cause.NONE, Cause.STALE):
            return
        self._heard(block.group, now_ns)
        changed = self._image.unmask(block.group)
        changed += self._image.confirm(block.group, now_ns)
        self._wake(sorted(set(changed)), now_ns)
        self._kernel.arbiter.check(block.group, now_ns)

    def on_source_down(self, lost: SourceDown, now_ns: int) -> None:
        """Everything of a source is BAD now, and what it said before its loss counts no more."""
        source = self._kernel.sources[lost.source]
        changed: list[int] = []
        for number in self._fresh.members[source]:
            self._fresh.down[number] = lost.cause
            changed += self._image.lose(number, lost.cause)
        self._told_away(source, lost.cause, now_ns)
        self._wake(changed, now_ns)
        self._watch_outputs(source, now_ns)

    def _heard(self, number: int, now_ns: int) -> None:
        if not self._fresh.heard(number, now_ns):
            return
        kernel, source = self._kernel, self._source_of_group[number]
        kernel.schedule(self._fresh.due_ns(number), FRESH, source)
        if not any(self._fresh.down[group] for group in self._fresh.members[source]):
            kernel.alarms.source_back(source, now_ns)
        kernel.emit(View("source", self._table.sources[source].name))

    def _after(self, number: int, now_ns: int) -> None:
        self._kernel.arbiter.check(number, now_ns)
        for tag in self._watched[number]:
            limit_s = self._table.tags[tag].frozen_s
            if limit_s > 0 and self._image.changed_ns[tag] == now_ns:
                self._kernel.schedule(now_ns + int(limit_s * SECOND), FROZEN, number)

    def _wake(self, changed: Sequence[int], now_ns: int) -> None:
        """Evaluate the rules that read a changed tag, each once, in rule order."""
        reading = self._reading
        if len(changed) == 1:
            woken: Sequence[int] = reading.get(changed[0], ())
        else:
            woken = sorted({at for tag in changed for at in reading.get(tag, ())})
        for at in woken:
            self._rules[at].evaluate(now_ns)

    def _see_peer(self, number: int, value_of: Callable[[int], float | None], now_ns: int) -> None:
        """The PLC's counter moved or stands; seen before the block is stored, because it decides how the block is stored."""
        source = self._source_of_group[number]
        peer = self._table.sources[source].peer
        group = self._table.groups[number]
        if group.first <= peer < group.first + group.count:
            value = value_of(peer)
            if value is not None and self._kernel.heart.peer_seen(source, value, now_ns):
                self._image.force(self._table.sources[source].name, None)

    # --- deadlines ---

    def due_fresh(self, source: int, now_ns: int) -> None:
        """A group of `source` may have gone stale."""
        stale, again_ns = self._fresh.expired(source, now_ns)
        changed: list[int] = []
        for number in stale:
            self._fresh.down[number] = Cause.STALE
            changed += self._image.mask(number, Cause.STALE)
        if stale:
            self._told_away(source, Cause.STALE, now_ns)
        if again_ns != NEVER:
            self._kernel.schedule_once(again_ns, FRESH, source)
        self._wake(changed, now_ns)
        if stale:
            self._watch_outputs(source, now_ns)

    def due_peer(self, source: int, now_ns: int) -> None:
        """The PLC's counter may have stood too long; then nothing of that PLC is GOOD until it moves again."""
        if not self._kernel.heart.peer_silent(source, now_ns):
            return
        name = self._table.sources[source].name
        self._image.force(name, Cause.PEER_SILENT)
        self._kernel.record("source.peer_silent", name, now_ns)
        changed: list[int] = []
        for number in self._fresh.members[source]:
            if not self._fresh.down[number]:
                changed += self._image.mask(number, Cause.PEER_SILENT)
        self._wake(changed, now_ns)
        self._watch_outputs(source, now_ns)

    def due_frozen(self, number: int, now_ns: int) -> None:
        """A watched tag of the group may have stood still too long."""
        self._wake(self._image.freeze(number, now_ns), now_ns)

    def _told_away(self, source: int, cause: Cause, now_ns: int) -> None:
        self._kernel.alarms.source_lost(source, cause, now_ns)
        self._kernel.schedule(now_ns + SOURCE_ALARM_NS, SOURCE, source)
        self._kernel.emit(View("source", self._table.sources[source].name))

    def _watch_outputs(self, source: int, now_ns: int) -> None:
        for number in self._fresh.members[source]:
            self._kernel.arbiter.check(number, now_ns)
