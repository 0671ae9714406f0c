"""A stock MQTT 3.1.1 receiver that was away through a flood, a shadow trip and a failed trip is right again once it is back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.upstream.ledger import HOLE_S, Finding, Ledger
from tests.daemon.rig import Rig, until
from tests.daemon.stock import Stock
from tests.daemon.storm import RULES, Storm

NAME, SHADOW, PUMP = "PKL_LSLL", "H2S_2OO3", 20
LOST_WITHIN_S = 30.0


@pytest.mark.slow
def test_a_stock_receiver_that_was_away_has_the_list_no_false_gap_and_hears_of_a_dead_gateway(
    armed_state: Path,
) -> None:
    ledger, found = Ledger(), list[Finding]()
    with Rig(armed_state, rules=RULES) as rig:
        _listen(Stock(rig.broker.port, rig.certs, "stock"), ledger, found, 0.5, first=True)
        rig.start()
        rig.energise(NAME)
        _events(rig)
        rig.drained()
        time.sleep(1.5)  # the active list follows within a second

        back = Stock(rig.broker.port, rig.certs, "stock")
        assert back.session_present, "the broker kept what came meanwhile"
        _listen(back, ledger, found, 2.0)
        (book,) = ledger.books.values()
        active = {(row["alarm"], row["state"], row["prio"]) for row in book.active}
        assert active == {
            (row["name"], row["state"], row["priority"]) for row in rig.call("alarm.list") if _listed(row)
        }
        assert len(active) >= 3
        assert sum(lane.received for lane in book.lanes.values()) >= 30
        book.queued, book.queued_at = (
            0,
            time.time() + 2 * HOLE_S,
        )  # as the next health says: holes may be told from here
        found += ledger.tick(time.time() + 3 * HOLE_S)
        assert [one for one in found if one.what not in ("back", "lost")] == [], "no false gap, no id of two events"
        assert all(lane.balanced and not lane.missing for lane in book.lanes.values())

        online = Stock(rig.broker.port, rig.certs, "stock")
        rig.kill()
        began_s, took_s = time.monotonic(), 0.0
        for topic, payload in online.messages(LOST_WITHIN_S):
            if any(one.what == "lost" for one in ledger.feed(topic, payload, time.time())):
                took_s = time.monotonic() - began_s
                break
        assert 0 < took_s <= LOST_WITHIN_S, "the last will says that the gateway is lost"
        online.close()


def _events(rig: Rig) -> None:
    """A flood of alarms, gas where no function is in service, and a pump that goes on although it was tripped."""
    rig.plant("push", button="pump7.start")
    until(lambda: rig.plant("state")["running"]["pump7"], 3, "the pump runs")
    with Storm(rig):
        rig.plant("fault", ignore=[f"coil:{PUMP}"])
        for gas in ("h2s1", "h2s2"):
            rig.plant("force", name=gas, value=15.0)
        rig.plant("force", name="tank1.level", value=20.0)
        until(lambda: any(row.kind == "interlock.trip_failed" for row in rig.journal()), 12, "the trip failed")
    rows = rig.journal()
    assert any("flood" in row.kind for row in rows), "that was a flood"
    assert ("interlock.would_trip", SHADOW) in {(row.kind, row.subject) for row in rows}, (
        "a function that is not in service would have tripped"
    )


def _listen(client: Stock, ledger: Ledger, found: list[Finding], for_s: float, *, first: bool = False) -> None:
    if first:
        client.subscribe("gatehouse/#")
    for topic, payload in client.messages(for_s):
        found += ledger.feed(topic, payload, time.time())
    client.close()


def _listed(row: dict[str, Any]) -> bool:
    return bool(row["state"] != "NORMAL")
