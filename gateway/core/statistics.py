"""How an interlock has done in its life: demands, successes, times, spurious trips, time under bypass. Kept over restarts."""

from __future__ import annotations

import msgspec

from gateway.core.interlocks import Event


class Statistics(msgspec.Struct):
    """Counts since the first arm. `buckets`: trip times (demand to verified read-back), quarter octaves of ns -> how many."""

    demands: int = 0
    spurious: int = 0  # trips without a cause in the plant: lost inputs, read-back, foreign writes, self-check
    manual: int = 0
    successes: int = 0
    failures: int = 0  # trips that were not read back safe in their tries
    longest_ns: int = 0
    bypassed_ns: int = 0  # of bypasses that have ended
    buckets: dict[int, int] = {}

    def trip(self, event: Event, *, known: bool) -> None:
        """A trip begins; `known`: its condition is true and not merely unknown."""
        if event is Event.MANUAL_TRIP:
            self.manual += 1
        elif event in (Event.DEMAND, Event.ON_DELAY_OVER) and known:
            self.demands += 1
        else:
            self.spurious += 1

    def success(self, took_ns: int) -> None:
        """A trip is read back safe."""
        self.successes += 1
        self.longest_ns = max(self.longest_ns, took_ns)
        at = _bucket(took_ns)
        self.buckets[at] = self.buckets.get(at, 0) + 1

    def quantile_ns(self, share: float) -> int:
        """Upper bound of the bucket below which the given share of all trip times lies, at most the longest; -1 without any."""
        left = share * sum(self.buckets.values())
        for at, count in sorted(self.buckets.items()):
            left -= count
            if left <= 0:
                return min(_upper_ns(at), self.longest_ns)
        return -1


def _bucket(took_ns: int) -> int:
    """Quarter octave of a time: its highest bit and the two below it. Whole numbers only, so that every CPU agrees."""
    value = max(took_ns, 4)
    octave = value.bit_length() - 1
    return octave * 4 + (value >> (octave - 2)) % 4


def _upper_ns(bucket: int) -> int:
    octave, quarter = divmod(bucket, 4)
    return (5 + quarter) << (octave - 2)
