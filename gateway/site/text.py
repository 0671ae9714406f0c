"""Bytes of a plant's text files into text, with places in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gateway.core.errors import Problem
from gateway.site.messages import problem
from gateway.site.place import Place, excerpt

FILE_BYTES_MAX = 16 * 1024 * 1024  # 100,000 tags with both texts are about 12 MB


@dataclass(frozen=True)
class Document:
    """A text file that was read: name relative to the site folder, text with `\\n` line ends and no byte order mark."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends; split once, because a wrong list may have a problem in every row."""
        return self.text.split("\n")

    def place(self, line: int = 0, column: int = 0) -> Place:
        """The place with its excerpt."""
        shown = excerpt(self.lines[line - 1], column) if 0 < line <= len(self.lines) else ""
        return Place(self.file, line, column, "", shown)


def decode(data: bytes) -> str:
    """Text of `data` in UTF-8, UTF-16 (with its mark) or GBK. Raises UnicodeDecodeError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("gb18030")  # the superset of GBK that Windows writes
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(path: Path, file: str) -> tuple[bytes | None, list[Problem]]:
    """The bytes of a configuration file, or the problem that keeps us from reading it."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            limit = FILE_BYTES_MAX // (1024 * 1024)
            return None, [problem("file.too-large", Place(file), size=size // (1024 * 1024), limit=limit)]
        return path.read_bytes(), []
    except OSError as error:
        return None, [problem("file.unreadable", Place(file), reason=error.strerror or str(error))]


def document(file: str, data: bytes) -> tuple[Document | None, list[Problem]]:
    """`data` as a Document, or the problem that it is not text."""
    try:
        text = decode(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [problem("file.encoding", Place(file, line))]
    if "\0" in text:
        return None, [problem("file.encoding", Place(file, text.count("\n", 0, text.index("\0")) + 1))]
    return Document(file, text), []


def read_document(path: Path, file: str) -> tuple[Document | None, list[Problem]]:
    """The text file at `path`, or why it cannot be read."""
    data, problems = read(path, file)
    return (None, problems) if data is None else document(file, data)
