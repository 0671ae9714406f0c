"""`gatehouse person` with the daemon: a consent is read before it is given, an export comes page by page into one file."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import msgspec

from gateway.cli import codes
from gateway.cli.client import Unreachable
from gateway.cli.columns import in_language, text_column, time_column
from gateway.cli.session import Session, typed
from gateway.cli.tables import Column
from gateway.control.messages import Reply, Request

PURPOSES = (
    text_column("purpose"),
    Column("streams", lambda row, _language: ", ".join(row["streams"])),
    text_column("months"),
    Column("text", lambda row, language: in_language(row["text"], language)),
)
STATUS = tuple(
    text_column(name) for name in ("vault", "why", "key_store", "wrapping", "dropped", "clock_ahead", "late")
)
EVENTS = (time_column("utc_ms"), text_column("worker"), text_column("kind"))
COUNTS = (text_column("month"), text_column("kind"), text_column("count"))
ACCESS = (time_column("utc_ms"), text_column("what"), text_column("who"), text_column("reason"))


class _Said(Exception):
    """The daemon said no, and the person was told; `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def asked(session: Session, verb: str, target: str = "", **args: str) -> Any:
    """The data of a good answer. Raises _Said where there is none."""
    request = Request(f"person.{verb}", target, {key: value for key, value in args.items() if value})
    try:
        reply: Reply = session.ask(request)
    except Unreachable as gone:
        raise _Said(session.problem(gone.code, gone.key, **gone.args_of_text)) from gone
    session.talk(reply.message)
    if reply.code:
        raise _Said(reply.code)
    return reply.data


def show(session: Session, verb: str, columns: tuple[Column, ...] = (), target: str = "", **args: str) -> int:
    """Ask and show; without columns as JSON, because a dossier is no table."""
    try:
        data = asked(session, verb, target, **args)
    except _Said as said:
        return said.code
    if data is None:
        return codes.OK
    if columns or session.common.output != "table":
        session.data(data, columns)
    else:
        print(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())
    return codes.OK


def consent(session: Session, purpose: str, signature: str, text: str) -> int:
    """Show the text, let the person type the purpose, and send the hash of what was shown. `text` is that hash without a terminal."""
    try:
        if not text:
            text = _read_aloud(session, purpose)
        asked(session, "consent", purpose=purpose, text_sha256=text, signature=signature)
    except _Said as said:
        return said.code
    return codes.OK


def _read_aloud(session: Session, purpose: str) -> str:
    shown = next((one for one in asked(session, "purposes") if one["purpose"] == purpose), None)
    if shown is None:
        raise _Said(session.problem(codes.NOT_FOUND, "person.no-purpose", purpose=purpose))
    if not sys.stdin.isatty():
        raise _Said(session.problem(codes.NOT_CONFIRMED, "person.no-terminal"))
    language = session.common.language
    session.talk(shown["text"][language])
    session.talk(session.text("confirm.type", name=purpose))
    if typed() != purpose:
        raise _Said(session.problem(codes.NOT_CONFIRMED, "confirm.other"))
    return str(shown["text_sha256"][language])


def export(session: Session, out: Path) -> int:
    """Every record into a file, as JSON lines or, with `-o csv`, as CSV; `-` is stdout."""
    try:
        with nullcontext(sys.stdout) if str(out) == "-" else _own_file(out) as file:
            count = _write(file, _rows(session), session.common.output == "csv")
    except _Said as said:
        return said.code
    except OSError as error:
        return session.problem(codes.FAILED, "client.not-written", file=str(out), error=str(error))
    session.talk(session.text("person.exported", count=count))
    return codes.OK


def _own_file(path: Path) -> TextIO:
    """A text file that only its owner may read: it holds what nobody else may see. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, 0o600)  # one that was there before as well
    return open(handle, "w", encoding="utf-8", newline="")


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    at = 0
    while True:
        page = asked(session, "export", from_utc_ms=str(at))
        yield from page["rows"]
        at = page["next_utc_ms"]
        if not at:
            return


def _write(file: TextIO, rows: Iterator[dict[str, Any]], as_csv: bool) -> int:
    table = csv.writer(file) if as_csv else None
    if table is not None:
        table.writerow(("utc_ms", "stream", "sequence", "data"))
    count = 0
    for row in rows:
        count += 1
        data = msgspec.json.encode(row["data"]).decode()
        if table is not None:
            table.writerow((row["utc_ms"], row["stream"], row["sequence"], data))
        else:
            file.write(msgspec.json.encode(row).decode() + "\n")
    return count


def report(session: Session, month: str, out: Path) -> int:
    """The monthly report as an HTML page."""
    try:
        page = asked(session, "report", month=month, language=session.common.language)["html"]
        if str(out) == "-":
            print(page)
        else:
            with _own_file(out) as file:
                file.write(page)
    except _Said as said:
        return said.code
    except OSError as error:
        return session.problem(codes.FAILED, "client.not-written", file=str(out), error=str(error))
    return codes.OK
