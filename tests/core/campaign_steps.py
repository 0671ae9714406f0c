"""Random kernel steps by the million, with the invariants of interlocks.md §4 held after each of them; and bypass lives.

python -m tests.core.campaign_steps --steps 1000000 --seed 1
python -m tests.core.campaign_steps --bypass-lives 100000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stage import MS, SECOND, UTC0, low_level, table

from gateway.core.effects import Beat, Effect, Journal, Write
from gateway.core.functions import Function
from gateway.core.interlocks import ENERGISED, LATCHED, SILENT, State
from gateway.core.kernel import Kernel
from gateway.core.program import Compare, Control, Program, Set, Stop, Vote
from gateway.core.samples import Alive, Command, Durable, Few, Input, SelfCheck, SourceDown, Stamp, WriteResult
from gateway.core.tags import Cause

VALUES = (5.0, 22.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0, 75.0, 90.0, 101.0, -1.0, float("nan"))
CALM_NS = 11 * SECOND
FORM = {"code": "failed", "reason": "transmitter failed, spare", "measure": "gauge read"}


def rules() -> Program:
    return Program(
        (
            low_level("DELAYED", tag="a0", on_delay_ns=SECOND),
            low_level("VOTED", when=Vote(2, tuple(Compare(f"a{at}", ">", 80.0) for at in range(3))), output="y1"),
            low_level("PERMITTED", tag="a3", permissive=Compare("b0", ">", 20.0), stops=(Stop("y0"), Stop("y1"))),
            Control(
                name="FAN", when=Compare("a1", ">", 60.0), clear=Compare("a1", "<", 55.0), priority=3, on_bad="safe",
                sets=(Set("y2", 1.0),), min_off_ns=3 * SECOND,
            ),
        )
    )  # fmt: skip


class Walk:
    """One kernel on a random walk. Answers, durability and time are as random as the inputs."""

    def __init__(self, seed: int, heartbeat_ms: int = 250) -> None:
        self.dice = random.Random(seed)
        site = table(4, 3, low=0.0, high=100.0)
        self.table = replace(site, sources=[replace(source, heartbeat_ms=heartbeat_ms) for source in site.sources])
        self.kept: dict[str, bytes] = {}
        self.now_ns, self.boots, self.steps, self.trips, self.resets = SECOND, 0, 0, 0, 0
        self.log: list[tuple[Stamp, Input, list[Effect]]] | None = None  # for a replay
        self.device, self.disk, self.utc_ns = 1.0, 1.0, UTC0
        self.boot()

    def boot(self) -> None:
        """A fresh process with what the journal kept."""
        self.boots += 1
        self.kernel = Kernel(self.table, rules(), self.boots, self.kept)
        self.seq, self.commands = 0, 0
        self.functions = list(self.kernel.functions.values())
        self.granted = dict.fromkeys(self.kernel.functions, False)
        self.driven = {f.name: [output.tag.name for output in f.outputs] for f in self.functions}
        self.fresh = dict.fromkeys(
            self.kernel.outputs, False
        )  # a function that drives it was reset since its last trip
        self.give(SelfCheck(True))
        self.settled()
        for state in ("begin", "proven"):
            self.ask("source.watchdog", "plc1", state=state)
        for name in self.kernel.functions:
            self.ask("interlock.arm", name)
        self.ask("control.arm", "FAN")

    def settled(self) -> None:
        """Everything normal, in both groups."""
        outputs = [self.kernel.outputs[f"y{at}"].read for at in range(3)]
        values = [50.0] * 4 + [value if value == value else 0.0 for value in outputs]
        self.give(Few(0, list(range(7)), values, [0] * 7, [0] * 7))
        self.give(Few(2, [8], [50.0], [0], [0]))

    # --- one step ---

    def give(self, given: Input) -> None:
        waiting = [given]
        while waiting:
            self.seq += 1
            stamp, given = Stamp(self.seq, self.now_ns, self.now_ns + self.utc_ns), waiting.pop()
            effects = self.kernel.step(stamp, given)
            if self.log is not None:
                self.log.append((stamp, given, effects))
            self.steps += 1
            self.check(effects)
            for effect in effects:
                if isinstance(effect, Write):
                    if self.dice.random() < self.device:
                        waiting.append(WriteResult(effect.id, True, effect.value))
                elif isinstance(effect, Journal):
                    self.row(effect, waiting)

    def row(self, effect: Journal, waiting: list[Input]) -> None:
        record = effect.record
        if record.key:
            if record.keep is None:
                self.kept.pop(record.key, None)
            else:
                self.kept[record.key] = record.keep
        if effect.confirm and self.dice.random() < self.disk:
            waiting.append(Durable(effect.confirm, self.dice.random() < 0.95))

    def check(self, effects: list[Effect]) -> None:
        """The invariants (a) to (f), and never energised without a reset after the last trip."""
        before, was_fresh = dict(self.granted), dict(self.fresh)
        for effect in effects:
            if (
                isinstance(effect, Journal)
                and effect.record.kind.startswith("interlock.")
                and "from" in effect.record.detail
            ):
                self.moved(effect)
        silent = not self.kernel.self_ok
        for function in self.functions:
            state = function.state
            energised = state in ENERGISED
            assert energised == self.granted[function.name], f"(a) {function.name} {state.name}"
            if function.live:
                silent = silent or state in SILENT
                if state in LATCHED:
                    assert function.first_out is not None, "(f)"
                elif energised:
                    assert function.first_out is None, "(f)"
            for bypass in function.bypasses:
                assert bypass.until_ns > self.kernel.now_ns, "a bypass outlives its timer"
        assert not silent or self.kernel.heart.withheld(0), "(d)"
        for effect in effects:
            if isinstance(effect, Write) and effect.value == 1.0:
                owners = self.kernel.outputs[self.table.tags[effect.output].name].owners
                assert owners, "energised without an owner"
                # One step may hold a deadline that energises and then the trip; a move is journalled behind its writes.
                allowed = [not isinstance(o, Function) or before[o.name] or self.granted[o.name] for o in owners]
                assert all(allowed), "(a)"
                name = self.table.tags[effect.output].name
                interlocked = any(isinstance(owner, Function) for owner in owners)
                assert not interlocked or was_fresh[name] or self.fresh[name], f"{name}: no reset since its last trip"
            elif isinstance(effect, Beat):
                assert self.kernel.booted

    def moved(self, effect: Journal) -> None:
        name, row = effect.record.subject, effect.record.detail
        if row["to"] == "ARMING":
            assert (row["from"], row["event"]) == ("READY", "RESET"), "(b)"
            self.granted[name] = True
            self.resets += 1
            self.fresh |= dict.fromkeys(self.driven[name], True)
        elif row["from"] in ("ARMING", "ARMED", "PRETRIP") and row["to"] not in ("ARMED", "PRETRIP"):
            assert row["to"] == "TRIPPING", "(c)"
            self.granted[name] = False
            self.trips += 1
            self.fresh |= dict.fromkeys(self.driven[name], False)
        if row["event"] == "PERMISSIVE_LOST":
            assert row["from"] in ("READY", "ARMING"), "(e)"

    def ask(self, verb: str, target: str, **args: str) -> None:
        self.commands += 1
        self.give(Command(self.commands, self.dice.choice(("li", "wang")), "engineer", verb, target, args))

    # --- what happens ---

    def once(self) -> None:
        """One random happening, mostly a small block."""
        what = self.dice.random()
        self.now_ns += self.dice.choice((MS, 20 * MS, 100 * MS, 100 * MS, 400 * MS))
        if what < 0.80:
            tag = self.dice.randrange(4)
            value = 50.0 if self.dice.random() < 0.9 else self.dice.choice(VALUES)
            self.give(Few(0, [tag], [value], [0], [0]))
        elif what < 0.88:
            self.give(Alive(self.dice.choice((0, 2))))
        elif what < 0.94:
            self.calm()
        else:
            self.rare()

    def calm(self) -> None:
        """Long enough for READY, then everybody is reset."""
        self.device = self.disk = 1.0
        for _ in range(14):
            self.now_ns += 900 * MS
            self.settled()
        for function in self.functions:
            if function.state is State.READY:
                self.ask("interlock.reset", function.name)
            elif function.state is State.FAULT or any(output.hunting for output in function.outputs):
                self.ask("interlock.clear", function.name)

    def rare(self) -> None:
        dice, name = self.dice, self.dice.choice(self.functions).name
        match dice.randrange(12):
            case 0:
                self.give(SourceDown(dice.choice(("plc1", "aux")), Cause.COMMS))
            case 1:
                self.give(SelfCheck(False, "lag"))
                self.give(SelfCheck(True))
            case 2 | 3:
                self.ask("interlock.trip", name)
            case 4:
                self.ask("interlock.disarm", name)
                self.ask("interlock.arm", name)
            case 5 | 6:
                self.ask(
                    "bypass.set", name, tag=dice.choice(("a0", "a1", "a3")), minutes=dice.choice(("1", "20")), **FORM
                )
            case 7:
                self.device = dice.choice((0.0, 0.5, 1.0))
            case 8:
                self.disk = dice.choice((0.0, 0.5, 1.0))
            case 9:
                self.utc_ns = UTC0 + dice.randrange(-86_400, 86_400) * SECOND
            case 10:
                self.give(Few(0, [4 + dice.randrange(3)], [dice.choice((0.0, 1.0))], [0], [0]))
            case 11 if dice.random() < 0.05:
                self.boot()


def bypass_lives(count: int, seed: int) -> Walk:
    """Lives of bypasses through expiry, extension, restart, a wall clock that is set and a disk that fails."""
    walk = Walk(
        seed, heartbeat_ms=3_600_000
    )  # half an hour of beats a life would be most of the work, and prove nothing here
    dice = walk.dice
    for life in range(count):
        walk.device, walk.disk = 1.0, dice.choice((1.0, 1.0, 0.0))
        function = walk.functions[life % 3]
        minutes = dice.randint(1, 30)
        walk.settled()
        walk.ask("bypass.set", function.name, tag="a0" if life % 3 < 2 else "a3", minutes=str(minutes), **FORM)
        until_ns = max((bypass.until_ns for bypass in function.bypasses), default=walk.now_ns)
        if dice.random() < 0.3:
            walk.now_ns += dice.randrange(minutes * 60) * SECOND
            walk.settled()
            walk.disk = 1.0
            walk.ask("bypass.set", function.name, tag="a0" if life % 3 < 2 else "a3", minutes="5", **FORM)
            until_ns = max((bypass.until_ns for bypass in function.bypasses), default=walk.now_ns)
        walk.utc_ns = UTC0 + dice.randrange(-86_400, 86_400) * SECOND
        if dice.random() < 0.1:
            walk.boot()
            assert not any(function.bypasses for function in walk.functions), "a bypass survived a restart"
            continue
        walk.now_ns = max(walk.now_ns, until_ns)
        walk.settled()
        assert not function.bypasses, "a bypass outlived its timer"
    return walk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--bypass-lives", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.perf_counter()
    walk = bypass_lives(given.bypass_lives, given.seed) if given.bypass_lives else Walk(given.seed)
    while walk.steps < given.steps:
        walk.once()
    took_s = time.perf_counter() - began_s
    print(
        f"{walk.steps} steps in {took_s:.1f} s ({walk.steps / took_s:.0f}/s), {given.bypass_lives} bypass lives, "
        f"{walk.trips} trips, {walk.resets} resets, {walk.boots} boots, seed {given.seed}: every invariant held"
    )


if __name__ == "__main__":
    main()
