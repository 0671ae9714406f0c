"""Addresses, types and word orders of the Modbus driver."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import PointSpec
from drivers.modbus import Settings, parse
from drivers.modbus_address import FORMATS, ORDERS, Address, decode, encode
from gateway.core.errors import AddressError

SETTINGS = Settings(url="tcp://127.0.0.1:1502")


def address(text: str, kind: str, **more: object) -> Address:
    found = parse(SETTINGS, PointSpec("t", text, kind, **more)).key  # type: ignore[arg-type]
    assert isinstance(found, Address)
    return found


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("holding:100", "uint16", ("holding", 100, -1, 1)),
        (" Holding : 100 ", "INT16", ("holding", 100, -1, 1)),
        ("holding：7", "uint16", ("holding", 7, -1, 1)),
        ("input:65534", "float32/cdab", ("input", 65534, -1, 2)),
        ("input:0", "float64", ("input", 0, -1, 4)),
        ("holding:3.15", "bool", ("holding", 3, 15, 1)),
        ("holding:3.0", "", ("holding", 3, 0, 1)),
        ("coil:20", "", ("coil", 20, -1, 1)),
        ("discrete:65535", "bool", ("discrete", 65535, -1, 1)),
        ("40001", "uint16", ("holding", 0, -1, 1)),
        ("465536", "uint16", ("holding", 65535, -1, 1)),
        ("30010", "int16", ("input", 9, -1, 1)),
        ("10001", "bool", ("discrete", 0, -1, 1)),
        ("00021", "bool", ("coil", 20, -1, 1)),
        ("40101.3", "bool", ("holding", 100, 3, 1)),
    ],
)
def test_what_an_address_means(text: str, kind: str, expected: tuple[str, int, int, int]) -> None:
    found = address(text, kind)
    assert (found.table, found.start, found.bit, found.count) == expected


def test_a_converted_address_is_noted_in_both_languages() -> None:
    note = parse(SETTINGS, PointSpec("t", "40101.3", "bool")).note
    assert note is not None
    assert all("holding:100.3" in text for text in note)
    assert parse(SETTINGS, PointSpec("t", "holding:100", "int16")).note is None


@pytest.mark.parametrize(
    ("text", "kind", "more", "says"),
    [
        ("", "int16", {}, "holding:100"),
        ("21", "bool", {}, "coil:20"),
        ("holding:-1", "int16", {}, "holding:100"),
        ("holding:٣", "int16", {}, "holding:100"),
        ("holding:65536", "int16", {}, "65535"),
        ("holding:65535", "float32", {}, "65536"),
        ("40000", "int16", {}, "65536"),
        ("holding:1.16", "bool", {}, "15"),
        ("holding:1.2", "int16", {}, "bool"),
        ("coil:1.2", "bool", {}, ".2"),
        ("coil:1", "int16", {}, "bool"),
        ("discrete:1", "float32", {}, "bool"),
        ("holding:1", "", {}, "float32"),
        ("holding:1", "float16", {}, "float32"),
        ("holding:1", "float32/acbd", {}, "/cdab"),
        ("holding:1", "float32/", {}, "/cdab"),
        ("holding:1", "bool/abcd", {}, "/cdab"),
        ("input:1", "int16", {"writable": True}, "coil"),
        ("discrete:1", "bool", {"writable": True}, "coil"),
        ("holding:1.2", "bool", {"writable": True}, "holding"),
        ("holding:1", "int16", {"scale": 0.0}, "scale"),
        ("holding:1", "int16", {"scale": math.nan}, "scale"),
        ("holding:1", "int16", {"offset": math.inf}, "offset"),
        ("coil:1", "bool", {"scale": 2.0}, "scale"),
    ],
)
def test_a_wrong_row_says_what_would_be_right(text: str, kind: str, more: dict[str, object], says: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(text, kind, **more)
    assert says in caught.value.en
    assert says in caught.value.zh
    assert any("一" <= letter <= "鿿" for letter in caught.value.zh)


def test_all_tags_are_one_group_but_the_hidden_output() -> None:
    assert parse(SETTINGS, PointSpec("t", "holding:1", "int16")).group == "poll"
    assert parse(SETTINGS, PointSpec("t", "coil:1", "bool", writable=True)).group == "poll"
    assert parse(SETTINGS, PointSpec("t", "input:400", "uint16", hidden=True)).group == "poll"
    assert parse(SETTINGS, PointSpec("t", "holding:400", "uint16", hidden=True, writable=True)).group == "write"


@pytest.mark.parametrize(
    "url",
    [
        "rtu:///dev/ttyUSB0?baud=19201",
        "http://plc:502",
        "plc:502",
        "tcp://",
        "tcp://plc:70000",
        "tcp://plc:x",
        "tcp://plc:0",
        "tcp://plc:502/x",
        "tcp://a@plc:502",
    ],
)
def test_a_wrong_url_is_refused_in_both_languages(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(url=url)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, AddressError)
    right = "rtu:///dev/ttyUSB0?baud=19200" if url.startswith("rtu") else "tcp://192.168.10.20:502"
    assert right in error.en
    assert right in error.zh


@pytest.mark.parametrize(
    "more", [{"unit": 256}, {"depth": 0}, {"max_registers": 126}, {"period_ms": -1}, {"colour": "red"}]
)
def test_settings_have_limits(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"url": "tcp://plc", **more})


INTEGERS = [kind for kind in FORMATS if "int" in kind]
BITS = {kind: struct.calcsize(">" + FORMATS[kind]) * 8 for kind in INTEGERS}


@given(st.sampled_from(INTEGERS), st.sampled_from(ORDERS), st.data())
def test_integers_come_back(kind: str, order: str, data: st.DataObject) -> None:
    bits = min(BITS[kind], 53)  # a float64 holds no more
    low, high = (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    value = data.draw(st.integers(low, high))
    where = address("holding:0", f"{kind}/{order}")
    assert decode(where, encode(where, value)) == value


@given(st.sampled_from(["float32", "float64"]), st.sampled_from(ORDERS), st.floats(width=32, allow_nan=False))
def test_floats_come_back(kind: str, order: str, value: float) -> None:
    where = address("input:0", f"{kind}/{order}")
    if math.isinf(value):
        with pytest.raises(ValueError):
            encode(where, value)
    else:
        assert decode(where, encode(where, value)) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [("uint16", -1), ("uint16", 65536), ("int16", 32768), ("uint32", 2**32), ("int64", 2.0**63), ("float32", 1e39)],
)
def test_what_does_not_fit_is_refused(kind: str, value: float) -> None:
    with pytest.raises(ValueError):
        encode(address("holding:0", kind), value)
