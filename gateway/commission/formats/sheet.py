"""Our own tag list, and any list whose headings are ours: what `gatehouse tag export` writes comes back as it was."""

from __future__ import annotations

from gateway.commission.formats.grids import grid_of, where
from gateway.commission.found import FoundTag, Imported
from gateway.site.messages import problem
from gateway.site.table import read_table
from gateway.site.tag_rows import HEADINGS

_NEVER = ("tag", "source", "writable", "safe")  # outputs are declared by people


def read(name: str, data: bytes) -> Imported:
    """Rows with at least a tag and an address; what makes an output is left out, with a note."""
    grid, problems = grid_of(name, data)
    if grid is None:
        return Imported([], problems)
    table = read_table(grid, HEADINGS, ("tag", "address"))
    problems += table.problems
    tags = []
    for row in table.rows:
        if not row["tag"] or not row["address"]:
            column = "tag" if not row["tag"] else "address"
            problems.append(problem("tag.empty", table.place(row, column), column=column))
            continue
        if row["writable"] or row["safe"]:
            problems.append(problem("import.output", table.place(row, "writable"), "note", value=row["tag"]))
        cells = {column: text for column, text in row.cells.items() if text and column not in _NEVER}
        tags.append(FoundTag(row["tag"], cells, where(grid, row.number)))
    return Imported(tags, problems)
