"""How an update stands, in a file of `key=value` lines that the start guard (a shell script) reads and writes as well.

Replaced whole and synced at every step, so that a power cut leaves one step or the next, never half of one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from gateway.appliance.place import Place, replace_file

FILE, HISTORY = "state", "history.jsonl"
HISTORY_MAX = 500

Step = Literal["NONE", "VERIFIED", "UNPACKED", "SELFTEST", "SWITCHED", "GOOD", "ROLLED_BACK"]
STEPS: tuple[Step, ...] = ("NONE", "VERIFIED", "UNPACKED", "SELFTEST", "SWITCHED", "GOOD", "ROLLED_BACK")
UNDER_WAY: tuple[Step, ...] = ("VERIFIED", "UNPACKED", "SELFTEST")  # the slot that runs has not been touched


@dataclass(frozen=True, slots=True)
class State:
    """One step. `slot` is the slot the step is about, `previous` the one to go back to; `starts` that were not ready yet."""

    step: Step = "NONE"
    slot: str = ""
    version: str = ""
    previous: str = ""
    was: str = ""  # version of `previous`
    since_ms: int = 0
    starts: int = 0
    sources: float = 0.0  # share of sources that were up before
    p99_us: int = 0  # of the kernel's steps before
    person: str = ""
    reason: str = ""
    system: str = ""  # the root ("A", "B") that this is about, where it is the system below and not a slot


def read(place: Place) -> State:
    """The state on the disk; NONE where there is none or it cannot be read."""
    try:
        lines = (place.update / FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return State()
    given = dict(line.split("=", 1) for line in lines if "=" in line)
    kinds = {field.name: field.type for field in fields(State)}
    try:
        values = {name: _typed(str(kinds[name]), text) for name, text in given.items() if name in kinds}
        found = State(**values)
    except ValueError:
        return State()
    return found if found.step in STEPS else State()


def _typed(kind: str, text: str) -> Any:
    return int(text) if kind == "int" else float(text) if kind == "float" else text


def write(place: Place, state: State) -> State:
    """Keep `state`, and a line of history with it. Raises OSError."""
    place.update.mkdir(parents=True, exist_ok=True)
    stamped = replace(state, since_ms=time.time_ns() // 1_000_000)
    lines = [f"{name}={_plain(value)}" for name, value in asdict(stamped).items()]
    replace_file(place.update / FILE, ("\n".join(lines) + "\n").encode())
    _remember(place, stamped)
    return stamped


def _plain(value: object) -> str:
    return " ".join(str(value).split())


def _remember(place: Place, state: State) -> None:
    """Append to the history; an old file is cut to its younger half. A lost line of it loses no slot."""
    path = place.update / HISTORY
    row = {name: value for name, value in asdict(state).items() if value not in ("", 0, 0.0)}
    with path.open("ab") as out:
        out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) > HISTORY_MAX:
        replace_file(path, b"".join(lines[-HISTORY_MAX // 2 :]))


def history(place: Place) -> Iterator[dict[str, Any]]:
    """Every step that was taken, oldest first; a torn last line is left out."""
    try:
        lines = (place.update / HISTORY).read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
