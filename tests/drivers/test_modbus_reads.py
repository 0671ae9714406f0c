"""Merging, splitting and decoding of Modbus reads."""

from __future__ import annotations

import math
import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus_address import FORMATS, ORDERS, Address, decode
from drivers.modbus_reads import Decoder, Item, Limits, Read, merge, split

WORDS = {kind: struct.calcsize(">" + form) // 2 for kind, form in FORMATS.items()}


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    table = draw(st.sampled_from(["coil", "discrete", "holding", "input"]))
    start = draw(st.integers(0, 600))
    if table in ("coil", "discrete"):
        return Address(table, start, -1, "bool", "abcd", 1)
    kind = draw(st.sampled_from(sorted(FORMATS)))
    bit = draw(st.integers(-1, 15)) if kind == "bool" else -1
    order = "abcd" if kind == "bool" else draw(st.sampled_from(ORDERS))
    return Address(table, start, bit, kind, order, WORDS[kind])


LIMITS = st.builds(Limits, st.integers(4, 125), st.integers(1, 200), st.integers(0, 40))


def items_of(found: list[Address]) -> list[Item]:
    return [Item(position, address) for position, address in enumerate(found)]


def check_cover(reads: list[Read], items: list[Item]) -> None:
    assert sorted(item.position for read in reads for item in read.items) == [item.position for item in items]
    for read in reads:
        for item in read.items:
            address = item.address
            assert address.function == read.function
            assert read.start <= address.start
            assert address.start + address.count <= read.start + read.count, "a value is split"


@given(st.lists(addresses(), min_size=1, max_size=60), LIMITS)
def test_merged_reads_hold_every_value_whole_within_the_limits(found: list[Address], limits: Limits) -> None:
    items = items_of(found)
    reads = merge(1, items, limits)
    check_cover(reads, items)
    for read in reads:
        assert read.count <= (limits.max_bits if read.function <= 2 else limits.max_registers)
        assert read.tail == struct.pack(">HHBBHH", 0, 6, 1, read.function, read.start, read.count)


@given(st.lists(addresses(), min_size=1, max_size=40), st.integers(0, 600))
def test_splitting_isolates_one_bad_address_in_few_steps(found: list[Address], bad: int) -> None:
    items = items_of(found)
    reads = merge(1, items, Limits(125, 2000, 16))
    asked = 0
    for _ in range(12):
        hit = [read for read in reads if read.start <= bad < read.start + read.count]
        pieces = [split(1, read) for read in hit]
        if all(len(parts) == 1 for parts in pieces):
            break
        asked += sum(len(parts) for parts in pieces)
        reads = [read for read in reads if read not in hit] + [piece for parts in pieces for piece in parts]
    check_cover(reads, items)
    touching = {item.position for item in items if item.address.start <= bad < item.address.start + item.address.count}
    for read in reads:
        if read.start <= bad < read.start + read.count:
            stuck = {item.position for item in read.items}
            assert stuck & touching, "a neighbour is still held back"
    assert asked <= 4 * 2 * 64


@given(st.lists(addresses(), min_size=1, max_size=60), LIMITS, st.randoms(use_true_random=False))
def test_decoding_at_once_equals_decoding_one_by_one(
    found: list[Address], limits: Limits, chance: random.Random
) -> None:
    items = items_of(found)
    reads = merge(1, items, limits)
    for read in reads:
        read.body = bytes([read.size]) + chance.randbytes(read.size)
    scales = [chance.choice([1.0, 0.1, -2.0]) for _ in items]
    offsets = [chance.choice([0.0, -40.0]) for _ in items]
    values = Decoder(reads, scales, offsets).values()
    for read in reads:
        for item in read.items:
            address, away = item.address, item.address.start - read.start
            if address.bits:
                raw = float(read.body[1 + away // 8] >> away % 8 & 1)
            else:
                raw = decode(address, read.body[1 + 2 * away : 1 + 2 * (away + address.count)])
            expected = raw * scales[item.position] + offsets[item.position]
            got = values[item.position]
            assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_what_was_never_received_is_not_a_number() -> None:
    items = items_of([Address("holding", 0, -1, "int16", "abcd", 1), Address("holding", 500, -1, "int16", "abcd", 1)])
    first, second = merge(1, items, Limits(125, 2000, 16))
    first.body = b"\x02\x00\x07"
    values = Decoder([first, second], [1.0, 1.0], [0.0, 0.0]).values()
    assert values[0] == 7.0
    assert np.isnan(values[1])


@pytest.mark.parametrize(("floats", "requests"), [(62, 1), (63, 2), (2000, 33)])
def test_contiguous_floats_take_the_fewest_requests(floats: int, requests: int) -> None:
    items = items_of([Address("holding", 2 * index, -1, "float32", "abcd", 2) for index in range(floats)])
    assert len(merge(1, items, Limits(125, 2000, 16))) == requests
