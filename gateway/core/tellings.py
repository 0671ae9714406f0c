"""What rules say to people: spoken, notified, escalated. Bounded, so that no rule can flood a helmet or a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core.deadlines import ESCALATE
from gateway.core.effects import Act
from gateway.core.limits import ESCALATE_EVERY_NS, ESCALATE_MAX, TELL_GAP_NS
from gateway.core.program import Escalate, Notify, Rule, Speak

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


class _Told(msgspec.Struct):
    """One rule's telling: when last, how often held back since, and an escalation that goes on."""

    last_ns: int = -1
    held_back: int = 0
    level: int = 0  # of the escalation, 0 = none runs
    generation: int = 0


class Tellings:
    """Acts of all rules that have any. The sites of speakers and the people of a role are the runtime's to know."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._told: dict[str, _Told] = {rule.name: _Told() for rule in kernel.program.rules if rule.tells}

    def up(self, rule: Rule, now_ns: int) -> None:
        """The rule came up: say what it says, unless it was said within the last minute."""
        told = self._told.get(rule.name)
        if told is None:
            return
        if told.last_ns >= 0 and now_ns - told.last_ns < TELL_GAP_NS:
            told.held_back += 1
            return
        row = {"held_back": told.held_back} if told.held_back else {}
        told.last_ns, told.held_back = now_ns, 0
        for telling in rule.tells:
            match telling:
                case Speak(speaker=speaker, text=text):
                    self._act(f"speaker:{speaker}", rule, text)
                case Notify(role=role):
                    self._act(f"role:{role}", rule)
                case Escalate():
                    told.level, told.generation = 0, self._kernel.count()
                    self._step(rule, told, telling.role, now_ns)
        self._kernel.record("telling.up", rule.name, now_ns, row)

    def answered(self, name: str) -> None:
        """Somebody answers an escalation: it ends."""
        self._told[name].level = 0

    def escalating(self, name: str) -> bool:
        """An escalation of this rule waits for an answer."""
        told = self._told.get(name)
        return told is not None and told.level > 0

    def due(self, index: int, generation: int, now_ns: int) -> None:
        """Nobody has answered in time: the next level is told, until there is an answer or no level left."""
        rule = self._kernel.program.rules[index]
        told = self._told[rule.name]
        if generation != told.generation or not told.level:
            return
        role = next(telling.role for telling in rule.tells if isinstance(telling, Escalate))
        self._step(rule, told, role, now_ns)
        self._kernel.record("telling.escalated", rule.name, now_ns, {"level": told.level})

    def _step(self, rule: Rule, told: _Told, role: str, now_ns: int) -> None:
        told.level += 1
        self._act(f"role:{role}" if role else f"ladder:{told.level}", rule)
        if told.level < ESCALATE_MAX:
            index = self._kernel.index_of(rule.name)
            self._kernel.schedule(now_ns + ESCALATE_EVERY_NS, ESCALATE, index, told.generation)

    def _act(self, sink: str, rule: Rule, text: dict[str, str] | None = None) -> None:
        self._kernel.emit(Act(self._kernel.count(), sink, True, rule.name, text or {}))

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return list(self._told.values())

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        told = msgspec.convert(state, list[_Told])
        self._told = dict(zip(self._told, told, strict=True))
