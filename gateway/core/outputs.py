"""The arbiter: one value per output from all functions that own it, written, read back and watched.

An output is energised only when every live function that owns it asks for it. Movement towards safe is never delayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gateway.core.effects import Write
from gateway.core.limits import (
    BLIND_NS,
    ENERGISE_GAP_NS,
    ENERGISE_PER_HOUR,
    HOUR,
    READ_BACK_NS,
    READ_BACK_TRIES,
)
from gateway.core.tags import Tag


class Owner(Protocol):
    """What an output needs of an interlock or a control."""

    name: str
    index: int
    follows: bool  # it moves its outputs by itself, without a reset

    @property
    def outputs(self) -> Sequence[Output]:
        """Every output it drives."""

    def asks(self, output: Output) -> bool:
        """True while it wants this one of its outputs energised."""

    def read_back(self, now_ns: int) -> None:
        """One of its outputs was verified, tried, failed, or moved by someone else."""


class Output:
    """One declared output. `wanted` is the arbitrated value, NaN until a live function owns it."""

    __slots__ = (
        "_energised_ns",
        "_next_id",
        "blind_ns",
        "deadline_ns",
        "external",
        "failed",
        "forced",
        "held_until_ns",
        "hunting",
        "in_flight",
        "late",
        "mismatches",
        "owners",
        "proving",
        "read",
        "since_ns",
        "sound",
        "tag",
        "tries",
        "verified",
        "wanted",
    )

    def __init__(self, tag: Tag, next_id: Callable[[], int]) -> None:
        self.tag = tag
        self._next_id = next_id
        self.owners: list[Owner] = []  # live functions, in rule order
        self.wanted = math.nan
        self.read = math.nan  # last read-back
        self.verified = False
        self.failed = False  # READ_BACK_TRIES tries in a row
        self.late = False  # at least one try of this movement failed
        self.external = False  # someone else moved it
        self.forced = False  # safe whatever its owners ask, or without any: the secondary output of a failed trip
        self.tries = 0
        self.in_flight = 0
        self.deadline_ns = 0
        self.since_ns = 0
        self.mismatches = 0
        self.held_until_ns = 0
        self.blind_ns = 0  # when an energised output that the poll cannot read has been so for too long
        self.hunting = False  # latched out until a person clears it
        self.proving = False  # a guided proof test moves it: its movements are meant, and are no hunting
        self.sound = False  # a horn or beacon: it moves in a cadence, and nobody waits for it to be safe
        self._energised_ns: list[int] = []

    @property
    def energised_value(self) -> float:
        """The value that is not safe; outputs of interlocks are bits."""
        return 1.0 - self.tag.safe

    def arbitrate(self, now_ns: int) -> Write | None:
        """Decide the value all owners agree on; a Write if it has to move now."""
        if not self.owners and not self.forced:
            self.wanted = math.nan
            self.in_flight = 0
            return None
        energise = not self.forced and all(owner.asks(self) for owner in self.owners)
        wanted = self.energised_value if energise else self.tag.safe
        if wanted == self.wanted:
            return None
        if energise and not self._may_energise(now_ns):
            return None
        if not energise and self._moved_often(now_ns):
            self.hunting = True
        self.wanted, self.since_ns = wanted, now_ns
        self.tries, self.failed, self.late, self.verified, self.external = 0, False, False, False, False
        self.mismatches, self.held_until_ns, self.blind_ns = 0, 0, 0
        if energise and not self.proving and not self.sound:
            self._energised_ns.append(now_ns)
        return self._write(now_ns)

    def withheld(self) -> bool:
        """Every interlock asks for it, and only a control keeps it safe: nobody who waits for the interlocks waits longer."""
        asking = all(owner.asks(self) for owner in self.owners if not owner.follows)
        return asking and any(owner.follows and not owner.asks(self) for owner in self.owners)

    def _may_energise(self, now_ns: int) -> bool:
        """I21: at least 10 s between two movements away from safe; the kernel looks again at `held_until_ns`."""
        if self.hunting:
            return False
        if self._energised_ns and now_ns - self._energised_ns[-1] < ENERGISE_GAP_NS:
            self.held_until_ns = self._energised_ns[-1] + ENERGISE_GAP_NS
            return False
        return True

    def _moved_often(self, now_ns: int) -> bool:
        """I21: six movements away from safe within the hour; after the last of them it stays safe until a person clears it."""
        self._energised_ns = [at for at in self._energised_ns if now_ns - at < HOUR]
        return len(self._energised_ns) >= ENERGISE_PER_HOUR

    def clear_hunting(self) -> None:
        """A person has found out why, and lets it move again."""
        self.hunting = False
        self._energised_ns.clear()

    def _write(self, now_ns: int) -> Write:
        self.tries += 1
        self.in_flight = self._next_id()
        self.deadline_ns = now_ns + READ_BACK_NS
        return Write(self.in_flight, self.tag.number, self.wanted, self.deadline_ns, self.wanted == self.tag.safe)

    def answered(self, value: float, ok: bool, now_ns: int) -> Write | None:
        """The write in flight came back with a read-back; a further Write if it has to be tried again."""
        self.in_flight = 0
        self.read = value
        if ok and value == self.wanted:
            self.verified, self.failed, self.tries, self.mismatches = True, False, 0, 0
            return None
        return self._try_again(now_ns)

    def overdue(self, write_id: int, now_ns: int) -> Write | None:
        """The deadline of a try passed; nothing if that try was answered."""
        if self.in_flight != write_id:
            return None
        self.in_flight = 0
        return self._try_again(now_ns)

    def _try_again(self, now_ns: int) -> Write | None:
        """Towards safe: three tries, then failed and again every T_rb. Away from safe: one try, then the owners trip."""
        self.late, self.verified = True, False
        if self.wanted != self.tag.safe:
            self.failed = True
            return None
        if self.tries >= READ_BACK_TRIES:
            self.failed = True
            # Not at once: the device has just failed three times, and a refusal can come back in microseconds.
            self.held_until_ns = now_ns + READ_BACK_NS
            return None
        return self._write(now_ns)

    def again(self, now_ns: int) -> Write | None:
        """A held movement is due: the next try towards safe, or the energising that the rate limit held back."""
        if not self.held_until_ns or now_ns < self.held_until_ns:
            return None
        self.held_until_ns = 0
        if self.blind_ns and now_ns >= self.blind_ns:
            self.blind_ns = 0
            self.failed, self.verified = True, False
            return None  # the owners trip, and that writes
        if self.failed and self.wanted == self.tag.safe and not self.verified and not self.in_flight:
            return self._write(now_ns)
        return self.arbitrate(now_ns)

    def confirm_safe(self, now_ns: int) -> Write | None:
        """One more owner trips while the output stands safe already: that is proven anew, not taken from memory."""
        if self.wanted != self.tag.safe or self.in_flight:
            return None
        self.tries, self.failed, self.verified = 0, False, False
        return self._write(now_ns)

    def stands(self, value: float) -> bool:
        """The poll read once more what is asked, and nothing is under way: `polled` would change nothing."""
        return value == self.wanted == self.read and self.verified and not self.mismatches and not self.held_until_ns

    def unread(self, now_ns: int) -> bool:
        """The poll cannot read it: energised, that is borne only for a time, for nobody would see a foreign write.

        True where that time begins now.
        """
        if not self.verified or self.wanted == self.tag.safe or self.blind_ns or self.in_flight:
            return False
        self.blind_ns = self.held_until_ns = now_ns + BLIND_NS
        return True

    def polled(self, value: float, now_ns: int) -> Write | None:
        """I12: compare what the poll read with what is asked; the second mismatch in a row is someone else's write."""
        if math.isnan(self.wanted) or self.in_flight or not self.verified:
            return None
        self.read = value
        if self.blind_ns:
            self.blind_ns = self.held_until_ns = 0
        if value == self.wanted:
            self.mismatches = 0
            return None
        self.mismatches += 1
        if self.mismatches < 2:
            return None
        self.external, self.mismatches = True, 0
        if self.wanted != self.tag.safe:
            return None  # the owners trip, and that writes
        self.verified, self.tries = False, 0
        return self._write(now_ns)

    def save(self) -> list[Any]:
        """State for a snapshot; owners are found again from the functions."""
        names = (name for name in self.__slots__ if name not in ("tag", "owners", "_next_id"))
        return [
            [owner.index for owner in self.owners],
            *(getattr(self, name) for name in names),
        ]

    def load(self, state: Sequence[Any], owners: Mapping[int, Owner]) -> None:
        """Take a snapshot's state."""
        self.owners = [owners[index] for index in state[0]]
        names = (name for name in self.__slots__ if name not in ("tag", "owners", "_next_id"))
        for name, value in zip(names, state[1:], strict=True):
            setattr(self, name, value)
