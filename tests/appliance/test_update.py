"""Slots and the state machine: what is refused, what a trial does, and that one good slot is always there."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from gateway.appliance import state as states
from gateway.appliance import system
from gateway.appliance import update as updates
from gateway.appliance.place import Place, machine, replace_link
from gateway.appliance.state import State
from gateway.appliance.trial import DEFICIENT_MAX, EVERY_S, Judge, Look, judged
from gateway.appliance.unpack import LOADERS, read_mark
from gateway.appliance.update import Seen, recover
from gateway.appliance.words import ApplianceError
from tests.appliance.box import Bench, box, bundle, updater


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = box(tmp_path / "box")
    updater(found).install(bundle(tmp_path, "0.1.0"), "engineer")
    return found


def said(place: Place) -> str:
    """What the version that runs says of itself."""
    command = [str(place.current / "bin/python"), "-P", "-c", "import tiny; print(tiny.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def refused(place: Place, path: Path, bench: Bench | None = None) -> str:
    before = (place.running(), states.read(place).step)
    with pytest.raises(ApplianceError) as caught:
        updater(place, bench).install(path, "engineer")
    assert (place.running(), states.read(place).step) == before
    assert caught.value.text("zh-CN") != caught.value.text("en")
    return caught.value.key


def test_a_first_install_is_good_at_once(place: Place) -> None:
    assert states.read(place).step == "GOOD"
    assert said(place) == "0.1.0"
    assert (place.current / "lib/python3.11/site-packages/config/demo.txt").exists()
    assert (place.current / "share/tiny.txt").exists()
    assert not (place.current / "bin/tiny").exists()
    assert os.access(place.guard, os.X_OK)
    assert (place.root / "usr/local/bin/gatehouse").is_symlink()


@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_the_purge_of_the_guide_leaves_nothing_of_ours(place: Place, tmp_path: Path, language: str) -> None:
    """Its lines as they stand in the guide, in a box in a folder: every link that a slot was led to by is gone."""
    for name in system.LINKS:
        (place.current / "system" / name).touch()
    system.link_system(place)
    links = [path for path in place.root.rglob("*") if path.is_symlink() and os.readlink(path).startswith("/opt/")]
    assert len(links) == len(system.LINKS) + 1
    guide = (Path(__file__).parents[2] / f"docs/field/guide{language}.md").read_text("utf-8")
    lines = [line for line in guide.splitlines() if line.startswith(("sudo rm -", "sudo find /etc"))]
    assert len(lines) == 4
    for line in lines:
        words = [
            place.root / word[1:] if word.startswith("/") and "*" not in word else word
            for word in shlex.split(line)[1:]
        ]
        subprocess.run([*map(str, words)], check=True)
    left = [path for path in place.root.rglob("*") if path.is_symlink() or "gatehouse" in path.name]
    assert left == []


def test_the_command_finds_its_slot_through_any_number_of_links(place: Place, tmp_path: Path) -> None:
    """/usr/local/bin/gatehouse → /opt/gatehouse/current/bin/gatehouse, and `current` is a link itself."""
    link = tmp_path / "gatehouse"
    link.symlink_to(place.current / "bin/gatehouse")
    # this small version has no command of its own: its Python says so, by the name of the real folder
    ran = subprocess.run([str(link)], capture_output=True, text=True, check=False)
    assert f"{place.slot('A')}/bin/python: " in ran.stderr
    assert "gateway.cli" in ran.stderr


def test_a_bundle_may_bring_its_own_python(tmp_path: Path) -> None:
    """Where the vendor's system has none: laid out with its loader and C library, and run by them."""
    loader, triplet = LOADERS[machine()]
    runtime = tmp_path / "runtime"
    for name, text in (
        (loader, '#!/bin/sh\necho "$@"\n'),
        (f"lib/{triplet}/libc.so.6", ""),
        ("usr/bin/python3.11", ""),
    ):
        (runtime / name).parent.mkdir(parents=True, exist_ok=True)
        (runtime / name).write_text(text)
        (runtime / name).chmod(0o755)
    with tarfile.open(tmp_path / "runtime.tar", "w") as out:
        out.add(runtime, ".")
    found = box(tmp_path / "box")
    updater(found).install(bundle(tmp_path, "0.1.0", python=(tmp_path / "runtime.tar").read_bytes()), "engineer")
    slot = found.slot("A")
    said = subprocess.run([str(slot / "bin/python"), "-c", "1"], capture_output=True, text=True, check=True).stdout
    assert said.split() == [
        "--argv0", f"{slot}/bin/python", "--library-path", f"{slot}/python/lib/{triplet}:{slot}/python/usr/lib/{triplet}",
        f"{slot}/python/usr/bin/python3.11", "-c", "1",
    ]  # fmt: skip
    assert f"home = {slot}/python/usr/bin" in (slot / "pyvenv.cfg").read_text()


def test_an_update_goes_through_its_steps_and_back(place: Place, tmp_path: Path) -> None:
    told, bench = list[State](), Bench(Seen(sources=1.0, p99_us=300))
    one = updater(place, bench, told)
    one.install(bundle(tmp_path, "0.2.0"), "engineer")
    assert [state.step for state in told] == ["VERIFIED", "UNPACKED", "SELFTEST", "SWITCHED"]
    assert (place.running(), said(place), bench.restarts) == ("B", "0.2.0", 1)
    assert states.read(place).p99_us == 300
    assert refused(place, bundle(tmp_path, "0.3.0")) == "trial-on"
    one.good()
    assert states.read(place).step == "GOOD"
    one.back("person:engineer")
    assert (place.running(), said(place)) == ("A", "0.1.0")
    assert [row["step"] for row in states.history(place)][-2:] == ["GOOD", "ROLLED_BACK"]


def test_what_an_update_is_refused_for(place: Place, tmp_path: Path) -> None:
    newer = bundle(tmp_path, "0.2.0")
    assert refused(place, newer, Bench(Seen(armed=("PKL_LSLL",)))) == "armed"
    assert refused(place, newer, Bench(Seen(bypassed=("PKL_LSLL",)), word="wanglei")) == "bypassed"
    assert refused(place, newer, Bench(Seen(unsigned=7))) == "unsigned"
    assert refused(place, bundle(tmp_path, "0.0.9")) == "older"
    assert refused(place, bundle(tmp_path, "0.1.0")) == "same"
    assert refused(place, bundle(tmp_path, "0.4.0", schema=2)) == "schema"
    assert refused(place, bundle(tmp_path, "0.4.1", minimum="0.3.0")) == "minimum"


def test_a_supervisors_word_lets_it_trip_the_plant(place: Place, tmp_path: Path) -> None:
    state = updater(place, Bench(Seen(armed=("PKL_LSLL",)), word="wanglei")).install(
        bundle(tmp_path, "0.2.0"), "engineer"
    )
    assert state.step == "SWITCHED"


def test_a_version_that_was_good_once_is_the_floor_even_after_a_rollback(place: Place, tmp_path: Path) -> None:
    one = updater(place)
    one.install(bundle(tmp_path, "0.3.0"), "engineer")
    one.good()
    one.back("person:engineer")
    assert refused(place, bundle(tmp_path, "0.2.0")) == "older"


def test_rules_that_a_new_version_reads_differently_stop_it(place: Place, tmp_path: Path) -> None:
    bench = Bench(hashes={"0.1.0": {"PKL_LSLL": "a"}, "0.2.0": {"PKL_LSLL": "b"}})
    with pytest.raises(ApplianceError, match="PKL_LSLL"):
        updater(place, bench).install(bundle(tmp_path, "0.2.0"), "engineer")
    assert states.read(place).step == "GOOD"
    assert said(place) == "0.1.0"


class _Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize("at", ["VERIFIED", "UNPACKED", "SELFTEST", "SWITCHED"])
def test_a_cut_at_every_step_leaves_one_good_slot(place: Place, tmp_path: Path, at: str) -> None:
    def told(state: State) -> None:
        if state.step == at:
            raise _Cut

    bench = Bench()
    one = updates.Updater(place, bench, bench, lambda _slot, rules=False: {}, told)
    with pytest.raises(_Cut):
        one.install(bundle(tmp_path, "0.2.0"), "engineer")
    recover(place)
    assert said(place) == "0.1.0"
    assert states.read(place).step == ("ROLLED_BACK" if at == "SWITCHED" else "GOOD")
    assert list(place.slots.glob("*.part")) == []
    assert updater(place).install(bundle(tmp_path, "0.2.0"), "engineer").step == "SWITCHED"
    assert said(place) == "0.2.0"


def test_a_slot_without_its_mark_was_never_whole(place: Place) -> None:
    (place.slot("A") / "slot.json").unlink()
    assert read_mark(place, "A") is None


# --- the start guard, in the shell that will run it ---


def guard(place: Place, *words: str) -> None:
    subprocess.run([str(place.guard), *words], check=True, capture_output=True)


def on_trial(place: Place, tmp_path: Path) -> None:
    updater(place).install(bundle(tmp_path, "0.2.0"), "engineer")
    assert place.running() == "B"


def test_two_failed_starts_and_the_slot_before_is_back(place: Place, tmp_path: Path) -> None:
    on_trial(place, tmp_path)
    guard(place, "start")
    guard(place, "start")
    assert place.running() == "B"
    guard(place, "start")
    assert (place.running(), said(place)) == ("A", "0.1.0")
    state = states.read(place)
    assert (state.step, state.reason) == ("ROLLED_BACK", "starts")
    assert list(states.history(place))[-1]["reason"] == "starts"
    guard(place, "start")  # nothing more to do, and no harm
    assert place.running() == "A"
    with pytest.raises(ApplianceError) as caught:  # the version that failed is nothing to go back to
        updater(place).back("person:engineer")
    assert caught.value.key == "no-slot-before"
    assert place.running() == "A"


def test_a_start_that_was_ready_counts_anew(place: Place, tmp_path: Path) -> None:
    on_trial(place, tmp_path)
    for _ in range(3):
        guard(place, "start")
        guard(place, "ready")
    assert place.running() == "B"
    assert states.read(place).starts == 0


def test_the_guard_leaves_a_switch_that_did_not_happen(place: Place, tmp_path: Path) -> None:
    on_trial(place, tmp_path)
    replace_link(place.current, "slots/A")
    guard(place, "start")
    assert (place.running(), states.read(place).reason) == ("A", "interrupted")


def test_without_a_trial_the_guard_does_nothing(place: Place) -> None:
    before = (place.update / "state").read_bytes()
    guard(place, "start")
    guard(place, "rollback", "judge")
    assert (place.update / "state").read_bytes() == before
    assert place.running() == "A"


# --- the trial ---


def run(looks: list[Look | None], state: State | None = None) -> str:
    """The verdict over `looks`, one every five seconds, the last one for ever."""
    clock = [0.0]
    left = iter(looks)
    last: list[Look | None] = [None]

    def look() -> Look | None:
        last[0] = next(left, last[0])
        return last[0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    before = state or State(sources=1.0, p99_us=5_000)
    return judged(Judge(before), 0.0, look, lambda: clock[0], sleep)


def test_a_trial_that_is_as_before_ends_well() -> None:
    assert run([Look(7, 1.0, 5_500)]) == ""
    assert run([None] * 5 + [Look(7, 0.0, 9_000)] * 10 + [Look(7, 0.96, 300)]) == ""  # it may come up slowly


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ([Look(7, 0.9, 300)], "sources"),
        ([Look(7, 1.0, 6_100)], "slow"),
        ([None], "silent"),
        ([Look(7, 1.0, 300)] * 30 + [Look(8, 1.0, 300)], "restarted"),
        ([Look(7, 1.0, 300)] * 40 + [Look(7, 0.5, 300)], "sources"),
    ],
)
def test_a_trial_ends_badly(looks: list[Look | None], reason: str) -> None:
    assert run(looks) == reason


def test_a_device_that_is_off_for_a_moment_is_not_the_versions_fault() -> None:
    blinks = [Look(7, 1.0, 300)] * 40 + [Look(7, 0.5, 300)] * (DEFICIENT_MAX - 1) + [Look(7, 1.0, 300)]
    assert run(blinks) == ""
    assert EVERY_S * DEFICIENT_MAX == 60


def test_a_small_p99_is_not_judged_by_a_fifth() -> None:
    assert run([Look(7, 1.0, 1_500)], State(sources=1.0, p99_us=200)) == ""
