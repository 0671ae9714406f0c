"""What the daemon and its worker say to each other: one message, one packet of a SOCK_SEQPACKET pair, never more than `LARGEST`.

Nothing else crosses but pictures, which travel in `ring`. What the worker sends is not trusted: it is decoded here or it ends the worker.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

LARGEST = 64 << 10  # bytes of one message: settings of a job with its zones; a result is some hundred bytes
VALUES_MAX = 512  # values of one result
NAME_MAX = 80  # characters of the name of a value
REASON_MAX = 400  # characters of why a job ended
AHEAD_NS = 50_000_000  # a capture may be stamped so much later than the clock of the reader


class Malformed(ValueError):
    """What the worker sent is no message of these."""


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="start"):
    """Begin job `job`: the class `entry` ("package.module:Class") with `settings`. A descriptor of its ring may come along."""

    job: int
    entry: str
    settings: dict[str, Any]


class Halt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="halt"):
    """End job `job`."""

    job: int


class Tell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="tell"):
    """Something for job `job` while it runs: its method `tell` is given `what`."""

    job: int
    what: dict[str, Any]


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ready"):
    """The worker is confined and waits for jobs; `missing` names what could not be given up."""

    missing: list[str]


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="result"):
    """What a job found: `values` by name, NaN (null on the wire) where it has none. `captured_ns`: CLOCK_MONOTONIC of the capture."""

    job: int
    values: dict[str, float | None]
    captured_ns: int


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ended"):
    """A job left: `reason` says why, `slow` that trying again at once is of no use (wrong password, refused model)."""

    job: int
    reason: str
    slow: bool = False
    bug: bool = False


Order = Start | Halt | Tell
Report = Ready | Result | Ended

_encoder = msgspec.json.Encoder()
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def encode(message: Order | Report) -> bytes:
    """One packet. Raises Malformed where it would be too long."""
    packet = _encoder.encode(message)
    if len(packet) > LARGEST:
        raise Malformed(f"a message of {len(packet)} bytes, at most {LARGEST}")
    return packet


def order(packet: bytes) -> Order:
    """What the daemon said. Raises msgspec.ValidationError: the daemon is trusted, so that is a bug."""
    return _orders.decode(packet)


def report(packet: bytes, now_ns: int) -> Report:
    """What the worker said at `now_ns` (CLOCK_MONOTONIC). Raises Malformed."""
    try:
        found = _reports.decode(packet)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None
    if isinstance(found, Result):
        if len(found.values) > VALUES_MAX or any(len(name) > NAME_MAX for name in found.values):
            raise Malformed(f"more than {VALUES_MAX} values, or a name longer than {NAME_MAX}")
        if not 0 < found.captured_ns <= now_ns + AHEAD_NS:
            raise Malformed(f"a capture at {found.captured_ns} ns, {found.captured_ns - now_ns} ns from now")
    if isinstance(found, Ended) and len(found.reason) > REASON_MAX:
        raise Malformed(f"a reason of {len(found.reason)} characters")
    return found


def number(value: float | None) -> float:
    """A value of a result as a float: NaN and infinity do not exist in JSON and arrive as null."""
    return math.nan if value is None else value
