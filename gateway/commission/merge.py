"""An import against the tag list that is there: what is new, what differs, what the file does not have; by key, never by row.

The key of a tag is its name and source; of one that an engineer has given another name, its address. The name comes first,
because a PLC program that grows moves addresses: taken by its address, a tag would go on under its name and read its neighbour.
What an engineer wrote stays: an import fills empty cells and may move address and type, no more.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.commission.found import FoundTag
from gateway.site.table import Table
from gateway.site.tag_rows import HEADINGS

MOVED = ("address", "type")  # columns in which the file knows better than the list
BACKUP = ".before"


@dataclass(frozen=True, slots=True)
class Change:
    """One cell: column, text before, text after."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one tag: "add", "change", "same", or "missing" (in the list, not in the file: stays)."""

    kind: str
    tag: str
    where: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Merge:
    """The list as it would be, and the steps that lead there."""

    columns: list[str]
    rows: list[dict[str, str]]
    steps: list[Step] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How many tags take this step."""
        return sum(step.kind == kind for step in self.steps)

    def text(self) -> str:
        """The list as CSV."""
        return csv_text(self.columns, self.rows)


def merge(table: Table | None, source: str, found: Sequence[FoundTag]) -> Merge:
    """`found` into the list `table` (None = there is none yet), for the tags of `source`. Two tags never share a row."""
    columns = [*(table.columns if table else ("tag", "source", "address", "type", "unit", "zh", "en"))]
    rows = [{name: row[name] for name in columns} for row in table.rows] if table else []
    result = Merge(columns, rows)
    own = [row for row in rows if row["source"] == source]
    taken = {row["tag"].lower() for row in rows}
    for tag, row in zip(found, _paired(own, found), strict=True):
        if row is None:
            name = _free(tag.name, taken)
            taken.add(name.lower())
            _added(result, source, name, tag)
        else:
            _changed(result, row, tag)
    touched = {step.tag for step in result.steps}
    result.steps += [Step("missing", row["tag"]) for row in own if row["tag"] not in touched]
    return result


def _paired(rows: Sequence[dict[str, str]], found: Sequence[FoundTag]) -> list[dict[str, str] | None]:
    """The row of each tag, None where it has none: by name and address, else by its own name, by address, by a made-up name."""
    keys: tuple[tuple[Callable[[FoundTag], object], Callable[[Mapping[str, str]], object]], ...] = (
        (lambda tag: (tag.name.lower(), _key(tag.cells)), lambda row: (row["tag"].lower(), _key(row))),
        (lambda tag: tag.name.lower() if tag.own_name else None, lambda row: row["tag"].lower()),
        (lambda tag: _key(tag.cells) or None, _key),
        (lambda tag: tag.name.lower(), lambda row: row["tag"].lower()),
    )
    pairs: list[dict[str, str] | None] = [None] * len(found)
    free = [*rows]
    for of_tag, of_row in keys:
        waiting: dict[object, list[dict[str, str]]] = {}
        for row in free:
            waiting.setdefault(of_row(row), []).append(row)
        for at, tag in enumerate(found):
            if pairs[at] is None and (rest := waiting.get(of_tag(tag))):
                pairs[at] = rest.pop(0)
        free = [row for rest in waiting.values() for row in rest]
    return pairs


def _added(result: Merge, source: str, name: str, tag: FoundTag) -> None:
    result.rows.append({"tag": name, "source": source, **tag.cells})
    _columns(result, tag.cells)
    changes = tuple(Change(column, "", text) for column, text in tag.cells.items())
    result.steps.append(Step("add", name, tag.where, changes))


def _changed(result: Merge, row: dict[str, str], tag: FoundTag) -> None:
    changes = []
    for column, text in tag.cells.items():
        before = row.get(column, "")
        if before == text or (before and column not in MOVED) or (column == "type" and _order_only(before, text)):
            continue
        changes.append(Change(column, before, text))
        row[column] = text
    _columns(result, [change.column for change in changes])
    result.steps.append(Step("change" if changes else "same", row["tag"], tag.where, tuple(changes)))


def _order_only(before: str, after: str) -> bool:
    """The list says the same type with a word order, which no export knows."""
    return "/" in before and before.partition("/")[0] == after


def _columns(result: Merge, used: Iterable[str]) -> None:
    for column in HEADINGS:
        if column in used and column not in result.columns:
            result.columns.append(column)


def _key(row: Mapping[str, str]) -> str:
    return "".join(row.get("address", "").split()).lower()


def _free(name: str, taken: Container[str]) -> str:
    """`name`, or with a number where another source has a tag of that name."""
    number, free = 2, name
    while free.lower() in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as the tag list is written."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def replace_file(path: Path, text: str, encoding: str = "utf-8") -> Path | None:
    """Put `text` in place of `path` whole or not at all; what stood there stays beside it as `….before`. Returns that file."""
    fresh = path.with_name(f".{path.name}.part")
    with fresh.open("w", encoding=encoding, newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    kept = None
    if path.exists():
        kept = path.with_name(path.name + BACKUP)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
    fresh.replace(path)
    return kept
