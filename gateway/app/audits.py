"""The daemon's side of the evidence: each hour it starts `gateway.offline.auditor` and journals what that found."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gateway.offline.audit import KIND

FIRST_S = 120.0  # after a start: the first minute of a boot has its snapshot by then
EVERY_S = 3_600.0

_log = logging.getLogger("gatehouse")


class Notes(Protocol):
    """Where the rows go."""

    def note(self, kind: str, detail: dict[str, Any]) -> bool: ...


class AuditKeeping:
    """One edge; the loop only hands lines on."""

    def __init__(self, directory: Path, notes: Notes) -> None:
        self._command = [sys.executable, "-m", "gateway.offline.auditor", str(directory)]
        self._notes = notes

    async def run(self) -> None:
        """Audit every hour. Until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> int:
        """One run of the auditor; how many slices were journalled."""
        process = await asyncio.to_thread(
            subprocess.Popen, self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        count = 0
        assert process.stdout is not None
        try:
            while line := await asyncio.to_thread(process.stdout.readline):
                if not self._notes.note(KIND, msgspec.json.decode(line)):
                    break  # the journal takes nothing now; the time stays unaudited unless the auditor is asked again
                count += 1
            if await asyncio.to_thread(process.wait):
                _log.error("evidence: the audit of the recorded inputs ended with code %d", process.returncode)
        finally:
            if process.poll() is None:
                process.terminate()
                await asyncio.to_thread(process.wait)
            process.stdout.close()
        return count
