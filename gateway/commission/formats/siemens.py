"""Addresses and types of Siemens tag tables, as the driver `s7` writes them."""

from __future__ import annotations

import re

TYPES = {
    "bool": "bool", "int": "int16", "uint": "uint16", "word": "uint16", "dint": "int32", "udint": "uint32",
    "dword": "uint32", "real": "float32", "lreal": "float64", "lint": "int64", "ulint": "uint64", "lword": "uint64",
    "sint": "int8", "usint": "uint8", "byte": "uint8", "time": "int32",
}  # fmt: skip
_WHOLE = re.compile(r"%?([IEQAM])\s*([XBWDL]?)\s*(\d+)(?:\.([0-7]))?", re.I)
_DATA = re.compile(r"%?DB(\d+)\s*\.\s*DB([XBWDL])\s*(\d+)(?:\.([0-7]))?", re.I)
_AREA = {"E": "I", "A": "Q"}  # German mnemonics


def cells_of(address: str, kind: str) -> dict[str, str] | tuple[str, str]:
    """Address and type for the tag list, or why the tag is left out (English, Chinese)."""
    named = TYPES.get(kind.strip().strip('"').lower())
    if named is None:
        return f"type {kind or 'none'} is no number", f"类型 {kind or '空'} 不是数值"
    if match := _DATA.fullmatch(address.strip()):
        bit = f".{match[4]}" if match[4] else ""
        return {"address": f"DB{match[1]}.DB{match[2].upper()}{match[3]}{bit}", "type": named}
    match = _WHOLE.fullmatch(address.strip())
    if match is None:
        return f"{address or 'no address'} is no place in memory", f"{address or '无地址'} 不是存储区地址"
    area = _AREA.get(match[1].upper(), match[1].upper())
    size = match[2].upper().replace("X", "")
    return {"address": f"{area}{size}{match[3]}" + (f".{match[4]}" if match[4] else ""), "type": named}
