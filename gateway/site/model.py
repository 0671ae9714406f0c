"""What a site folder says, after every check: frozen, with absolute paths and numbered tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drivers.base import Channel, Plan
from gateway.core.annunciation import QUIET, AlarmPlan
from gateway.core.program import RuleText
from gateway.core.tags import TagTable
from gateway.site.permit_limits import Limit

if TYPE_CHECKING:
    from gateway.site.people import PeopleSite

Protocol = Literal["5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server of ours listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PageSite:
    """Section [page]."""

    listen: Listen
    tls: bool = False
    certificate: Path | None = None
    key: Path | None = None
    remote_acts: bool = False  # accounts may act from the network


@dataclass(frozen=True, slots=True)
class MetricsSite:
    """Section [metrics]."""

    listen: Listen


@dataclass(frozen=True, slots=True)
class ControlSite:
    """Section [control]: the directory of the control sockets."""

    directory: Path


@dataclass(frozen=True, slots=True)
class Storage:
    """Section [storage]."""

    directory: Path
    history_hours: int
    history_bytes_max: int


@dataclass(frozen=True, slots=True)
class Upstream:
    """Section [upstream]: the broker that alarm summaries go to, by mutual TLS. The files may not exist yet."""

    url: str
    ca: Path
    certificate: Path
    key: Path
    prefix: str
    protocol: Protocol
    receipts: bool
    resend: bool  # a receiver may ask for delivered rows again
    shadow: bool  # what shadow rules would have told leaves too, under topics of its own
    rate_per_s: float  # bounds all but P1 and P2


@dataclass(frozen=True, slots=True)
class SourceSite:
    """Section [source.<name>]: the driver, its validated Settings and what it works on."""

    name: str
    driver: str
    settings: Any
    plan: Plan


@dataclass(frozen=True, slots=True)
class ShiftSite:
    """Section [shift.<name>]: minutes of the day on the site's wall clock, days from 0 = Monday."""

    name: str
    begin_min: int
    end_min: int
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class User:
    """One named person of users.toml."""

    id: str
    name: str
    roles: tuple[str, ...]
    keys: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """One plant. `hash` is SHA-256 over the canonical content: equal for equal meaning, whatever the files' encoding."""

    folder: Path
    id: str
    site: str
    area: str
    language: Literal["en", "zh-CN"]
    monitor: bool  # [gateway] mode = "monitor": nothing is ever written
    timezone: str
    storage: Storage
    upstream: Upstream | None
    page: PageSite
    metrics: MetricsSite
    control: ControlSite
    sources: Mapping[str, SourceSite]
    channels: Mapping[str, Channel]  # sink of the kernel ("speaker:helmet", "role:ehs", "ladder:1") -> where it is
    table: TagTable
    rules: Sequence[tuple[str, str]]  # (file name, text), in the order of the names
    dictionary: Mapping[str, Mapping[str, RuleText]]  # alarm -> language -> text
    limits: Sequence[Limit]  # of permits, as limits.csv has them
    users: Mapping[str, User]
    hash: str
    plan: AlarmPlan = QUIET  # sounds and routes
    shifts: Sequence[ShiftSite] = ()
    time_servers: Sequence[str] = ()  # [time] ntp
    people: PeopleSite | None = None
