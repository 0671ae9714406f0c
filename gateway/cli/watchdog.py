"""The guided proof that a PLC goes safe when the heartbeat stops (spec/interlocks.md §7): recorded, and needed before arming."""

from __future__ import annotations

import sys
import time
from typing import Any

from gateway.cli import codes
from gateway.cli.session import Session, typed
from gateway.control.messages import Request

MEASURED_S = 4.0  # a daemon that can see the PLC's watchdog has given it a heartbeat again by then
WATCH_S = 7.0  # safe within 1 s, latched for 2 s more, with room for slow polls
LOOK_S = 0.25


def prove(session: Session, source: str, state: str) -> int:
    """Begin the proof; where the gateway cannot see the PLC's watchdog itself, ask the person at a terminal what they saw."""
    code = session.act(Request("source.watchdog", source, {"state": state}))
    if code or state != "begin":
        return code
    session.talk(session.text("watchdog.withheld", source=source))
    outcome = _watched(session, source)
    if outcome == "proven":
        return session.problem(codes.OK, "watchdog.proven", source=source)
    if outcome == "failed":
        return session.problem(codes.FAILED, "watchdog.failed", source=source)
    if not sys.stdin.isatty():
        return session.problem(codes.NOT_CONFIRMED, "watchdog.say", source=source)
    session.talk(session.text("watchdog.question"))
    seen = typed().lower() in ("y", "yes", "是")
    ended = session.act(Request("source.watchdog", source, {"state": "proven" if seen else "failed"}))
    return ended if ended or seen else codes.FAILED


def _watched(session: Session, source: str) -> str:
    """What the daemon itself sees of the proof: "proven", "failed", or "unseen" where a person has to look at the PLC."""
    began = time.monotonic()
    withheld = False
    while (elapsed := time.monotonic() - began) < WATCH_S:
        view: dict[str, Any] = session.ask(Request("source.show", source)).data or {}
        silent = view.get("heartbeat") == "withheld"
        withheld = withheld or silent
        if withheld and view.get("watchdog_proven"):
            return "proven"
        if silent and elapsed > MEASURED_S:
            return "unseen"
        time.sleep(LOOK_S)
    return "failed"
