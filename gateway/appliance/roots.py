"""The two roots of an image: whole systems that RAUC writes and GRUB chooses from. A box on a vendor's OS has none.

The steps and the trial are those of `update`; what changes is the system below, so the end of a trial that failed is a reboot.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from gateway.appliance import state as states
from gateway.appliance.manifest import VERSION, number
from gateway.appliance.state import State
from gateway.appliance.update import Updater, locked, recover
from gateway.appliance.words import FAILED, NOT_PERMITTED, REFUSED, ApplianceError

SUFFIX = ".raucb"
CONFIG = Path("etc/rauc/system.conf")
VERSION_FILE = Path("usr/lib/gatehouse/system-version")
# The one handler is rauc-read, which reads all of a bundle before anything is written.
_READ_FAILED = "Pre-install handler error"
_LAST_ERROR = re.compile(r"^LastError: (.+)$", re.MULTILINE)
_BOOTED = re.compile(r"\brauc\.slot=([AB])\b")


class Roots(Protocol):
    """The roots of a box as an update sees them."""

    def booted(self) -> str:
        """The root that runs: "A" or "B", "" where this box has none."""

    def version(self) -> str:
        """Version of the system that runs."""

    def offered(self, bundle: Path) -> str:
        """Version of a bundle that a trusted key has signed. Raises ApplianceError."""

    def write(self, bundle: Path) -> None:
        """Read all of the bundle, then write the idle root. Raises ApplianceError."""

    def choose(self) -> None:
        """The idle root comes first at the next boot."""

    def good(self) -> None:
        """The root that runs has come up: its tries count from zero again."""

    def bad(self) -> None:
        """The root that runs is not booted any more."""

    def restart(self) -> None:
        """Boot again."""


@dataclass(frozen=True, slots=True)
class Rauc:
    """The roots of this box, by RAUC's own command."""

    root: Path = Path("/")

    def booted(self) -> str:
        if not (self.root / CONFIG).exists():
            return ""
        found = _BOOTED.search(Path("/proc/cmdline").read_text(encoding="utf-8", errors="replace"))
        return found[1] if found else ""

    def version(self) -> str:
        try:
            return (self.root / VERSION_FILE).read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def offered(self, bundle: Path) -> str:
        said = _rauc("info", "--output-format=json", str(bundle.resolve()))
        try:
            version = str(json.loads(said.stdout)["version"])
        except (ValueError, KeyError):
            words = {"file": bundle, "why": _last(said)}
            raise ApplianceError(NOT_PERMITTED, "system-signature", **words) from None
        if not VERSION.fullmatch(version):
            raise ApplianceError(FAILED, "manifest", why=f"version {version}")
        return version

    def write(self, bundle: Path) -> None:
        said = _rauc("install", str(bundle.resolve()))
        if not said.returncode:
            return
        if _READ_FAILED in said.stdout:
            raise ApplianceError(FAILED, "system-damaged", file=bundle)
        raise ApplianceError(FAILED, "system-write", file=bundle, why=_last(said))

    def choose(self) -> None:
        self._status("mark-active", "other")

    def good(self) -> None:
        self._status("mark-good")

    def bad(self) -> None:
        self._status("mark-bad")

    def restart(self) -> None:
        subprocess.run(["systemctl", "--no-block", "reboot"], check=False)

    def shown(self) -> list[dict[str, Any]]:
        """Each root with its state at the boot loader, for `update status`."""
        said = _rauc("status", "--output-format=json", "--detailed")
        try:
            found = json.loads(said.stdout)
        except ValueError:
            return []
        return [_shown(one, found.get("boot_primary")) for pair in found.get("slots", []) for one in pair.items()]

    def _status(self, *words: str) -> None:
        said = _rauc("status", *words)
        if said.returncode:
            raise ApplianceError(FAILED, "system-boot", why=_last(said))


def _shown(one: tuple[str, dict[str, Any]], primary: str | None) -> dict[str, Any]:
    name, slot = one
    version = slot.get("slot_status", {}).get("bundle", {}).get("version", "")
    return {
        "root": slot.get("bootname", ""), "version": version, "boots": slot.get("boot_status", ""),
        "runs": slot.get("state") == "booted", "next": name == primary,
    }  # fmt: skip


def _rauc(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["rauc", *words], capture_output=True, text=True, check=False)


def _last(said: subprocess.CompletedProcess[str]) -> str:
    """Why a command of RAUC failed, in its own words: an installation says it among its progress, not on stderr."""
    if found := _LAST_ERROR.search(said.stdout):
        return found[1]
    lines = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
    return " ".join(lines[-2:]) or f"exit {said.returncode}"


@dataclass(frozen=True, slots=True)
class SystemUpdate:
    """The update of the system below the product, by the same steps and with the same refusals."""

    updater: Updater
    roots: Roots

    def install(self, bundle: Path, person: str) -> State:
        """Write the idle root, choose it and boot again. Raises ApplianceError, OSError."""
        place = self.updater.place
        with locked(place):
            recover(place)
            before = states.read(place)
            if before.step == "SWITCHED":
                raise ApplianceError(REFUSED, "trial-on", version=before.version)
            booted = self.roots.booted()
            if not booted:
                raise ApplianceError(REFUSED, "no-roots", file=bundle)
            seen = self.updater.allowed()
            version, ours = self.roots.offered(bundle), self.roots.version()
            self._fits(version, ours)
            state = State("VERIFIED", place.running() or "", version, was=ours, person=person, system=_other(booted))
            self.updater.step(state)
            try:
                self.roots.write(bundle)
            except ApplianceError:
                states.write(place, before)
                raise
            self.updater.step(replace(state, step="UNPACKED"))
            switched = replace(state, step="SWITCHED", sources=seen.sources, p99_us=seen.p99_us)
            switched = self.updater.step(switched)
            self.roots.choose()
            self.roots.restart()
            return switched

    def _fits(self, version: str, ours: str) -> None:
        if version == ours:
            raise ApplianceError(REFUSED, "same", version=version)
        if ours and number(version) < number(ours):
            raise ApplianceError(REFUSED, "older", version=version, installed=ours)

    def came_up(self) -> State:
        """After a boot: who comes up without a trial is good; who was chosen and is not here did not start."""
        place = self.updater.place
        state, booted = states.read(place), self.roots.booted()
        if state.step == "SWITCHED" and state.system and state.system != booted:
            state = self.updater.step(replace(state, step="ROLLED_BACK", reason="boots"))
        if booted and not (state.step == "SWITCHED" and state.system):
            self.roots.good()
        return state

    def good(self) -> State:
        """End the trial of a system well."""
        place = self.updater.place
        with locked(place):
            self.roots.good()
            return self.updater.step(replace(states.read(place), step="GOOD"))

    def back(self, reason: str) -> State:
        """Boot the root before, and write down why."""
        place = self.updater.place
        with locked(place):
            state = states.read(place)
            if state.step != "SWITCHED" or not state.system:
                raise ApplianceError(REFUSED, "no-trial")
            done = self.updater.step(replace(state, step="ROLLED_BACK", reason=reason))
            if self.roots.booted() == state.system:
                self.roots.bad()
            self.roots.restart()
            return done


def _other(booted: str) -> str:
    return "B" if booted == "A" else "A"
