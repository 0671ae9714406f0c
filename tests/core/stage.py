"""A small site and a patient hand for kernel tests: builds tables, stamps inputs, answers writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from gateway.core.effects import Act, Answer, Beat, Effect, Journal, Write
from gateway.core.functions import Function
from gateway.core.kernel import Kernel
from gateway.core.program import Compare, Interlock, Program, Rule, Stop
from gateway.core.samples import Alive, Command, Durable, Few, Input, SelfCheck, SourceDown, Stamp, WriteResult
from gateway.core.tags import Cause, Group, Source, Tag, TagTable

MS = 1_000_000
SECOND = 1_000_000_000
UTC0 = 1_795_000_000 * SECOND


def table(analogue: int = 3, outputs: int = 2, *, low: float = -math.inf, high: float = math.inf) -> TagTable:
    """Source plc1: tags a0.., one polled group with outputs y0.. in it; hidden heartbeat; source aux with tag b0."""
    tags: list[Tag] = []
    for at in range(analogue):
        tags.append(Tag(len(tags), f"a{at}", "plc1", 0, unit="cm", low=low, high=high, area="hall"))
    for at in range(outputs):
        tags.append(Tag(len(tags), f"y{at}", "plc1", 0, boolean=True, writable=True, safe=0.0, area="hall"))
    polled = len(tags)
    tags.append(Tag(len(tags), "plc1.$heartbeat", "plc1", 1, writable=True, hidden=True))
    tags.append(Tag(len(tags), "b0", "aux", 2, area="yard"))
    groups = [
        Group(0, "poll", "plc1", 0, polled, 1000),
        Group(1, "write", "plc1", polled, 1, 1000),
        Group(2, "topic", "aux", polled + 1, 1, 1000),
    ]
    return TagTable(tags, groups, [Source("plc1", "modbus", 100, heartbeat=polled), Source("aux", "mqtt")])


def low_level(name: str = "LSLL", tag: str = "a0", output: str = "y0", **more: object) -> Interlock:
    """`tag < 30` stops `output`."""
    facts: dict[str, object] = {"priority": 1, "on_bad": "safe", "stops": (Stop(output),), **more}
    when = facts.pop("when", Compare(tag, "<", 30.0))
    return Interlock(name=name, when=when, **facts)  # type: ignore[arg-type]


class Stage:
    """Runs one kernel by hand. `answer(write)` returns (ok, value), or None for a device that never answers."""

    def __init__(
        self, rules: Iterable[Rule], site: TagTable | None = None, kept: dict[str, bytes] | None = None, boot: int = 1
    ) -> None:
        self.table = site or table()
        self.kernel = Kernel(self.table, Program(tuple(rules)), boot, kept)
        self.now_ns = SECOND
        self.seq = 0
        self.utc_s = 0  # how far the wall clock has been set
        self.effects: list[Effect] = []
        self.answer: Callable[[Write], tuple[bool, float] | None] = lambda write: (True, write.value)
        self.heard: Callable[[Act], bool | None] = lambda act: True  # False: not told; None: never an answer
        self.field: dict[str, float] = {}
        self.values: dict[str, float] = {tag.name: 50.0 for tag in self.table.tags}
        self.polling = True
        self.kept: dict[str, bytes] = dict(kept or {})
        self._commands = 0

    def give(self, given: Input) -> list[Effect]:
        """One input now; writes are answered and intentions made durable at the same instant."""
        self.seq += 1
        stamp = Stamp(self.seq, self.now_ns, self.now_ns + UTC0 + self.utc_s * SECOND)
        return self._took(self.kernel.step(stamp, given))

    def _took(self, effects: list[Effect]) -> list[Effect]:
        everything = list(effects)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Journal):
                self._keep(effect)
        for effect in effects:
            if isinstance(effect, Write):
                name = self.table.tags[effect.output].name
                answered = self.answer(effect)
                if answered is not None:
                    ok, value = answered
                    if ok:
                        self.field[name] = value
                    everything += self.give(WriteResult(effect.id, ok, value))
            elif isinstance(effect, Act) and effect.until_ns and (told := self.heard(effect)) is not None:
                everything += self.give(WriteResult(effect.id, told, math.nan, "" if told else "away"))
            elif isinstance(effect, Journal) and effect.confirm:
                everything += self.give(Durable(effect.confirm))
        return everything

    def _keep(self, effect: Journal) -> None:
        """The journal's rows stand in the order they were asked for."""
        if effect.record.keep is not None:
            self.kept[effect.record.key] = effect.record.keep
        elif effect.record.key:
            self.kept.pop(effect.record.key, None)

    def boot(self) -> None:
        """Self-check up and a first poll."""
        self.give(SelfCheck(True))
        self.poll()

    def poll(self, **values: float) -> list[Effect]:
        """One poll of plc1 and one message of aux; outputs read what the field holds."""
        self.values |= values
        effects: list[Effect] = []
        for group in self.table.groups:
            if group.name == "write":
                continue
            tags = list(range(group.first, group.first + group.count))
            names = [self.table.tags[t].name for t in tags]
            data = [
                self.field.get(n, 0.0) if self.table.tags[t].writable else self.values[n]
                for t, n in zip(tags, names, strict=True)
            ]
            effects += self.give(Few(group.number, tags, data, [0] * len(tags), [0] * len(tags)))
        return effects

    def alive(self) -> None:
        """Everything confirmed unchanged."""
        for group in self.table.groups:
            if group.name != "write":
                self.give(Alive(group.number))

    def lose(self, source: str, cause: Cause = Cause.COMMS) -> None:
        """A source is lost."""
        self.give(SourceDown(source, cause))

    def run(self, seconds: float, step_ms: int = 100) -> None:
        """Let time pass; polls continue while `polling`."""
        end_ns = self.now_ns + int(seconds * SECOND)
        while self.now_ns < end_ns:
            self.now_ns = min(self.now_ns + step_ms * MS, end_ns)
            while 0 <= (due_ns := self.kernel.next_due_ns()) <= self.now_ns:
                self._took(self.kernel.wake(due_ns))
            if self.polling:
                self.poll()

    def ask(self, verb: str, target: str = "", role: str = "supervisor", person: str = "li", **args: str) -> Answer:
        """One command; its answer."""
        self._commands += 1
        effects = self.give(Command(self._commands, person, role, verb, target, args))
        answers = [effect for effect in effects if isinstance(effect, Answer)]
        assert len(answers) == 1, answers
        return answers[0]

    def prove(self) -> None:
        """The watchdog of plc1 is taken as proven by a person who looked."""
        assert self.ask("source.watchdog", "plc1", state="begin").code == 0
        assert self.ask("source.watchdog", "plc1", state="proven").code == 0

    def energise(self, *names: str) -> None:
        """Boot, prove, arm and reset the named functions."""
        if not self.kernel.booted:
            self.boot()
        if not self.kernel.heart.proven("plc1"):
            self.prove()
        for name in names:
            answer = self.ask("interlock.arm", name)
            assert answer.code == 0, answer
        self.run(16)
        for name in names:
            answer = self.ask("interlock.reset", name)
            assert answer.code == 0, answer
        self.run(0.2)

    def function(self, name: str = "LSLL") -> Function:
        """The function of that name."""
        return self.kernel.functions[name]

    def state(self, name: str = "LSLL") -> str:
        """Its state's name."""
        return self.function(name).state.name

    def kinds(self) -> list[str]:
        """The kinds of all journal records so far."""
        return [effect.record.kind for effect in self.effects if isinstance(effect, Journal)]

    def beats(self) -> int:
        """Heartbeats so far."""
        return sum(isinstance(effect, Beat) for effect in self.effects)
