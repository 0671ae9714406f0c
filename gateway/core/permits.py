"""A permit rule as the kernel runs it: a necessary condition, denied by default, shown to the one who issues the paper.

An issued permit lives while its condition is certainly true and its time runs; it ends by itself, and no restart keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from gateway.core.evaluate import Condition
from gateway.core.limits import PERMIT_MAX_NS
from gateway.core.program import Permit, rule_hash
from gateway.core.voting import FALSE, TRUE

Ending = Literal["condition", "expired", "revoked", "restart", "stop"]


class Issued(msgspec.Struct, frozen=True):
    """One permit that was given out; `number` is (boot, counter)."""

    number: tuple[int, int]
    person: str
    place: str
    since_ns: int
    since_utc_ms: int
    until_ns: int
    until_utc_ms: int


class Line(Protocol):
    """What a permission needs of the kernel."""

    def schedule_rule(self, due_ns: int, index: int) -> None: ...
    def permitted(self, permission: Permission, now_ns: int) -> None:
        """It may be issued now, or may not any more."""

    def revoked(self, permission: Permission, issued: Issued, why: Ending, now_ns: int) -> None:
        """An issued permit ended."""


class Permission:
    """One permit rule. `allowed` is the necessary condition; `issued` what stands on it."""

    def __init__(self, rule: Permit, index: int, condition: Condition, line: Line) -> None:
        self.rule = rule
        self.name = rule.name
        self.index = index
        self.hash = rule_hash(rule)
        self.when = condition
        self.truth = FALSE
        self.issued: Issued | None = None
        self._line = line

    @property
    def allowed(self) -> bool:
        """The condition is certainly true: missing, bad and uncertain are all no."""
        return self.truth == TRUE

    @property
    def valid_ns(self) -> int:
        """How long an issued permit lives at most."""
        return min(self.rule.valid_ns, PERMIT_MAX_NS)

    def conditions(self) -> list[Condition]:
        """Everything that reads tags for this rule."""
        return [self.when]

    def reads(self) -> set[int]:
        """The tags whose change wakes this rule."""
        return self.when.reads()

    def evaluate(self, now_ns: int) -> None:
        """Read the condition; what it no longer carries is revoked at once."""
        before, self.truth = self.allowed, self.when.root.read(now_ns)
        self.when.inputs.dirty = False
        if self.issued is not None and now_ns >= self.issued.until_ns:
            self.end("expired", now_ns)
        elif self.issued is not None and not self.allowed:
            self.end("condition", now_ns)
        if before != self.allowed:
            self._line.permitted(self, now_ns)

    def settle(self, now_ns: int) -> None:
        """What is due is found by `evaluate`."""

    def issue(self, issued: Issued) -> None:
        """Given out; its end is a deadline of the kernel."""
        assert self.allowed
        self.issued = issued
        self._line.schedule_rule(issued.until_ns, self.index)

    def end(self, why: Ending, now_ns: int) -> None:
        """The issued permit ends."""
        assert self.issued is not None
        issued, self.issued = self.issued, None
        self._line.revoked(self, issued, why, now_ns)

    # --- restart and snapshot ---

    def kept(self) -> bytes | None:
        """What a restart needs: that a permit was out, so that its end is journalled."""
        return msgspec.msgpack.encode(self.issued) if self.issued else None

    def restore(self, data: bytes) -> None:
        """A permit was out when the gateway went down: it ends at the first self-check."""
        self.issued = msgspec.msgpack.decode(data, type=Issued)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.truth, self.issued, self.when.save()]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self.truth, self.issued = state[0], msgspec.convert(state[1], Issued | None)
        self.when.load(state[2])
