"""What a bundle may carry: nothing under GPL unless its maker takes it in by name."""

from __future__ import annotations

from gateway.appliance.making import licences
from gateway.appliance.parts import Part


def test_what_carries_gpl_is_left_out_until_it_is_asked_for() -> None:
    table = licences.known()
    assert licences.not_accepted(table, []) == ["av"]
    assert licences.not_accepted(table, ["av"]) == []


def test_gpl_that_nobody_has_named_stops_the_bundle() -> None:
    table = licences.known()
    inside = Part("some-camera", "1.0", "MIT", libraries=("libx264-fd5179c6.so.165",))
    assert any("GPL" in problem for problem in licences.problems([inside], table))
    assert any("GPL" in problem for problem in licences.problems([Part("strong", "1.0", "GPL-3.0-only")], table))
    assert list(licences.problems([Part("lesser", "1.0", "LGPL-2.1-or-later")], table)) == []
