"""A control as the kernel runs it: a linkage with hysteresis and minimum times, without latch, that starts safe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from gateway.core.evaluate import Condition
from gateway.core.limits import CONTROL_RETRY_NS
from gateway.core.outputs import Output
from gateway.core.program import Control, rule_hash
from gateway.core.voting import FALSE, LEFT, TRUE

Position = Literal["safe", "on", "off"]


class Line(Protocol):
    """What a linkage needs of the kernel."""

    @property
    def self_ok(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...
    def schedule_rule(self, due_ns: int, index: int) -> None: ...
    def shifted(self, linkage: Linkage, before: Position, why: str, now_ns: int) -> None:
        """The position changed: journal it, arbitrate its outputs."""

    def released(self, linkage: Linkage, now_ns: int) -> None:
        """Out of service, and its outputs are read back safe."""


class Kept(msgspec.Struct, frozen=True):
    """What of a linkage survives a restart; it starts safe all the same."""

    live: bool
    armed_hash: str


class Linkage:
    """One control. `position`: on and off as the rule says; safe at the start, while an input is lost, and out of service."""

    follows = True  # it moves its outputs by itself: an interlock that shares one does not wait for it

    def __init__(
        self, rule: Control, index: int, conditions: Sequence[Condition], line: Line, outputs: Sequence[Output]
    ) -> None:
        self.rule = rule
        self.name = rule.name
        self.index = index
        self.hash = rule_hash(rule)
        self.when = conditions[0]
        self.clear = conditions[1] if rule.clear is not None else None
        self.outputs = outputs
        self.live = False
        self.armed_hash = ""
        self.position: Position = "safe"
        self.moved_ns = -1  # -1: it has not moved since the start, so nothing has to be waited for
        self.failed = False  # an output did not follow, or someone else moved it
        self._held_ns = 0  # safe until then, after a failure
        self._line = line
        self._due_ns = -1
        self._on_energises = {
            output.tag.number: one.value != output.tag.safe for output, one in zip(outputs, rule.sets, strict=True)
        }

    # --- what others ask ---

    def asks(self, output: Output) -> bool:
        """True while it wants this output energised."""
        if not self.live or self.position == "safe":
            return False
        return self._on_energises[output.tag.number] == (self.position == "on")

    def conditions(self) -> list[Condition]:
        """Everything that reads tags for this rule."""
        return [self.when] + ([self.clear] if self.clear else [])

    def reads(self) -> set[int]:
        """The tags whose change wakes this rule."""
        return {number for condition in self.conditions() for number in condition.reads()}

    # --- evaluation ---

    def evaluate(self, now_ns: int) -> None:
        """Read the conditions and move, unless a minimum time holds a movement away from safe."""
        if not self.live and self.position == "safe":
            return
        when = self.when.root.read(now_ns)
        clear = self.clear.root.read(now_ns) if self.clear else None
        for condition in self.conditions():
            condition.inputs.dirty = False
        target = self._target(when, clear, now_ns)
        if target == self.position:
            return
        due_ns = self._free_ns(target)
        if due_ns <= now_ns:
            self._move(target, "", now_ns)
        elif self._due_ns <= now_ns or due_ns < self._due_ns:  # one pending deadline is enough
            self._due_ns = due_ns
            self._line.schedule_rule(due_ns, self.index)

    def settle(self, now_ns: int) -> None:
        """What is due is found by `evaluate`."""

    def _target(self, when: int, clear: int | None, now_ns: int) -> Position:
        if not self._line.self_ok or self._line.stopping or now_ns < self._held_ns:
            return "safe"
        if any(condition.inputs.lost for condition in self.conditions()):
            return "safe"
        if when == TRUE or (when & 3 == TRUE and self._towards_safe("on")):
            return "on"
        over = when in (FALSE, LEFT) if clear is None else clear == TRUE and when & 3 != TRUE
        soft = (clear is not None and clear & 3 == TRUE) or (clear is None and when & 3 == FALSE)
        if over or (soft and when & 3 != TRUE and self._towards_safe("off")):
            return "off"
        return self.position

    def _towards_safe(self, target: Position) -> bool:
        """Every output is safe there: an uncertain value is enough, and nothing delays it."""
        return target == "safe" or not any(on == (target == "on") for on in self._on_energises.values())

    def _moves_safe(self, target: Position) -> bool:
        """Some output goes from energised to safe."""
        if self.position == "safe":
            return False
        return target == "safe" or any(on == (self.position == "on") for on in self._on_energises.values())

    def _free_ns(self, target: Position) -> int:
        """The instant from which a move to `target` is free of minimum times; movement towards safe always is."""
        if self.moved_ns < 0 or self._moves_safe(target) or self._towards_safe(target):
            return 0
        stood = self.position
        if stood == "safe":
            stood = "off" if target == "on" else "on"
        return self.moved_ns + (self.rule.min_on_ns if stood == "on" else self.rule.min_off_ns)

    def _move(self, target: Position, why: str, now_ns: int) -> None:
        before, asked = self.position, [self.asks(output) for output in self.outputs]
        self.position = target
        if asked != [self.asks(output) for output in self.outputs]:  # else only the name of where it stands has changed
            self.moved_ns = now_ns
        self._line.shifted(self, before, why, now_ns)

    # --- its outputs ---

    def read_back(self, now_ns: int) -> None:
        """One of its outputs failed or was moved by someone else: safe, and tried anew only after a while."""
        if not self.live:
            if all(output.verified and output.wanted == output.tag.safe for output in self.outputs):
                self._line.released(self, now_ns)
            return
        wrong = any(output.failed or output.external for output in self.outputs)
        stands = all(output.verified for output in self.outputs)
        if wrong and self.position != "safe":
            self._held_ns = now_ns + CONTROL_RETRY_NS
            self._line.schedule_rule(self._held_ns, self.index)
            self.failed = True
            self._move("safe", "read-back", now_ns)
        elif wrong != self.failed and (wrong or (stands and now_ns >= self._held_ns)):
            self.failed = wrong
            self._line.shifted(self, self.position, "read-back", now_ns)

    # --- in and out of service ---

    def arm(self, now_ns: int) -> None:
        """In service: it starts safe and then follows its condition."""
        self.live, self.armed_hash = True, self.hash
        self.position, self.moved_ns = "safe", -1
        self.evaluate(now_ns)

    def disarm(self, now_ns: int) -> None:
        """Out of service: its outputs go safe, and stay so."""
        self._move("safe", "disarm", now_ns)
        self.live = False
        self.read_back(now_ns)  # they may stand safe already

    # --- restart and snapshot ---

    def kept(self) -> bytes:
        """What a restart needs, for the journal."""
        return msgspec.msgpack.encode(Kept(self.live, self.armed_hash))

    def restore(self, data: bytes) -> None:
        """Take what the journal kept; a rule that has changed since waits to be put in service again."""
        kept = msgspec.msgpack.decode(data, type=Kept)
        self.live, self.armed_hash = kept.live and kept.armed_hash == self.hash, kept.armed_hash

    _SAVED = ("live", "armed_hash", "position", "moved_ns", "failed", "_held_ns", "_due_ns")

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [[getattr(self, name) for name in self._SAVED], [condition.save() for condition in self.conditions()]]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        for name, value in zip(self._SAVED, state[0], strict=True):
            setattr(self, name, value)
        for condition, data in zip(self.conditions(), state[1], strict=True):
            condition.load(data)
