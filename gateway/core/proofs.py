"""Proof tests of interlocks (I25): guided trips, measured to the PLC's word or seen at the final element, and when the next is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gateway.core.deadlines import PROOF_DUE, PROOF_END
from gateway.core.effects import View
from gateway.core.limits import HOUR, MS, PROOF_FULL_TRIPS, PROOF_MAX_NS, PROOF_PARTIAL_TRIPS, PROOF_TRIPS_MAX

if TYPE_CHECKING:
    from gateway.core.functions import Function
    from gateway.core.kernel import Kernel

Kind = Literal["partial", "full"]
LEAST: dict[Kind, int] = {"partial": PROOF_PARTIAL_TRIPS, "full": PROOF_FULL_TRIPS}


class Running(msgspec.Struct):
    """A test under way. `trips_ns`: measured times, demand to verified read-back."""

    kind: Kind
    person: str
    began_ns: int
    generation: int
    trips_ns: list[int] = []
    failures: int = 0  # trips that were not read back safe
    seen: int = 0  # trips whose effect the `confirm` of the rule saw at the final element
    unseen: int = 0  # trips whose effect it did not see in its time
    causes: list[str] = []  # first-out of each trip


class Result(msgspec.Struct, frozen=True):
    """What a finished test found."""

    kind: Kind
    passed: bool
    person: str
    utc_ms: int
    trips: int
    longest_ns: int
    hash: str  # of the rule that was tested


class Standing(msgspec.Struct):
    """What is known of one function; survives restarts. `due_utc_ms` 0 = its rule asks for no tests."""

    due_utc_ms: int = 0
    partial: Result | None = None
    full: Result | None = None


class ProofTests:
    """The tests of all functions, by their names."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.running: dict[str, Running] = {}
        self.standing = {name: Standing() for name in kernel.functions}
        for name, function in kernel.functions.items():
            if function.rule.proof_ns or (name in kernel.candidates and kernel.candidates[name].rule.proof_ns):
                kernel.alarms.add_system(f"{name}_PROOF", function.rule.area, 3)

    # --- one test ---

    def start(self, function: Function, kind: Kind, person: str, now_ns: int) -> None:
        """Begin to measure. Movements of the outputs are meant now, and count as no hunting."""
        generation = self._kernel.count()
        self.running[function.name] = Running(kind, person, now_ns, generation)
        for output in function.outputs:
            output.proving = True
        self._kernel.schedule(now_ns + PROOF_MAX_NS, PROOF_END, function.index, generation)
        self._kernel.emit(View("interlock", function.name))

    def tripped(self, function: Function, took_ns: int) -> None:
        """A trip of the function was read back safe."""
        test = self.running.get(function.name)
        if test is not None and len(test.trips_ns) < PROOF_TRIPS_MAX:
            test.trips_ns.append(took_ns)
            test.causes.append(", ".join(function.first_out.causes) if function.first_out else "")

    def failed(self, function: Function) -> None:
        """A trip of the function was not read back safe in its tries."""
        test = self.running.get(function.name)
        if test is not None:
            test.failures += 1

    def effect(self, function: Function, *, seen: bool) -> None:
        """The effect of a trip was seen at the final element, or was not in its time."""
        test = self.running.get(function.name)
        if test is not None:
            test.seen += seen
            test.unseen += not seen

    def lacking(self, function: Function, *, looked: bool) -> Literal["", "failed", "few", "slow", "unseen"]:
        """What keeps the running test from being passed. `looked`: a person saw the final element go safe."""
        test = self.running[function.name]
        if test.failures or test.unseen:
            return "failed"
        if len(test.trips_ns) < LEAST[test.kind]:
            return "few"
        within_ns = function.budget_ns()
        if within_ns and max(test.trips_ns) > within_ns:
            return "slow"
        if test.kind == "full" and not (test.seen >= 1 if function.rule.confirms else looked):
            return "unseen"
        return ""

    def finish(self, function: Function, *, passed: bool, note: str, now_ns: int) -> None:
        """End the test and keep what it found; a passed full test moves the due date."""
        kernel, test = self._kernel, self._end(function)
        longest_ns = max(test.trips_ns, default=0)
        utc_ms = kernel.utc_ms(now_ns)
        result = Result(test.kind, passed, test.person, utc_ms, len(test.trips_ns), longest_ns, function.hash)
        standing = self.standing[function.name]
        if test.kind == "partial":
            standing.partial = result
        else:
            standing.full = result
        if passed and test.kind == "full" and function.rule.proof_ns:
            standing.due_utc_ms = utc_ms + function.rule.proof_ns // MS
        row = {
            "kind": test.kind, "passed": passed, "trips": len(test.trips_ns), "failures": test.failures,
            "longest_ms": longest_ns / MS, "trips_ms": [took / MS for took in test.trips_ns], "seen": test.seen,
            "first_out": test.causes, "hash": function.hash, "note": note, "due_utc_ms": standing.due_utc_ms,
        }  # fmt: skip
        self._keep("proof.result", function, now_ns, row, person=test.person)
        self.due(function, now_ns)

    def due_end(self, index: int, generation: int, now_ns: int) -> None:
        """A test that nobody finished ends by itself, without a result."""
        function = self._function(index)
        test = self.running.get(function.name)
        if test is not None and test.generation == generation:
            self._end(function)
            self._kernel.record("proof.abandoned", function.name, now_ns, {"kind": test.kind}, person=test.person)

    def _end(self, function: Function) -> Running:
        for output in function.outputs:
            output.proving = False
        self._kernel.emit(View("interlock", function.name))
        return self.running.pop(function.name)

    # --- due dates ---

    def armed(self, function: Function, now_ns: int) -> None:
        """From its first arm on a function has a due date; one that is armed anew keeps its own."""
        standing = self.standing[function.name]
        if not function.rule.proof_ns:
            standing.due_utc_ms = 0
        elif not standing.due_utc_ms:
            standing.due_utc_ms = self._kernel.utc_ms(now_ns) + function.rule.proof_ns // MS
            self._keep("proof.due", function, now_ns, {"due_utc_ms": standing.due_utc_ms})
        self.due(function, now_ns)

    def begin(self, now_ns: int) -> None:
        """The first self-check of a boot: due dates of live functions are watched again."""
        for function in self._kernel.functions.values():
            if function.live:
                self.due(function, now_ns)

    def due_look(self, index: int, now_ns: int) -> None:
        """Time to compare a due date with the wall clock."""
        self.due(self._function(index), now_ns)

    def due(self, function: Function, now_ns: int) -> None:
        """Raise or clear the alarm of an overdue test; look again at least each hour, because UTC may be set."""
        standing, kernel = self.standing[function.name], self._kernel
        if not function.rule.proof_ns:
            return
        left_ms = standing.due_utc_ms - kernel.utc_ms(now_ns)
        overdue = bool(function.live and standing.due_utc_ms and left_ms <= 0)
        kernel.alarms.system(f"{function.name}_PROOF", overdue, now_ns)
        if function.live and standing.due_utc_ms:
            wait_ns = HOUR if overdue else min(HOUR, left_ms * MS)
            kernel.schedule_once(now_ns + wait_ns, PROOF_DUE, function.index)

    def _keep(self, kind: str, function: Function, now_ns: int, row: dict[str, Any], *, person: str = "") -> None:
        keep = msgspec.msgpack.encode(self.standing[function.name])
        self._kernel.record(kind, function.name, now_ns, row, person=person, key=f"proof:{function.name}", keep=keep)

    def _function(self, index: int) -> Function:
        return self._kernel.functions[self._kernel.rules[index].name]

    # --- restart and snapshot ---

    def restore(self, name: str, data: bytes) -> None:
        """Take what the journal kept; a test under way is not restored."""
        if name in self.standing:
            self.standing[name] = msgspec.msgpack.decode(data, type=Standing)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [list(self.standing.values()), self.running]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        standing = msgspec.convert(state[0], list[Standing])
        self.standing = dict(zip(self.standing, standing, strict=True))
        self.running = msgspec.convert(state[1], dict[str, Running])
