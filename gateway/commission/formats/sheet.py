"""Our own tag list, and any list whose headings are ours: what `gatehouse tag export` writes comes back as it was."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.commission.formats.grids import from_headings, grid_of, where
from gateway.commission.found import FoundTag, Imported
from gateway.core.errors import Problem
from gateway.site.messages import problem
from gateway.site.table import read_table
from gateway.site.tag_rows import HEADINGS

_NEEDED = ("tag", "address")
_NEVER = ("tag", "source", "writable", "safe")  # outputs are declared by people


def read(name: str, data: bytes) -> Imported:
    """Rows with at least a tag and an address; other columns and rows are named and left out, and so is what makes an output."""
    grid, problems = grid_of(name, data)
    if grid is None:
        return Imported([], problems)
    table = read_table(from_headings(grid, _are_headings), HEADINGS, _NEEDED)
    problems += [_milder(found) for found in table.problems]
    if not table.columns.keys() >= set(_NEEDED):
        return Imported([], problems)
    tags: list[FoundTag] = []
    taken: set[str] = set()
    for row in table.rows:
        if not row["tag"] or not row["address"]:
            column, what = (
                ("address", ("it has no address", "没有地址"))
                if row["tag"]
                else ("tag", ("it has no name", "没有位号"))
            )
            shown = row["tag"] or row["address"] or "?"
            problems.append(problem("import.row", table.place(row, column), "warning", value=shown, what=what))
            continue
        if row["tag"].lower() in taken:
            problems.append(problem("import.twice", table.place(row, "tag"), "warning", value=row["tag"]))
        taken.add(row["tag"].lower())
        if row["writable"] or row["safe"]:
            problems.append(problem("import.output", table.place(row, "writable"), "note", value=row["tag"]))
        cells = {column: text for column, text in row.cells.items() if text and column not in _NEVER}
        tags.append(FoundTag(row["tag"], cells, where(grid, row.number)))
    return Imported(tags, problems)


def _are_headings(cells: Sequence[str]) -> bool:
    words = {cell.strip().lower() for cell in cells}
    return all(words & {name, *HEADINGS[name]} for name in _NEEDED)


def _milder(found: Problem) -> Problem:
    """A column of somebody else's is no mistake in a list that is taken in; it is said and left out."""
    return msgspec.structs.replace(found, severity="warning") if found.code == "table.heading" else found
