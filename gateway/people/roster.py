"""Who is who: workers by id, user, number and device, with their certificates and whether they are new. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate or qualification, valid to the end of its day; `permit` is the rule it is needed for."""

    kind: str
    expires: date
    permit: str = ""

    def frozen(self, today: date, warn_days: int) -> bool:
        """So near its end that no permit is issued on it any more."""
        return today + timedelta(days=warn_days) > self.expires


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of people.toml."""

    id: str
    user: str
    number: int
    devices: tuple[str, ...] = ()
    since: date | None = None
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose, with the texts that are read before a consent."""

    name: str
    streams: tuple[str, ...]
    months: int
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of behaviour event."""

    name: str
    number: int
    minor: bool
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone and everything that people.toml declares, and the roles of users.toml."""

    workers: Mapping[str, Worker] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # user -> roles
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # user -> public keys
    names: Mapping[str, str] = field(default_factory=dict)  # user -> how people call them
    anchors: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    zones: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    newcomer_days: int = 90
    warn_days: int = 7
    tag_height_m: float = 1.2

    def wearer(self, device: str) -> Worker | None:
        """Who wears a device."""
        return next((worker for worker in self.workers.values() if device in worker.devices), None)

    def worker_of(self, user: str) -> Worker | None:
        """The worker that a signed-in person is."""
        return next((worker for worker in self.workers.values() if worker.user == user), None)

    def numbered(self, number: int) -> Worker | None:
        """The worker that rules know by a number."""
        return next((worker for worker in self.workers.values() if worker.number == number), None)

    def has(self, user: str, role: str) -> bool:
        """Whether a person has a role."""
        return role in self.roles.get(user, ())

    def newcomer(self, worker: Worker, today: date) -> bool:
        """In the first days at this plant: rules may count them more strictly."""
        return worker.since is not None and today < worker.since + timedelta(days=self.newcomer_days)


def hindering(roster: Roster, permit: str, ids: Sequence[str], today: date) -> list[tuple[str, str, date | None]]:
    """Who may not work on a permit: (worker, certificate, its end or None where there is none of that kind).

    A permit that some certificate of people.toml names needs that kind from every named worker.
    """
    kinds = sorted(
        {one.kind for worker in roster.workers.values() for one in worker.certificates if one.permit == permit}
    )
    found: list[tuple[str, str, date | None]] = []
    for id in ids:
        worker = roster.workers.get(id)
        for kind in kinds:
            own = [one for one in worker.certificates if one.kind == kind] if worker else []
            best = max(own, key=lambda one: one.expires, default=None)
            if best is None:
                found.append((id, kind, None))
            elif best.frozen(today, roster.warn_days):
                found.append((id, kind, best.expires))
    return found
