"""Units as plants write them, parsed once and converted exactly (rational arithmetic, one rounding at the end).

Gauge pressure, rotation, gas in %LEL, volume fractions, sound level and pH are dimensions of their own: pint would turn
rpm into Hz by 2 pi and has no lower explosive limit, and a rule that compares such things is a mistake to be shown.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.rulebook.common_units import COMMON

if TYPE_CHECKING:
    import pint

UNIT_MAX = 32  # characters; longer is not a unit
POWER_MAX = 4  # of one symbol: m^4 is the highest that engineering uses

_DEFINITIONS = (
    "gh_lel = [lower_explosive_limit]",
    "gh_fraction = [volume_fraction]",
    "gh_percent_volume = 0.01 * gh_fraction",
    "gh_ppm = 1e-6 * gh_fraction",
    "gh_ppb = 1e-9 * gh_fraction",
    "gh_pascal_gauge = [gauge_pressure]",
    "gh_pascal_absolute = [absolute_pressure]",
    "gh_turn = [rotation]",
    "gh_rpm = gh_turn / minute",
    "gh_ph = [acidity]",
    "gh_decibel = [sound_level]",
    "gh_decibel_a = [sound_level_a]",
    "gh_humidity = [relative_humidity]",
    "gh_normal_m3 = [normal_volume]",
    "gh_standard_m3 = [standard_volume]",
    "gh_ntu = [turbidity]",
    "gh_var = [reactive_power]",
    "gh_kvar = 1000 * gh_var",
    "gh_va = [apparent_power]",
    "gh_kva = 1000 * gh_va",
    "gh_piece = [pieces]",
    "gh_percent = [share]",
)
# What plants write (after NFKC) -> what the registry knows.
_SPELLINGS = {
    "%": "gh_percent",
    "%lel": "gh_lel",
    "lel%": "gh_lel",
    "%vol": "gh_percent_volume",
    "vol%": "gh_percent_volume",
    "%rh": "gh_humidity",
    "ppm": "gh_ppm",
    "ppb": "gh_ppb",
    "rpm": "gh_rpm",
    "r": "gh_turn",
    "rev": "gh_turn",
    "pH": "gh_ph",
    "dB": "gh_decibel",
    "dBA": "gh_decibel_a",
    "NTU": "gh_ntu",
    "var": "gh_var",
    "kvar": "gh_kvar",
    "VA": "gh_va",
    "kVA": "gh_kva",
    "pcs": "gh_piece",
    "Nm": "newton * meter",
    "°C": "degC",
    "°F": "degF",
    "°": "degree",
}
_PASCAL = {"bar": "bar", "mbar": "millibar", "Pa": "pascal", "kPa": "kilopascal", "MPa": "megapascal", "psi": "psi"}
# Letters that are units to pint and something else to a plant.
_MISLEADING = {"C": "degC", "F": "degF", "c": "degC", "f": "degF", "M": "m", "k": "K", "e": "a unit", "a": "d"}
_DELTA = re.compile(r"delta_?(degC|degF|°C|°F)")
_FACTOR = re.compile(r"(inH2O|mmH2O|cmH2O|[NS]m\^?3|%[A-Za-z]*|°[CF]?|[^\W\d_]+%?)(\^?-?[0-9])?")


class UnitError(ValueError):
    """A text that is not a unit. `en` and `zh` are sentences for people."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Unit:
    """`base = value * scale + offset` in the base unit of `dimension`; units that mean the same are equal."""

    dimension: str
    scale: Fraction
    offset: Fraction = Fraction(0)

    @property
    def difference(self) -> Unit:
        """The unit of differences of this one: degC becomes the kelvin step."""
        return Unit(self.dimension, self.scale)


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Fraction]:
    import pint  # half a second that a site with common units does not wait for

    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(
        non_int_type=Fraction, cache_folder=None, autoconvert_offset_to_baseunit=True
    )
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


def _unknown(text: str) -> UnitError:
    hint = _MISLEADING.get(text)
    if hint is not None:
        en = f"'{text}' is not used as a unit here; write {hint}."
        return UnitError(en, f"此处不用“{text}”作单位，请写 {hint}。")
    return UnitError(f"'{text}' is not a known unit.", f"无法识别单位“{text}”。")


def _from_registry(text: str, whole: str) -> Unit:
    registry = _registry()
    from pint import DefinitionSyntaxError, UndefinedUnitError

    try:
        parsed = registry.parse_units(text)
    except (UndefinedUnitError, DefinitionSyntaxError, ValueError) as error:
        raise _unknown(whole) from error
    zero = registry.Quantity(Fraction(0), parsed).to_root_units().magnitude
    one = registry.Quantity(Fraction(1), parsed).to_root_units().magnitude
    dimension = " ".join(f"{name}^{power}" for name, power in sorted(parsed.dimensionality.items()))
    return Unit(dimension or "ratio", Fraction(one) - Fraction(zero), Fraction(zero))


@lru_cache(maxsize=512)
def _symbol(text: str) -> Unit:
    """The unit of one symbol without a power. Raises UnitError."""
    common = COMMON.get(text)
    return Unit(*common) if common else by_registry(text)


def by_registry(text: str) -> Unit:
    """The same, from pint's definitions and ours. Raises UnitError."""
    if text in _MISLEADING:
        raise _unknown(text)
    if text[-1] in "ga" and text[:-1] in _PASCAL:
        kind = "gauge_pressure" if text[-1] == "g" else "absolute_pressure"
        return Unit(f"[{kind}]^1", _from_registry(_PASCAL[text[:-1]], text).scale)
    if text in ("Nm3", "Nm^3", "Sm3", "Sm^3"):
        return _from_registry("gh_normal_m3" if text[0] == "N" else "gh_standard_m3", text)
    return _from_registry(_SPELLINGS.get(text.lower() if "%" in text else text, text), text)


def _factors(text: str) -> list[tuple[str, int]]:
    """`(symbol, power)` of `kg/m3`, `m/s^2`, `m3/h`. Raises UnitError."""
    found: list[tuple[str, int]] = []
    at, sign = 0, 1
    while True:
        match = _FACTOR.match(text, at)
        if match is None:
            raise _unknown(text)
        power = int((match[2] or "1").removeprefix("^"))
        if not 1 <= abs(power) <= POWER_MAX:
            raise _unknown(text)
        found.append((match[1], sign * power))
        at = match.end()
        if at == len(text):
            return found
        if text[at] not in "/*":
            raise _unknown(text)
        sign = -1 if text[at] == "/" else 1
        at += 1


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """The unit a plant wrote, e.g. `cm`, `%LEL`, `barg`, `m3/h`. Raises UnitError (a ValueError) with a sentence."""
    plain = unicodedata.normalize("NFKC", text.strip()).replace("·", "*").replace("dB(A)", "dBA").replace("μ", "µ")
    if not plain or len(plain) > UNIT_MAX:
        raise _unknown(text[:UNIT_MAX])
    delta = _DELTA.fullmatch(plain)
    if delta is not None:
        return _symbol(delta[1]).difference
    factors = _factors(plain)
    if factors == [(factors[0][0], 1)]:
        return _symbol(factors[0][0])
    scale = Fraction(1)
    powers: dict[str, int] = {}
    for symbol, power in factors:
        unit = _symbol(symbol)  # an offset has no meaning inside a product: degC/min counts steps
        scale *= unit.scale**power
        for part in unit.dimension.split():
            name, _, own = part.rpartition("^")
            powers[name] = powers.get(name, 0) + int(own) * power if name else 0
    dimension = " ".join(f"{name}^{power}" for name, power in sorted(powers.items()) if power)
    return Unit(dimension or "ratio", scale)


def convert(value: float | str, source: Unit, target: Unit) -> float:
    """`value` in `source` as a number in `target`, rounded once: 0.3 m is 30 cm exactly.

    A string keeps the decimals that were written. Raises UnitError when the dimensions differ.
    """
    if source.dimension != target.dimension:
        raise UnitError("The units measure different things.", "两个单位所测的量不同。")
    exact = Fraction(value if isinstance(value, str) else repr(float(value)))
    return float((exact * source.scale + source.offset - target.offset) / target.scale)


def convert_difference(value: float | str, source: Unit, target: Unit) -> float:
    """A difference (a hysteresis, a rate) of `source` in `target`: 5 degC of hysteresis are 9 degF."""
    return convert(value, source.difference, target.difference)
