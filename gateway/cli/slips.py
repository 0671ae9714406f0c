"""Signed permits at the command line: the code on the screen, and the page with which a phone verifies it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.cli import codes
from gateway.cli.session import Session
from gateway.control.messages import Reply, Request


def show(session: Session, name: str) -> int:
    """The slip of an issued permit as a QR code and as text; other forms than a table hold the text alone."""
    reply = _asked(session, Request("permit.slip", name))
    if isinstance(reply, int):
        return reply
    if session.common.output == "table":
        import segno

        code = segno.make(reply.data["text"], error="m")
        code.terminal(sys.stdout, compact=True, border=2)
        print(reply.data["text"])
    else:
        session.data(reply.data, ())
    return codes.OK


def page(session: Session, out: Path, others: Sequence[str]) -> int:
    """Write the page; `others` are the keys of other boxes whose permits it verifies too."""
    reply = _asked(session, Request("permit.page", args={"others": " ".join(others)} if others else {}))
    if isinstance(reply, int):
        return reply
    if str(out) == "-":
        print(reply.data["html"])
        return codes.OK
    try:
        out.write_text(reply.data["html"], encoding="utf-8")
    except OSError as error:
        return session.problem(codes.FAILED, "client.not-written", file=str(out), error=str(error))
    return codes.OK


def _asked(session: Session, request: Request) -> Reply | int:
    """The good answer, or the exit code of what was said instead."""
    reply = session.ask(request)
    return session.show(reply, ()) if reply.code else reply
