"""Tag list of Studio 5000 Logix Designer, as "Export Tags" writes it (.csv).

Source: Rockwell publication 1756-RM084, "Import/Export File Format": lines of remarks, the version `0.3`, then
`TYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES`. Aliases are read through their own name; members of structures
stand in no export and are added by hand (`Motor1.Speed`).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commission.formats.grids import by_heading, from_headings, grid_of, refused, where
from gateway.commission.found import FoundTag, Imported, described

_NUMBERS = frozenset(
    (
        "SINT",
        "INT",
        "DINT",
        "LINT",
        "USINT",
        "UINT",
        "UDINT",
        "ULINT",
        "REAL",
        "LREAL",
        "BYTE",
        "WORD",
        "DWORD",
        "LWORD",
    )
)


def read(name: str, data: bytes) -> Imported:
    """Atomic tags of the controller and of programs."""
    grid, problems = grid_of(name, data)
    if grid is None:
        return Imported([], problems)
    rows, wrong = by_heading(from_headings(grid, _are_headings), ("type", "name", "datatype"))
    problems += wrong
    tags = []
    for number, cells in rows:
        kind, tag = cells.get("type", "").upper(), cells.get("name", "")
        if kind not in ("TAG", "ALIAS") or not tag:
            continue  # comments of rungs and operands
        datatype = cells.get("datatype", "").upper()
        if kind == "TAG" and datatype != "BOOL" and datatype not in _NUMBERS:
            shown = datatype or "?"
            problems.append(refused(grid, number, tag, f"type {shown} is no number", f"类型 {shown} 不是数值"))
            continue
        scope = cells.get("scope", "")
        address = f"Program:{scope}.{tag}" if scope else tag
        filled = {"address": address} | ({"type": "bool"} if datatype == "BOOL" else {})  # others the controller tells
        title = f"{scope}.{tag}" if scope else tag
        tags.append(FoundTag(title, filled | described(cells.get("description", "")), where(grid, number)))
    return Imported(tags, problems)


def _are_headings(cells: Sequence[str]) -> bool:
    return cells[0].upper() == "TYPE"
