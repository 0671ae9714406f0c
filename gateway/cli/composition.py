"""The seam to the composition root. Only commands that run the product itself load it, and only when they are given."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast


class Composition(Protocol):
    """What the entry point asks of `gateway.app`; each call returns an exit code."""

    def run(self, site: Path, *, lang: str) -> int: ...
    def check(self, site: Path, *, lang: str, as_json: bool) -> int: ...
    def demo(self, *, for_s: float | None, report: Path | None, lang: str, site: Path | None) -> int: ...
    def record(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is list, export, replay, bundles, verify or report; `args` are strings, "" where nothing was said."""

    def leak(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is baseline; `args` hold name, accept, hours, reason, output and lang."""

    def journal(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is verify, head, backup or restore."""

    def report(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is evidence, verify or sample."""

    def rule(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is check, export, import, tests, backtest or one of the versions; `args` hold its words, output and lang."""

    def alarm(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is propose; `args` hold the alarms by spaces, from, to, output and lang."""

    def user(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is list, add, remove, pin, passphrase, key or token; `args` hold its words, output and lang."""

    def cert(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is list, request or install; `args` hold file, strict, output and lang."""

    def support(self, site: Path | None, out: str, commands: dict[str, str], lang: str) -> int:
        """Write the support bundle to `out` ("-": stdout); `commands` are answers by name."""

    def commission(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is profiles, start, next, check, loop or report."""

    def tags(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is import, diff or export; `args` hold file, source, format, out, apply, output and lang."""

    def warn(self, verb: str, site: Path, args: dict[str, str]) -> int:
        """`verb` is learn; `args` hold group, tags by lines, and the options of the command."""

    def sbom(self) -> int:
        """The parts list of what is installed here, on stdout."""

    def update(self, verb: str, args: dict[str, str]) -> int:
        """`verb` is verify, install, status, commit, rollback, history or trial."""

    def receive(self, args: dict[str, str], *, for_s: float) -> int:
        """Listen to gateways from the other side of the broker; `args` as the fields of `upstream.receiver.Watching`."""


def composition() -> Composition:
    """`gateway.app`, loaded now."""
    return cast(Composition, import_module("gateway.app"))
