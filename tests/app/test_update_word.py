"""During a trial nothing is armed or reset; a supervisor's word is kept, journalled, and ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.app import update_word
from gateway.app.arming import ArmingDesk
from gateway.app.update_word import HELD, Updates
from gateway.appliance import state as states
from gateway.appliance.place import Place
from gateway.appliance.state import State
from gateway.control.messages import Reply


class _Desk:
    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        return Reply(0, verb)


class _Kernel:
    controls: dict[str, Any] = {}
    functions: dict[str, Any] = {}


def asked(updates: Updates, verb: str, directory: Path) -> Reply:
    desk = ArmingDesk(_Desk(), _Kernel(), directory, {}, {}, updates=updates)  # type: ignore[arg-type]
    return asyncio.run(desk.submit("wanglei", "supervisor", verb, "gw", {"reason": "line stopped"}))


@pytest.mark.parametrize("verb", HELD)
def test_nothing_comes_into_service_during_a_trial(tmp_path: Path, verb: str) -> None:
    place = Place(tmp_path)
    updates = Updates(place=place)
    assert asked(updates, verb, tmp_path).code == 0
    states.write(place, State("SWITCHED", "B", "0.2.0", "A", "0.1.0"))
    refused = asked(updates, verb, tmp_path)
    assert refused.code == 6
    assert "试用" in refused.texts["zh-CN"]
    assert asked(updates, "interlock.trip", tmp_path).code == 0
    assert asked(updates, "alarm.ack", tmp_path).code == 0
    assert updates.view().trial


def test_the_word_of_a_supervisor_is_written_down_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list[tuple[str, dict[str, Any]]]()
    updates = Updates(lambda kind, detail: rows.append((kind, detail)) is None, Place(tmp_path))
    assert updates.view().stopped_by == ""
    assert asked(updates, "update.confirm", tmp_path).code == 0
    assert rows == [("update.confirmed", {"person": "wanglei", "reason": "line stopped"})]
    assert updates.view().stopped_by == "wanglei"
    assert 0 < updates.view().left_s <= update_word.WORD_S
    monkeypatch.setattr(update_word, "WORD_S", -1.0)
    asked(updates, "update.confirm", tmp_path)
    assert updates.view().stopped_by == ""


def test_a_word_that_cannot_be_written_down_does_not_count(tmp_path: Path) -> None:
    updates = Updates(lambda _kind, _detail: False, Place(tmp_path))
    assert asked(updates, "update.confirm", tmp_path).code == 1
    assert updates.view().stopped_by == ""
