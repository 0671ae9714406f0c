"""What rules say to people: spoken, notified, escalated. Bounded, so that no rule can flood a helmet or a phone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core.deadlines import ESCALATE, TOLD
from gateway.core.effects import Act, View
from gateway.core.limits import (
    ESCALATE_EVERY_NS,
    ESCALATE_MAX,
    SECOND,
    TELL_CALM_NS,
    TELL_GAP_NS,
    TELL_WITHIN_NS,
)
from gateway.core.program import Escalate, Notify, Rule, Speak
from gateway.core.samples import WriteResult

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

FAILED = "TELLING_FAILED"  # words for people did not arrive
_CALM = 0  # generation of the deadline at which that alarm returns; words on their way have numbers from 1


class Told(msgspec.Struct):
    """One rule's telling: when last, how often held back since, and an escalation that goes on."""

    last_ns: int = -1
    held_back: int = 0
    level: int = 0  # of the escalation, 0 = none runs
    generation: int = 0
    since_ns: int = 0  # of the escalation
    error: str = ""  # why words of it did not arrive when last tried


class _Sent(msgspec.Struct, frozen=True):
    """Words on their way."""

    rule: str
    sink: str
    level: int


class Tellings:
    """Acts of all rules that have any. The sites of speakers and the people of a role are the runtime's to know."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.told: dict[str, Told] = {rule.name: Told() for rule in kernel.program.rules if rule.tells}
        # At most one per telling of a rule: a rule speaks once a minute, and an answer is due before that.
        self._sent: dict[int, _Sent] = {}
        self._failed_ns = -1
        if self.told:
            kernel.alarms.add_system(FAILED, "", 2)

    def up(self, rule: Rule, now_ns: int) -> None:
        """The rule came up: say what it says, unless it was said within the last minute."""
        told = self.told.get(rule.name)
        if told is None:
            return
        if told.last_ns >= 0 and now_ns - told.last_ns < TELL_GAP_NS:
            told.held_back += 1
            return
        row = {"held_back": told.held_back} if told.held_back else {}
        told.last_ns, told.held_back, told.error = now_ns, 0, ""
        for telling in rule.tells:
            match telling:
                case Speak(speaker=speaker, text=text):
                    self._act(f"speaker:{speaker}", rule, now_ns, text)
                case Notify(role=role):
                    self._act(f"role:{role}", rule, now_ns)
                case Escalate():
                    told.level, told.generation, told.since_ns = 0, self._kernel.count(), now_ns
                    self._step(rule, told, telling.role, now_ns)
        self._kernel.record("telling.up", rule.name, now_ns, row)
        self._kernel.emit(View("telling", rule.name))

    def answered(self, name: str, person: str, now_ns: int) -> None:
        """Somebody answers an escalation, or acknowledges the alarm of its rule: it ends."""
        if not self.escalating(name):
            return
        told = self.told[name]
        self._kernel.record("telling.answered", name, now_ns, {"level": told.level}, person=person)
        told.level = 0
        self._kernel.emit(View("telling", name))

    def escalating(self, name: str) -> bool:
        """An escalation of this rule waits for an answer."""
        told = self.told.get(name)
        return told is not None and told.level > 0

    def due(self, index: int, generation: int, now_ns: int) -> None:
        """Nobody has answered in time: the next level is told, until there is an answer or no level left."""
        rule = self._kernel.program.rules[index]
        told = self.told[rule.name]
        if generation == told.generation and told.level:
            with self._kernel.privacy.at_work(rule.name):
                self._next(rule, told, now_ns)

    def _next(self, rule: Rule, told: Told, now_ns: int) -> None:
        role = next(telling.role for telling in rule.tells if isinstance(telling, Escalate))
        told.generation = self._kernel.count()
        self._step(rule, told, role, now_ns)
        self._kernel.record("telling.escalated", rule.name, now_ns, {"level": told.level})

    def _step(self, rule: Rule, told: Told, role: str, now_ns: int) -> None:
        told.level += 1
        self._act(f"role:{role}" if role else f"ladder:{told.level}", rule, now_ns, level=told.level)
        if told.level < ESCALATE_MAX:
            index = self._kernel.index_of(rule.name)
            self._kernel.schedule(now_ns + ESCALATE_EVERY_NS, ESCALATE, index, told.generation)

    def _act(self, sink: str, rule: Rule, now_ns: int, text: dict[str, str] | None = None, level: int = 0) -> None:
        kernel = self._kernel
        number, until_ns = kernel.count(), now_ns + TELL_WITHIN_NS
        kernel.emit(Act(number, sink, True, rule.name, text or {}, rule.priority, until_ns, level))
        self._sent[number] = _Sent(rule.name, sink, level)
        kernel.schedule(until_ns + SECOND, TOLD, kernel.index_of(rule.name), number)

    # --- what came of it ---

    def result(self, result: WriteResult, now_ns: int) -> bool:
        """The answer to words on their way. False where it is the answer to something else."""
        sent = self._sent.pop(result.id, None)
        if sent is None:
            return False
        with self._kernel.privacy.at_work(sent.rule):
            if result.ok:
                self._kernel.record("telling.told", sent.rule, now_ns, {"sink": sent.sink})
            else:
                self._missed(sent, result.error, now_ns)
        return True

    def due_told(self, index: int, number: int, now_ns: int) -> None:
        """Words are too late now; or nothing has failed for a while."""
        if number != _CALM:
            sent = self._sent.pop(number, None)
            if sent is not None:
                with self._kernel.privacy.at_work(sent.rule):
                    self._missed(sent, "no answer", now_ns)
        elif self._failed_ns >= 0 and now_ns - self._failed_ns >= TELL_CALM_NS:
            self._failed_ns = -1
            self._kernel.alarms.system(FAILED, False, now_ns)

    def _missed(self, sent: _Sent, error: str, now_ns: int) -> None:
        """Nobody heard it: say so, and go on to the next level at once where there is one."""
        kernel, told = self._kernel, self.told[sent.rule]
        told.error = error
        kernel.record("telling.failed", sent.rule, now_ns, {"sink": sent.sink, "error": error})
        kernel.emit(View("telling", sent.rule))
        kernel.alarms.system(FAILED, True, now_ns)
        self._failed_ns = now_ns
        kernel.schedule(now_ns + TELL_CALM_NS, TOLD, 0, _CALM)
        if sent.level and sent.level == told.level < ESCALATE_MAX:
            self._next(kernel.program.rules[kernel.index_of(sent.rule)], told, now_ns)

    # --- snapshot ---

    def save(self, withheld: Collection[str] = ()) -> list[Any]:
        """State for a snapshot, without that of rules that are `withheld`."""
        told = [Told() if name in withheld else told for name, told in self.told.items()]
        return [told, [item for item in sorted(self._sent.items()) if item[1].rule not in withheld], self._failed_ns]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        told = msgspec.convert(state[0], list[Told])
        self.told = dict(zip(self.told, told, strict=True))
        self._sent = dict(msgspec.convert(state[1], list[tuple[int, _Sent]]))
        self._failed_ns = state[2]
