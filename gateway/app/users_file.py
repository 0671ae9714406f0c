"""users.toml as people edit it: sections added, changed and taken out, every other line kept as it is.

Whatever was edited is read again before it is kept: a file laid out in a way that we would spoil is left alone.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class LayoutError(Exception):
    """The file cannot be edited by machine without loss; a person must."""


def added(text: str, id: str, fields: Mapping[str, str | list[str]]) -> str:
    """`text` with a new section at its end. Raises LayoutError."""
    expected = _parsed(text)
    expected.setdefault("user", {})[id] = dict(fields)
    lines = "".join(f"{name} = {_value(value)}\n" for name, value in fields.items())
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return _checked(f"{text}{gap}[user.{id}]\n{lines}", expected)


def removed(text: str, id: str) -> str:
    """`text` without the section of `id`. Raises LayoutError."""
    expected = _parsed(text)
    del expected["user"][id]
    if not expected["user"]:
        del expected["user"]
    begin, end = _section(text, id)
    return _checked(
        text[:begin].rstrip("\n") + ("\n\n" if text[:begin].strip() and text[end:] else "\n") + text[end:], expected
    )


def with_list(text: str, id: str, field: str, values: list[str]) -> str:
    """`text` with the list `field` of `id` set; an empty list takes the line out. Raises LayoutError."""
    expected = _parsed(text)
    person = expected["user"][id]
    person.pop(field, None)
    if values:
        person[field] = values
    begin, end = _section(text, id)
    section = re.sub(rf"(?m)^{field}[ \t]*=[ \t]*\[[^\]\[]*\][ \t]*(#.*)?\n?", "", text[begin:end])
    if values:
        head, tail = re.match(r"(?s)(.*?\S[^\n]*\n?)(\s*)\Z", section).groups()  # type: ignore[union-attr]
        head = head if head.endswith("\n") else head + "\n"
        section = f"{head}{field} = {_value(values)}\n{tail}"
    return _checked(text[:begin] + section + text[end:], expected)


def replace(file: Path, text: str) -> None:
    """Keep `text` in one step, with the mode and owner that the file had. Raises OSError."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    if file.exists():
        stat = file.stat()
        os.chmod(temporary, stat.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(temporary, stat.st_uid, stat.st_gid)
    os.replace(temporary, file)


def _section(text: str, id: str) -> tuple[int, int]:
    """Where the section of `id` begins and ends. Raises LayoutError where its heading is not `[user.ID]`."""
    heading = re.search(rf"(?m)^\[[ \t]*user[ \t]*\.[ \t]*[\"']?{re.escape(id)}[\"']?[ \t]*\][ \t]*(#.*)?$", text)
    if heading is None:
        raise LayoutError
    following = re.search(r"(?m)^\[", text[heading.end() :])
    return heading.start(), heading.end() + following.start() if following else len(text)


def _value(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML's basic strings escape as JSON's do


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _checked(text: str, expected: dict[str, Any]) -> str:
    try:
        same = _parsed(text) == expected
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise LayoutError
    return text
