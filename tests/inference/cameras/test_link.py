"""The way to a camera in virtual time: reconnecting, the age of pictures, the slot for the newest, the ring of packets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.tags import Cause
from inference.cameras.latest import Latest
from inference.cameras.link import WORDS, Link, Reason, State, cause
from inference.cameras.pace import Pace
from inference.cameras.ring import Packet, Ring

MS, SECOND = 1_000_000, 1_000_000_000


def test_a_stall_is_noticed_at_one_and_a_half_seconds_and_the_camera_is_opened_again() -> None:
    link = Link()
    assert link.due(0)
    assert not link.due(1)
    link.picture(300 * MS)
    assert (link.state, link.reason) == (State.LIVE, Reason.NONE)
    link.picture(1_000 * MS)
    assert not link.watch(2_499 * MS)
    assert link.watch(2_500 * MS)
    assert not link.watch(2_501 * MS), "once"
    assert link.reason is Reason.SILENT
    assert not link.due(2_600 * MS)
    assert link.due(2_700 * MS)
    assert link.losses == 1


def test_back_off_grows_to_its_end_and_begins_anew_after_a_good_time() -> None:
    link, now, waits = Link(), 0, []
    for _ in range(10):
        while not link.due(now):
            now += 50 * MS
        waits.append(now)
        link.failed(Reason.REFUSED, now)
    apart = [(b - a) // MS for a, b in pairwise(waits)]
    assert apart == [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]
    now += 15 * SECOND
    assert link.due(now)
    link.picture(now)
    link.failed(Reason.ENDED, now + 11 * SECOND)
    assert not link.due(now + 11 * SECOND + 199 * MS)
    assert link.due(now + 11 * SECOND + 200 * MS)


def test_a_wrong_password_is_not_tried_again_soon_and_says_so() -> None:
    link = Link()
    link.due(0)
    link.failed(Reason.PASSWORD, 0)
    assert not link.due(59 * SECOND)
    assert link.due(60 * SECOND)
    assert cause(Reason.PASSWORD) is Cause.REFUSED
    assert cause(Reason.SILENT) is Cause.COMMS
    assert set(WORDS) == set(Reason)


def test_a_picture_of_a_connection_that_was_given_up_changes_nothing() -> None:
    link = Link()
    link.due(0)
    link.failed(Reason.ENDED, 0)
    link.picture(1)
    assert link.state is State.WAITING
    assert not link.watch(99 * SECOND)
    link.due(1 * SECOND)
    assert link.watch(9 * SECOND), "one that never shows a picture is started over"


# --- the age of a picture ---


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 80), min_size=30, max_size=60), st.integers(0, 3_000))
def test_what_waited_in_a_buffer_is_old(jitter_ms: list[int], waiting_ms: int) -> None:
    pace, way_ms = Pace(), 40
    delays = [0, *jitter_ms]  # once in a while a packet comes straight through
    for at, late_ms in enumerate(delays):
        sent = at * 40 * MS
        told = pace.captured(sent, 5 * SECOND + sent + (way_ms + late_ms) * MS)
        assert abs(told - (5 * SECOND + sent + way_ms * MS)) < 1 * MS
    sent += 40 * MS
    now = 5 * SECOND + sent + (way_ms + waiting_ms) * MS
    assert abs((now - pace.captured(sent, now)) - waiting_ms * MS) < 2 * MS


def test_another_beginning_of_the_streams_time_is_no_age() -> None:
    pace = Pace()
    pace.captured(0, 100 * SECOND)
    assert pace.captured(50_000 * SECOND, 101 * SECOND) == 101 * SECOND
    assert pace.captured(0, 102 * SECOND) == 102 * SECOND


def test_the_slot_holds_the_newest() -> None:
    slot: Latest[int] = Latest()
    assert slot.take(0) is None
    for number in range(5):
        slot.put(number)
    assert slot.take(0) == 4
    assert slot.take(0) is None
    assert slot.dropped == 4


# --- the ring ---


def packet(at_ms: int, key: bool, size: int = 10) -> Packet:
    return Packet(bytes(size), at_ms * MS, at_ms * MS, at_ms * MS, key)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 50)), min_size=2, max_size=30),
    st.integers(1, 12),
    st.integers(0, 1_000),
)
def test_a_cut_begins_with_a_key_frame_and_covers_what_was_asked(
    groups: list[tuple[int, int]], keep_s: int, ago_ms: int
) -> None:
    """`groups`: pictures of each and ms between them."""
    ring, now, first = Ring(keep_s * SECOND, 1 << 30), 0, None
    for count, step in groups:
        for at in range(count):
            ring.add(packet(now, at == 0))
            first = now if first is None else first
            now += step
            held = ring.since(-1)
            assert sum(len(one.data) for one in held) == ring.size
    from_ms = now - min(keep_s * 1_000, ago_ms)
    cut = ring.since(from_ms * MS)
    assert cut[0].key
    assert cut[0].at_ns <= max(from_ms, first or 0) * MS
    later = [one for one in ring.since(-1) if one.key and cut[0].at_ns < one.at_ns <= from_ms * MS]
    assert not later, "no more than is needed"
    if len(groups) > 1:
        young = [one.at_ns for one in ring.since(-1) if one.key][1:2]
        assert not young or cut[-1].at_ns - young[0] < keep_s * SECOND, "whole groups are given up as soon as they may"


def test_before_the_first_key_frame_and_above_the_bound_nothing_is_kept() -> None:
    ring = Ring(10 * SECOND, 1_000)
    ring.add(packet(0, False))
    assert ring.since(0) == []
    for at in range(300):
        ring.add(packet(at, at % 50 == 0))
        assert ring.size <= 1_000
    assert 0 < ring.seconds < 0.1
    for at in range(300):
        ring.add(packet(at, at == 0))
    assert ring.seconds < 0.2
