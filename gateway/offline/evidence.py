"""What a trip was, told by its replay: causes, votes, bypasses, commands, read-backs, and every value around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from gateway.core.effects import Effect, Journal, Record, Write
from gateway.core.evaluate import BYPASSED, LOST, Leaf, Node
from gateway.core.functions import Function
from gateway.core.kernel import Kernel
from gateway.core.privacy import APART
from gateway.core.program import RuleText
from gateway.core.samples import Alive, Columns, Few, Input, SourceDown, Stamp, WriteResult
from gateway.core.tags import Cause, Quality
from gateway.core.voting import FALSE, LEFT, SOFT, TRUE, UNKNOWN

MS = 1_000_000
SECOND = 1_000 * MS
BEFORE_NS = AFTER_NS = 30 * SECOND
TRUTH = {LEFT: "left the vote", FALSE: "false", TRUE: "true", UNKNOWN: "unknown"}


class Trip(msgspec.Struct, frozen=True):
    """The journal row with which a trip began."""

    boot: int
    counter: int
    at_ns: int
    utc_ms: int
    function: str

    @property
    def id(self) -> str:
        """As in occurrences: boot in hex, counter."""
        return f"{self.boot:x}-{self.counter}"


class Vote(msgspec.Struct, frozen=True):
    """A node of the condition as it stood at the trip. `note`: "bypassed", "lost", "uncertain" or ""."""

    text: str
    truth: str
    note: str = ""
    tag: str = ""
    items: tuple[Vote, ...] = ()


class InputAt(msgspec.Struct, frozen=True):
    """An input at the trip. `age_ms` since its group was last confirmed; `limits` are those the rule compares it with."""

    tag: str
    value: float | None
    unit: str
    quality: str
    cause: str
    age_ms: int
    limits: tuple[tuple[str, float], ...] = ()
    bypassed: bool = False
    text: dict[str, str] = {}


class Commanded(msgspec.Struct, frozen=True):
    """One write and its answer; times in ms after the trip, `answered_ms` None where none came."""

    output: str
    value: float
    asked_ms: float
    answered_ms: float | None = None
    ok: bool = False
    read: float | None = None
    error: str = ""
    text: dict[str, str] = {}


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """A value as it was received or lost: ms after the trip, value, quality, cause, age in ms by the device's clock (-1: it gives none)."""

    t_ms: float
    value: float | None
    quality: int
    cause: int
    age_ms: float = -1.0


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report tells of a trip; plain data that a person can read without this program."""

    function: str
    event: str
    text: dict[str, RuleText]
    area: str
    priority: int
    rule_hash: str
    formula: str
    pst_ms: float
    first_out: dict[str, Any]
    votes: Vote
    inputs: tuple[InputAt, ...]
    bypasses: tuple[dict[str, Any], ...]
    commands: tuple[Commanded, ...]
    detect_to_command_ms: float | None
    command_to_read_back_ms: float | None
    demand_to_safe_ms: float | None
    simultaneous: tuple[str, ...]  # other functions that tripped in the same instant
    units: dict[str, str]
    series: dict[str, list[Sample]]


def line(row: Record | Any) -> bytes:
    """One journal row as the byte-for-byte comparison sees it; the live row and the replayed one give the same bytes."""
    boot, counter = row.id if isinstance(row, Record) else (row.boot, row.counter)
    told = [boot, counter, row.at_ns, row.utc_ms, row.kind, row.subject, row.person, row.detail]
    return msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(told)), order="deterministic") + b"\n"


class Witness:
    """Watches a replay from a snapshot to 30 s after the trip. `lines` are the decisions; `story` is whole once `seen`."""

    def __init__(self, kernel: Kernel, trip: Trip) -> None:
        self.kernel, self.trip = kernel, trip
        self.lines: list[bytes] = []
        self.missing = 0
        self.seen = False
        self._function: Function = kernel.functions[trip.function]
        self._tags = self._watched()
        self._groups = {kernel.table.tags[tag].group for tag in self._tags}
        self._series: dict[int, list[Sample]] = {tag: [] for tag in self._tags}
        self._writes: dict[int, Commanded] = {}
        self._told: dict[str, Any] = {}
        self._simultaneous: list[str] = []
        self._safe_ms: float | None = None

    def _watched(self) -> list[int]:
        function = self._function
        outputs = [output.tag.number for output in (*function.outputs, *function.otherwise)]
        wanted = sorted(function.reads()) + sorted(outputs)
        return [tag for tag in dict.fromkeys(wanted) if not self.kernel.table.tags[tag].personal]

    def watch(self, inputs: Iterable[tuple[Stamp, Input]]) -> None:
        """Step all inputs. Deadlines of the trip's own instant fire before the input behind them, so that it is seen as it was."""
        kernel, at_ns = self.kernel, self.trip.at_ns
        last = kernel.seq
        for stamp, given in inputs:
            if not self.seen and stamp.admit_ns >= at_ns and 0 <= kernel.next_due_ns() <= at_ns:
                self._take(kernel.wake(at_ns))
            self.missing += stamp.seq - last - 1
            last, kernel.seq = stamp.seq, stamp.seq - 1
            self._answer(stamp, given)
            self._take(kernel.step(stamp, given))
            if stamp.admit_ns >= at_ns - BEFORE_NS:
                self._sample(stamp, given)

    def _ms(self, at_ns: int) -> float:
        return round((at_ns - self.trip.at_ns) / MS, 3)

    def _take(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal) and effect.record.id[1] < APART:
                self.lines.append(line(effect.record))
                self._row(effect.record)
            elif isinstance(effect, Write) and effect.output in self._tags:
                tag = self.kernel.table.tags[effect.output]
                self._writes[effect.id] = Commanded(tag.name, effect.value, self._ms(self.kernel.now_ns), text=tag.text)

    def _row(self, record: Record) -> None:
        if (
            record.kind == "interlock.tripping"
            and record.at_ns == self.trip.at_ns
            and record.subject != self.trip.function
        ):
            self._simultaneous.append(record.subject)
        if record.id == (self.trip.boot, self.trip.counter):
            self.seen = True
            self._told = self._stand(record)
        elif self.seen and record.subject == self.trip.function and record.kind == "interlock.tripped":
            self._safe_ms = self._ms(record.at_ns) if self._safe_ms is None else self._safe_ms

    def _answer(self, stamp: Stamp, given: Input) -> None:
        if isinstance(given, WriteResult) and given.id in self._writes:
            asked = self._writes[given.id]
            self._writes[given.id] = msgspec.structs.replace(
                asked,
                answered_ms=self._ms(stamp.admit_ns),
                ok=given.ok and given.value == asked.value,
                read=_finite(given.value),
                error=given.error,
            )

    def _sample(self, stamp: Stamp, given: Input) -> None:
        """The watched tags of the group that was heard or lost."""
        if isinstance(given, Columns | Few | Alive):
            if given.group not in self._groups:
                return
            tags = [tag for tag in self._tags if self.kernel.table.tags[tag].group == given.group]
            if isinstance(given, Few):
                tags = [tag for tag in tags if tag in given.tags]
        elif isinstance(given, SourceDown):
            tags = [tag for tag in self._tags if self.kernel.table.tags[tag].source == given.source]
        else:
            return
        image = self.kernel.image
        for tag in tags:
            age_ms = self._age_ms(stamp, given, tag)
            self._series[tag].append(
                Sample(
                    self._ms(stamp.admit_ns),
                    _finite(image.values[tag]),
                    image.qualities[tag],
                    image.causes[tag],
                    age_ms,
                )
            )

    def _age_ms(self, stamp: Stamp, given: Input, tag: int) -> float:
        source_ns = getattr(given, "source_ns", 0)
        if isinstance(source_ns, np.ndarray):
            group = self.kernel.table.groups[self.kernel.table.tags[tag].group]
            source_ns = int(source_ns[tag - group.first])
        return round((stamp.utc_ns - source_ns) / MS, 3) if source_ns else -1.0

    def _stand(self, record: Record) -> dict[str, Any]:
        """How everything stood when the trip was decided."""
        function, table = self._function, self.kernel.table
        first = function.first_out
        return {
            "event": record.detail.get("event", ""),
            "first_out": msgspec.to_builtins(first) | {"t_ms": self._ms(first.at_ns)} if first else {},
            "votes": votes(function.when.root, table.tags),
            "inputs": tuple(self._input(tag) for tag in sorted(function.reads()) if not table.tags[tag].personal),
            "bypasses": tuple(msgspec.to_builtins(bypass) for bypass in function.bypasses),
        }

    def _input(self, number: int) -> InputAt:
        kernel, tag = self.kernel, self.kernel.table.tags[number]
        leaves = self._function.leaves_of(tag.name)
        return InputAt(
            tag.name,
            _finite(kernel.image.values[number]),
            tag.unit,
            Quality(kernel.image.qualities[number]).name,
            Cause(kernel.image.causes[number]).name,
            kernel.fresh.age_ns(tag.group, self.trip.at_ns) // MS,
            tuple((leaf.node.op, leaf.node.limit) for leaf in leaves),
            any(leaf.state == BYPASSED for leaf in leaves),
            tag.text,
        )

    def story(self, formula: str) -> Story:
        """The whole of it. Only after the trip was seen."""
        assert self.seen, "the replay did not trip"
        rule, first = self._function.rule, self._told["first_out"]
        commands = tuple(w for w in self._writes.values() if w.asked_ms >= -BEFORE_NS / MS)
        trips = [w for w in commands if w.asked_ms >= 0.0 and not self._energising(w)]
        verified = [w.answered_ms for w in trips if w.ok and w.answered_ms is not None]
        began_ms = float(first.get("t_ms", 0.0))
        asked_ms = min((w.asked_ms for w in trips), default=None)
        return Story(
            function=rule.name,
            text=rule.text,
            area=rule.area,
            priority=rule.priority,
            rule_hash=self._function.hash,
            formula=formula,
            pst_ms=rule.pst_ns / MS,
            commands=commands,
            detect_to_command_ms=None if asked_ms is None else round(asked_ms - began_ms, 3),
            command_to_read_back_ms=(None if asked_ms is None or not verified else round(min(verified) - asked_ms, 3)),
            demand_to_safe_ms=None if self._safe_ms is None else round(self._safe_ms - began_ms, 3),
            simultaneous=tuple(self._simultaneous),
            units={self.kernel.table.tags[tag].name: self.kernel.table.tags[tag].unit for tag in self._tags},
            series={self.kernel.table.tags[tag].name: found for tag, found in self._series.items()},
            **self._told,
        )

    def _energising(self, command: Commanded) -> bool:
        return command.value != self.kernel.table.tags[self.kernel.names[command.output]].safe


def votes(node: Node, tags: Sequence[Any]) -> Vote:
    """The condition as it was last read."""
    truth = TRUTH[node.last & 3]
    if isinstance(node, Leaf):
        note = {BYPASSED: "bypassed", LOST: "lost"}.get(node.state, "uncertain" if node.last & SOFT else "")
        return Vote(node.shown(tags), truth, note, tags[node.number].name)
    return Vote(node.word, truth, "", "", tuple(votes(item, tags) for item in node.items))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
