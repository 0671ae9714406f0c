"""How hard the surroundings are on people, 0..1: noise, heat and light, and the worst of them. An explicit factor beside fatigue."""

from __future__ import annotations

import math

from gateway.people.fatigue import between

NOISE_DBA = (80.0, 100.0)  # exposure action value and where 8 h become 15 min (directive 2003/10/EC, GBZ 2.2)
WBGT_DEGC = (23.0, 33.0)  # ISO 7243: limit of very high to of low metabolic rate, acclimatised
LIGHT_LUX = (200.0, 20.0)  # EN 12464-1, GB 50034: constantly manned industrial places; less than 20 lx is dark


def wet_bulb_globe(temperature_degc: float, humidity_percent: float) -> float:
    """WBGT without sun from temperature and humidity (Australian Bureau of Meteorology), in degC."""
    vapour_hpa = humidity_percent / 100.0 * 6.105 * math.exp(17.27 * temperature_degc / (237.7 + temperature_degc))
    return 0.567 * temperature_degc + 0.393 * vapour_hpa + 3.94


def stress(noise_dba: float | None, wbgt_degc: float | None, light_lux: float | None) -> dict[str, float]:
    """The factors that are known, and their maximum as `stress`; empty where nothing is known."""
    found = {}
    if noise_dba is not None:
        found["noise"] = between(noise_dba, *NOISE_DBA)
    if wbgt_degc is not None:
        found["heat"] = between(wbgt_degc, *WBGT_DEGC)
    if light_lux is not None:
        found["light"] = between(light_lux, *LIGHT_LUX)
    return {**found, "stress": max(found.values())} if found else {}
