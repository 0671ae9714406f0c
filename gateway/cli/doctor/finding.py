"""What one check found, and what all checks know beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.cli import codes
from gateway.cli.client import Unreachable
from gateway.cli.common import site_settings
from gateway.cli.session import Session
from gateway.cli.texts import catalogue
from gateway.control.messages import Request

Result = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of `check`; `found` is plain text or a key of the catalogue with `args`, `remedy` a key under `remedy.`."""

    check: str
    result: Result
    found: str = ""
    remedy: str = ""
    args: dict[str, object] = field(default_factory=dict)

    def row(self, language: str) -> dict[str, str]:
        """The finding as people read it; a remedy only where something is to be done."""
        texts = catalogue(language)
        found = texts[self.found].format(**self.args) if self.found in texts else self.found
        needed = self.result in ("warning", "failed")
        remedy = texts[f"remedy.{self.remedy or self.check}"] if needed else ""
        return {"check": self.check, "result": self.result, "found": found, "remedy": remedy}


@dataclass(frozen=True, slots=True)
class Scene:
    """The site folder with its settings as they stand, and the daemon's own facts (None: it does not answer)."""

    session: Session
    site: Path | None
    settings: dict[str, Any]
    facts: dict[str, Any] | None
    no_answer: int = codes.OK  # the exit code of asking, where there was no answer

    @classmethod
    def of(cls, session: Session) -> Scene:
        """Look once, so that all checks speak of the same moment."""
        site = session.common.site
        settings = site_settings(site) if site is not None else {}
        try:
            reply = session.ask(Request("doctor.show"))
        except Unreachable as gone:
            return cls(session, site, settings, None, gone.code)
        return cls(session, site, settings, reply.data if isinstance(reply.data, dict) else {})

    def part(self, name: str) -> dict[str, Any]:
        """A table of site.toml, {} where there is none."""
        found = self.settings.get(name, {})
        return found if isinstance(found, dict) else {}

    def state_directory(self) -> Path | None:
        """Where history and journal are."""
        return self.site / str(self.part("storage").get("directory", "state")) if self.site is not None else None


def skipped(check: str, found: str = "doctor.no-site") -> Finding:
    """The check has nothing to look at."""
    return Finding(check, "skipped", found)
