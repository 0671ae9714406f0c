"""Reports of a shift, of bypasses and of tests: every row that belongs into them, in both languages; and the page's way to them."""

from __future__ import annotations

import asyncio
from datetime import UTC
from pathlib import Path
from typing import Any

from gateway.app.papers import Papers
from gateway.app.periodic import Asked, periodic, report_page
from gateway.journal.reader import Event

MINUTE = 60_000
BYPASS = {
    "tag": "gas3.lel",
    "code": "failed",
    "reason": "sensor <replaced>",
    "measure": "portable",
    "role": "supervisor",
}


def event(seq: int, kind: str, subject: str, person: str = "", /, **detail: Any) -> Event:
    return Event(seq, 1, seq, 0, seq * MINUTE, kind, subject, person, detail, summary=False)


EVENTS = [
    event(1, "alarm.raise", "level_low", priority=3),
    event(2, "alarm.raise", "level_low", priority=3),
    event(3, "alarm.ack", "level_low", "li-na"),
    event(4, "interlock.tripping", "PKL_LSLL", first_out=["tank1.level < 30 cm"], event="ON_DELAY_OVER"),
    event(5, "command.bypass.set", "TF3_GAS", "zhang-wei", **BYPASS),
    event(6, "command.bypass.set", "RX1", "wang-lei", **(BYPASS | {"tag": "rx1.temp"})),
    event(7, "bypass.expired", "TF3_GAS", tag="gas3.lel", lasted_ms=95 * MINUTE),
    event(8, "refused.interlock.arm", "PKL_LSLL", "li-na", role="operator", why="command.role"),
    event(9, "command.alarm.silence", "", "kiosk"),
    event(10, "proof.result", "PKL_LSLL", "wang-lei", kind="full", longest_ms=812, passed=True),
    event(11, "proof.abandoned", "RX1", "wang-lei", kind="partial"),
]


def page(kind: str, *, chinese: bool = False) -> str:
    return report_page(kind, "gw-1", Asked(EVENTS, 0, 12 * 60 * MINUTE, UTC, chinese))


def test_a_shift_hands_over_what_happened_and_what_is_still_open() -> None:
    shown = page("shift")
    for text in (
        "tank1.level &lt; 30 cm",
        '<td>level_low</td><td>P3</td><td class="n">2</td>',
        "bypass.set",
        "command.role",
        "Taking over",
    ):
        assert text in shown, text
    assert "alarm.silence" not in shown
    open_ = shown.partition("Bypassed at the end")[2]
    assert "rx1.temp" in open_
    assert "gas3.lel" not in open_
    assert "交班人" in page("shift", chinese=True)


def test_a_bypass_stands_with_its_end() -> None:
    shown = page("bypass")
    assert "1 h 35 min" in shown
    assert "its time was over" in shown
    assert "still open" in shown
    assert "sensor &lt;replaced&gt;" in shown  # what somebody typed is text
    assert "到期自动结束" in page("bypass", chinese=True)


def test_tests_stand_with_their_verdict() -> None:
    shown = page("prooftest")
    assert "passed" in shown
    assert "abandoned" in shown
    assert "合格" in page("prooftest", chinese=True)


def test_the_page_gets_a_report_from_a_process_of_its_own(tmp_path: Path) -> None:
    """The site is not in order: its acceptance says so on paper, and no other report is made of it."""
    (tmp_path / "site.toml").write_text('[gateway]\nid = "gw-9"\nsite = "s"\narea = "a"\n')
    shown = asyncio.run(Papers(tmp_path).page("acceptance", "zh-CN"))
    assert shown is not None
    assert "验收报告" in shown
    assert "script" not in shown
    assert periodic("shift", tmp_path, str(tmp_path / "shift.html"), 0, "en") == 9
    assert not (tmp_path / "shift.html").exists()
