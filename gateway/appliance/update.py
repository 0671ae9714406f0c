"""The update of a box: VERIFIED, UNPACKED, SELFTEST, SWITCHED (on trial), then GOOD or ROLLED_BACK(reason).

Each step is on the disk before the next one begins. Until SWITCHED the slot that runs is not touched; from then on the slot
before stays whole until the trial has ended well. Power may fail at any byte.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from gateway.appliance import state as states
from gateway.appliance.archive import Opened, check_all, open_signed
from gateway.appliance.manifest import newest, number
from gateway.appliance.place import Place, Slot, machine, other, replace_file, replace_link
from gateway.appliance.state import State
from gateway.appliance.system import link_system
from gateway.appliance.trust import trusted
from gateway.appliance.unpack import MARK, discard, read_mark, unpack
from gateway.appliance.words import FAILED, NOT_FOUND, REFUSED, ApplianceError

TRIAL_MIN = 10
SELFTEST_S = 900.0  # an accelerator that builds its engine of each model, at most four minutes each

Told = Callable[[State], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the running gateway says of itself before it is stopped; `armed` are in service and not tripped."""

    armed: tuple[str, ...] = ()
    bypassed: tuple[str, ...] = ()
    unsigned: int = 0  # the newest version of the rules, where it waits for signatures
    sources: float = 1.0  # share of sources that are up
    p99_us: int = 0


class Plant(Protocol):
    """The gateway as an update sees it."""

    def seen(self) -> Seen | None:
        """How it stands now, None where no gateway runs. Raises ApplianceError where it runs and does not say."""

    def stopped(self) -> str:
        """The supervisor who says that the plant is stopped, "" where nobody did."""


class Services(Protocol):
    """What starts and stops things on this box."""

    def restart(self) -> bool:
        """Restart the gateway; False where a person has to."""

    def judge(self) -> None:
        """Begin to judge the trial."""


class SelfTest(Protocol):
    """Runs the self-test of a slot with that slot's own Python."""

    def __call__(self, slot: Path, *, rules: bool = False) -> dict[str, str]:
        """Hash of every rule as that version reads the site; `rules`: test nothing else. Raises ApplianceError with what failed."""


@dataclass(frozen=True, slots=True)
class Updater:
    """Updates of one box."""

    place: Place
    plant: Plant
    services: Services
    selftest: SelfTest
    told: Told = lambda _state: None

    # --- install ---

    def verify(self, bundle: Path) -> Opened:
        """A bundle by a trusted key, every byte as signed. Raises ApplianceError."""
        opened = open_signed(bundle, trusted(self.place.trust))
        check_all(opened)
        return opened

    def install(self, bundle: Path, person: str) -> State:
        """All steps up to the trial; at a first install up to GOOD. Raises ApplianceError, OSError."""
        with locked(self.place):
            recover(self.place)
            if states.read(self.place).step == "SWITCHED":
                raise ApplianceError(REFUSED, "trial-on", version=states.read(self.place).version)
            seen = self.allowed()
            opened = self.verify(bundle)
            self._fits(opened)
            state = self._prepared(opened, person)
            return self._switched(state, seen) if state.previous else self._first(state)

    def allowed(self) -> Seen:
        """What the plant looks like before, where an update may go on at all. Raises ApplianceError."""
        seen = self.plant.seen()
        if seen is None:
            return Seen()
        if seen.bypassed:
            raise ApplianceError(REFUSED, "bypassed", names=", ".join(seen.bypassed))
        if seen.unsigned:
            raise ApplianceError(REFUSED, "unsigned", number=seen.unsigned)
        if seen.armed and not self.plant.stopped():
            raise ApplianceError(REFUSED, "armed", names=", ".join(seen.armed))
        return seen

    def _fits(self, opened: Opened) -> None:
        """Raises ApplianceError where this bundle is not for this box as it is now."""
        manifest = opened.manifest
        if machine() not in manifest.architectures:
            theirs = ", ".join(manifest.architectures)
            raise ApplianceError(REFUSED, "architecture", theirs=theirs, ours=machine())
        running = self.place.running()
        mark = read_mark(self.place, running) if running else None
        if mark is None:
            return
        if mark.version == manifest.version:
            raise ApplianceError(REFUSED, "same", version=mark.version)
        highest = newest([mark.version, *(str(row.get("version")) for row in self._good())])
        if number(manifest.version) < number(highest):
            raise ApplianceError(REFUSED, "older", version=manifest.version, installed=highest)
        if number(mark.version) < number(manifest.minimum):
            words = {"version": manifest.version, "minimum": manifest.minimum, "installed": mark.version}
            raise ApplianceError(REFUSED, "minimum", **words)
        if manifest.data_schema != mark.data_schema:
            words = {"version": manifest.version, "theirs": str(manifest.data_schema), "ours": str(mark.data_schema)}
            raise ApplianceError(REFUSED, "schema", **words)

    def _good(self) -> Iterator[dict[str, object]]:
        return (row for row in states.history(self.place) if row.get("step") == "GOOD" and not row.get("system"))

    def _prepared(self, opened: Opened, person: str) -> State:
        running = self.place.running()
        slot = other(running)
        before = read_mark(self.place, running) if running else None
        state = State(
            "VERIFIED", slot, opened.manifest.version, running or "", before.version if before else "", person=person
        )
        self.step(state)
        unpack(opened, self.place, slot)
        state = self.step(replace(state, step="UNPACKED"))
        try:
            self._tested(slot, running)
        except ApplianceError:
            discard(self.place, slot)
            states.write(self.place, replace(state, step="GOOD", slot=running or "", version=state.was, previous=""))
            raise
        return self.step(replace(state, step="SELFTEST"))

    def _tested(self, slot: Slot, running: Slot | None) -> None:
        new = self.selftest(self.place.slot(slot))
        # of the version that runs only its reading is asked: an update is the way out of a slot that has been damaged
        old = self.selftest(self.place.slot(running), rules=True) if running else {}
        other_meaning = sorted(name for name in old if new.get(name) != old[name])
        if other_meaning:
            raise ApplianceError(REFUSED, "rules-differ", names=", ".join(other_meaning))

    def _first(self, state: State) -> State:
        """Nothing ran before: there is nothing to go back to, so there is no trial."""
        slot: Slot = "B" if state.slot == "B" else "A"
        replace_link(self.place.current, f"slots/{slot}")
        link_system(self.place)
        return self._settled(state)

    def _switched(self, state: State, seen: Seen) -> State:
        state = self.step(replace(state, step="SWITCHED", sources=seen.sources, p99_us=seen.p99_us))
        replace_link(self.place.current, f"slots/{state.slot}")
        link_system(self.place)
        self.services.restart()
        self.services.judge()
        return state

    # --- the end of a trial ---

    def good(self) -> State:
        """End the trial well. Raises ApplianceError where there is none."""
        with locked(self.place):
            return self._settled(self._on_trial())

    def back(self, reason: str) -> State:
        """To the slot before, during a trial or after it. Raises ApplianceError where there is none."""
        with locked(self.place):
            recover(self.place)
            state = states.read(self.place)
            before = self._before(state)
            mark = read_mark(self.place, before)
            if mark is None:
                raise ApplianceError(NOT_FOUND, "no-slot-before")
            replace_link(self.place.current, f"slots/{before}")
            running = state.slot or ""
            done = replace(state, step="ROLLED_BACK", slot=running, previous=before, was=mark.version, reason=reason)
            self.step(done)
            link_system(self.place)
            self.services.restart()
            return done

    def allowed_back(self) -> None:
        """Raises ApplianceError where a restart would trip a running plant; a trial has nothing in service."""
        if states.read(self.place).step != "SWITCHED":
            self.allowed()

    def _before(self, state: State) -> Slot:
        running = self.place.running()
        if running is None or (state.step == "SWITCHED" and not state.previous):
            raise ApplianceError(NOT_FOUND, "no-slot-before")
        if state.step == "ROLLED_BACK" and state.slot == other(running):  # what was left is nothing to go back to
            raise ApplianceError(NOT_FOUND, "no-slot-before")
        return other(running)

    def _on_trial(self) -> State:
        state = states.read(self.place)
        if state.step != "SWITCHED":
            raise ApplianceError(NOT_FOUND, "no-trial")
        return state

    def _settled(self, state: State) -> State:
        slot = self.place.slot("B" if state.slot == "B" else "A")
        guard = slot / "system" / "guard"
        if guard.exists():
            replace_file(self.place.guard, guard.read_bytes(), 0o755)
        return self.step(replace(state, step="GOOD"))

    def step(self, state: State) -> State:
        """One step, on the disk and told. Raises OSError."""
        written = states.write(self.place, state)
        self.told(written)
        return written


def recover(place: Place) -> None:
    """Put in order what a power cut left: the slot that runs stays, what was being made beside it goes. Raises OSError."""
    state, running = states.read(place), place.running()
    if state.step in states.UNDER_WAY:
        discard(place, other(running))
        mark = read_mark(place, running) if running else None
        if mark is None:
            states.write(place, State())
        else:
            states.write(place, State("GOOD", running or "", mark.version, reason="interrupted"))
    elif state.step == "SWITCHED" and not state.system and state.slot != running:
        states.write(place, replace(state, step="ROLLED_BACK", reason="interrupted"))
    if running:
        shutil_part(place, other(running))


def shutil_part(place: Place, slot: Slot) -> None:
    """What was being unpacked and never got its name."""
    if (place.slots / f"{slot}.part").exists():
        discard(place, slot)


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """One update at a time. Raises ApplianceError where another one is going on."""
    place.update.mkdir(parents=True, exist_ok=True)
    handle = os.open(place.update / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ApplianceError(REFUSED, "locked") from error
    finally:
        os.close(handle)


def run_selftest(
    site: Path, slot: Path, *, rules: bool = False, command: Sequence[str] = ("-P", "-m", "gateway.app.selftest")
) -> dict[str, str]:
    """The self-test of a slot, run by its own Python. Raises ApplianceError with what it said."""
    if not (slot / MARK).exists():
        raise ApplianceError(FAILED, "slot-broken", slot=slot.name)
    try:
        said = subprocess.run(
            [str(slot / "bin/python"), *command, str(site), *(["--rules"] if rules else [])],
            capture_output=True,
            text=True,
            timeout=SELFTEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApplianceError(FAILED, "selftest", slot=slot.name, why=error) from error
    if said.returncode:
        why = (said.stderr.strip() or said.stdout.strip()).splitlines()
        raise ApplianceError(FAILED, "selftest", slot=slot.name, why=" ".join(why[-3:]) or f"exit {said.returncode}")
    return msgspec.json.decode(said.stdout.splitlines()[-1], type=dict[str, str])
