"""The SITE partition: answers for one box as *data* that any Windows laptop can write. Nothing of it is ever run.

`box.toml` says who the box is; `site/` beside it is a site folder. Read strictly, with line and column; never deleted.
"""

from __future__ import annotations

import codecs
import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE, RESULT = "box.toml", "RESULT.txt"
ROLES = ("operator", "supervisor", "engineer", "maintainer")
LANGUAGES = ("en", "zh-CN")
FILE_MAX = 1 << 20
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9]")
_PERSON = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]{60,1000}( [ -~]{0,100})?")
_BOX = {"id", "address", "router", "time", "language"}
_USER = {"role", "key"}

TEXTS: dict[str, tuple[str, str]] = {
    "missing": ("box.toml is not there.", "没有 box.toml。"),
    "too-large": ("box.toml is larger than 1 MB.", "box.toml 大于 1 MB。"),
    "toml": ("It is no TOML: {what}", "不是合法的 TOML：{what}"),
    "unknown": ("{key} is not known; known are {right}.", "未知的 {key}；可用：{right}。"),
    "needed": ("{key} is needed, e.g. {right}", "缺少 {key}，例如 {right}"),
    "wrong": ("{key} = “{value}” is not right; write {right}.", "{key} = “{value}” 不正确，应为 {right}。"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where it stands, and what would be right. Line and column count from 1, 0 = unknown."""

    code: str
    line: int = 0
    column: int = 0
    words: Mapping[str, object] = field(default_factory=dict)

    def text(self, lang: str) -> str:
        """With its place, as a person finds it in an editor."""
        chinese = lang.startswith("zh")
        place = f"{FILE}:{self.line}:{self.column or 1}: " if self.line else f"{FILE}: "
        return place + TEXTS[self.code][chinese].format(**self.words)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account on the box."""

    name: str
    role: str
    key: str = ""  # public key for SSH


@dataclass(frozen=True, slots=True)
class Answers:
    """Who this box is."""

    id: str
    address: str = ""  # "" = by DHCP
    router: str = ""
    time: tuple[str, ...] = ()
    language: str = "en"
    people: tuple[Person, ...] = ()


def decoded(data: bytes) -> str:
    """Text as a Windows laptop saves it: UTF-8 with or without BOM, UTF-16 with BOM, else GBK. Lines end as they like."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("gb18030", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(folder: Path) -> tuple[Answers | None, list[Finding]]:
    """The answers of a SITE folder, None with every problem at once where there is one. Raises OSError."""
    path = folder / FILE
    if not path.is_file():
        return None, [Finding("missing")]
    if path.stat().st_size > FILE_MAX:
        return None, [Finding("too-large")]
    text = decoded(path.read_bytes())
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 1)
        return None, [Finding("toml", line, column, {"what": str(error).partition(" (at")[0]})]
    findings = list(_wrong(said, text))
    return (None if findings else _answers(said)), findings


def _answers(said: dict[str, Any]) -> Answers:
    box = said["box"]
    people = tuple(Person(name, one["role"], one.get("key", "")) for name, one in said.get("user", {}).items())
    optional = {key: box[key] for key in ("address", "router", "language") if key in box}
    return Answers(box["id"], time=tuple(box.get("time", ())), people=people, **optional)


def _wrong(said: dict[str, Any], text: str) -> Iterator[Finding]:
    yield from _unknown(said, {"box", "user"}, "", text)
    box = said.get("box")
    if not isinstance(box, dict) or "id" not in box:
        yield Finding("needed", 1, 1, {"key": "[box] id", "right": '"gw-pump-01"'})
        return
    yield from _unknown(box, _BOX, "box.", text)
    checks = (
        ("id", _matches(_ID), "small letters, digits and dashes, e.g. gw-pump-01"),
        ("address", _interface, "an address with its network, e.g. 10.20.1.41/24"),
        ("router", _address, "an address, e.g. 10.20.1.1"),
        ("time", _words, '["10.20.1.1"]'),
        ("language", lambda value: value in LANGUAGES, "en or zh-CN"),
    )  # fmt: skip
    for key, right_form, right in checks:
        if key in box and not right_form(box[key]):
            yield _at(text, key, "wrong", {"key": key, "value": box[key], "right": right})
    users = said.get("user", {})
    if not isinstance(users, dict):
        yield _at(text, "user", "wrong", {"key": "user", "value": users, "right": "[user.wanglei]"})
        return
    for name, one in users.items():
        yield from _person(name, one, text)


def _person(name: str, one: object, text: str) -> Iterator[Finding]:
    if not _PERSON.fullmatch(name) or not isinstance(one, dict):
        yield _at(
            text, name, "wrong", {"key": "user", "value": name, "right": "a name of small letters, e.g. [user.wanglei]"}
        )
        return
    yield from _unknown(one, _USER, f"user.{name}.", text)
    if one.get("role") not in ROLES:
        yield _at(
            text,
            f"user.{name}",
            "wrong",
            {"key": f"user.{name}.role", "value": one.get("role", ""), "right": ", ".join(ROLES)},
        )
    if "key" in one and not (isinstance(one["key"], str) and _KEY.fullmatch(one["key"])):
        yield _at(
            text,
            f"user.{name}",
            "wrong",
            {"key": f"user.{name}.key", "value": str(one["key"])[:20], "right": "ssh-ed25519 AAAA…"},
        )


def _unknown(table: Mapping[str, Any], known: set[str], prefix: str, text: str) -> Iterator[Finding]:
    for key in table:
        if key not in known:
            yield _at(text, key, "unknown", {"key": prefix + key, "right": ", ".join(sorted(known))})


def _at(text: str, word: str, code: str, words: dict[str, object]) -> Finding:
    """The first line on which `word` stands as a key or a heading."""
    pattern = re.compile(rf"^\s*\[?\"?(?:\w+\.)?{re.escape(word)}\b", re.MULTILINE)
    found = pattern.search(text)
    start = found.end() - len(word) if found else 0
    line = text.count("\n", 0, start) + 1 if found else 0
    return Finding(code, line, start - text.rfind("\n", 0, start) if found else 0, words)


def _matches(pattern: re.Pattern[str]) -> Any:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one.split() == [one] for one in value)


def _interface(value: object) -> bool:
    return isinstance(value, str) and "/" in value and _parsed(ipaddress.ip_interface, value)


def _address(value: object) -> bool:
    return isinstance(value, str) and _parsed(ipaddress.ip_address, value)


def _parsed(parse: Any, value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True
