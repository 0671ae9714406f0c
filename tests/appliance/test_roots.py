"""The system below the product: the same refusals and the same trial, and the root before where it does not hold."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.app.updating import step_text
from gateway.appliance import state as states
from gateway.appliance.making.disk import GRUB
from gateway.appliance.place import Place
from gateway.appliance.roots import Rauc, SystemUpdate
from gateway.appliance.update import Seen, recover
from gateway.appliance.words import FAILED, ApplianceError
from tests.appliance.box import GUARD, Bench, box, bundle, updater

SYSTEM = Path("system-0.2.0.raucb")


@dataclass
class Disk:
    """Two roots as RAUC and GRUB keep them."""

    runs: str = "A"
    first: str = "A"
    refuses: bool = False
    tries: dict[str, int] = field(default_factory=lambda: {"A": 1, "B": 0})
    bad_ones: list[str] = field(default_factory=list)
    restarts: int = 0
    offer: str = "0.2.0"

    def booted(self) -> str:
        return self.runs

    def version(self) -> str:
        return "0.1.0"

    def offered(self, bundle: Path) -> str:
        return self.offer

    def write(self, bundle: Path) -> None:
        if self.refuses:
            raise ApplianceError(FAILED, "system-write", file=bundle, why="damaged")

    def choose(self) -> None:
        self.first = "B" if self.runs == "A" else "A"

    def good(self) -> None:
        self.tries[self.runs] = 0

    def bad(self) -> None:
        self.bad_ones.append(self.runs)

    def restart(self) -> None:
        self.restarts += 1


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = box(tmp_path / "box")
    updater(found).install(bundle(tmp_path, "0.1.0"), "engineer")
    return found


def system(place: Place, disk: Disk, seen: Seen | None = None) -> SystemUpdate:
    return SystemUpdate(updater(place, Bench(seen)), disk)


def test_a_system_is_written_chosen_and_booted(place: Place) -> None:
    disk = Disk()
    system(place, disk, Seen(sources=1.0, p99_us=300)).install(SYSTEM, "engineer")
    state = states.read(place)
    assert (state.step, state.system, state.was, state.p99_us) == ("SWITCHED", "B", "0.1.0", 300)
    assert (disk.first, disk.restarts, place.running()) == ("B", 1, "A")
    recover(place)
    assert states.read(place).step == "SWITCHED", "the slot of the product has nothing to do with it"
    disk.runs = "B"
    after = system(place, disk)
    after.came_up()
    assert disk.tries["B"] == 0
    assert states.read(place).step == "SWITCHED", "coming up is not the end of the trial"
    after.good()
    assert states.read(place).step == "GOOD"
    assert "rootB" in step_text(states.read(place), "en")


def test_what_a_system_is_refused_for(place: Place) -> None:
    for disk, seen, key in (
        (Disk(runs=""), None, "no-roots"),
        (Disk(offer="0.1.0"), None, "same"),
        (Disk(offer="0.0.9"), None, "older"),
        (Disk(), Seen(armed=("dry-run",)), "armed"),
        (Disk(), Seen(bypassed=("dry-run",)), "bypassed"),
        (Disk(refuses=True), None, "system-write"),
    ):
        with pytest.raises(ApplianceError) as caught:
            system(place, disk, seen).install(SYSTEM, "engineer")
        assert caught.value.key == key
        assert caught.value.text("zh-CN") != caught.value.text("en")
        assert (states.read(place).step, disk.restarts, disk.first) == ("GOOD", 0, "A")


def test_a_root_that_did_not_start_is_named_by_the_one_that_did(place: Place) -> None:
    disk = Disk()
    one = system(place, disk)
    one.install(SYSTEM, "engineer")
    state = one.came_up()  # GRUB came back to A
    assert (state.step, state.reason) == ("ROLLED_BACK", "boots")
    assert disk.tries["A"] == 0
    assert "rootA" in step_text(state, "en")
    assert "new system did not come up" in step_text(state, "en")


def test_a_trial_that_fails_gives_the_root_up(place: Place) -> None:
    disk = Disk()
    system(place, disk).install(SYSTEM, "engineer")
    disk.runs = "B"
    system(place, disk).back("sources")
    assert (disk.bad_ones, disk.restarts) == (["B"], 2)
    assert states.read(place).reason == "sources"
    with pytest.raises(ApplianceError):
        system(place, disk).back("sources")


def test_the_versions_of_systems_are_not_those_of_the_product(place: Place, tmp_path: Path) -> None:
    disk = Disk(offer="0.9.0")
    system(place, disk).install(SYSTEM, "engineer")
    disk.runs = "B"
    system(place, disk).good()
    assert updater(place).install(bundle(tmp_path, "0.2.0"), "engineer").version == "0.2.0"


def test_the_guard_gives_a_root_up_whose_judge_cannot_run(place: Place, tmp_path: Path) -> None:
    disk = Disk()
    system(place, disk).install(SYSTEM, "engineer")
    called = tmp_path / "called"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("rauc", "systemctl"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{called}\n')
        (tools / name).chmod(0o755)
    around = {"PATH": f"{tools}:/usr/bin:/bin", "GATEHOUSE_OPT": str(place.opt)}
    for word in ("start", "ready"):
        subprocess.run([str(GUARD), word], env=around, check=True)
    assert states.read(place).step == "SWITCHED"
    subprocess.run([str(GUARD), "rollback", "judge"], env=around, check=True, capture_output=True)
    assert (states.read(place).step, states.read(place).reason) == ("ROLLED_BACK", "judge")
    assert "systemctl --no-block reboot" in called.read_text()
    assert [row.get("system") for row in states.history(place)][-1] == "B"


def test_the_boot_loader_tries_a_root_twice_and_never_stands_still() -> None:
    """Played by a shell: GRUB's language is close enough where nothing of its own is called."""
    script = GRUB.partition("regexp")[0].replace("load_env", ". ./grubenv")
    script += GRUB.partition('"$root"\n')[2].partition("set root=")[0]
    script = script.replace("save_env A_OK B_OK A_TRY B_TRY ORDER", "").replace("set ", "")
    for kept, chosen in (
        ("", "root A, tried A 1 B 0"),
        ("ORDER='B A' B_OK=1", "root B, tried A 0 B 1"),
        ("ORDER='B A' B_OK=1 B_TRY=1", "root B, tried A 0 B 2"),
        ("ORDER='B A' B_OK=1 B_TRY=2", "root A, tried A 1 B 2"),
        ("ORDER='B A' B_OK=0", "root A, tried A 1 B 0"),
        ("A_OK=0", "root A, tried A 1 B 0"),
        ("A_TRY=2", "root A, tried A 1 B 0"),
    ):
        said = subprocess.run(
            ["sh", "-c", script.replace(". ./grubenv", kept or ":")], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == chosen, kept


@pytest.mark.parametrize(
    ("error", "key", "says"),
    [
        ("Pre-install handler error: Child process exited with code 1", "system-damaged", "copy it again"),
        ("Failed updating slot rootfs.1: no space left", "system-write", "no space left"),
    ],
)
def test_why_a_system_was_not_installed_is_said_in_words(
    error: str, key: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RAUC 1.8 prints the reason among the progress, and on stderr only that it failed."""
    rauc = tmp_path / "rauc"
    rauc.write_text(f"#!/bin/sh\necho '100% Installing failed.'\necho 'LastError: {error}'\necho failed >&2\nexit 1\n")
    rauc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ApplianceError) as caught:
        Rauc().write(SYSTEM)
    assert (caught.value.code, caught.value.key) == (FAILED, key)
    assert says in caught.value.text("en")
