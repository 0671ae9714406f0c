"""The receiver's book: no false hole whatever the order, every true one, and balance at every moment."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream import ledger as module
from gateway.upstream.ledger import Finding, Ledger

ROOT = "gatehouse/v1/wuhan-2/gw-kiln-07"


def alarm(seq: int, lane: int = 3, text: str = "") -> tuple[str, bytes]:
    fields = {"v": 1, "id": f"gw:1:{lane}-{seq}", "lane_seq": seq, "prio": lane, "text": text}
    return f"{ROOT}/alarm/p{lane}/a/b", json.dumps(fields).encode()


def gap(first: int, last: int, seq: int, lane: int = 3) -> tuple[str, bytes]:
    fields = {"id": f"gw:gap-{lane}:{first}-{last}", "lane_seq": seq, "lane": lane, "first": first, "last": last}
    return f"{ROOT}/gap", json.dumps(fields).encode()


def health(queued: int) -> tuple[str, bytes]:
    return f"{ROOT}/health", json.dumps({"queued": queued}).encode()


def status(online: bool) -> tuple[str, bytes]:
    return f"{ROOT}/status", json.dumps({"online": online, "boot": "1"}).encode()


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 60), st.data())
def test_any_order_of_a_whole_lane_balances_and_has_no_hole(seed: int, count: int, data: st.DataObject) -> None:
    """Numbers come in any order, some twice, some excused by gap records: at the end nothing is missing."""
    dice, book = random.Random(seed), Ledger()
    excused = sorted(data.draw(st.sets(st.integers(1, count), max_size=count // 2)))
    messages = [alarm(n) for n in range(1, count + 1) if n not in excused]
    messages += [gap(n, n, at) for at, n in enumerate(excused, 1)]
    messages += dice.choices(messages, k=5)
    dice.shuffle(messages)
    for at, (topic, payload) in enumerate(messages):
        assert book.feed(topic, payload, float(at)) == []
        assert all(lane.balanced for lane in book.books[ROOT].lanes.values())
    lane = book.books[ROOT].lanes[3]
    assert (lane.missing, lane.begin, lane.contiguous, lane.highest) == (0, 1, count, count)
    assert (lane.received, lane.excused) == (count - len(excused), len(excused))
    assert book.books[ROOT].duplicates == 5
    assert book.tick(1e6) == []


def test_a_hole_is_told_when_nothing_is_queued_any_more_and_filled_when_it_comes() -> None:
    book = Ledger()
    for seq in (1, 2, 5):
        book.feed(*alarm(seq), 0.0)
    book.feed(*health(2), 40.0)
    assert book.tick(100.0) == [], "the gateway still has something to send"
    book.feed(*health(0), 100.0)
    assert book.tick(101.0) == [Finding("hole", ROOT, 101.0, 3, 3, 4)]
    assert book.tick(102.0) == [], "once"
    assert book.receipt(ROOT) == b'{"v":1,"lanes":{"3":2}}'
    assert [found.what for found in book.feed(*alarm(3), 103.0)] == ["filled"]
    assert book.books[ROOT].lanes[3].missing == 1


def test_what_expired_at_the_broker_while_we_were_away_is_told_as_that_and_a_real_hole_is_not() -> None:
    book, day = Ledger(), 86_400.0
    for lane in (1, 3):
        book.feed(*alarm(1, lane), 1.0)
    back = 3 * day + 2
    book.feed(*health(0), back)
    for lane in (1, 3):
        book.feed(*alarm(5, lane), back + 1)  # of lane 1 the broker keeps seven days, of lane 3 one
        book.feed(*alarm(8, lane), back + 2)  # this hole was opened while we listened
    assert all(lane.balanced for lane in book.books[ROOT].lanes.values())
    book.feed(*health(0), back + 40)
    told = {(one.what, one.lane, one.first, one.last) for one in book.tick(back + 50)}
    assert told == {("hole", 1, 2, 4), ("expired", 3, 2, 4), ("hole", 1, 6, 7), ("hole", 3, 6, 7)}


def test_one_id_with_two_payloads_is_a_conflict() -> None:
    book = Ledger()
    book.feed(*alarm(1), 0.0)
    assert book.feed(*alarm(1), 1.0) == []
    assert [found.what for found in book.feed(*alarm(1, text="other"), 2.0)] == ["conflict"]


def test_a_gateway_that_goes_and_comes_is_told_and_a_first_offline_too() -> None:
    book = Ledger()
    assert book.feed(*status(True), 0.0) == []
    assert [found.what for found in book.feed(*status(False), 1.0)] == ["lost"]
    assert book.feed(*status(False), 2.0) == []
    assert [found.what for found in book.feed(*status(True), 3.0)] == ["back"]
    assert [found.what for found in book.tick(3.0 + module.SILENT_S + 1)] == ["silent"]
    assert [found.what for found in Ledger().feed(*status(False), 0.0)] == ["lost"]


def test_a_replaced_journal_is_told_and_is_no_hole() -> None:
    book = Ledger()
    book.feed(*alarm(7), 0.0)
    found = book.feed(*alarm((3 << 32) + 1), 1.0)
    assert [one.what for one in found] == ["replaced"]
    assert book.books[ROOT].lanes[3].missing == 0
    assert book.books[ROOT].lanes[3].balanced


def test_anchors_of_the_journal_are_kept_and_rubbish_is_told() -> None:
    book = Ledger()
    fields = {"id": "gw:1:-1", "lane_seq": 1, "verb": "journal.anchor", "target": "42", "head": "ab" * 32}
    book.feed(f"{ROOT}/audit", json.dumps(fields).encode(), 0.0)
    assert book.books[ROOT].anchor == "42:" + "ab" * 32
    assert [found.what for found in book.feed(f"{ROOT}/audit", b"\xff", 0.0)] == ["unreadable"]
