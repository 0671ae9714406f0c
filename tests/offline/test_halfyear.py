"""The evidence report and its recount: two programs over the same rows, and one signed file that nothing can be changed in."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal.reader import Event
from gateway.offline import halfyear, halfyear_page, recount
from gateway.offline.audited import audited
from gateway.offline.suppression import sample
from tests.offline.halfyear import BEGIN_MS, DAY_MS, Year

ORIGIN = halfyear.Origin("gw-1", "plant", "7:" + "ab" * 32, "c0ffee", "0.1.0")


def both(rows: list[Event], begin: int, end: int) -> tuple[bytes, bytes]:
    first = halfyear.canonical(halfyear.figures(rows, begin, end))
    return first, halfyear.canonical(recount.recount(rows, begin, end))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 32), st.floats(2, 12), st.integers(0, 60), st.booleans(), st.integers(-DAY_MS, DAY_MS))
def test_two_programs_agree_on_every_byte(seed: int, days: float, per_day: int, outage: bool, shift_ms: int) -> None:
    year = Year(seed, days, per_day, outage=outage)
    one, other = both(year.rows(), BEGIN_MS + shift_ms, year.end_ms - abs(shift_ms) // 3)
    assert one == other


def test_half_a_year_with_ten_floods() -> None:
    """At 200 alarms a day: `python -m tests.offline.campaign_evidence`."""
    year = Year(7, 182, 25, 10)
    rows = year.rows()
    one, other = both(rows, BEGIN_MS, year.end_ms)
    assert one == other
    found = msgspec.json.decode(one)
    assert found["valid"]
    assert found["coverage"] >= 0.995
    every = found["suppression"]["every"]
    assert every["judged"] > 4_000
    assert 0 < every["mar"]["value"] < every["fasr"]["value"] < 1
    assert len(found["closure"]["by_month"]) >= 6
    execution = found["execution"]
    assert execution["every"]["real"] > 30
    assert execution["every"]["missed"] > 0
    assert execution["every"]["total"]["d"] > execution["every"]["lesr"]["d"]
    assert all(execution["beyond"].values())
    assert execution["excluded"]["already-safe"]


def test_nothing_recorded_is_said_and_printed() -> None:
    one, other = both([], BEGIN_MS, BEGIN_MS + 10 * DAY_MS)
    assert one == other
    found = msgspec.json.decode(one)
    assert found["reasons"] == ["window", "coverage"]
    assert not found["valid"]
    assert found["execution"]["every"]["lesr"]["value"] is None


def test_a_demand_that_the_gateway_missed_is_a_failure_and_one_while_it_was_down_only_in_the_total() -> None:
    rows = []

    def row(at: int, kind: str, /, **detail: object) -> None:
        rows.append(Event(len(rows) + 1, 1, len(rows) + 1, at, BEGIN_MS + at, kind, "F1", "", detail, False))

    row(0, "interlock.mode", mode="live")
    row(10, "interlock.armed", **{"from": "ARMING", "to": "ARMED", "event": "READ_BACK_OK"})
    row(50_000, "interlock.tripping", **{"from": "ARMED", "to": "TRIPPING", "event": "DEMAND", "first_out": ["t"]})
    row(50_400, "interlock.tripped", **{"from": "TRIPPING", "to": "TRIPPED", "event": "READ_BACK_OK"})
    row(60_000, "interlock.armed", **{"from": "ARMING", "to": "ARMED", "event": "READ_BACK_OK"})
    row(
        80_000,
        "interlock.tripping",
        **{"from": "ARMED", "to": "TRIPPING", "event": "EXTERNAL_TRIP", "first_out": ["x"]},
    )
    demands = [["F1", BEGIN_MS + 49_800, False], ["F1", BEGIN_MS + 70_000, False], ["F1", BEGIN_MS + 90_000, True]]
    row(
        100_000, "evidence.audited", of_boot=1, first_seq=0, last_seq=9, from_ms=BEGIN_MS, to_ms=BEGIN_MS + 99_000,
        evaluated_ms=99_000, clock_ms=0, alarms={}, functions={"F1": [1, 1_000]}, candidates=[], demands=demands, left_out=0,
    )  # fmt: skip
    one, other = both(rows, BEGIN_MS, BEGIN_MS + DAY_MS)
    assert one == other
    found = msgspec.json.decode(one)["execution"]
    assert (found["every"]["lesr"]["n"], found["every"]["lesr"]["d"]) == (1, 2)
    assert found["every"]["missed"] == 1
    assert found["every"]["total"]["d"] == 3
    assert found["beyond"]["gateway-down"] == 1
    assert found["spurious"] == 1
    assert found["trip_max_ms"] == 600


def test_a_suppressed_true_alarm_counts_against_us() -> None:
    year = Year(3, 20, 50)
    rows = year.rows()
    audit = audited(rows, BEGIN_MS, year.end_ms)
    before = halfyear.figures(rows, BEGIN_MS, year.end_ms)["suppression"]["every"]
    one = next(one for one in sample(rows, audit, 385) if one.priority == 1)
    told = {"at": str(one.at_ms), "verdict": "true", "role": "supervisor"}
    last = rows[-1]
    rows.append(
        Event(last.seq + 1, 2, last.counter + 9, 0, last.utc_ms, "command.alarm.judge", one.alarm, "li", told, False)
    )
    after = halfyear.figures(rows, BEGIN_MS, year.end_ms)["suppression"]["every"]
    assert after["mar"]["n"] == before["mar"]["n"] + 1


def test_the_sample_holds_every_suppressed_p1_and_some_of_each_other_priority_and_is_the_same_for_everybody() -> None:
    year = Year(5, 30, 100)
    rows = year.rows()
    audit = audited(rows, BEGIN_MS, year.end_ms)
    drawn = sample(rows, audit, 385)
    assert [(o.alarm, o.at_ms) for o in drawn] == [(o.alarm, o.at_ms) for o in sample(rows, audit, 385)]
    assert {o.priority for o in drawn} == {1, 2, 3, 4}
    unreviewed = halfyear.figures(rows, BEGIN_MS, year.end_ms)["suppression"]["critical_unreviewed"]
    assert sum(o.priority == 1 for o in drawn) == unreviewed


def test_a_changed_byte_of_the_report_is_refused() -> None:
    found = halfyear.figures(Year(1, 3, 20).rows(), BEGIN_MS, BEGIN_MS + 3 * DAY_MS)
    data = halfyear.sealed(halfyear.document(found, ORIGIN), Ed25519PrivateKey.generate())
    told, _ = halfyear.opened(data)
    assert told["figures"] == msgspec.json.decode(halfyear.canonical(found))
    for at in range(12, len(data) - 200, 97):
        changed = bytearray(data)
        changed[at] ^= 1
        if bytes(changed[:13]) == data[:13]:
            with pytest.raises(halfyear.TamperedError):
                halfyear.opened(bytes(changed))
    with pytest.raises(halfyear.TamperedError):
        halfyear.opened(data, Ed25519PrivateKey.generate().public_key())


def test_the_recount_shares_no_code_with_the_report() -> None:
    tree = ast.parse(Path(recount.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name and name.startswith("gateway.") and name != "gateway.journal.reader"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_says_all_and_asks_for_nothing_outside(language: str) -> None:
    found = halfyear.figures(Year(2, 40, 30).rows(), BEGIN_MS, BEGIN_MS + 40 * DAY_MS)
    told = msgspec.json.decode(halfyear.document(found, ORIGIN))
    page = halfyear_page.report(told, language)
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert ("NOT VALID" if language == "en" else "不构成有效证据") in page
    assert ">nan" not in page
    assert ">None" not in page
    assert halfyear.as_csv(found).count("\n") > 150
