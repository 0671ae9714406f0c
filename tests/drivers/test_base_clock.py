"""A device's clock: the quickest of several answers counts, our own steps do not matter, a clock nobody has set is told."""

from __future__ import annotations

import pytest

from drivers import base_clock
from drivers.base_clock import MS, SET_NS, DeviceClock

DAY = SET_NS + 7 * 365 * 86_400_000_000_000


class Hands:
    """Our clocks, moved by hand; the device's runs `ahead_ns` before our UTC."""

    def __init__(self, ahead_ns: int) -> None:
        self.now_ns, self.utc_ns, self.ahead_ns = 0, DAY, ahead_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return self.utc_ns

    def go(self, ns: int) -> None:
        self.now_ns += ns
        self.utc_ns += ns

    def ask(self, clock: DeviceClock, there_ms: float, back_ms: float) -> None:
        """One question that is so long on its way, in each direction."""
        asked_ns = self.now_ns
        self.go(round(there_ms * MS))
        device_ns = self.utc_ns + self.ahead_ns
        self.go(round(back_ms * MS))
        clock.told(asked_ns, self.now_ns, device_ns)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands(round(7.5 * MS))
    monkeypatch.setattr(base_clock, "time", made)
    return made


def test_the_quickest_answer_counts_and_the_truth_lies_within(hands: Hands) -> None:
    clock = DeviceClock()
    assert clock.offset() is None
    hands.ask(clock, 80.0, 2.0)
    first = clock.offset()
    assert first is not None
    assert (first.ms, first.uncertainty_ms) == pytest.approx((46.5, 41.0))
    assert abs(first.ms - 7.5) <= first.uncertainty_ms
    hands.ask(clock, 0.6, 0.4)
    hands.ask(clock, 5.0, 60.0)
    best = clock.offset()
    assert best is not None
    assert (best.ms, best.uncertainty_ms) == pytest.approx((7.6, 0.5), abs=0.01)


def test_an_old_answer_is_worth_less_until_a_newer_one_is_better(hands: Hands) -> None:
    clock = DeviceClock(resolution_ns=round(MS))
    hands.ask(clock, 0.1, 0.1)
    hands.go(100_000 * round(MS))
    aged = clock.offset()
    assert aged is not None
    assert aged.uncertainty_ms == pytest.approx(0.1 + 1.0 + 10.0)
    hands.ask(clock, 2.0, 2.0)
    newer = clock.offset()
    assert newer is not None
    assert newer.uncertainty_ms == pytest.approx(3.0)


def test_a_step_of_our_own_clock_is_seen_at_once(hands: Hands) -> None:
    clock = DeviceClock()
    hands.ask(clock, 0.5, 0.5)
    hands.utc_ns += 1_000_000_000
    stepped = clock.offset()
    assert stepped is not None
    assert stepped.ms == pytest.approx(7.5 - 1000.0)


def test_a_clock_that_nobody_set_is_told(hands: Hands) -> None:
    clock = DeviceClock()
    hands.ahead_ns = 946_684_800_000_000_000 - DAY  # 2000-01-01
    hands.ask(clock, 0.5, 0.5)
    found = clock.offset()
    assert found is not None
    assert found.unset
