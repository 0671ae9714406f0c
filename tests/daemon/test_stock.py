"""A stock MQTT 3.1.1 receiver, three days away through a flood, a shadow trip and a failed trip, is right again once it is back.

The three days are the broker's: its wall clock is put forward (libfaketime), so it expires what it keeps as it would.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.broker import Broker
from gateway.upstream.ledger import DAY_S, HOLE_S, Finding, Ledger
from tests.daemon.rig import Rig, until
from tests.daemon.stock import Stock
from tests.daemon.storm import RULES, Storm
from tests.peers.build import absent

NAME, SHADOW, PUMP = "PKL_LSLL", "H2S_2OO3", 20
LOST_WITHIN_S = 30.0
AWAY_S = 3 * DAY_S + 600

_FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


class Skewed(Broker):
    """A broker whose wall clock can be put forward while it runs; its monotonic clock stays."""

    def forward(self, seconds: float) -> None:
        (self.directory / "clock").write_text(f"+{seconds:.0f}\n")

    def _prepare(self) -> list[str]:
        command = super()._prepare()
        self.forward(0)
        clock = f"FAKETIME_TIMESTAMP_FILE={self.directory / 'clock'}"
        more = ["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        return ["env", f"LD_PRELOAD={_FAKETIME[0]}", clock, *more, *command]


@pytest.mark.slow
def test_a_stock_receiver_that_was_away_has_the_list_no_false_gap_and_hears_of_a_dead_gateway(
    armed_state: Path,
) -> None:
    if not _FAKETIME:
        absent("libfaketime is missing: apt install faketime")
    ledger, found = Ledger(), list[Finding]()
    with Rig(armed_state, rules=RULES, upstream="shadow = true", broker=Skewed) as rig:
        rig.start()
        rig.energise(NAME)
        listener = Stock(rig.broker.port, rig.certs, "stock")
        listener.subscribe("gatehouse/#")
        with Storm(rig):
            time.sleep(2.0)
        _listen(listener, ledger, found, 1.0)
        _events(rig)
        rig.drained()
        time.sleep(1.5)  # the active list follows within a second

        assert isinstance(rig.broker, Skewed)
        rig.broker.forward(AWAY_S)
        time.sleep(1.5)  # it looks at its clock once a second
        back = Stock(rig.broker.port, rig.certs, "stock")
        assert back.session_present, "the broker kept what came meanwhile"
        _listen(back, ledger, found, 2.0, later_s=AWAY_S)
        (book,) = ledger.books.values()
        active = {(row["alarm"], row["state"], row["prio"]) for row in book.active}
        assert active == {
            (row["name"], row["state"], row["priority"]) for row in rig.call("alarm.list") if _listed(row)
        }
        assert len(active) >= 3
        assert book.lanes[1].received >= 5, "seven days are kept for what is urgent"
        now_s = time.time() + AWAY_S
        book.queued, book.queued_at = 0, now_s + 2 * HOLE_S  # as the next health says: holes may be told from here
        found += ledger.tick(now_s + 3 * HOLE_S)
        told = {(one.what, one.lane) for one in found if one.what not in ("back", "lost")}
        assert told, "after one day the broker gave up what is not urgent"
        assert told <= {("expired", lane) for lane in (2, 3, 4, 5)}, "no false gap, no id of two events"
        assert all(lane.balanced for lane in book.lanes.values())
        assert not book.lanes[1].missing

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


def _listen(client: Stock, ledger: Ledger, found: list[Finding], for_s: float, *, later_s: float = 0.0) -> None:
    for topic, payload in client.messages(for_s):
        found += ledger.feed(topic, payload, time.time() + later_s)
    client.close()


def _listed(row: dict[str, Any]) -> bool:
    return bool(row["state"] != "NORMAL")
