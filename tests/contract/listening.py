"""What the contract of listening drivers must know of a protocol: one `ListeningCase` in `tests/contract/listen_<driver>.py` as `CASE`.

A listening driver has no device to connect to: publishers send datagrams, stations connect to it. So there is no lost
connection to raise for; silence must confirm nothing, and strangers must change nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from drivers.base import Driver, Plan


class Sender(Protocol):
    """A running foreign device that sends."""

    def change(self, name: str, value: float) -> None:
        """From now on it sends `value` for the tag `name`."""

    def stop(self) -> None:
        """It says nothing more."""


class ListeningCase(Protocol):
    """One protocol."""

    name: str
    known: dict[str, float]  # tag -> the value a fresh sender sends, in the tag's unit
    changing: tuple[str, float]
    bad: str  # a tag whose item the sender marks as bad or does not have
    garbage: Sequence[bytes]

    def sender(self, directory: Path, port: int) -> AbstractContextManager[Sender]:
        """A fresh device that sends to `port` of this machine. Raises tests.peers.build.PeerMissing."""

    def driver(self, port: int) -> tuple[Driver, Plan]:
        """A new driver instance that listens on `port`."""

    harmless: frozenset[str]  # the names of what changes nothing in the device or the broker

    def answers(self, port: int) -> list[str]:
        """The names of what a device is told that sends to `port`, or of what its broker was told by the driver."""

    def send(self, port: int, pieces: Sequence[bytes]) -> None:
        """What a stranger sends, each piece for itself."""


def free_port(kind: socket.SocketKind) -> int:
    """A port of this machine that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])
