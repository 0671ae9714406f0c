"""Reports for the page: the command line's own, each made by a process beside the daemon, so that the line loses nothing to it."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

LONGEST_S = 180.0  # two seconds of a core, behind everything else on the box
PAGE_MAX_BYTES = 4_000_000

_log = logging.getLogger("gatehouse")
_COMMANDS = {
    "shift": ("report", "shift"),
    "bypass": ("report", "bypass"),
    "prooftest": ("report", "prooftest"),
    "acceptance": ("report", "acceptance"),
    "commission": ("commission", "report"),
    "evidence": ("report", "evidence"),
}
_BEHIND = "from gateway.offline.background import step_back; step_back(); from gateway.cli.main import main; main()"
HALF_YEAR_S = 183 * 86_400


class Papers:
    """Implements `gateway.page.papers.Papers` for one site."""

    kinds = tuple(_COMMANDS)

    def __init__(self, site: Path) -> None:
        self._site = site

    async def page(self, kind: str, language: str) -> str | None:
        """The page that the command of this kind writes; None where it fails or takes too long, and the log says why."""
        with tempfile.TemporaryDirectory(prefix="gatehouse-report-") as folder:
            words = [*_COMMANDS[kind], str(self._site), "--lang", language, *_to(kind, Path(folder))]
            if not await _ran(words):
                return None
            return await asyncio.to_thread(_written, Path(folder), language)


def _to(kind: str, folder: Path) -> list[str]:
    """Where a report writes its page to, and of which time."""
    if kind != "evidence":
        return ["--html", str(folder / "page.html")]
    now_s = time.time()
    begin, end = (time.strftime("%Y-%m-%dT%H:%M", time.gmtime(at)) for at in (now_s - HALF_YEAR_S, now_s))
    return ["--from", begin, "--to", end, "--out", str(folder)]


def _written(folder: Path, language: str) -> str | None:
    """The page in the folder: the one of this language where there are several."""
    pages = sorted(folder.glob("*.html"), key=lambda path: f".{language}." not in path.name)
    if not pages or pages[0].stat().st_size > PAGE_MAX_BYTES:
        return None
    return pages[0].read_text(encoding="utf-8")


async def _ran(words: list[str]) -> bool:
    """Run `gatehouse` with these words, behind everything else on this box."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BEHIND, *words, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LONGEST_S):
            _, said = await process.communicate()
    except TimeoutError:
        _log.error("report: %s took longer than %d s", " ".join(words[:2]), LONGEST_S)
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode not in (0, 9):  # 9: the site is not in order now, and the page of an acceptance says so
        _log.error(
            "report: %s ended with %d: %s",
            " ".join(words[:2]),
            process.returncode,
            said.decode(errors="replace")[-400:],
        )
        return False
    return True
