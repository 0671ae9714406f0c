"""A signed bundle of a trip of PKL_LSLL in a state directory, read by what the daemon itself uses."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.app.stories import Stories
from gateway.core.program import RuleText
from gateway.offline.archive import sign
from gateway.offline.bundle import DECISIONS, STORY
from gateway.offline.evidence import Commanded, InputAt, Sample, Story, Vote
from gateway.offline.keys import box_key

TRIP = "3-17"
BYPASS = {
    "tag": "tank1.level_b", "person": "wang-lei", "reason": "being calibrated", "measure": "dip stick",
    "until_utc_ms": 1_780_000_000_000,
}  # fmt: skip


def story() -> Story:
    """The level of the tank falls for half a minute; the pump stops 40 ms after the trip."""
    level = [
        Sample(at * 500.0, 30 - at / 4 + math.sin(at) / 9 if at < 4 else 29.0 + at / 40, 0, 0) for at in range(-60, 61)
    ]
    pump = [Sample(-30_000.0, 1.0, 0, 0), Sample(41.0, 0.0, 0, 0)]
    lost = [Sample(-30_000.0, 3.1, 0, 0), Sample(-9_000.0, None, 3, 2), Sample(4_000.0, 3.4, 0, 0)]
    limit = (("<", 30.0),)
    return Story(
        function="PKL_LSLL", event="ON_DELAY_OVER", area="pickling", priority=1, rule_hash="9c" * 32,
        text={"en": RuleText("Pickling tank 1 level low-low"), "zh-CN": RuleText("1号酸洗槽液位低低")},
        formula="(tank1.level < 30 cm)", pst_ms=10_000.0,
        first_out={"causes": ["tank1.level < 30 cm"], "value": 29.8, "limit": 30.0, "unit": "cm"},
        votes=Vote("1 of 2", "true", items=(
            Vote("tank1.level < 30 cm", "true", "", "tank1.level"),
            Vote("tank1.level_b < 30 cm", "left the vote", "bypassed", "tank1.level_b"),
        )),
        inputs=(
            InputAt("tank1.level", 29.8, "cm", "good", "", 84, limit, False, {"en": "Level", "zh-CN": "液位"}),
            InputAt("tank1.level_b", 3.1, "cm", "bad", "lost", 9_000, limit, True, {"en": "Level B", "zh-CN": "液位 B"}),
            InputAt("pump7.running", 1.0, "", "good", "", 84, (), False, {"en": "Pump 7", "zh-CN": "7号泵"}),
        ),
        bypasses=(BYPASS,),
        commands=(Commanded("pump7.permit", 0.0, 0.4, 38.4, True, 0.0),),
        detect_to_command_ms=0.4, command_to_read_back_ms=38.0, demand_to_safe_ms=1_038.4, simultaneous=(),
        units={"tank1.level": "cm", "tank1.level_b": "cm", "pump7.running": ""},
        series={"tank1.level": level, "tank1.level_b": lost, "pump7.running": pump},
    )  # fmt: skip


class Bundles(Stories):
    """What the daemon reads bundles with, over one bundle."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        now_ms = int(datetime.now(UTC).timestamp() * 1000) - 42_000
        facts = {
            "id": TRIP, "gateway": "gw-demo-01", "site": "demo", "site_hash": "0" * 64, "function": "PKL_LSLL",
            "rule_hash": "9c" * 32, "program_hash": "0" * 64, "versions": {}, "trip_utc_ms": now_ms,
            "from_utc_ms": now_ms - 30_000, "to_utc_ms": now_ms + 30_000, "complete": True,
        }  # fmt: skip
        data = sign({STORY: msgspec.json.encode(story()), DECISIONS: b""}, box_key(state), **facts)
        when = datetime.fromtimestamp(now_ms / 1000, UTC)
        self.file = state / "bundles" / f"{when:%Y%m%dT%H%M%SZ}-PKL_LSLL-{TRIP}.trip.zip"
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(data)
