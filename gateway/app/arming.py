"""Between people and the kernel: nothing is armed without a kept, tried and twice signed version, which is looked at every minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.activation import gate, store
from gateway.activation.people import Signer
from gateway.activation.version import Version
from gateway.activation.words import both, say
from gateway.app.update_word import CONFIRM, HELD, Updates, held
from gateway.control.messages import Desk, Reply
from gateway.core.function_state import Kept
from gateway.core.kernel import Kernel
from gateway.runtime.vitals import Vitals

REFUSED, NOT_FOUND = 6, 4
EVERY_S = 60.0  # I24
WRITING = ("interlock.arm", "control.arm", "source.watchdog")  # what leads to a write


def armed_hashes(kept: Mapping[str, bytes]) -> dict[str, str]:
    """Hash of the armed version of every function that the journal says is in service."""
    functions = {
        key.removeprefix("function:"): msgspec.msgpack.decode(data, type=Kept)
        for key, data in kept.items()
        if key.startswith("function:")
    }
    return {name: function.armed_hash for name, function in functions.items() if function.mode == "live"}


def standing_down(kept: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is kept, less what puts interlocks and controls in service: a site that only monitors starts without them."""
    return {key: data for key, data in kept.items() if not key.startswith(("function:", "control:"))}


class ArmingDesk:
    """The `Desk` of control.messages with the gate of `activation` before what would command outputs: interlocks and controls.

    `monitor`: the site is declared to write nothing, so nothing that writes is armed or tried.
    """

    def __init__(
        self,
        desk: Desk,
        kernel: Kernel,
        directory: Path,
        people: Mapping[str, Signer],
        formulas: dict[str, str],
        *,
        monitor: bool = False,
        updates: Updates | None = None,
    ) -> None:
        self._monitor = monitor
        self._updates = updates or Updates()
        self._desk, self._kernel, self._directory = desk, kernel, directory
        self._people, self._formulas = people, formulas

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        """Let everything through but an arm that lacks something; what it lacks is named."""
        if self._monitor and verb in WRITING:
            return Reply(REFUSED, texts=both("monitor"))
        if verb == CONFIRM:
            return self._updates.confirmed(person, args["reason"])
        if verb in HELD and self._updates.on_trial():
            return Reply(REFUSED, texts=held())
        control = self._kernel.controls.get(target) if verb == "control.arm" else None
        if control is None and (verb != "interlock.arm" or target not in self._kernel.functions):
            return await self._desk.submit(person, role, verb, target, args)
        kept = await asyncio.to_thread(store.read, self._directory)
        hash = control.hash if control else self._asked(kept, target, args.get("version", ""))
        if not hash:
            return Reply(NOT_FOUND, texts=both("no-version", number=args["version"]))
        version, lacking = gate.refusals(kept, target, hash, self._people, self._kernel.table)
        if version is None:
            texts = {language: " ".join(one[language] for one in lacking) for language in ("en", "zh-CN")}
            return Reply(REFUSED, texts=texts)
        if control:
            return await self._desk.submit(person, role, verb, target, args)
        given = {**args, "hash": hash, "version": str(version.number)}
        reply = await self._desk.submit(person, role, verb, target, given)
        if not reply.code:
            self._formulas[target] = _formula(version, target)
        return reply

    def _asked(self, kept: store.Kept, name: str, number: str) -> str:
        """The hash of the version `number`, else of the version on trial, else of the one that is loaded."""
        if number:
            version = kept.versions.get(int(number))
            entry = version.entry(name) if version else None
            return entry.hash if entry else ""
        function, candidate = self._kernel.functions[name], self._kernel.candidates.get(name)
        return (candidate or function).hash

    async def watch(self, vitals: Vitals, every_s: float = EVERY_S) -> None:
        """Every minute: what protects is still in the store, whole; if not, the self-check is down."""
        while True:
            kept = await asyncio.to_thread(store.read, self._directory)
            vitals.report("versions", lost(kept, self._kernel))
            await asyncio.sleep(every_s)


def lost(kept: store.Kept, kernel: Kernel) -> str:
    """The first function in service whose armed version is not in the store or not whole, in words; "" if all are."""
    for function in kernel.functions.values():
        if function.live and not gate.version_of(kept, function.name, function.armed_hash):
            return say("lost", "en", name=function.name)
    return ""


def _formula(version: Version, name: str) -> str:
    entry = version.entry(name)
    return entry.formula if entry else ""
