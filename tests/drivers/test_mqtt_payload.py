"""Addresses, JSON pointers and payloads: known answers, and bytes that are nothing."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import PlannedTag, PointSpec
from drivers.mqtt_payload import Undecodable, document, find, parse_address, pointer, reading, source_time
from gateway.core.errors import AddressError
from gateway.core.tags import Cause, Quality, Tag


def entry(address: str, kind: str = "", scale: float = 1.0, offset: float = 0.0) -> PlannedTag:
    point = parse_address(PointSpec("t", address, kind))
    return PlannedTag(Tag(0, "t", "s", 0), point, scale, offset)


def test_the_examples_of_rfc_6901() -> None:
    root = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7, "k": {"~1": 3}}
    expected = {"": root, "/foo": ["bar", "baz"], "/foo/0": "bar", "/": 0, "/a~1b": 1, "/c%d": 2, "/m~0n": 8, "/ ": 7}
    for text, value in expected.items():
        assert find(root, pointer(text)) == value
    assert find(root, pointer("/k/~01")) == 3
    for missing in ("/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/bar", "/nothing", "/a~1b/c"):
        with pytest.raises(KeyError):
            find(root, pointer(missing))


@pytest.mark.parametrize(
    ("address", "kind", "writable"),
    [
        ("", "", False),
        ("#/lel", "", False),
        ("plant/+/3#/lel", "", False),
        ("$SYS/x#/lel", "", False),
        ("plant/gas#lel", "", False),
        ("plant/gas#/l~el", "", False),
        ("plant/gas#/lel", "float32/cdab", False),
        ("plant/gas#/lel", "", True),
    ],
)
def test_wrong_addresses_are_refused_in_both_languages(address: str, kind: str, writable: bool) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(PointSpec("t", address, kind, writable=writable))
    assert caught.value.en
    assert any("一" <= letter <= "鿿" for letter in caught.value.zh)


def test_one_group_per_topic_and_personal_apart() -> None:
    assert parse_address(PointSpec("t", "plant/gas/3#/lel", "")).group == "plant/gas/3"
    personal = parse_address(PointSpec("t", "band/7#/hr", "", columns={"privacy": "personal"}))
    assert personal.group != parse_address(PointSpec("t", "band/7#/battery", "")).group
    assert personal.key.topic == "band/7"


@pytest.mark.parametrize(
    ("payload", "address", "kind", "value", "cause"),
    [
        (b"4.2", "t", "", 4.2, Cause.NONE),
        (b" -3 \n", "t", "", -3.0, Cause.NONE),
        (b'{"lel": 4.2}', "t#/lel", "", 4.2, Cause.NONE),
        (b'{"lel": "4.2"}', "t#/lel", "", math.nan, Cause.DECODE),
        (b'{"lel": true}', "t#/lel", "", math.nan, Cause.DECODE),
        (b'{"lel": null}', "t#/lel", "", math.nan, Cause.DECODE),
        (b'{"other": 1}', "t#/lel", "", math.nan, Cause.DECODE),
        (b'{"lel": NaN}', "t#/lel", "", math.nan, Cause.NOT_A_NUMBER),
        (b'{"lel": 1e999}', "t#/lel", "", math.nan, Cause.NOT_A_NUMBER),
        (b'{"lel": ' + b"9" * 400 + b"}", "t#/lel", "", math.nan, Cause.NOT_A_NUMBER),
        (b'{"on": true}', "t#/on", "bool", 1.0, Cause.NONE),
        (b'{"on": 0}', "t#/on", "bool", 0.0, Cause.NONE),
        (b'{"on": 2}', "t#/on", "bool", math.nan, Cause.DECODE),
    ],
)
def test_readings(payload: bytes, address: str, kind: str, value: float, cause: Cause) -> None:
    found, quality, why = reading(document(payload, 1000), entry(address, kind))
    assert found == pytest.approx(value, nan_ok=True)
    assert (quality, why) == ((Quality.GOOD if cause is Cause.NONE else Quality.BAD), cause)


def test_scaling() -> None:
    assert reading({"a": 5}, entry("t#/a", scale=2.0, offset=-1.0))[0] == 9.0


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'{"a": 1} x', b" " * 2000])
def test_what_is_no_document_is_undecodable(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        document(payload, 200_000 if payload.startswith(b"[") else 10_000 if payload.startswith(b"9") else 1000)


@given(st.binary(max_size=200))
def test_random_bytes_never_give_a_good_value(payload: bytes) -> None:
    """GOOD only where the payload truly is an object with a number under that name."""
    try:
        root = document(payload, 100)
    except Undecodable:
        return
    value, quality, _ = reading(root, entry("t#/lel"))
    if quality == Quality.GOOD:
        assert isinstance(json.loads(payload)["lel"], int | float)
    else:
        assert math.isnan(value)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lel", "0", ""]), inner, max_size=3),
)


@given(nested, st.lists(st.sampled_from(["lel", "0", "", "1"]), max_size=3))
def test_any_document_gives_a_finite_good_value_or_bad(root: object, steps: list[str]) -> None:
    address = "t#" + "".join(f"/{step}" for step in steps)
    for kind in ("", "bool"):
        value, quality, cause = reading(root, entry(address, kind))
        assert math.isfinite(value) == (quality == Quality.GOOD) == (cause == Cause.NONE)


@pytest.mark.parametrize(
    ("root", "ns"),
    [
        ({"ts": "2026-11-23T08:14:07.412Z"}, 1_795_421_647_412_000_000),
        ({"ts": "2026-11-23T16:14:07.412+08:00"}, 1_795_421_647_412_000_000),
        ({"ts": 1_795_421_647_412}, 1_795_421_647_412_000_000),
        ({"ts": "2026-11-23T08:14:07"}, 0),
        ({"ts": "yesterday"}, 0),
        ({"ts": True}, 0),
        ({"ts": 1e300}, 0),
        ({"ts": float("nan")}, 0),
        ({"ts": "9999-12-31T23:59:59-23:00"}, 0),
        ({"ts": "0001-01-01T00:00:00+23:00"}, 0),
        ({}, 0),
        (4.2, 0),
    ],
)
def test_source_times(root: object, ns: int) -> None:
    found = source_time(root, ("ts",))
    assert found == ns or (found > 0 and ns == 0 and "9999" in str(root))
