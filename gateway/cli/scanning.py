"""`gatehouse device scan`: asks approved devices by reads, in a process of its own; off until a person approves by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli import codes
from gateway.cli.client import Unreachable
from gateway.cli.identifying import FINDINGS
from gateway.cli.session import Session
from gateway.cli.tables import Column
from gateway.control.messages import Request

_SAFE = ("TRIPPED", "TRIP_FAILED")
PLAN = (
    *(
        Column(name, lambda row, _language, name=name: str(row[name]))  # type: ignore[misc]
        for name in ("name", "address", "protocol", "port")
    ),
    Column("reads", lambda row, _language: ", ".join(row["reads"])),
)


def scan(session: Session, names: list[str], approve: Path, log: Path | None, dry_run: bool) -> int:
    """Ask the approved targets `names`; returns the exit code."""
    if log is None and not dry_run:
        return session.problem(codes.USAGE, "usage.missing", name="--log")
    try:
        approvals = approve.read_bytes()
    except OSError as error:
        return session.problem(codes.NOT_FOUND, "identify.cannot-open", file=approve, why=error.strerror)
    request = {"approve": approvals, "names": names, "log": "" if dry_run else str(log), "tripped": _tripped(session)}
    if not dry_run:
        session.talk(session.text("scan.asking", count=len(names), log=log))
    answer = _process(request)
    if answer is None:
        return session.problem(codes.FAILED, "identify.process", what=", ".join(names))
    if "refused" in answer:
        refused = answer["refused"]
        return session.problem(codes.REFUSED, f"scan.refused.{refused['reason']}", about=refused["about"])
    if dry_run:
        session.data(answer["plan"], PLAN)
        return codes.OK
    return _show(session, answer)


def _tripped(session: Session) -> bool:
    """Whether the daemon says that every function in service is tripped; one that does not answer says nothing of the kind."""
    try:
        reply = session.ask(Request("interlock.list"))
    except Unreachable:
        return False
    live = [row for row in reply.data or () if row["mode"] == "live"]
    return reply.code == codes.OK and bool(live) and all(row["state"] in _SAFE for row in live)


def _process(request: dict[str, Any]) -> dict[str, Any] | None:
    """Run the asking process; ^C ends it at once, and with it every connection."""
    command = [sys.executable, "-I", "-m", "drivers.identify.scan"]
    done = subprocess.run(command, input=msgspec.json.encode(request), stdout=subprocess.PIPE, check=False)
    return msgspec.json.decode(done.stdout, type=dict[str, Any]) if done.returncode == 0 else None


def _show(session: Session, answer: dict[str, Any]) -> int:
    if session.common.output == "json":
        session.data(answer, ())
    else:
        session.data([row for device in answer["devices"] for row in device["findings"]], FINDINGS)
    for device in answer["devices"]:
        for failed in device["failed"]:
            session.talk(session.text(f"scan.failed.{failed['why']}", target=device["target"], **failed))
        if not device["findings"] and not device["stopped"]:
            session.talk(session.text("scan.silent", target=device["target"], asked=device["asked"]))
    if answer["broken"]:
        return session.problem(codes.REFUSED, "scan.broken", why=answer["broken"])
    return codes.OK
