"""The daemon's side of trip bundles: it only counts trips and starts `gateway.offline.keeper`, a process of its own."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.core.effects import Journal
from gateway.core.program import Program, canonical
from gateway.offline import setting
from gateway.site import Site

FIRST_S = 5.0  # after a start: what an earlier run left
WAIT_S = 32.0  # the 30 s behind a trip, and a little for the recorder
AGAIN_S = 60.0  # after a refusal of the disk

_log = logging.getLogger("gatehouse")


def latest(folder: Path) -> dict[str, str]:
    """The newest bundle by function; the names of bundles sort by time."""
    found = sorted(folder.glob("*.trip.zip"))
    return {path.name.partition("-")[2].rsplit("-", 2)[0]: str(path) for path in found}


class BundleKeeping:
    """One edge: `seen` on the loop costs a comparison, everything else happens elsewhere."""

    def __init__(self, directory: Path, boot: int) -> None:
        self._directory, self._boot = directory, boot
        self._command = [sys.executable, "-m", "gateway.offline.keeper", str(directory), "--running", str(boot)]
        self._tripped = asyncio.Event()
        self._last: dict[str, str] = {}  # function -> file

    def seen(self, effect: Journal) -> None:
        """A row of the journal; a trip asks for its bundle."""
        if effect.record.kind == "interlock.tripping":
            self._tripped.set()

    def last(self, function: str) -> str:
        """The bundle of the last trip of a function, "" where there is none yet."""
        return self._last.get(function, "")

    def in_force(self, site: Site, program: Program, formulas: Mapping[str, str], version: str) -> None:
        """Keep what a replay of this boot needs. A full disk is no reason not to start: then a trip has no bundle, and says so."""
        now = setting.Setting(
            site.id,
            site.site,
            site.hash,
            version,
            site.language,
            site.table,
            canonical(program),
            dict(formulas),
            site.plan,
        )
        try:
            setting.keep(self._directory / "bundles", self._boot, now)
        except OSError as error:
            _log.error("trip bundles: what is in force was not kept: %s", error)

    async def run(self) -> None:
        """Bundle what earlier runs left, then every trip half a minute after it. Until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            if await self._work():
                await asyncio.sleep(AGAIN_S)
                continue
            await self._tripped.wait()
            self._tripped.clear()
            await asyncio.sleep(WAIT_S)

    async def _work(self) -> int:
        """One run of the keeper, 0 where nothing waits. A thread starts it: to make a process takes milliseconds."""
        process = await asyncio.to_thread(subprocess.Popen, self._command, stdin=subprocess.DEVNULL)
        try:
            code = await asyncio.to_thread(process.wait)
            self._last = await asyncio.to_thread(latest, self._directory / "bundles")
            return code
        finally:
            if process.poll() is None:
                process.terminate()
