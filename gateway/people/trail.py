"""The vault's own audit trail: every read, consent, erasure and closed hour as a line, each linked to the one before it.

A link is SHA-256 over the link before and the line as it is stored. What is personal in a line is sealed under the worker's
key and hashed as ciphertext: when the key is destroyed nobody can read it any more, and the chain still verifies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from gateway.people.files import append
from gateway.people.segments import digest

FILE = "trail.jsonl"
ORIGIN = "0" * 64

What = Literal["consent", "withdrawn", "read", "corrected", "erased", "restored", "glass", "hour", "expired", "anew"]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line without its link. `worker` is the number of the keyring in hex; `sealed` holds who and what."""

    at: int  # running number
    utc_ms: int
    what: What
    worker: str = ""
    sealed: bytes = b""
    file: str = ""
    sha256: str = ""
    note: str = ""


class Linked(Line, frozen=True, omit_defaults=True):
    """A line as it is stored."""

    link: str = ""


_encode = msgspec.json.Encoder().encode


def _link(before: str, line: Line) -> str:
    return sha256(before.encode() + _encode(line)).hexdigest()


def _bare(linked: Linked) -> Line:
    return Line(**_fields(linked))


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__struct_fields__}


class Trail:
    """Append with `add`; `open` finds the end of what is there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._head = ORIGIN
        self._count = 0

    @property
    def head(self) -> str:
        """The last link: who writes it down elsewhere can prove later that nothing before it was changed."""
        return self._head

    def open(self) -> None:
        """Find the end, and cut off a line that a power cut tore. Raises OSError."""
        if not self._path.exists():
            return
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self._path, len(whole))
        lines = whole.splitlines()
        if lines:
            last = msgspec.json.decode(lines[-1], type=Linked)
            self._head, self._count = last.link, last.at

    def add(self, line: Line) -> None:
        """Write a line behind the others; `at` is given here. Raises OSError."""
        numbered = msgspec.structs.replace(line, at=self._count + 1)
        link = _link(self._head, numbered)
        linked = Linked(**_fields(numbered), link=link)
        append(self._path, _encode(linked) + b"\n", sync=True)
        self._head, self._count = link, self._count + 1

    def lines(self) -> Iterator[Linked]:
        """Everything from the beginning. Raises OSError, msgspec.DecodeError."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for row in file:
                yield msgspec.json.decode(row, type=Linked)


def verify(folder: Path) -> str:
    """What is wrong with the trail in `folder` and the closed hours it names, in words; "" where nothing is."""
    before, count, hours = ORIGIN, 0, dict[str, str]()
    try:
        for linked in Trail(folder).lines():
            count += 1
            if linked.at != count or linked.link != _link(before, _bare(linked)):
                return f"line {count} is not the one that was written"
            before = linked.link
            if linked.what == "hour":
                hours[linked.file] = linked.sha256
            elif linked.what == "expired":
                hours.pop(linked.file, None)
    except msgspec.DecodeError:
        return f"line {count + 1} cannot be read"
    for name, expected in hours.items():
        path = folder / name
        if not path.exists():
            return f"{name} is missing"
        if digest(path) != expected:
            return f"{name} is not the one that was closed"
    return ""
