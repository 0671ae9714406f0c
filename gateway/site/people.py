"""people.toml: who wears what, for which purposes consent is asked, zones, anchors, certificates, and where the vault's key is.

The file is left out where nothing is worn. Positions and corners are in m on the site's own grid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.core.errors import AddressError, Problem
from gateway.site.messages import nearest, problem
from gateway.site.model import User
from gateway.site.schema import FilePath, Section
from gateway.site.toml_file import TomlFile

FILE = "people.toml"
Stream = Literal["ppg", "ecg", "motion", "heart_rate", "skin_temperature", "position", "behaviour"]
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_DEVICE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
SPACING_MAX_M = 15.0
CORNERS_LEAST = 3


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise AddressError(
            f'"{text}" is no name here: small letters, digits, - and _, at most 32, such as w7',
            f"“{text}”不能作名称：请用小写字母、数字、- 与 _，最多 32 个字符，例如 w7",
        )
    return text


def _device(text: str) -> str:
    if not _DEVICE.fullmatch(text):
        raise AddressError(
            f'"{text}" is no device: its topic ends in it, so it has no /, + or #',
            f"“{text}”不能作设备号：主题以它结尾，不能含 /、+、#",
        )
    return text


Name = Annotated[str, AfterValidator(_name)]
Device = Annotated[str, AfterValidator(_device)]
Metres = Annotated[float, Field(ge=-100_000.0, le=100_000.0, strict=False)]


class VaultSection(Section):
    """[vault]"""

    key_store: Literal["auto", "tpm2", "systemd-creds", "key-file"] = "auto"
    key_directory: FilePath = "keys"  # relative to the site folder; never inside the state folder, which is backed up
    tpm: str = Field(default="/dev/tpmrm0", max_length=256)
    raw_hours: int = Field(default=72, ge=1, le=72)
    event_hours: int = Field(default=24, ge=1, le=24)
    bytes_max: int = Field(default=4 << 30, ge=16 << 20, le=1 << 44)  # of raw records; the oldest hours go first


class PurposeSection(Section):
    """[purpose.<name>]: one thing that data is used for, and the text that the worker reads before consenting."""

    streams: list[Stream] = Field(min_length=1, max_length=7)
    months: int = Field(default=12, ge=1, le=36)
    zh: str = Field(min_length=20, max_length=4000)
    en: str = Field(min_length=20, max_length=4000)


class CertificateSection(Section):
    """A certificate or qualification of a worker; `permit` is the permit rule that it is needed for."""

    kind: Name
    expires: date
    permit: str = Field(default="", max_length=64)


class WorkerSection(Section):
    """[worker.<id>]"""

    user: str = Field(min_length=1, max_length=32)  # of users.toml, with the role worker
    number: int = Field(ge=1, le=999_999_999)  # how rules count them
    devices: list[Device] = Field(default=[], max_length=8)
    since: date | None = None  # first day at this plant
    certificates: list[CertificateSection] = Field(default=[], max_length=32)


class KindSection(Section):
    """[behaviour.<kind>]: a kind of event, with the number that rules know it by."""

    number: int = Field(ge=1, le=1_000)
    minor: bool = True
    zh: str = Field(min_length=1, max_length=64)
    en: str = Field(min_length=1, max_length=64)


class AnchorSection(Section):
    """[anchor.<name>]: a UWB anchor as it was surveyed."""

    x: Metres
    y: Metres
    z: Metres


class ZoneSection(Section):
    """[zone.<name>]: a polygon."""

    corners: list[list[Metres]] = Field(min_length=CORNERS_LEAST, max_length=64)


class PeopleFile(Section):
    """people.toml"""

    vault: VaultSection = VaultSection()
    newcomer_days: int = Field(default=90, ge=0, le=366)
    warn_days: int = Field(default=7, ge=1, le=90)
    tag_height_m: float = Field(default=1.2, ge=0.0, le=3.0)
    purpose: dict[Name, PurposeSection] = Field(default={}, max_length=16)
    worker: dict[Name, WorkerSection] = Field(default={}, max_length=1000)
    behaviour: dict[Name, KindSection] = Field(default={}, max_length=64)
    anchor: dict[Device, AnchorSection] = Field(default={}, max_length=64)
    zone: dict[Name, ZoneSection] = Field(default={}, max_length=64)


@dataclass(frozen=True, slots=True)
class CertificateSite:
    """One certificate; it is valid to the end of its day."""

    kind: str
    expires: date
    permit: str


@dataclass(frozen=True, slots=True)
class WorkerSite:
    """One worker."""

    id: str
    user: str
    number: int
    devices: tuple[str, ...]
    since: date | None
    certificates: tuple[CertificateSite, ...]


@dataclass(frozen=True, slots=True)
class PurposeSite:
    """One purpose with its text by language."""

    name: str
    streams: tuple[Stream, ...]
    months: int
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KindSite:
    """One kind of behaviour event."""

    name: str
    number: int
    minor: bool
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PeopleSite:
    """people.toml after every check. Folders are absolute."""

    key_store: Literal["auto", "tpm2", "systemd-creds", "key-file"]
    key_directory: Path
    tpm: str
    raw_hours: int
    event_hours: int
    bytes_max: int
    newcomer_days: int
    warn_days: int
    tag_height_m: float
    purposes: Mapping[str, PurposeSite]
    workers: Mapping[str, WorkerSite]
    kinds: Mapping[str, KindSite]
    anchors: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    zones: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)


def read_people(folder: Path, file: PeopleFile) -> PeopleSite:
    """What the file says; `check_people` says what is wrong with it."""
    vault = file.vault
    return PeopleSite(
        key_store=vault.key_store,
        key_directory=folder / vault.key_directory,
        tpm=vault.tpm,
        raw_hours=vault.raw_hours,
        event_hours=vault.event_hours,
        bytes_max=vault.bytes_max,
        newcomer_days=file.newcomer_days,
        warn_days=file.warn_days,
        tag_height_m=file.tag_height_m,
        purposes={
            name: PurposeSite(name, tuple(one.streams), one.months, {"zh-CN": one.zh, "en": one.en})
            for name, one in file.purpose.items()
        },
        workers={name: _worker(name, one) for name, one in file.worker.items()},
        kinds={
            name: KindSite(name, one.number, one.minor, {"zh-CN": one.zh, "en": one.en})
            for name, one in file.behaviour.items()
        },
        anchors={name: (one.x, one.y, one.z) for name, one in file.anchor.items()},
        zones={name: tuple((corner[0], corner[1]) for corner in one.corners) for name, one in file.zone.items()},
    )


def _worker(name: str, section: WorkerSection) -> WorkerSite:
    certificates = tuple(CertificateSite(one.kind, one.expires, one.permit) for one in section.certificates)
    return WorkerSite(name, section.user, section.number, tuple(section.devices), section.since, certificates)


def check_people(
    toml: TomlFile, file: PeopleFile, users: Mapping[str, User], state: Path, folder: Path
) -> list[Problem]:
    """What only the whole can tell: unknown users, a device on two people, a key inside the backup, anchors too far apart."""
    problems = _check_workers(toml, file, users) + _check_anchors(toml, file)
    key, inside = (folder / file.vault.key_directory).resolve(), state.resolve()
    if key == inside or inside in key.parents:
        problems.append(problem("people.key-in-state", toml.place(("vault", "key_directory"), value=True)))
    for name, zone in file.zone.items():
        if any(len(corner) != 2 for corner in zone.corners):
            problems.append(problem("people.corner", toml.place(("zone", name, "corners"), value=True), name=name))
    kinds: dict[int, str] = {}
    for name, kind in file.behaviour.items():
        other = kinds.setdefault(kind.number, name)
        if other != name:
            place = toml.place(("behaviour", name, "number"), value=True)
            problems.append(problem("people.same-number", place, value=kind.number, name=name, other=other))
    return problems


def _check_workers(toml: TomlFile, file: PeopleFile, users: Mapping[str, User]) -> list[Problem]:
    problems, owner, numbers, persons = list[Problem](), dict[str, str](), dict[str, str](), dict[str, str]()
    for name, worker in file.worker.items():
        at = ("worker", name)
        user = users.get(worker.user)
        if user is None or "worker" not in user.roles:
            near = nearest(worker.user, [id for id, one in users.items() if "worker" in one.roles])
            place = toml.place((*at, "user"), value=True)
            problems.append(problem("people.no-user", place, name=name, value=worker.user, near=near))
        for device in worker.devices:
            other = owner.setdefault(device, name)
            if other != name or worker.devices.count(device) > 1:
                place = toml.place((*at, "devices"), value=True)
                problems.append(problem("people.same-device", place, value=device, name=name, other=other))
        for kept, value, key in ((numbers, str(worker.number), "number"), (persons, worker.user, "user")):
            other = kept.setdefault(value, name)
            if other != name:
                place = toml.place((*at, key), value=True)
                problems.append(problem("people.same-number", place, value=value, name=name, other=other))
    return problems


def _check_anchors(toml: TomlFile, file: PeopleFile) -> list[Problem]:
    """Anchors further apart than 15 m leave places that only far and oblique ranges reach."""
    problems = []
    for name, one in file.anchor.items():
        apart = [
            ((one.x - other.x) ** 2 + (one.y - other.y) ** 2 + (one.z - other.z) ** 2) ** 0.5
            for label, other in file.anchor.items()
            if label != name
        ]
        if apart and min(apart) > SPACING_MAX_M:
            place = toml.place(("anchor", name))
            problems.append(problem("people.spacing", place, "warning", name=name, value=f"{min(apart):.1f}"))
    if 0 < len(file.anchor) < 5:
        problems.append(problem("people.anchors", toml.place(("anchor",)), "warning", value=len(file.anchor)))
    return problems
