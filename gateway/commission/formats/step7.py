"""SIMATIC Manager (STEP 7 V5) symbol table, as "Export" writes it: `.sdf` (quoted, comma separated) or `.asc` (fixed width).

Source: STEP 7 manual, "Exporting and importing symbol tables": columns symbol, address, data type, comment; an .asc line is
`126,` and then 24, 12, 10 and 80 characters.
"""

from __future__ import annotations

import csv

from gateway.commission.formats.siemens import cells_of
from gateway.commission.found import FoundTag, Imported, described
from gateway.site.messages import problem
from gateway.site.place import Place
from gateway.site.text import document

_ASC = ((4, 28), (28, 40), (40, 50), (50, 130))


def read(name: str, data: bytes) -> Imported:
    """Symbols of inputs, outputs, memory bits and data; blocks, timers and texts are left out."""
    text, problems = document(name, data)
    if text is None:
        return Imported([], problems)
    tags = []
    for number, line in enumerate(text.lines, start=1):
        cells = _cells(line)
        if len(cells) < 3 or not cells[0]:
            continue
        found = cells_of(cells[1], cells[2])
        if isinstance(found, tuple):
            problems.append(problem("import.row", Place(name, number), "warning", value=cells[0], what=found))
            continue
        tags.append(FoundTag(cells[0], found | described("".join(cells[3:4])), f"{name}:{number}"))
    return Imported(tags, problems)


def _cells(line: str) -> list[str]:
    if line.startswith("126,"):
        return [line[start:end].strip() for start, end in _ASC]
    return [cell.strip() for cell in next(csv.reader([line]), [])]
