"""`gatehouse model …`: asks the process that reads models and pictures, and shows what it says line by line, or that it died."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.cli import codes
from gateway.cli.columns import in_language
from gateway.cli.session import Session
from gateway.cli.tables import Column, Row

PROCESS = "inference.models"
LINE_MAX = 16 << 20  # bytes: 300 boxes of one picture are 30 KB


def _text(key: str, name: str = "", *, right: bool = False) -> Column:
    def cell(row: Row, _language: str) -> str:
        value = row.get(name or key)
        if isinstance(value, list | tuple):
            return ", ".join(str(one) for one in value)
        return "" if value is None else str(value)

    return Column(key, cell, right=right)


def _share(key: str) -> Column:
    return Column(key, lambda row, _language: "" if row.get(key) is None else f"{100 * row[key]:.2f} %", right=True)


def _things(row: Row, language: str) -> str:
    if row["boxes"] is None:
        return in_language(row["error"], language)
    return ", ".join(f"{one['class']} {one['score']:.2f}" for one in row["boxes"])


LIST = (
    _text("file"),
    _text("family"),
    _text("classes"),
    _text("precision"),
    _text("map50", right=True),
    _text("licence"),
    _text("card_state", "state"),
)
CHECK = (
    _text("file"),
    _text("family"),
    _text("classes"),
    _text("input_size", "input"),
    _text("outputs"),
    Column("thresholds", lambda row, _language: ", ".join(f"{k} {v:g}" for k, v in row["thresholds"].items())),
    _text("parameters"),
    _text("provider"),
    _text("load_ms"),
    _text("frame_ms"),
    _text("golden"),
    _text("deviation"),
    _text("sha256"),
)
BENCH = (
    _text("provider"),
    _text("threads", right=True),
    _text("load_ms", right=True),
    _text("pre_ms", right=True),
    _text("run_ms", right=True),
    _text("post_ms", right=True),
    _text("frame_ms", right=True),
    _text("p99_ms", right=True),
    _text("pictures_per_s", right=True),
)
QUANTISE = (
    _text("method"),
    _share("map50"),
    _share("agreement"),
    _text("frame_ms", right=True),
    Column(
        "eight_bit",
        lambda row, _language: f"{row['eight_bit']}/{row['convolutions']}" if "eight_bit" in row else "",
        right=True,
    ),
    _text("file"),
)
CALIBRATE = (
    _text("class", "name"),
    _text("threshold", right=True),
    Column("promise", lambda row, language: _promise(row, language)),
    _share("bound"),
    _share("upper"),
    _text("false_alarms", right=True),
    _text("things", right=True),
    _text("missed", right=True),
    _share("recall"),
    _share("precision_share"),
)
ANSWERS = (
    _text("worn"),
    _text("not_worn", "missing"),
    _text("compliant", right=True),
    _text("violation", right=True),
    Column("of_missing", lambda row, _language: _three(row["of_missing"])),
    Column("of_worn", lambda row, _language: _three(row["of_worn"])),
    _share("upper"),
)
DETECT = (_text("file"), _text("ms", right=True), Column("things_found", _things))
INSTALL = (_text("file"), _text("provider"), _text("frame_ms", right=True))


def _promise(row: Row, language: str) -> str:
    words = {"en": ("kept", "not reached"), "zh-CN": ("达到", "未达到")}[language]
    return words[0] if row["reached"] else words[1]


def _three(counts: dict[str, int]) -> str:
    return "/".join(str(counts[key]) for key in ("compliant", "violation", "uncertain"))


def ask(session: Session, request: dict[str, Any], columns: Sequence[Column]) -> int:
    """Ask and show all rows; returns the exit code."""
    rows: list[Row] = []
    code = _listen(session, request, lambda row: _take(session, row, rows))
    if session.common.output != "jsonl" and (rows or code == codes.OK):
        session.data(rows[0] if request["verb"] in ("check", "install") and rows else rows, columns)
    return code


def _take(session: Session, row: Row, rows: list[Row]) -> None:
    """As JSON lines every row leaves at once: a thousand pictures are no list in memory."""
    if session.common.output == "jsonl":
        session.data(row, ())
    else:
        rows.append(row)


def calibrate(session: Session, request: dict[str, Any]) -> int:
    """Thresholds, then the three answers of each pair, then what the promise means."""
    thresholds: list[Row] = []
    answers: list[Row] = []

    def take(row: Row) -> None:
        if session.common.output == "jsonl":
            session.data(row, ())
        elif "answers" in row:
            answers.append(row["answers"])
        else:
            thresholds.append({**row, "precision_share": row.get("precision")})

    code = _listen(session, request, take)
    if not thresholds:
        return code
    if session.common.output in ("json", "csv"):
        session.data(
            thresholds if session.common.output == "csv" else {"thresholds": thresholds, "answers": answers}, ()
        )
    else:
        session.data(thresholds, CALIBRATE)
        if answers:
            session.talk(session.text("model.answers"))
            session.data(answers, ANSWERS)
    most, confidence = f"{100 * request['most']:g} %", f"{100 * request['confidence']:g} %"
    session.talk(session.text("model.promise", most=most, confidence=confidence))
    for row in thresholds:
        if not row["reached"]:
            session.talk(
                session.text(
                    "model.too-few", name=row["name"], pictures=row["pictures"], least=f"{100 * row['least']:.1f} %"
                )
            )
    return code if code or all(row["reached"] for row in thresholds) else codes.REFUSED


def _listen(session: Session, request: dict[str, Any], take: Callable[[Row], None]) -> int:
    """Hand every row to `take`, say every note and refusal; returns the exit code. ^C ends the process with it."""
    command = [sys.executable, "-P", "-m", PROCESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(msgspec.json.encode(request))
        running.stdin.close()
        refused = ended = False
        try:
            for line in _lines(running.stdout):
                ended = "end" in line
                if "row" in line:
                    take(line["row"])
                elif "note" in line:
                    session.talk(in_language(line["note"], session.common.language))
                elif "refused" in line:
                    refused = True
                    session.talk(in_language(line["refused"], session.common.language))
        except KeyboardInterrupt:
            running.kill()
            return codes.FAILED
    if not ended:
        return session.problem(codes.FAILED, "model.died", why=_how(session, running.returncode))
    return codes.REFUSED if refused else codes.OK


def _lines(stream: Any) -> Iterator[dict[str, Any]]:
    while line := stream.readline(LINE_MAX):
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:  # cut off where it died
            return


def _how(session: Session, code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return session.text("model.exit", code=code)
