"""Where each key of a TOML text stands. tomllib gives values without places; this scanner gives places without values."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Line and column of a key (or a section's name), and of its value; all from 1."""

    line: int
    column: int
    value_line: int
    value_column: int


def scan(text: str) -> dict[Path, Mark]:
    """The place of every section, key and array element of `text`, which must be valid TOML."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.marks


class _Scanner:
    """A recursive descent over valid TOML that keeps only places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.marks: dict[Path, Mark] = {}
        self.counts: dict[Path, int] = {}  # elements so far of each array of tables
        self.starts = [0]
        self.starts += [i + 1 for i, c in enumerate(text) if c == "\n"]

    def document(self) -> None:
        """The whole text: sections and `key = value` lines."""
        section: Path = ()
        while self._skip("\n"):
            if self.text.startswith("[[", self.at):
                section = self._section(2)
            elif self.text[self.at] == "[":
                section = self._section(1)
            else:
                self._pair(section)

    def _section(self, brackets: int) -> Path:
        self.at += brackets
        self._skip()
        start = self.at
        path = self._resolve(self._key())
        self._skip()
        self.at += brackets
        if brackets == 2:
            self.counts[path] = self.counts.get(path, -1) + 1
            self._mark(path, start, start)
            path = (*path, self.counts[path])
        for i in range(1, len(path) + 1):
            self._mark(path[:i], start, start)  # `[source.plc1]` also opens `source`
        return path

    def _resolve(self, parts: Path) -> Path:
        """`parts` with the number of the last element after each array of tables but the last part."""
        path: Path = ()
        for i, part in enumerate(parts):
            path = (*path, part)
            if i < len(parts) - 1 and path in self.counts:
                path = (*path, self.counts[path])
        return path

    def _pair(self, section: Path) -> None:
        start = self.at
        key = self._key()
        self._skip()
        self.at += 1  # =
        self._skip()
        for i in range(1, len(key) + 1):
            self._mark((*section, *key[:i]), start, self.at)
        self._value((*section, *key))

    def _value(self, path: Path) -> None:
        text = self.text
        for quote in ('"""', "'''"):
            if text.startswith(quote, self.at):
                self._long_string(quote)
                return
        if text[self.at] in "\"'":
            self._string()
        elif text[self.at] == "[":
            self._array(path)
        elif text[self.at] == "{":
            self._inline(path)
        else:
            while self.at < len(text) and text[self.at] not in ",]}#\n":
                self.at += 1

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip("\n,") and self.text[self.at] != "]":
            self._mark((*path, index), self.at, self.at)
            self._value((*path, index))
            index += 1
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        while self._skip("\n,") and self.text[self.at] != "}":
            self._pair(path)
        self.at += 1

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._skip()
            start = self.at
            if self.text[self.at] in "\"'":
                self._string()
                raw = self.text[start : self.at]
                parts.append(next(iter(tomllib.loads(f"{raw} = 0"))))
            else:
                while self.text[self.at] not in " \t.=]":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._skip()
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        self.at += 1
        while self.text[self.at] != quote:
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += 1

    def _long_string(self, quote: str) -> None:
        self.at += 3
        while not self.text.startswith(quote, self.at):
            self.at += 2 if quote == '"""' and self.text[self.at] == "\\" else 1
        self.at += 3
        while self.at < len(self.text) and self.text[self.at] == quote[0]:
            self.at += 1  # up to two quotes may stand just before the closing three

    def _skip(self, also: str = "") -> bool:
        """Over blanks, characters of `also` and, where line ends are among them, comments. False at the end."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#" and "\n" in also:
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in " \t" or char in also:
                self.at += 1
            else:
                return True
        return False

    def _mark(self, path: Path, key: int, value: int) -> None:
        if path not in self.marks:
            self.marks[path] = Mark(*self._line(key), *self._line(value))

    def _line(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1
