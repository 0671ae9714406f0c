"""What the contract suite must know of a protocol: one `Case` per driver, in `tests/contract/case_<driver>.py` as `CASE`.

A peer is a real server in a process of its own that was not written by us. The suite puts `tests.peers.proxy.FaultProxy`
between driver and peer, so a case need not know how to lose, freeze or spoil a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

from drivers.base import Driver, Plan
from gateway.commission.live import plan_of

__all__ = ["Case", "Peer", "WritablePeer", "WriteFault", "frames", "named", "plan_of"]

WriteFault = Literal["none", "ignore", "wrong", "late"]


def named(body: bytes, function: int, harmless: frozenset[str]) -> str:
    """The name of a request that begins with `function` bytes of function: a harmless one by these, any other by all it says."""
    head = body[:function].hex()
    return head if head in harmless else body.hex()


def frames(said: bytes, head: int, size: Callable[[bytes], int]) -> Iterator[bytes]:
    """The whole frames of a stream: the first `head` bytes of each tell its `size`."""
    while len(said) >= head and len(said) >= (length := size(said)):
        yield said[:length]
        said = said[length:]


class Peer(Protocol):
    """A running foreign server."""

    port: int

    def change(self, name: str, value: float) -> None:
        """From now on the peer holds `value` (in the tag's unit) in the tag `name`."""

    def connections(self) -> int | None:
        """How many clients are connected now; None where the peer cannot tell."""


class WritablePeer(Peer, Protocol):
    """A peer of a protocol that can write."""

    def held(self, name: str) -> float:
        """What the peer holds in the tag `name` now, in the tag's unit."""

    def writes(self, fault: WriteFault) -> None:
        """How the peer treats the next writes: "wrong" obeys at another place, "late" answers after the driver's time-out."""


class Case(Protocol):
    """One protocol."""

    name: str
    known: dict[str, float]  # tag -> the value a fresh peer holds, in the tag's unit; the driver must read just this
    changing: tuple[str, float]  # a tag and another value for it
    bad: str  # a tag whose item the peer refuses, "" where the protocol has no such thing
    output: tuple[str, float]  # a writable tag and a value to write, ("", 0) where the driver cannot write
    dials: int  # connections that one run() opens, one after the other
    loss_s: float  # run() must have raised this long after the connection was lost
    silence_s: float  # the same after the peer went silent; 0 = the protocol cannot notice (its freshness limit does)
    garbage: Sequence[bytes]  # what a broken device might send, beyond the random bytes the suite makes
    harmless: frozenset[str]  # the names of requests that change nothing in the device
    ordered: str  # the name of the one request with which `output` is written

    def peer(self, directory: Path) -> AbstractContextManager[Peer]:
        """A fresh peer. Raises tests.peers.build.PeerMissing."""

    def requests(self, said: bytes) -> Iterator[str]:
        """The names of what a connection sent, taken apart without the driver's code: function, and for a write its target."""

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[Driver, Plan]:
        """A new driver instance that connects to `port` of this machine."""
