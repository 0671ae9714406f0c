"""Units as plants write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rulebook.units import UnitError, convert, convert_difference, parse_unit

EXACT = [
    ("0.3", "m", "cm", 30.0),
    ("0.1", "m", "mm", 100.0),
    ("300", "K", "degC", 26.85),
    ("77", "degF", "℃", 25.0),
    ("1", "%vol", "ppm", 10_000.0),
    ("1.2", "bar", "kPa", 120.0),
    ("0.5", "MPag", "barg", 5.0),
    ("3.6", "m3/h", "L/min", 60.0),
    ("1500", "rpm", "r/min", 1500.0),
    ("4.5", "mm/s", "m/s", 0.0045),
    ("90", "km/h", "m/s", 25.0),
    ("12", "mg/m³", "g/m^3", 0.012),
    ("1", "kgf/cm2", "kPa", 98.0665),
    ("7", "%lel", "%LEL", 7.0),
    ("85", "dB(A)", "dBA", 85.0),
]


@pytest.mark.parametrize(("value", "source", "target", "expected"), EXACT)
def test_converts_exactly(value: str, source: str, target: str, expected: float) -> None:
    assert convert(value, parse_unit(source), parse_unit(target)) == expected
    assert convert(float(value), parse_unit(source), parse_unit(target)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bar", "barg"),
        ("barg", "bara"),
        ("rpm", "Hz"),
        ("%LEL", "%vol"),
        ("%", "%vol"),
        ("%", "ppm"),
        ("m3/h", "Nm3/h"),
        ("dB", "dBA"),
        ("kW", "kVA"),
        ("m", "s"),
        ("pH", "%"),
    ],
)
def test_keeps_apart_what_measures_different_things(one: str, other: str) -> None:
    with pytest.raises(UnitError):
        convert(1.0, parse_unit(one), parse_unit(other))


def test_a_difference_has_no_offset() -> None:
    assert convert_difference(5, parse_unit("degC"), parse_unit("degF")) == 9.0
    assert convert_difference("2", parse_unit("K"), parse_unit("degC")) == 2.0
    assert convert(5, parse_unit("delta_degC"), parse_unit("K")) == 5.0


@pytest.mark.parametrize(
    "text", ["", " ", "foo", "m/", "/m", "m s", "m^9", "m^0", "%%", "a.b", "m**2", "C", "x" * 40, "千克"]
)
def test_refuses_with_a_sentence_in_both_languages(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_unit(text)
    assert isinstance(caught.value, UnitError)
    assert caught.value.en.endswith(".")
    assert caught.value.zh.endswith("。")


@given(st.text(max_size=40))
def test_any_text_is_a_unit_or_a_unit_error(text: str) -> None:
    try:
        unit = parse_unit(text)
    except UnitError:
        return
    assert unit.scale != 0


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_there_and_back_is_the_same_number(value: float) -> None:
    one, other = parse_unit("cm"), parse_unit("m")
    assert convert(value, one, one) == value
    assert convert(convert(value, one, other), other, one) == pytest.approx(value, rel=1e-15, abs=1e-300)
