"""Every finding of the prover: its rule, its example, both languages; and what is in order stays without one."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from gateway.rulebook.prove.sentences import QUESTIONS, SAID
from tests.rulebook.prove.conftest import alarm, control, found, lock, plant

HYST = "tank1.level < 30 cm hyst 5 cm"

# code, rules, what the English sentence must hold
CASES: list[tuple[str, str, str]] = [
    ("check.never", lock("tank1.level + 0 cm > 20 cm and tank1.level < 10 cm"), "tank1.level < 10 cm"),
    ("check.never", lock("abs(tank1.level - tank2.level) > 400 cm"), "400 cm"),
    ("check.never", alarm("mode > 3 hyst 1 and not (mode > 1 hyst 0)"), "never"),
    ("check.never", lock("raw > 0.31 bar and raw < 0.39 bar"), "raw"),  # its device counts in steps of 0.1 bar
    ("check.never", control("gas1 > 50 ppm hyst 5 ppm", "clear when gas2 > 5 ppm and gas2 - gas1 > 100 ppm"), "clear when"),
    ("check.never", lock("mode > 1", "permissive mode > 2 and 2 * mode < 4"), "permissive"),
    ("check.never", lock("mode > 1", "override until raw > 5 bar and 2 * raw < 9 bar max 5 min"), "override until"),
    ("check.always", lock("gas1 >= 20 ppm or gas1 < 30 ppm"), "gas1 < 30 ppm"),
    ("check.always", alarm("door.open = 1 or door.open = 0"), "door.open"),
    ("check.part-never", lock("mode > 5 or (gas1 > 20 ppm and gas1 + 0 ppm < 10 ppm)"), "gas1"),
    ("check.vote-never", lock("mode = 5 or 2 of (mode = 1, mode = 2, mode = 3)"), "2 of 3"),
    ("check.permissive-never", lock("tank1.level < 100 cm", "permissive tank1.level < 50 cm"), "armed"),
    ("check.clear-never", control("gas1 > 50 ppm", "clear when gas1 > 60 ppm"), "never goes off"),
    (
        "check.two-controls",
        control("gas1 > 50 ppm hyst 5 ppm", name="ON") + control("gas2 > 50 ppm hyst 5 ppm", then="set fan2.high = 0", name="OFF"),
        "gas1 =",
    ),
    (
        "check.two-controls-same",
        control("door.open = 1", name="ON") + control("door.open = 0", then="set fan2.high = 0", name="OFF"),
        "both drive fan2.high",
    ),
    ("check.interlock-wins", lock("door.open = 1", then="stop fan3.high") + control("mode = 1", then="set fan3.high = 1"), "door.open = 1"),
    ("check.overlap", control("co.kiln > 50 ppm for 10 s", "clear when co.kiln < 60 ppm for 5 min"), "co.kiln ="),
    ("check.overlap", control("gas1 > 50 ppm", "clear when door.open = 1"), "door.open = 1"),
    ("check.no-hysteresis", control("co.kiln > 50 ppm"), "co.kiln = 50 ppm"),
    ("check.no-hysteresis", control("co.kiln > 50 ppm", "clear when co.kiln <= 50 ppm"), "co.kiln = 50 ppm"),
    ("check.no-hysteresis", control("raw > 5 bar"), "raw ="),
    ("check.no-hysteresis", control("gas1 > 50 ppm hyst 5 ppm or gas2 - gas1 > 3 ppm"), "gas2"),
    ("check.slow-hunting", control("co.kiln > 50 ppm", "min on 10 min"), "times"),
    ("check.slow-hunting", control("co.kiln > 50 ppm for 10 s"), "times"),
    ("check.loop", control("fan3.high = 0 and door.open = 1", then="set fan3.high = 1"), "door.open = 1"),
    (
        "check.loop",
        control("fan3.high = 1 and mode = 2", name="B") + control("fan2.high = 0", then="set fan3.high = 1", name="A"),
        "mode = 2",
    ),
    ("check.loop-always", control("fan3.high = 0", then="set fan3.high = 1"), "nothing ever stands still"),
    ("check.locks-itself", lock("pump7.running = 0", then="stop pump7.permit, confirm pump7.running = 0 within 3 s"), "pump7.running"),
    ("check.locks-itself", lock("pump7.permit = 0 or mode = 3"), "pump7.permit"),
    (
        "check.reads-itself",
        lock("pump7.running = 1 and gas1 < 5 ppm", then="stop pump7.permit, confirm pump7.running = 0 within 3 s"),
        "comes to rest",
    ),
    ("check.reads-itself", control("fan3.high = 1 or door.open = 1", then="set fan3.high = 1"), "fan3.high"),
    ("check.bad-never", lock("good(gas1) and gas1 > 50 ppm"), "losing gas1"),
    ("check.bad-hides", lock("(good(gas1) and gas1 > 50 ppm) or (not good(gas1) and gas2 > 50 ppm)"), "gas1 ="),
    ("check.shadowed", lock("tank1.level < 30 cm", name="LOW") + lock("tank1.level < 50 cm", name="HIGH"), "HIGH has tripped"),
    ("check.shadowed", lock(HYST, name="ONE") + lock(HYST, name="TWO"), "TWO has tripped"),
    ("check.same", alarm(HYST, "ONE") + alarm(f"not (not ({HYST}))", "TWO"), "ONE"),
    ("check.same", lock(HYST) + alarm(HYST), "L are true"),
    ("check.budget", lock(HYST + " for 2 s", then="stop pump7.permit, confirm pump7.running = 0 within 29.5 s"), "half of"),
    ("check.within", lock(HYST + " for 2 s", then="stop pump7.permit within 1 s"), "2720 ms"),
    ("check.blind", lock(HYST, "on bad safe after 30 s"), "31"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "rules", "holds"), CASES, ids=[f"{n} {case[0]}" for n, case in enumerate(CASES)])
def test_found_in_both_languages(code: str, rules: str, holds: str) -> None:
    hits = [finding for finding in found(rules) if finding.code == code]
    assert hits, [(finding.code, finding.text["en"]) for finding in found(rules)]
    english, chinese = hits[0].text["en"], hits[0].text["zh-CN"]
    assert holds in english
    assert re.search(r"[\u3400-\u9fff]", chinese)
    assert not re.search(r"[\u3400-\u9fff]", english)
    assert hits[0].remedy["en"]
    assert re.search(r"[\u3400-\u9fff]", hits[0].remedy["zh-CN"])
    if hits[0].example is not None and hits[0].code not in ("check.no-hysteresis", "check.slow-hunting", "check.loop"):
        assert hits[0].example.replayed, "the kernel's own evaluation comes to another result"


def test_stale_inputs_are_found() -> None:
    slow = found(lock(HYST), plant(stale_ms=20_000))
    assert [finding.code for finding in slow] == ["check.stale"]
    assert "20 s" in slow[0].text["en"]
    assert "20 s" in slow[0].text["zh-CN"]


QUIET = {
    "hysteresis": control("co.kiln > 50 ppm hyst 20 ppm"),
    "a gap": control("co.kiln > 50 ppm for 10 s", "clear when co.kiln < 30 ppm for 5 min"),
    "yes/no does not tremble": control("door.open = 1"),
    "a mode does not tremble": control("mode = 1"),
    "low and low-low": lock("tank1.level < 30 cm hyst 5 cm") + alarm("tank1.level < 50 cm hyst 5 cm"),
    "the slower one has the wider limit": lock("tank1.level < 30 cm hyst 5 cm", name="FAST")
    + lock("tank1.level < 50 cm hyst 5 cm for 2 s", name="SLOW"),
    "two of three": lock("2 of (gas1 > 50 ppm, gas2 > 50 ppm, gas3 > 50 ppm)"),
    "held by its hysteresis": lock("tank1.level < 30 cm hyst 5 cm and tank1.level > 32 cm"),
    "two interlocks on one output": lock("gas1 > 50 ppm", name="X") + lock("gas2 > 50 ppm", name="Y"),
    "justified": lock("good(gas1) and gas1 > 50 ppm", 'on bad safe because "gas1 is doubled by gas2"'),
    "permissive": lock("tank1.level < 30 cm hyst 5 cm", "permissive tank1.level > 50 cm"),
    "different outputs": lock("tank1.level < 30 cm", name="X") + lock("tank1.level < 50 cm", name="Y", then="stop fan3.high"),
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
def test_what_is_in_order_is_left_alone(name: str) -> None:
    assert [(finding.code, finding.text["en"]) for finding in found(QUIET[name])] == []


def test_every_sentence_is_complete_and_in_two_languages() -> None:
    for code, said in SAID.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in said[1:]]
        assert fields[0] == fields[1], code
        assert fields[2] == fields[3], code
    assert {case[0] for case in CASES} | {"check.stale", "check.not-decided", "check.not-proven"} == set(SAID)
    for en, zh in QUESTIONS.values():
        assert sorted(re.findall(r"{(\w+)}", en)) == sorted(re.findall(r"{(\w+)}", zh))
