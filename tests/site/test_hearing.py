"""Sounds, shifts and routes of site.toml as the kernel gets them, and what only the rules can tell is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.app.examine import examine
from gateway.core.annunciation import AlarmPlan, Cadence, Route, Sounder
from gateway.site.model import ShiftSite

CASE = Path(__file__).parents[1] / "cases" / "site" / "36-routes"
TEXT = """
[alarms]
escalate_s = 60
realarm_min = { p2 = 10 }

[sound.horn]
output = "horn1.on"
cadence = { p1 = "steady", p2 = "400/600" }

[shift.night]
from = "20:00"
to = "08:00"
days = ["fri", "sat"]

[[route]]
areas = ["pickling", "nowhere"]
shifts = ["night"]
sounds = []
upstream = "p1"
position = "gate"
"""
RULE = """interlock LSLL "液位低低 | Level low-low"
  when tank1.level < 30 cm hyst 6 cm
  then stop {output}
  priority P1
  area pickling
end
"""


def made(folder: Path, output: str = "pump7.permit") -> Path:
    shutil.copytree(CASE, folder, dirs_exist_ok=True)
    site = folder / "site.toml"
    site.write_text(site.read_text(encoding="utf-8").partition("\n[sound")[0] + TEXT, encoding="utf-8")
    tags = folder / "tags.csv"
    tags.write_text(
        tags.read_text(encoding="utf-8") + "horn1.on,plc1,coil:23,bool,,,,,yes,0,喇叭,Horn\n", encoding="utf-8"
    )
    for path in (folder / "rules").iterdir():
        path.unlink()
    (folder / "rules" / "main.rules").write_text(RULE.format(output=output), encoding="utf-8")
    return folder


def test_the_plan_of_a_site(tmp_path: Path) -> None:
    checked = examine(made(tmp_path))
    assert checked.site is not None, checked.problems
    assert checked.site.plan == AlarmPlan(
        (Sounder("horn", "horn1.on", (1, 2), {1: Cadence(), 2: Cadence(400, 600)}),),
        (Route(("pickling", "nowhere"), (), ("night",), (), 1, "gate"),),
        60_000,
        {2: 600_000},
    )
    assert checked.site.shifts == (ShiftSite("night", 1200, 480, (4, 5)),)
    assert [(p.code, p.severity) for p in checked.problems if p.code.startswith("route")] == [
        ("route.no-area", "warning")
    ]


def test_a_horn_that_a_rule_drives_is_refused(tmp_path: Path) -> None:
    checked = examine(made(tmp_path, "horn1.on"))
    assert not checked.ok
    assert "sound.driven" in [problem.code for problem in checked.problems]
