"""The process that asks: `python -m drivers.identify.scan`; a request as JSON on stdin, the answer as JSON on stdout."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from drivers.identify import approvals
from drivers.identify.scanner import Result, Scan
from drivers.identify.wire import Log


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`log` "" asks for the plan only. `tripped` is what the caller learnt from the daemon."""

    approve: bytes
    names: list[str]
    log: str = ""
    tripped: bool = False


def answer(request: Request) -> dict[str, Any]:
    """Refuse, plan, or ask."""
    try:
        targets = approvals.chosen(approvals.read(request.approve), request.names, datetime.now(UTC), request.tripped)
    except approvals.Refused as refused:
        return {"refused": {"reason": refused.reason, "about": refused.about}}
    if not request.log:
        return {"plan": approvals.plan(targets)}
    try:
        log = Log(Path(request.log))
    except OSError as error:
        return {"refused": {"reason": "log", "about": f"{request.log}: {error.strerror}"}}
    try:
        scan = Scan(targets, log)
        results = asyncio.run(scan.run())
    finally:
        log.close()
    return {"devices": [_row(one) for one in results], "broken": scan.broken}


def _row(one: Result) -> dict[str, Any]:
    head = {"target": one.target.name, "asked": one.sent, "stopped": one.stopped}
    return {**head, "address": one.target.address, "findings": one.rows, "failed": one.failed}


def main() -> int:
    """One request."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    sys.stdout.buffer.write(msgspec.json.encode(answer(request)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
