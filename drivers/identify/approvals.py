"""Who may be asked: a file in which a person approves devices by name, with an end, and what must never be asked."""

from __future__ import annotations

import ipaddress
import tomllib
from datetime import UTC, datetime
from typing import Any

import msgspec

from drivers.identify.probes import PROTOCOLS
from drivers.identify.scanner import Target

MOST_DAYS = 31  # an approval that outlives the visit is none


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[target]]`. `outputs`: whether something moves by this device's outputs; it must be said, it is never assumed."""

    name: str
    address: str
    until: datetime
    by: str
    outputs: bool
    protocols: list[str] = []
    ports: dict[str, int] = {}
    community: str = ""


class Approvals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `never` lists addresses of safety controllers and fragile devices, with the reason."""

    target: list[Approval]
    never: dict[str, str] = {}


class Refused(Exception):
    """A run or a device that may not be: a key of the catalogue and what it is about."""

    def __init__(self, reason: str, about: str) -> None:
        super().__init__(f"{reason}: {about}")
        self.reason, self.about = reason, about


def read(raw: bytes) -> Approvals:
    """The approvals of a file. Raises Refused."""
    try:
        return msgspec.convert(tomllib.loads(raw.decode("utf-8-sig")), Approvals)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise Refused("file", str(wrong)) from wrong


def chosen(approvals: Approvals, names: list[str], now: datetime, tripped: bool) -> list[Target]:
    """The targets `names`, all of which must be approved now. Raises Refused at the first that may not be asked.

    `tripped`: the daemon says that every function with outputs is tripped; without it a device with outputs is refused.
    """
    known = {one.name: one for one in approvals.target}
    out = []
    for name in names:
        one = known.get(name)
        if one is None:
            raise Refused("unknown", name)
        out.append(_target(one, approvals.never, now, tripped))
    addresses = [one.address for one in out]
    if len(set(addresses)) != len(addresses):
        raise Refused("twice", ", ".join(sorted({one for one in addresses if addresses.count(one) > 1})))
    return out


def _target(one: Approval, never: dict[str, str], now: datetime, tripped: bool) -> Target:
    until = one.until if one.until.tzinfo else one.until.replace(tzinfo=UTC)
    if until <= now or (until - now).days > MOST_DAYS:
        raise Refused("expired" if until <= now else "too-long", f"{one.name} ({until.isoformat()})")
    if not one.by.strip():
        raise Refused("nobody", one.name)
    try:
        address = str(ipaddress.IPv4Address(one.address))
    except ValueError as wrong:
        raise Refused("address", f"{one.name}: {wrong}") from wrong
    if address in never:
        raise Refused("never", f"{one.name} ({address}: {never[address]})")
    if one.outputs and not tripped:
        raise Refused("outputs", one.name)
    protocols = {known.id for known in PROTOCOLS}
    wrong_names = [name for name in [*one.protocols, *one.ports] if name not in protocols]
    if wrong_names:
        raise Refused("protocol", f"{one.name}: {', '.join(wrong_names)} ({', '.join(sorted(protocols))})")
    return Target(one.name, address, tuple(one.protocols), tuple(one.ports.items()), one.community)


def plan(targets: list[Target]) -> list[dict[str, Any]]:
    """What would be sent to whom, in order."""
    return [
        {
            "name": target.name,
            "address": target.address,
            "protocol": protocol.id,
            "transport": protocol.over,
            "port": port,
            "reads": [one.name for one in protocol.reads],
        }
        for target in targets
        for protocol, port in target.asked()
    ]
