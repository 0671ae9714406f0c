"""A backtest against what really happened, and against the plant's own export."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from gateway.core.program import Interlock, Program
from gateway.core.tags import Tag, TagTable
from gateway.offline.backtest import on_export, on_history
from gateway.offline.backtest_report import report, text
from gateway.offline.figures import Backtest
from gateway.offline.historian import Export
from gateway.offline.record import export
from tests.offline.campaign_trips import Recorded


@pytest.fixture(scope="module")
def same(recorded: Recorded) -> Backtest:
    """The rules that ran, once more."""
    return on_history(recorded.directory, recorded.setting.table, recorded.setting.rules())


def altered(program: Program, **limits: float) -> Program:
    """The same rules with other limits of the first comparison."""
    rules = []
    for rule in program.rules:
        if rule.name in limits:
            text_of = msgspec.json.encode(rule)
            found = json.loads(text_of)
            node = found["when"]
            while "limit" not in node:
                node = node.get("item") or node["items"][0]
            node["limit"] = limits[rule.name]
            rule = msgspec.json.decode(json.dumps(found), type=Interlock)
        rules.append(rule)
    return Program(tuple(rules), program.version)


def test_the_rules_that_ran_decide_the_same_event_for_event(recorded: Recorded, same: Backtest) -> None:
    assert same.equality is not None
    rows = [row for row in recorded.hour.boots[0].rows if row.record.id[1] > 0]
    assert same.equality.differing == ()
    assert same.equality.equal == same.equality.decisions
    assert 0.9 * len(rows) <= same.equality.decisions <= len(rows)


def test_every_demand_of_the_plant_is_found_again(recorded: Recorded, same: Backtest) -> None:
    """What the plant caused, an ideal actuator trips on too; what the hand or a failing write caused, it does not."""
    live = [row.record for row in recorded.hour.boots[0].rows if row.record.kind == "interlock.tripping"]
    caused = [record for record in live if record.detail["event"] in ("ON_DELAY_OVER", "DEMAND")]
    assert len(caused) >= 4
    would = [(trip.function, trip.utc_ms) for trip in same.trips]
    for record in caused:
        assert any(name == record.subject and abs(at - record.utc_ms) <= 2_000 for name, at in would), record
    for trip in same.trips:
        assert trip.first_out or trip.event == "READ_BACK_LATE"
        assert trip.commands
        assert trip.lasted_s is None or trip.lasted_s >= 0.0


def test_figures_add_up(same: Backtest, recorded: Recorded) -> None:
    assert same.trips_in_all == len(same.trips) == sum(figures.would for figures in same.functions)
    for figures in same.functions:
        assert figures.would == figures.both + figures.new
        assert figures.really == figures.both + figures.gone
        assert figures.ready
    rows = [row.record for row in recorded.hour.boots[0].rows]
    live = [record.kind for record in rows if record.utc_ms <= same.to_utc_ms]
    assert sum(figures.really for figures in same.functions) == live.count("interlock.tripping")
    assert same.alarms_before == live.count("alarm.raise")
    assert same.coverage[0].inputs > 1_000
    assert same.coverage[0].missing == 0


def test_a_limit_out_of_reach_never_trips_and_a_tight_one_trips_more(recorded: Recorded, same: Backtest) -> None:
    table, program = recorded.setting.table, recorded.setting.rules()
    never = on_history(recorded.directory, table, altered(program, PKL_LSLL=-1.0))
    trips = [trip for trip in never.trips if trip.function == "PKL_LSLL" and "bad" not in "".join(trip.first_out)]
    assert not [trip for trip in trips if trip.event == "ON_DELAY_OVER"]
    assert never.equality is None
    always = on_history(recorded.directory, table, altered(program, PKL_LSLL=299.0))
    figures = next(figures for figures in always.functions if figures.function == "PKL_LSLL")
    assert not figures.ready  # in demand all the time: never reset, so it could not trip; the report must say so
    assert figures.would == 0


def test_only_the_period_counts(recorded: Recorded, same: Backtest) -> None:
    middle = (same.from_utc_ms + same.to_utc_ms) // 2
    table, program = recorded.setting.table, recorded.setting.rules()
    late = on_history(recorded.directory, table, program, from_utc_ms=middle)
    assert 0 < late.trips_in_all < same.trips_in_all
    assert all(trip.utc_ms >= middle for trip in late.trips)
    with pytest.raises(LookupError):
        on_history(recorded.directory, table, program, from_utc_ms=same.to_utc_ms + 86_400_000)


def test_another_tag_list_is_not_used(recorded: Recorded) -> None:
    table = recorded.setting.table
    tags = [*table.tags, Tag(len(table.tags), "new.tag", table.tags[-1].source, table.tags[-1].group)]
    with pytest.raises(LookupError):
        on_history(recorded.directory, TagTable(tags, table.groups, table.sources), recorded.setting.rules())


def test_an_export_of_the_same_plant_gives_the_same_trips(recorded: Recorded, same: Backtest, tmp_path: Path) -> None:
    """Our own history written as a long CSV of changes and read as that of a historian."""
    path = tmp_path / "export.csv"
    with (tmp_path / "rows.csv").open("w+", encoding="utf-8", newline="") as rows:
        export(recorded.directory / "history", rows)
        rows.seek(0)
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["time", "tag", "value", "quality"])
            writer.writerows([row["utc"], row["tag"], row["value"], row["quality"]] for row in csv.DictReader(rows))
    found = Export(path, recorded.setting.table)
    result = on_export(found.inputs(), recorded.setting.table, recorded.setting.rules(), found.gaps)
    assert {cell.text for cell in found.bad} <= {""}  # a NaN that a device called good
    assert not found.unknown
    demands = {(trip.function, trip.utc_ms // 1000) for trip in same.trips if trip.event == "ON_DELAY_OVER"}
    again = {(trip.function, trip.utc_ms // 1000) for trip in result.trips}
    near = {(name, at + off) for name, at in again for off in (-1, 0, 1)}
    assert len(demands & near) >= 0.8 * len(demands) > 0


@pytest.mark.parametrize(("language", "word"), [("en", "Would-trips"), ("zh-CN", "假定动作")])
def test_the_page_needs_nothing_but_itself(same: Backtest, language: str, word: str) -> None:
    page = report(same, language)
    assert word in page
    assert "<script" not in page
    for reference in ("http:", "https:", "src=", "href=", "url(", "@import"):
        assert reference not in page
    assert page.count("<circle") == len(same.trips)
    assert "PKL_LSLL" in text(same, language)


def test_a_state_without_journal_is_compared_with_nothing(recorded: Recorded, tmp_path: Path) -> None:
    shutil.copytree(recorded.directory / "history", tmp_path / "history")
    found = on_history(tmp_path, recorded.setting.table, recorded.setting.rules())
    assert found.equality is None
    assert found.alarms_before == 0
