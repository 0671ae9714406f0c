"""Modbus addresses and types: one row of the tag list becomes an `Address`, and a value becomes bytes and back."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from drivers.base import PointSpec
from drivers.base_talk import Unwritable
from drivers.base_words import FORMATS, ORDERS, number, words_of
from gateway.core.errors import AddressError

TABLES = ("coil", "discrete", "holding", "input")  # the index + 1 is the function code that reads the table
REFERENCE_TABLES = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
_ADDRESS = re.compile(r"(coil|discrete|holding|input)\s*:\s*(\d{1,9})(?:\.(\d{1,3}))?", re.IGNORECASE | re.ASCII)
_REFERENCE = re.compile(r"([0134])(\d{4,5})(?:\.(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies and how its bytes are laid out; `bit` is -1 for a whole register, coil or discrete input."""

    table: str
    start: int
    bit: int
    type: str
    order: str
    count: int  # registers, or one coil

    @property
    def bits(self) -> bool:
        """Whether the table holds single bits (coil, discrete)."""
        return self.table in ("coil", "discrete")

    @property
    def function(self) -> int:
        """The function code that reads it."""
        return TABLES.index(self.table) + 1


def encode(address: Address, raw: float) -> bytes:
    """Wire bytes of a raw value (a coil: FF00 or 0000). Raises Unwritable where the type cannot hold it."""
    if not math.isfinite(raw):
        raise Unwritable(f"{raw} is no number", f"{raw} 不是数值")
    if address.type == "bool":
        on = raw != 0
        return (b"\xff\x00" if on else b"\x00\x00") if address.bits else (b"\x00\x01" if on else b"\x00\x00")
    return words_of(address.type, address.order, raw)


def decode(address: Address, wire: bytes) -> float:
    """Raw value of the bytes of a read response that starts at this address."""
    if address.bits:
        return float(wire[0] & 1)
    found = number(address.type, address.order, wire[: 2 * address.count])
    if address.bit >= 0:
        return float(int(found) >> address.bit & 1)
    return float(found != 0) if address.type == "bool" else found


def parse_address(spec: PointSpec) -> tuple[Address, tuple[str, str] | None]:
    """The address of one row of the tag list, with a note where a 40001 style address was converted. Raises AddressError."""
    table, start, bit, note = _place(spec.address.strip().replace("：", ":"))
    kind, order = _type(spec, bits=table in ("coil", "discrete"), bit=bit)
    count = 1 if kind == "bool" else struct.calcsize(">" + FORMATS[kind]) // 2
    if start + count > 65536:
        raise AddressError(
            f"{spec.address} with type {kind} ends at {start + count - 1}; the last Modbus address is 65535",
            f"{spec.address}（类型 {kind}）结束于 {start + count - 1}，Modbus 最大地址为 65535",
        )
    _check_scaling(spec, kind)
    if spec.writable and (table not in ("coil", "holding") or bit >= 0):
        raise AddressError(
            f"{spec.address} cannot be written: an output is a coil or a whole holding register",
            f"{spec.address} 不可写：输出只能是线圈（coil）或整个保持寄存器（holding）",
        )
    return Address(table, start, bit, kind, order, count), note


def _place(text: str) -> tuple[str, int, int, tuple[str, str] | None]:
    note = None
    if match := _ADDRESS.fullmatch(text):
        table, start = match[1].lower(), int(match[2])
    elif match := _REFERENCE.fullmatch(text):
        table, start = REFERENCE_TABLES[match[1]], int(match[2]) - 1
        plain = f"{table}:{start}" + (f".{match[3]}" if match[3] else "")
        note = (f"{text} is read as {plain} (zero-based)", f"{text} 按 {plain} 读取（从 0 开始编号）")
    else:
        raise AddressError(
            f'"{text}" is not a Modbus address; write holding:100, input:5, coil:20, discrete:21 (zero-based), '
            "holding:100.3 for a bit, or 40101",
            f"“{text}”不是 Modbus 地址；应写成 holding:100、input:5、coil:20、discrete:21（从 0 开始编号），"
            "取位写成 holding:100.3，也可写 40101",
        )
    bit = int(match[3]) if match[3] else -1
    if not 0 <= start <= 65535:
        raise AddressError(
            f"{text}: the address must lie between 0 and 65535 (40001 style: 1 to 65536)",
            f"{text}：地址应在 0 到 65535 之间（40001 写法为 1 到 65536）",
        )
    if bit > 15:
        raise AddressError(f"{text}: a register has the bits 0 to 15", f"{text}：寄存器的位号为 0 到 15")
    if bit >= 0 and table in ("coil", "discrete"):
        raise AddressError(
            f"{text}: a {table} is a single bit, leave out .{bit}", f"{text}：{table} 本身就是一位，请去掉 .{bit}"
        )
    return table, start, bit, note


def _type(spec: PointSpec, *, bits: bool, bit: int) -> tuple[str, str]:
    text = spec.type.strip().lower()
    if not text:
        text = "bool" if bits or bit >= 0 else "uint16" if spec.hidden else ""
    kind, slash, order = text.partition("/")
    if kind not in FORMATS or (slash and (order not in ORDERS or kind == "bool")):
        raise AddressError(
            f'{spec.address}: type "{spec.type}" is unknown; write {", ".join(FORMATS)}, '
            "for numbers also with /abcd, /cdab, /badc or /dcba",
            f"{spec.address}：类型“{spec.type}”无法识别；应为 {'、'.join(FORMATS)}，"
            "数值类型可加字节序 /abcd、/cdab、/badc、/dcba",
        )
    if bits and kind != "bool":
        raise AddressError(
            f"{spec.address} is a single bit: its type is bool, not {kind}",
            f"{spec.address} 只有一位，类型应为 bool，而不是 {kind}",
        )
    if bit >= 0 and kind != "bool":
        raise AddressError(
            f"{spec.address} names one bit: its type is bool, not {kind}; for the whole register leave out .{bit}",
            f"{spec.address} 指定了一位，类型应为 bool，而不是 {kind}；要读整个寄存器请去掉 .{bit}",
        )
    return kind, order or "abcd"


def _check_scaling(spec: PointSpec, kind: str) -> None:
    if not (math.isfinite(spec.scale) and math.isfinite(spec.offset)) or spec.scale == 0:
        raise AddressError(
            f"{spec.address}: scale must be a number other than 0, offset a number",
            f"{spec.address}：scale 应为非零数值，offset 应为数值",
        )
    # 1 - raw turns a normally closed contact round; any other scaling would make a boolean that is neither 0 nor 1.
    if kind == "bool" and (spec.scale, spec.offset) not in ((1.0, 0.0), (-1.0, 1.0)):
        raise AddressError(
            f"{spec.address}: a bool has no scale and offset (-1 and 1 invert it)",
            f"{spec.address}：bool 不能带 scale 和 offset（取反可写 -1 和 1）",
        )
