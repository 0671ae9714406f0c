"""Numbers in the memory of a PLC: the types of the tag list, the order of their bytes, and the way to bytes and back.

`/abcd` is big-endian, `/cdab` reverses the 16-bit words of a value, `/badc` the bytes inside each word, `/dcba` both. 64-bit
values follow the same rule over four words.
"""

from __future__ import annotations

import math
import struct

from drivers.base import PointSpec
from drivers.base_talk import Unwritable
from gateway.core.errors import AddressError

ORDERS = ("abcd", "cdab", "badc", "dcba")
FORMATS = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}


def wire_order(words: int, order: str) -> list[int]:
    """Position on the wire of each byte of the big-endian value."""
    reverse_words, swap_bytes = order in ("cdab", "dcba"), order in ("badc", "dcba")
    positions = []
    for index in range(2 * words):
        word, byte = divmod(index, 2)
        positions.append(2 * (words - 1 - word if reverse_words else word) + (1 - byte if swap_bytes else byte))
    return positions


def number(kind: str, order: str, wire: bytes) -> float:
    """The value whose bytes lie so on the wire."""
    canonical = bytes(wire[position] for position in wire_order(len(wire) // 2, order))
    return float(struct.unpack(">" + FORMATS[kind], canonical)[0])


def words_of(kind: str, order: str, raw: float) -> bytes:
    """The bytes of a value as they lie on the wire. Raises Unwritable where the type cannot hold it."""
    canonical = packed(">" + FORMATS[kind], raw, kind)
    wire = bytearray(len(canonical))
    for index, position in enumerate(wire_order(len(canonical) // 2, order)):
        wire[position] = canonical[index]
    return bytes(wire)


def packed(layout: str, raw: float, kind: str) -> bytes:
    """`struct.pack` of one value. Raises Unwritable where the type cannot hold it."""
    if not math.isfinite(raw):
        raise Unwritable(f"{raw} is no number", f"{raw} 不是数值")
    try:
        return struct.pack(layout, raw if layout[-1] in "fd" else round(raw))
    except (struct.error, OverflowError) as error:
        raise Unwritable(f"{raw:g} does not fit {kind}", f"{raw:g} 超出 {kind} 的范围") from error


def word_type(spec: PointSpec, *, bit: bool, default: str) -> tuple[str, str]:
    """Type and order of a row whose address lies in words; `bit`: its address is a single bit. Raises AddressError."""
    text = spec.type.strip().lower() or ("bool" if bit else "uint16" if spec.hidden else "")
    kind, slash, order = text.partition("/")
    if kind not in FORMATS or (slash and (order not in ORDERS or kind == "bool")) or (bit and kind != "bool"):
        right = "bool" if bit else ", ".join(one for one in FORMATS if one != "bool")
        raise AddressError(
            f'{spec.address}: type "{spec.type}" does not apply; write {right}'
            + (
                ""
                if bit
                else f" (numbers of two words also with /{', /'.join(ORDERS)}; this brand's own is /{default})"
            ),
            f"{spec.address}：类型“{spec.type}”不适用；应为 {right}"
            + ("" if bit else f"（双字数值可加 /{'、/'.join(ORDERS)}；该品牌默认 /{default}）"),
        )
    if kind == "bool" and not bit:
        raise AddressError(
            f"{spec.address} is a whole word: name its bit, for example {spec.address}.3, or a type of a number",
            f"{spec.address} 是整个字：请写出位号（例如 {spec.address}.3），或填写数值类型",
        )
    return kind, order or default
