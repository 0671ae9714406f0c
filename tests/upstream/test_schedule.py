"""The schedule: P1 and P2 never wait for a token, all else does, and nothing is taken from a lane without one."""

from __future__ import annotations

from gateway.upstream.lanes import Row
from gateway.upstream.schedule import Schedule


def row(lane: int, seq: int) -> Row:
    return Row(lane, seq, seq, f"{lane}-{seq}", "alarm", "t", b"{}")


def drained(schedule: Schedule, now: float) -> list[tuple[int, int]]:
    sent = []
    while ready := list(schedule.ready(now)):
        for one in ready:
            schedule.acked(one)
            sent.append((one.lane, one.lane_seq))
    return sent


def test_the_rate_holds_what_may_wait_and_urgent_lanes_go_on_credit() -> None:
    schedule = Schedule({}, 20, rate=10.0)
    schedule.take([row(3, n) for n in range(1, 101)] + [row(1, n) for n in range(1, 6)])
    first = drained(schedule, 1_000.0)
    assert first[:1] == [(1, 1)]
    assert [lane for lane, _ in first].count(1) == 5
    assert [lane for lane, _ in first].count(3) == 9, "one second's worth; the later P1 go on credit"
    assert drained(schedule, 1_000.0) == []
    assert len(drained(schedule, 1_001.0)) == 6
    schedule.take([row(2, n) for n in range(1, 31)])
    assert len(drained(schedule, 1_001.0)) == 30, "P2 does not wait"
    assert drained(schedule, 1_001.5) == [], "and what may wait pays for it"
    assert len(drained(schedule, 1_003.0)) == 10
