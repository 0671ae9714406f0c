"""TIA Portal PLC tag table, as "Export" writes it: .xlsx (sheet "PLC Tags") or .xml (`Tagtable`).

Source: TIA Portal help, "Exporting PLC tags". Tags of optimised data blocks have no address and are not in this export: read
them over OPC UA. Types that are no number, and user-defined ones, are named and left out.
"""

from __future__ import annotations

from pathlib import PurePath
from xml.etree.ElementTree import Element, ParseError

from gateway.commission.formats.grids import by_heading, grid_of, refused, where
from gateway.commission.formats.siemens import cells_of
from gateway.commission.formats.xml import UnsafeXml, parse
from gateway.commission.found import FoundTag, Imported, described
from gateway.site.messages import problem
from gateway.site.place import Place


def is_export(name: str, data: bytes) -> bool:
    """Whether a workbook has the headings of a tag table."""
    grid, _ = grid_of(name, data)
    return grid is not None and bool(grid.rows) and {"Name", "Logical Address"} <= set(grid.rows[0][1])


def read(name: str, data: bytes) -> Imported:
    """The tags of one table or of several."""
    return _xml(name, data) if PurePath(name).suffix.lower() == ".xml" else _book(name, data)


def _book(name: str, data: bytes) -> Imported:
    grid, problems = grid_of(name, data)
    if grid is None:
        return Imported([], problems)
    rows, wrong = by_heading(grid, ("name", "data type", "logical address"))
    problems += wrong
    tags = []
    for number, cells in rows:
        tag = cells.get("name", "")
        found = cells_of(cells.get("logical address", ""), cells.get("data type", ""))
        if isinstance(found, tuple):
            problems.append(refused(grid, number, tag, *found))
        elif tag:
            tags.append(FoundTag(tag, found | described(cells.get("comment", "")), where(grid, number)))
    return Imported(tags, problems)


def _xml(name: str, data: bytes) -> Imported:
    try:
        root = parse(data)
    except (UnsafeXml, ParseError) as error:
        return Imported([], [problem("import.xml", Place(name), what=(str(error), str(error)))])
    tables = [root] if root.tag.lower() == "tagtable" else root.iter("Tagtable")
    imported = Imported()
    for table in tables:
        for tag in table.iter("Tag"):
            _one(name, tag, imported)
    return imported


def _one(name: str, tag: Element, into: Imported) -> None:
    title = (tag.text or "").strip()
    found = cells_of(tag.get("addr", ""), tag.get("type", ""))
    if isinstance(found, tuple):
        into.problems.append(problem("import.row", Place(name), "warning", value=title, what=found))
    elif title:
        into.tags.append(FoundTag(title, found | described(tag.get("remark", "")), title))
