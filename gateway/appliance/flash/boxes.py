"""Forty boxes from one table: each row becomes the answers of one box, with its own users and certificate request."""

from __future__ import annotations

import csv
import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.appliance.answers import ROLES, decoded

HEADS = ("id", "address", "router", "time", "users", "language")
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9]")
PERSON = re.compile(r"[a-z][a-z0-9_-]{0,30}")


class TableError(Exception):
    """What is wrong with the table: line (the first is 1), column, what stands there, what would be right."""

    def __init__(self, line: int, column: str, value: str, right: str) -> None:
        super().__init__(f"line {line}, {column}: “{value}”; {right}")
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Box:
    """One row."""

    id: str
    address: str
    router: str
    time: tuple[str, ...]
    users: tuple[tuple[str, str], ...]  # name, role
    language: str

    def answers(self) -> bytes:
        """`box.toml` of this box."""
        lines = ["[box]", f"id = {json.dumps(self.id)}", f"address = {json.dumps(self.address)}"]
        lines += [f"router = {json.dumps(self.router)}"] if self.router else []
        lines += [f"time = {json.dumps(list(self.time))}", f"language = {json.dumps(self.language)}"]
        for name, role in self.users:
            lines += ["", f"[user.{name}]", f"role = {json.dumps(role)}"]
        return ("\n".join(lines) + "\n").encode()


def read(path: Path) -> list[Box]:
    """The boxes of a CSV as spreadsheets save it (UTF-8 or GBK, comma or semicolon). Raises TableError, OSError."""
    text = decoded(path.read_bytes())
    dialect = (
        ";" if text.splitlines()[:1] and text.splitlines()[0].count(";") > text.splitlines()[0].count(",") else ","
    )
    rows = csv.DictReader(text.splitlines(), delimiter=dialect)
    missing = [name for name in HEADS[:2] if name not in (rows.fieldnames or ())]
    if missing:
        raise TableError(1, missing[0], "", f"the first line is: {','.join(HEADS)}")
    found = list[Box]()
    for number, row in enumerate(rows, 2):
        box = _box(number, {key: (value or "").strip() for key, value in row.items() if key})
        for other in found:
            if box.id == other.id or box.address == other.address:
                raise TableError(number, "id" if box.id == other.id else "address", box.id, "each box has its own")
        found.append(box)
    return found


def _box(line: int, row: dict[str, str]) -> Box:
    if not ID.fullmatch(row["id"]):
        raise TableError(line, "id", row["id"], "small letters, digits and dashes, e.g. gw-pump-01")
    for column, parse, right in (
        ("address", ipaddress.ip_interface, "an address such as 10.20.1.41/24"),
        ("router", ipaddress.ip_address, "an address without its network, such as 10.20.1.1"),
    ):
        try:
            if row.get(column):
                parse(row[column])
        except ValueError:
            raise TableError(line, column, row[column], right) from None
    if "/" not in row["address"]:
        raise TableError(line, "address", row["address"], "an address with its network, such as 10.20.1.41/24")
    times = tuple(row.get("time", "").split())
    language = row.get("language") or "en"
    if language not in ("en", "zh-CN"):
        raise TableError(line, "language", language, "en or zh-CN")
    return Box(
        row["id"], row["address"], row.get("router", ""), times, tuple(_users(line, row.get("users", ""))), language
    )


def _users(line: int, text: str) -> Iterator[tuple[str, str]]:
    """`wanglei:supervisor lina:operator`."""
    for word in text.split():
        name, _, role = word.partition(":")
        if not PERSON.fullmatch(name) or role not in ROLES:
            raise TableError(line, "users", word, f"name:role with a role of {', '.join(ROLES)}")
        yield name, role
