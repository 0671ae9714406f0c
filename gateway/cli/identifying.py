"""`gatehouse device identify`: opens the capture or the interface, hands it to an unprivileged process, shows what that found."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli import codes
from gateway.cli.session import Session
from gateway.cli.tables import Column, Row
from gateway.cli.texts import word

PROCESS = "drivers.identify"
_MOST_SECONDS = 4 * 3600  # a capture of some 500 GB
_ALL_PROTOCOLS = 3  # ETH_P_ALL
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS, _IGNORE_OUTGOING = 263, 1, 1, 23


def _text(name: str) -> Column:
    return Column(name, lambda row, _language: str(row.get(name) or ""))


def _protocol(row: Row, language: str) -> str:
    name: dict[str, str] = row["name"]
    hint = f" ({row['port_hint']}?)" if row.get("port_hint") else ""
    return f"{name.get(language, name['en'])}{hint}"


def _where(row: Row, _language: str) -> str:
    return f"{row['address']}:{row['port']}" if row["port"] else str(row["address"])


def _evidence(row: Row, _language: str) -> str:
    return str(row["evidence"]["answer_hex"] or row["evidence"]["frame_hex"])[:32]


FINDINGS = (
    Column("confidence", lambda row, language: word(language, "confidence", row["confidence"])),
    Column("protocol", _protocol),
    Column("endpoint", _where),
    _text("brand"),
    _text("model"),
    _text("firmware"),
    Column("maker", lambda row, _language: str(row["facts"].get("mac_maker", ""))),
    Column("packets", lambda row, _language: str(row["packets"]), right=True),
    Column("evidence", _evidence),
)


def identify(session: Session, capture: Path | None, interface: str, seconds: float) -> int:
    """Identify from one of a capture or an interface; returns the exit code."""
    if (capture is None) == (not interface):
        return session.problem(codes.USAGE, "identify.which")
    if capture is not None:
        return _from_file(session, capture)
    return _from_interface(session, interface, seconds)


def _from_file(session: Session, capture: Path) -> int:
    try:
        descriptor = os.open(capture, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return session.problem(codes.NOT_FOUND, "identify.no-file", file=capture)
    except OSError as error:
        return session.problem(codes.FAILED, "identify.cannot-open", file=capture, why=error.strerror)
    try:
        found = process(["file", str(descriptor)], descriptor, _MOST_SECONDS)
    finally:
        os.close(descriptor)
    return _show(session, found, str(capture))


def _from_interface(session: Session, interface: str, seconds: float) -> int:
    try:
        listening = _listen(interface)
    except PermissionError:
        return session.problem(codes.NOT_PERMITTED, "identify.not-permitted", interface=interface)
    except OSError as error:
        return session.problem(codes.NOT_FOUND, "identify.no-interface", interface=interface, why=error.strerror)
    session.talk(session.text("identify.listening", interface=interface, seconds=f"{seconds:g}"))
    with listening:
        number = listening.fileno()
        found = process(["socket", str(number), str(seconds)], number, seconds + 30)
    return _show(session, found, interface)


def _listen(interface: str) -> socket.socket:
    """A socket that hears everything on `interface` and never sends. Raises OSError."""
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        index = socket.if_nametoindex(interface)
        membership = struct.pack("iHH8s", index, _PROMISCUOUS, 0, b"")
        listening.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        if interface == "lo":  # there every packet comes by twice
            listening.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        listening.bind((interface, _ALL_PROTOCOLS))
    except OSError:
        listening.close()
        raise
    return listening


def process(words: list[str], descriptor: int, seconds: float) -> dict[str, Any] | None:
    """Run the identifying process with `descriptor` handed over; None where it did not end well. ^C ends it early, not badly."""
    command = [sys.executable, "-I", "-m", PROCESS, *words]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=(descriptor,), env={"LANG": "C.UTF-8"}
    ) as running:
        try:
            out, _ = running.communicate(timeout=seconds)
        except KeyboardInterrupt:  # it got the signal too, and tells what it has
            out, _ = running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
            return None
    if running.returncode != 0:
        return None
    return msgspec.json.decode(out, type=dict[str, Any])


def _show(session: Session, found: dict[str, Any] | None, what: str) -> int:
    if found is None:
        return session.problem(codes.FAILED, "identify.process", what=what)
    taken, problem = found["capture"], found["problem"]
    if problem is not None:
        reason = session.text(f"identify.reason.{problem['reason']}", found=problem["found"])
        key = "identify.damaged" if taken["packets"] else "identify.unreadable"
        session.talk(session.text(key, what=what, offset=problem["offset"], reason=reason))
        if not taken["packets"]:
            return codes.FAILED
    if session.common.output == "json":
        session.data(found, ())
    else:
        session.data(found["findings"], FINDINGS)
    session.talk(session.text("identify.sum", packets=taken["packets"], findings=len(found["findings"])))
    left = taken["cut"] + taken["fragments"] + taken["malformed"] + taken["unknown_link"] + taken["left_out"]
    if left:
        session.talk(session.text("identify.left", **{name: taken[name] for name in _LEFT}))
    if found["hints"]:
        session.talk(session.text("identify.hints", count=len(found["hints"])))
    return codes.OK


_LEFT = ("cut", "fragments", "malformed", "unknown_link", "left_out")
