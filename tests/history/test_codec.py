"""Every input comes back bit for bit; damage costs no more than its own chunk."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gateway.core import samples as s
from gateway.core.tags import Cause
from gateway.history import layout
from gateway.history.codec import Decoder, Encoder, Hole, Key, Withheld

I64 = st.integers(-(2**63), 2**63 - 1)
U32 = st.integers(0, 2**32 - 1)
U8 = st.integers(0, 255)
BITS = st.integers(0, 2**64 - 1)
CLOCK = st.sampled_from(["none", "device", "ntp", "ptp"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def as_float(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


FLOAT = BITS.map(as_float)


@st.composite
def columns(draw: st.DrawFn, group: st.SearchStrategy[int] = U32) -> s.Columns:
    count = draw(st.integers(0, 40))
    values = draw(hnp.arrays(np.uint64, count, elements=BITS, fill=st.sampled_from([0, 1 << 63]))).view(np.float64)
    small = hnp.arrays(np.uint8, count, elements=U8, fill=st.just(0))
    source = draw(st.one_of(I64, hnp.arrays(np.int64, count, elements=I64, fill=st.just(7))))
    return s.Columns(draw(group), values, draw(small), draw(small), source, draw(I64), draw(CLOCK))


@st.composite
def few(draw: st.DrawFn) -> s.Few:
    tags = sorted(draw(st.sets(U32, max_size=64)))
    n = len(tags)
    lists = [draw(st.lists(each, min_size=n, max_size=n)) for each in (FLOAT, U8, U8)]
    return s.Few(draw(U32), tags, *lists, draw(I64), draw(I64), draw(CLOCK))  # type: ignore[arg-type]


ITEM = st.one_of(
    columns(),
    columns(st.integers(0, 2)),
    few(),
    st.builds(s.Alive, U32),
    st.builds(s.SourceDown, TEXT, st.sampled_from(Cause)),
    st.builds(s.WriteResult, I64, st.booleans(), FLOAT, TEXT),
    st.builds(s.Command, I64, TEXT, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=4)),
    st.builds(s.Durable, I64, st.booleans()),
    st.builds(s.SelfCheck, st.booleans(), TEXT),
    st.just(s.Stop()),
    st.builds(s.Shift, st.text(max_size=32)),
    st.builds(s.Overrun, st.sampled_from(["step", "lag"]), st.integers(0, 2**62)),
)
STAMP = st.builds(s.Stamp, st.integers(1, 2**62), st.integers(0, 2**62), I64)


def plain(item: object) -> object:
    """A form in which equality means equal bits."""
    if isinstance(item, np.ndarray):
        return item.dtype.str, item.tobytes()
    if isinstance(item, float):
        return struct.pack("<d", item)
    if isinstance(item, list):
        return [plain(each) for each in item]
    if hasattr(item, "__slots__"):
        return type(item), [plain(getattr(item, name)) for name in item.__slots__]
    return item


def decode(data: bytes) -> list[object]:
    decoder = Decoder()
    found = []
    for _, payload, _ in layout.walk(data, 0):
        assert payload is not None
        item = decoder.feed(payload)
        if item is not None and not isinstance(item, Key):
            found.append(item)
    return found


def block(values: list[float], group: int = 1, source: object = 0) -> s.Columns:
    zero = np.zeros(len(values), np.uint8)
    return s.Columns(group, np.array(values, np.float64), zero, zero, source)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(STAMP, ITEM), min_size=1, max_size=12))
def test_every_input_comes_back_bit_for_bit_under_any_stamp(stream: list[tuple[s.Stamp, s.Input]]) -> None:
    encoder = Encoder()
    data = encoder.key(stream[0][0]) + b"".join(encoder.encode(stamp, item) for stamp, item in stream)
    back = decode(data)
    assert [plain(list(pair)) for pair in back] == [plain(list(pair)) for pair in stream]  # type: ignore[call-overload]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([1, 7, 64, 500, 70_000]))
def test_each_way_to_store_a_difference_gives_equal_bits(data: st.DataObject, count: int) -> None:
    encoder, rng = Encoder(), np.random.default_rng(data.draw(st.integers(0, 2**32)))
    values, qualities = rng.normal(size=count), np.zeros(count, np.uint8)
    out, sent = [encoder.key(s.Stamp(1, 0, 0))], []
    for seq in range(1, 6):
        values, qualities = values.copy(), qualities.copy()
        share = data.draw(st.sampled_from([0.0, 0.001, 0.01, 0.3, 1.0]))
        at = rng.random(count) < share
        values[at] = rng.normal(size=int(at.sum()))
        qualities[at] = rng.integers(0, 4, int(at.sum()))
        sent.append(s.Columns(3, values, qualities, qualities, values.view(np.int64)))
        out.append(encoder.encode(s.Stamp(seq, seq, seq), sent[-1]))
    assert [plain(pair[1]) for pair in decode(b"".join(out))] == [plain(item) for item in sent]  # type: ignore[index]


def test_what_did_not_change_is_not_stored_again() -> None:
    encoder = Encoder()
    encoder.key(s.Stamp(1, 0, 0))
    values = [float(n) for n in range(2000)]
    first = encoder.encode(s.Stamp(1, 0, 0), block(values))
    same = encoder.encode(s.Stamp(2, 1, 1), block(values))
    values[77] = -0.0
    one = encoder.encode(s.Stamp(3, 2, 2), block(values))
    assert len(first) > 16_000
    assert len(same) == 23
    assert len(one) == 23 + 4 + 2 + 8
    assert len(encoder.encode(s.Stamp(4, 3, 3), s.Alive(1))) == 21


def test_a_chunk_needs_nothing_from_before_it() -> None:
    encoder = Encoder()
    encoder.key(s.Stamp(1, 0, 0))
    encoder.encode(s.Stamp(1, 0, 0), block([1.0, 2.0]))
    data = encoder.key(s.Stamp(2, 5, 5)) + encoder.encode(s.Stamp(2, 5, 5), block([1.0, 2.0]))
    ((stamp, item),) = decode(data)  # type: ignore[misc]
    assert stamp == s.Stamp(2, 5, 5)
    assert item.values.tolist() == [1.0, 2.0]


def test_decoded_arrays_belong_to_the_receiver() -> None:
    encoder, decoder = Encoder(), Decoder()
    data = encoder.key(s.Stamp(1, 0, 0))
    data += b"".join(encoder.encode(s.Stamp(n, 0, 0), block([1.0, 2.0])) for n in (1, 2))
    seen = []
    for _, payload, _ in layout.walk(data, 0):
        assert payload is not None
        item = decoder.feed(payload)
        if isinstance(item, tuple) and isinstance(item[1], s.Columns):
            seen.append(item[1].values.copy())
            item[1].values[:] = 9.0
            item[1].qualities[:] = 3
    assert [each.tolist() for each in seen] == [[1.0, 2.0], [1.0, 2.0]]


def test_personal_is_refused_by_type() -> None:
    with pytest.raises(TypeError, match="Personal"):
        Encoder().encode(s.Stamp(1, 0, 0), s.Personal(1, [4], [37.2], [0], [0]))


def test_a_withheld_number_carries_a_stamp_and_nothing_else() -> None:
    encoder = Encoder()
    stamp = s.Stamp(5, 10, 20)
    data = encoder.key(stamp) + encoder.encode(stamp, Withheld(stamp))
    assert decode(data) == [Withheld(stamp)]


def test_a_hole_says_its_reason() -> None:
    data = layout.frame(layout.HOLE.pack(layout.Kind.HOLE, layout.HOLE_REASONS.index("disk"), 3, 9, 0, 0))
    assert decode(data) == [Hole(3, 9, "disk")]


def test_arrays_of_unequal_length_are_refused() -> None:
    encoder = Encoder()
    with pytest.raises(ValueError, match="length"):
        encoder.encode(s.Stamp(1, 0, 0), s.Columns(1, np.zeros(3), np.zeros(2, np.uint8), np.zeros(3, np.uint8)))
    with pytest.raises(ValueError, match="length"):
        encoder.encode(s.Stamp(1, 0, 0), block([1.0, 2.0], source=np.zeros(3, np.int64)))


@pytest.mark.parametrize("dtype", [">f8", "<f4", "<f8"])
def test_values_of_another_byte_order_are_stored_as_the_values_they_are(dtype: str) -> None:
    encoder = Encoder()
    item = s.Columns(1, np.array([1.5, -2.0], dtype), np.zeros(2, np.uint8), np.zeros(2, np.uint8))
    data = encoder.key(s.Stamp(1, 0, 0)) + encoder.encode(s.Stamp(1, 0, 0), item)
    ((_, back),) = decode(data)  # type: ignore[misc]
    assert back.values.tolist() == [1.5, -2.0]
