"""Tag lists of other tools: one file per format, each with `read(name, data) -> Imported`.

May touch: `commission.found`, the grid of `site.table`. May not touch: devices, the site folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from gateway.commission.formats import kepware, logix, nodeset, sheet, step7, tia
from gateway.commission.found import Imported

Reader = Callable[[str, bytes], Imported]

FORMATS: dict[str, Reader] = {
    "gatehouse": sheet.read,
    "kepware": kepware.read,
    "tia": tia.read,
    "step7": step7.read,
    "logix": logix.read,
    "nodeset": nodeset.read,
}

_TELLS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("nodeset", re.compile(rb"<(\w+:)?UANodeSet\b")),
    ("tia", re.compile(rb"<Tagtable\b", re.I)),
    ("kepware", re.compile(rb'^\W*"?Tag Name"?\s*[,;]\s*"?Address"?', re.I)),
    ("logix", re.compile(rb"^(remark\b|0\.3\b|TYPE\s*,\s*SCOPE)", re.I | re.M)),
)


def recognise(name: str, data: bytes) -> str:
    """Which format a file has, by what stands in it; "gatehouse" for a plain list with headings."""
    head = data[:65536]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf")
    for format_name, tell in _TELLS:
        if tell.search(head):
            return format_name
    suffix = PurePath(name).suffix.lower()
    if suffix in (".sdf", ".asc"):
        return "step7"
    return "tia" if suffix == ".xlsx" and tia.is_export(name, data) else "gatehouse"
