"""Kepware (KEPServerEX) tag list, as "Export CSV" writes it: one device, one row a tag.

Source: KEPServerEX manual, "Tag CSV Import and Export"; headings `Tag Name,Address,Data Type,…,Scaling,Raw Low,Raw High,Scaled
Low,Scaled High,…,Eng Units,Description`. Addresses of the Modbus and the Siemens drivers are translated; others go over as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.commission.formats.grids import by_heading, grid_of, plain_number, refused, where, without
from gateway.commission.found import FoundTag, Imported, described, known_unit

_TYPES = {
    "boolean": "bool", "char": "", "byte": "", "short": "int16", "word": "uint16", "long": "int32", "dword": "uint32",
    "llong": "int64", "qword": "uint64", "float": "float32", "double": "float64",
}  # fmt: skip
_UNSCALED = ("", "none")
_MODBUS = re.compile(r"[0134]\d{4,5}(\.\d{1,2})?")
_SIEMENS = re.compile(r"DB(\d+)[,.](REAL|DINT|DWORD|DBD|D|INT|WORD|DBW|W|BYTE|DBB|B|X|DBX)(\d+)(?:\.(\d))?", re.I)
_SIZE = {"REAL": "DBD", "DINT": "DBD", "DWORD": "DBD", "DBD": "DBD", "D": "DBD", "INT": "DBW", "WORD": "DBW",
         "DBW": "DBW", "W": "DBW", "BYTE": "DBB", "DBB": "DBB", "B": "DBB", "X": "DBX", "DBX": "DBX"}  # fmt: skip


def read(name: str, data: bytes) -> Imported:
    """Numbers and bits; strings, arrays and BCD are named and left out, so are units and scalings that are not known here."""
    grid, problems = grid_of(name, data)
    if grid is None:
        return Imported([], problems)
    rows, wrong = by_heading(grid, ("tag name", "address"))
    problems += wrong
    tags = []
    for number, cells in rows:
        tag, kind = cells.get("tag name", ""), cells.get("data type", "").lower()
        if not tag:
            continue
        if kind and not _TYPES.get(kind):
            problems.append(refused(grid, number, tag, f"type {kind} is no number", f"类型 {kind} 不是数值"))
            continue
        address, unit = cells.get("address", ""), cells.get("eng units", "")
        if not address:
            problems.append(refused(grid, number, tag, "it has no address", "没有地址"))
            continue
        if "[" in address and not kind:
            problems.append(refused(grid, number, tag, "arrays are not read", "不支持数组"))
            continue
        filled = {"address": _address(address), "type": _TYPES.get(kind, "")}
        filled |= {"unit": known_unit(unit)} | _scaling(cells) | described(cells.get("description", ""))
        if unit and not filled["unit"]:
            problems.append(without(grid, number, tag, f"unit {unit}, which is not known", f"单位 {unit}（未知单位）"))
        if (scaling := cells.get("scaling", "").lower()) not in _UNSCALED and "scale" not in filled:
            problems.append(without(grid, number, tag, f"scaling ({scaling})", f"量程变换（{scaling}）"))
        kept = {column: text for column, text in filled.items() if text}
        tags.append(FoundTag(tag, kept, where(grid, number)))
    return Imported(tags, problems)


def _address(text: str) -> str:
    text = text.strip().lstrip("'")  # a quote keeps leading zeros in a spreadsheet
    if _MODBUS.fullmatch(text):
        return text
    if match := _SIEMENS.fullmatch(text):
        bit = f".{match[4]}" if match[4] else ""
        return f"DB{match[1]}.{_SIZE[match[2].upper()]}{match[3]}{bit}"
    return text


def _scaling(cells: Mapping[str, str]) -> dict[str, str]:
    """`Linear` scaling as scale, offset and range; other scalings are not linear and stay out."""
    if cells.get("scaling", "").lower() != "linear":
        return {}
    ends = [cells.get(key, "") for key in ("raw low", "raw high", "scaled low", "scaled high")]
    try:
        raw_low, raw_high, low, high = (float(text) for text in ends)
    except ValueError:
        return {}
    if raw_high == raw_low:
        return {}
    scale = (high - low) / (raw_high - raw_low)
    return {
        "scale": f"{scale:.12g}",
        "offset": f"{low - raw_low * scale:.12g}",
        "low": plain_number(ends[2]),
        "high": plain_number(ends[3]),
    }
