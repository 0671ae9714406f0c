"""An alarm rule or advisory as the kernel runs it: its condition, the alarm it raises, what it tells people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gateway.core.evaluate import Condition
from gateway.core.image import Image
from gateway.core.privacy import Privacy
from gateway.core.program import Advisory, Alarm, rule_hash
from gateway.core.voting import FALSE, LEFT, TRUE, UNKNOWN


class Line(Protocol):
    """What a watch needs of the kernel."""

    def schedule_rule(self, due_ns: int, index: int) -> None: ...
    def stamped(self, name: str, now_ns: int) -> int: ...

    @property
    def privacy(self) -> Privacy: ...
    @property
    def alarms(self) -> Any: ...
    @property
    def tellings(self) -> Any: ...
    def advised(self, name: str, up: bool, now_ns: int) -> None: ...


class Watch:
    """One alarm rule or advisory. Up while its condition is true or unknown through lost inputs; down only when it is certainly false."""

    def __init__(self, rule: Alarm | Advisory, index: int, image: Image, numbers: dict[str, int], line: Line) -> None:
        self.rule = rule
        self.name = rule.name
        self.index = index
        self.hash = rule_hash(rule)
        self._line = line
        schedule: Callable[[int], None] = lambda due_ns: line.schedule_rule(due_ns, index)  # noqa: E731
        policy = "safe" if rule.on_bad == "hold" else rule.on_bad
        self.when = Condition(rule.when, image, numbers, policy, rule.bad_after_ns, schedule, stamped=line.stamped)
        self.truth = LEFT
        self.up = False
        self._occasions = 0

    def conditions(self) -> list[Condition]:
        """Everything that reads tags for this rule."""
        return [self.when]

    def reads(self) -> set[int]:
        """The tags whose change wakes this rule."""
        return self.when.reads()

    def evaluate(self, now_ns: int) -> None:
        """Read the condition; tell the alarm if its truth changed."""
        privacy = self._line.privacy
        if self.name not in privacy.names:
            self._evaluate(now_ns)
        elif not privacy.withheld:
            with privacy.at_work(self.name):
                self._evaluate(now_ns)

    def _evaluate(self, now_ns: int) -> None:
        truth = self.when.root.read(now_ns)
        self.when.inputs.dirty = False
        again = self.when.occasions() > self._occasions
        self._occasions = self.when.occasions()
        if truth == self.truth:
            if again and self.up:
                self._again(now_ns)
            return
        self.truth = truth
        if truth & 3 == TRUE or (truth & 3 == UNKNOWN and self.rule.on_bad != "hold"):
            self._turn(True, now_ns)
        elif truth in (FALSE, LEFT):
            self._turn(False, now_ns)

    def _again(self, now_ns: int) -> None:
        """The pattern of events came up for somebody else while it stands: people are told of that one too."""
        if not self._line.alarms.silent(self.name):
            self._line.tellings.up(self.rule, now_ns)
        if not isinstance(self.rule, Advisory) or self.rule.announce:
            self._line.alarms.rule_again(self, now_ns)

    def _turn(self, up: bool, now_ns: int) -> None:
        moved, self.up = up != self.up, up
        if moved and up and not self._line.alarms.silent(self.name):
            self._line.tellings.up(self.rule, now_ns)
        if isinstance(self.rule, Advisory) and not self.rule.announce:
            if moved:
                self._line.advised(self.name, up, now_ns)
        elif up:
            self._line.alarms.rule_up(self, now_ns)
        else:
            self._line.alarms.rule_down(self, now_ns)

    def settle(self, now_ns: int) -> None:
        """A watch has no timers beside those of its condition."""

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.truth, self.up, self._occasions, self.when.save()]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.truth, self.up, self._occasions = state[:3]
        self.when.load(state[3])
