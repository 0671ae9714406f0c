"""`gatehouse camera`: what needs more than one question: a picture that comes a moment later, the hashes of clips."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

from gateway.cli import codes, columns
from gateway.cli.session import Session
from gateway.control.messages import Request

PICTURE_S = 4.0
LOOK_S = 0.1


def picture(session: Session, name: str, out: Path, *, zones: bool) -> int:
    """Write the last picture of a camera, people hidden, to `out`; returns the exit code."""
    args = {"zones": "yes" if zones else "no"}
    end_s = time.monotonic() + PICTURE_S
    while True:
        reply = session.ask(Request("camera.picture", name, args))
        if reply.code:
            return session.show(reply, ())
        found: dict[str, Any] = reply.data
        if found["jpeg"]:
            break
        if time.monotonic() > end_s:
            return session.problem(codes.TIMEOUT, "camera.no-picture", name=name)
        args = {"number": str(found["number"])}
        time.sleep(LOOK_S)
    try:
        out.write_bytes(base64.b64decode(found["jpeg"]))
    except OSError as error:
        return session.problem(codes.FAILED, "camera.not-written", file=out, why=error.strerror or error)
    return session.problem(codes.OK, "camera.written", file=out)


def clips(session: Session, name: str, *, verify: bool) -> int:
    """Show the clips of a camera, "" = of all; with `verify` read each and compare its hash with that of its sidecar."""
    request = Request("camera.clips", args={"camera": name} if name else {})
    if not verify:
        return session.read(request, columns.CLIPS)
    reply = session.ask(request)
    if reply.code:
        return session.show(reply, ())
    rows = [row | {"verdict": _verdict(row)} for row in reply.data]
    session.data(rows, columns.CLIPS_VERIFIED)
    return codes.OK if all(row["verdict"] == "same" for row in rows) else codes.FAILED


def _verdict(row: dict[str, Any]) -> str:
    try:
        with open(row["path"], "rb") as file:
            return "same" if hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"] else "changed"
    except OSError:
        return "unreadable"
