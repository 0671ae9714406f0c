"""The shape of site.toml and users.toml as pydantic models; a section's driver keys belong to the driver."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from gateway.core.limits import SOUNDERS_MAX

NAME = r"^[a-z0-9-]{1,32}$"
LEVEL = r"^[a-z0-9_-]{1,32}$"  # a level of a topic (spec/upstream.md)
SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_PREFIX = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_CADENCE = re.compile(r"steady|[1-9][0-9]{1,4}/[1-9][0-9]{1,4}")


def split_listen(text: str) -> tuple[str, int] | None:
    """Host and port of `host:port` or `[v6]:port`, None where it is neither."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host) or host[-1].isdigit():
            return None  # a name that ends in a digit is a mistyped IP address
    return host, int(port)


def _listen(text: str) -> str:
    if split_listen(text) is None:
        raise PydanticCustomError("site.listen", "no address to listen on")
    return text


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise PydanticCustomError("site.timezone", "no time zone")
    return text


def _broker(text: str) -> str:
    try:
        parts = urlsplit(text)
        well = parts.scheme == "mqtts" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well = False
    if not well or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise PydanticCustomError("site.url", "no address of a broker")
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise PydanticCustomError("site.prefix", "no topic prefix")
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        raise PydanticCustomError("site.address", "no address", {"example": "192.168.10.5/24"}) from None
    return text


def _server(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9])?", text):
        raise PydanticCustomError("site.address", "no address", {"example": "192.168.10.1"})
    return text


def _no_pin(_text: str) -> str:
    raise PydanticCustomError("user.pin", "a PIN in the site folder")


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise PydanticCustomError("shift.time", "no time of day")
    return text


def _cadence(text: str) -> str:
    if not _CADENCE.fullmatch(text):
        raise PydanticCustomError("sound.cadence", "no cadence")
    return text


Listening = Annotated[str, AfterValidator(_listen)]
FilePath = Annotated[str, Field(min_length=1, max_length=1024)]


class Section(BaseModel):
    """Base of every section: unknown keys are errors, types are exact."""

    model_config = ConfigDict(extra="forbid", strict=True)


class GatewaySection(Section):
    """[gateway]"""

    id: str = Field(pattern=NAME)
    site: str = Field(pattern=NAME)
    area: str = Field(pattern=LEVEL)
    language: Literal["en", "zh-CN"] = "en"
    timezone: Annotated[str, AfterValidator(_timezone)] = "Asia/Shanghai"
    mode: Literal["protect", "monitor"] = "protect"  # monitor: nothing is ever written, neither outputs nor heartbeats


class StorageSection(Section):
    """[storage]"""

    directory: FilePath = "state"
    history_hours: int = Field(default=24, ge=1, le=24 * 366)
    history_bytes_max: int = Field(default=536_870_912, ge=16 * 1024 * 1024, le=1 << 44)


class UpstreamSection(Section):
    """[upstream]"""

    url: Annotated[str, AfterValidator(_broker)]
    ca: FilePath
    certificate: FilePath
    key: FilePath
    prefix: Annotated[str, AfterValidator(_prefix)] = "gatehouse/v1"
    protocol: Literal["5", "3.1.1"] = "5"
    receipts: bool = False
    resend: bool = False
    shadow: bool = False
    rate_per_s: float = Field(default=5_000.0, ge=1.0, le=100_000.0)


class Interface(Section):
    """One network interface of the appliance."""

    address: Annotated[str, AfterValidator(_network)] | None = None
    gateway: Annotated[str, AfterValidator(_network)] | None = None
    dhcp: bool = False
    role: Literal["plant", "office"]


class NetworkSection(Section):
    """[network]: used by the appliance, checked lightly here."""

    interfaces: dict[str, Interface] = {}


class TimeSection(Section):
    """[time]: used by the appliance."""

    ntp: list[Annotated[str, AfterValidator(_server)]] = []


class PageSection(Section):
    """[page]"""

    listen: Listening = "127.0.0.1:8080"
    tls: bool = False  # with a certificate of the box's own authority, where no other is named
    certificate: FilePath | None = None
    key: FilePath | None = None
    remote: Literal["read", "act"] = "read"  # what accounts may do from the network


class MetricsSection(Section):
    """[metrics]"""

    listen: Listening = "127.0.0.1:9464"


class ControlSection(Section):
    """[control]"""

    directory: FilePath = "state/control"


class ChannelSection(Section):
    """[role.<name>]: where words for the people of a role go."""

    source: str = Field(min_length=1, max_length=32)
    topic: str = Field(min_length=1, max_length=256)


class SpeakerSection(ChannelSection):
    """[speaker.<name>]: where words go that are spoken aloud."""

    language: Literal["en", "zh-CN"] | None = None


class LadderSection(Section):
    """[ladder]: the roles that `escalate` without a role tells, one after the other."""

    levels: list[str] = Field(min_length=1, max_length=6)


class SoundSection(Section):
    """[sound.<name>]: a horn or beacon."""

    output: str = Field(min_length=1, max_length=64)
    priorities: list[Literal[1, 2, 3, 4]] = Field(default=[1, 2], max_length=4)
    cadence: dict[Literal["p1", "p2", "p3", "p4"], Annotated[str, AfterValidator(_cadence)]] = {}
    silenced: bool = True
    escalation: bool = False


TimeOfDay = Annotated[str, AfterValidator(_time)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ShiftSection(Section):
    """[shift.<name>]: wall time of the site; `to` at or before `from` is on the next day."""

    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    days: list[Weekday] = Field(default=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], min_length=1, max_length=7)


class RouteSection(Section):
    """[[route]]: where alarms of these areas, priorities and shifts go; the first that fits counts."""

    areas: list[str] = Field(default=[], max_length=64)
    priorities: list[Literal[1, 2, 3, 4]] = Field(default=[], max_length=4)
    shifts: list[str] = Field(default=[], max_length=16)
    sounds: list[str] | None = Field(default=None, max_length=16)
    upstream: Literal["priority", "p1", "p2", "p3", "p4", "none"] = "priority"
    position: str = Field(default="main", pattern=LEVEL)


class AlarmsSection(Section):
    """[alarms]: what happens to alarms that nobody heeds."""

    escalate_s: int = Field(default=180, ge=0, le=3600)
    realarm_min: dict[Literal["p1", "p2", "p3", "p4"], Annotated[int, Field(ge=1, le=1440)]] = {}


class SiteFile(Section):
    """site.toml. The sections of sources are checked with their drivers' Settings."""

    gateway: GatewaySection
    storage: StorageSection = StorageSection()
    upstream: UpstreamSection | None = None
    network: NetworkSection = NetworkSection()
    time: TimeSection = TimeSection()
    page: PageSection = PageSection()
    metrics: MetricsSection = MetricsSection()
    control: ControlSection = ControlSection()
    alarms: AlarmsSection = AlarmsSection()
    sound: dict[str, SoundSection] = Field(default={}, max_length=SOUNDERS_MAX)
    shift: dict[str, ShiftSection] = Field(default={}, max_length=16)
    route: list[RouteSection] = Field(default=[], max_length=256)
    source: dict[str, dict[str, Any]] = {}
    speaker: dict[str, SpeakerSection] = {}
    role: dict[str, ChannelSection] = {}
    ladder: LadderSection | None = None


class Heartbeat(Section):
    """The counter that the PLC watches; it times out at 0.9 s (interlocks.md I2), so two beats must fit."""

    address: str = Field(min_length=1, max_length=256)
    period_ms: int = Field(default=250, ge=20, le=400)
    healthy: str = Field(default="", max_length=64)  # tag of this PLC: 1 = its watchdog has not tripped


class DeviceTimes(Section):
    """How long the device of a source takes at most; the time budgets of interlocks are made of it. A write has 500 ms (I11)."""

    scan_ms: int = Field(default=100, ge=1, le=10_000)
    write_ms: int = Field(default=500, ge=1, le=500)


class ReverseHeartbeat(Section):
    """The PLC's own counter that we watch."""

    address: str = Field(min_length=1, max_length=256)
    stale_ms: int = Field(default=1000, ge=100, le=60_000)


Role = Literal["operator", "supervisor", "engineer", "maintainer", "safety-officer", "medic", "worker"]


class UserSection(Section):
    """[user.<id>]"""

    name: str = Field(min_length=1, max_length=64)
    roles: list[Role] = Field(min_length=1, max_length=7)
    pin_hash: Annotated[str, AfterValidator(_no_pin)] = ""  # never: it is kept apart, in the state directory
    keys: list[Annotated[str, Field(min_length=1, max_length=1024)]] = []
    revoked: list[Annotated[str, Field(min_length=1, max_length=1024)]] = []  # keys that no longer sign
    name_en: str = Field(default="", max_length=64)


class UsersFile(Section):
    """users.toml"""

    user: dict[str, UserSection] = {}
