"""What stamps that come one way say of a source's clock, and what they do not."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.base_clock import MS, SET_NS, Offset
from gateway.core.samples import Alive, Columns, Few
from gateway.runtime.source_clocks import LOOK_NS, WINDOW_NS, Lag, SourceClock

UTC = SET_NS + 10**17


class Hands:
    """A clock that is moved by hand."""

    now_ns = 10 * LOOK_NS

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return UTC + self.now_ns


def heard(lag: Lag, hands: Hands, age_ms: float, *, after_ns: int = LOOK_NS) -> None:
    """A value comes whose stamp is so old; negative: from our future."""
    hands.now_ns += after_ns
    lag.heard(Few(0, [0], [1.0], [0], [0], hands.utc_ns() - round(age_ms * MS), 0, "device"))


def test_the_smallest_lag_counts_and_the_offset_stays_unknown() -> None:
    hands = Hands()
    lag = Lag(hands)
    assert lag.known(None) == SourceClock()
    for age_ms in (900.0, 12.5, 40.0):
        heard(lag, hands, age_ms)
    assert lag.known(None) == SourceClock("one-way", lag_ms=12.5)


def test_a_stamp_from_our_future_proves_that_the_device_is_ahead() -> None:
    hands = Hands()
    lag = Lag(hands)
    heard(lag, hands, -30.0)
    assert lag.known(None) == SourceClock("one-way", lag_ms=-30.0)


def test_a_lag_is_forgotten_and_blocks_in_between_are_passed_over() -> None:
    hands = Hands()
    lag = Lag(hands)
    heard(lag, hands, 5.0)
    heard(lag, hands, 1.0, after_ns=LOOK_NS // 2)
    assert lag.known(None).lag_ms == 5.0
    heard(lag, hands, 60.0, after_ns=WINDOW_NS + 1)
    assert lag.known(None).lag_ms == 5.0
    heard(lag, hands, 70.0, after_ns=WINDOW_NS + 1)
    assert lag.known(None).lag_ms == 60.0


def test_columns_are_judged_by_their_newest_stamp_and_no_stamp_is_none() -> None:
    hands = Hands()
    lag = Lag(hands)
    lag.heard(Alive(0))
    stamps = np.array([0, hands.utc_ns() - round(9 * MS), hands.utc_ns() - round(500 * MS)])
    nothing = np.zeros(3, np.uint8)
    lag.heard(Columns(0, np.zeros(3), nothing, nothing, 0))
    assert lag.known(None).way == "none"
    lag.heard(Columns(0, np.zeros(3), nothing, nothing, stamps, 0, "device"))
    assert lag.known(None) == SourceClock("one-way", lag_ms=9.0)


@pytest.mark.parametrize("unset", [False, True])
def test_where_the_device_was_asked_its_answer_counts(unset: bool) -> None:
    hands = Hands()
    lag = Lag(hands)
    heard(lag, hands, 20.0)
    found = lag.known(Offset(-3.25, 0.4, unset))
    assert found == SourceClock("unset" if unset else "two-way", -3.25, 0.4, 20.0)


def test_a_plc_clock_at_the_millennium_is_flagged() -> None:
    hands = Hands()
    lag = Lag(hands)
    hands.now_ns += LOOK_NS
    lag.heard(Few(0, [0], [1.0], [0], [0], 946_684_800_000_000_000, 0, "device"))
    assert lag.known(None).way == "unset"
