"""Values of a worker go into the rules and nowhere else: no snapshot, row, summary, view or trend has them, and a replay rests."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import msgspec
import pytest

from gateway.core.effects import Act, Effect, Journal
from gateway.core.kernel import Kernel
from gateway.core.privacy import APART
from gateway.core.program import Program
from gateway.core.samples import Input, Personal, Stamp
from gateway.history.codec import Encoder
from gateway.history.identity import identity
from gateway.history.rings import build_rings
from tests.core.stage import UTC0
from tests.runtime.test_views import Window
from tests.simulation.demo_world import DemoWorld, compiled, demo_site

WORKER, SCORE = 73_190_557, 0.8328125
CANARIES = [str(WORKER).encode(), str(SCORE).encode()]
CANARIES += [struct.pack(form, value) for form in ("<d", ">d") for value in (WORKER, SCORE)]
TEN = Path(__file__).parents[1] / "cases" / "rules" / "ten.rules"


class Recorded(DemoWorld):
    """Keeps what a history would be given."""

    items: list[tuple[Stamp, Input]]

    def give(self, given: Input) -> list[Effect]:
        if not isinstance(given, Personal):
            self.items.append((Stamp(self.seq + 1, self.now_ns, self.now_ns + UTC0), given))
        return super().give(given)


@pytest.fixture
def world() -> Recorded:
    """A shift in which a worker is tired, unhooked in the wind and violates three times; somebody answers."""
    site = demo_site()
    world = Recorded.__new__(Recorded)
    world.items = []
    world.__init__(compiled(TEN.read_text(encoding="utf-8"), site), site)  # type: ignore[misc]
    world.boot()
    world.run(2)
    world.prove()
    for name in ("gas_test", "calibration"):
        assert world.ask("permit.done", name, role="operator").code == 0
    assert world.ask("control.arm", "KILN_FAN").code == 0
    assert world.ask("interlock.arm", "PKL_LSLL").code == 0
    world.run(16)
    assert world.ask("interlock.reset", "PKL_LSLL").code == 0
    world.move("fatigue.worker", str(SCORE))
    world.move("wind1", "12")
    for _ in range(3):
        world.move("minor_violation", "1", WORKER, 2)
        world.move("harness_unhooked", "1", WORKER)
        world.run(2)
    world.run(200, step_ms=400)
    assert {name for name in ("FATIGUE", "BELT_WIND", "MINOR_X3") if world.up(name)} == set(
        world.kernel.privacy.names
    ) - {"SOURCE_PEOPLE"}
    assert world.ask("telling.answer", "MINOR_X3", role="operator").code == 0
    occurrence = world.kernel.alarms.points["BELT_WIND"].occurrence
    assert world.ask("alarm.ack", "BELT_WIND", occurrence=f"{occurrence[0]:x}-{occurrence[1]}").code == 0
    world.move("tank1.level", "20")
    world.run(5)
    return world


def clean(data: bytes) -> bool:
    return not any(canary in data for canary in CANARIES)


def test_nothing_that_is_written_down_or_shown_has_them(world: Recorded) -> None:
    table = world.table
    vault = world.kernel.snapshot(vault=True)
    assert not clean(vault), "the search finds what is there"
    assert clean(world.kernel.snapshot())
    encode = msgspec.json.Encoder().encode
    for effect in world.effects:
        assert clean(encode(effect)), effect
        assert clean(msgspec.msgpack.encode(effect)), effect
    personal = Personal(0, [0], [1.0], [0], [0])
    with pytest.raises(TypeError):
        Encoder().encode(Stamp(1, 1, 1), personal)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        build_rings(table).append(Stamp(1, 1, 1), personal)
    assert clean(msgspec.json.encode(identity(table)))
    views = Window(world.kernel, world).views
    shown = [views.overview(), *views.interlocks(), *views.alarms(), *views.tags(), *views.sources(), *views.tellings()]
    assert clean(b"".join(encode(view) for view in shown))
    assert not {tag.name for tag in table.tags if tag.personal} & {view.name for view in views.tags()}
    assert {view.name: view.active for view in views.tellings()} == dict.fromkeys(("BELT_WIND", "MINOR_X3", "FATIGUE"))
    for tag in table.tags:
        if tag.personal:
            with pytest.raises(KeyError):
                views.trend(tag.name, 60, 60)
    # What leaves the box: no value, no source, no limit of a rule that reads them.
    left = [effect.summary for effect in world.effects if isinstance(effect, Journal) and effect.summary is not None]
    belt = [json.loads(encode(one)) for one in left if getattr(one, "alarm", "") == "BELT_WIND"]
    assert belt
    assert {(one["source"], one["value"], one["limit"]) for one in belt} == {("", None, None)}


def test_a_replay_without_them_decides_everything_else_under_the_same_numbers(world: Recorded) -> None:
    first = Kernel(world.table, Program(tuple(world.kernel.program.rules)), 1)
    first.restore(Kernel(world.table, first.program, 1).snapshot())
    live = [e for e in world.effects if isinstance(e, Journal) and e.record.id[1] < APART]
    again: list[Effect] = []
    for stamp, given in world.items:
        first.seq = stamp.seq - 1
        again += first.step(stamp, given)
    made = [e for e in again if isinstance(e, Journal) and e.record.id[1] < APART]
    assert [msgspec.to_builtins(e.record) for e in made] == [msgspec.to_builtins(e.record) for e in live]
    assert len(live) > 20
    assert not [e for e in again if isinstance(e, Act)], "the rules that need them rest"
    apart = {e.record.subject for e in world.effects if isinstance(e, Journal) and e.record.id[1] > APART}
    assert apart == {"FATIGUE", "BELT_WIND", "MINOR_X3"}


def test_the_vault_has_all_it_takes_to_go_on(world: Recorded) -> None:
    program = Program(tuple(world.kernel.program.rules))
    twin, blind = Kernel(world.table, program, 1), Kernel(world.table, program, 1)
    twin.restore(world.kernel.snapshot(vault=True))
    blind.restore(world.kernel.snapshot())
    assert twin.snapshot(vault=True) == world.kernel.snapshot(vault=True)
    assert not twin.privacy.withheld
    assert blind.privacy.withheld
    twin.restore(blind.snapshot(vault=True))
    assert twin.privacy.withheld, "what is not there does not come back"
