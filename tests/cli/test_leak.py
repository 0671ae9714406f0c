"""`gatehouse leak list` and `spectrum` against a living control server, in both languages."""

from __future__ import annotations

import json

import pytest

from gateway.cli.spectrum import over, shade
from tests.cli.conftest import Terminal
from tests.control.living import Living


def test_the_list_has_sensors_and_figures_in_both_languages(alive: Living, terminal: Terminal) -> None:
    english = terminal("leak", "list").out
    assert "ALARM: leak" in english
    assert [word in english for word in ("in order", "missing", "140 %", "83.2 dB", "5.5 m", "12 g/s")] == [True] * 6
    assert "报警：泄漏" in terminal("leak", "list", "--lang", "zh-CN").out


def test_a_spectrum_is_drawn_with_its_plume_and_its_reasons(alive: Living, terminal: Terminal) -> None:
    lines = terminal("leak", "spectrum", "flange7").out.splitlines()
    high, low = (next(line for line in lines if line.startswith(start)) for start in (" 62.0 kHz", "  2.0 kHz"))
    assert high.endswith("|" + " " * 30 + "█" * 30), "a minute, the louder half at its end"
    assert low.endswith("|" + " " * 60)
    assert any(line.endswith("▓▓██|") for line in lines), "the plume stands at the right of the lowest row"
    assert "no thermal picture came for 2 s" in "\n".join(lines)
    assert "Evidence: 140 % of the alarm's threshold." in lines
    assert not any("None" in line for line in lines)
    assert json.loads(terminal("leak", "spectrum", "flange7", "-o", "json").out)["state"] == "alarm"
    refused = terminal("leak", "spectrum", "tank9")
    assert (refused.code, "tank9" in refused.err) == (4, True)


@pytest.mark.parametrize(("decibels", "letter"), [(-3, " "), (2, "·"), (7, "░"), (12, "▒"), (20, "▓"), (40, "█")])
def test_shades_of_sound(decibels: float, letter: str) -> None:
    assert over(decibels) == letter


def test_shades_of_the_plume() -> None:
    assert [shade(percent) for percent in (0, 25, 50, 75)] == ["·", "░", "▓", "█"]
