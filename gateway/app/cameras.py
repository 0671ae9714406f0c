"""The daemon's side of cameras: which rule asks which camera for a clip, and what people may see of them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from drivers.base import Camera, Driver
from gateway.control.cameras import CameraView, ClipView, ZoneView
from gateway.core.effects import Journal
from gateway.core.errors import SourceError
from gateway.core.program import Program, Rule
from gateway.core.tags import TagTable
from gateway.site import Site
from inference.cameras.caution import caution
from inference.cameras.settings import EvidenceSettings
from inference.cameras.sidecar import retire

DRIVER = "camera"
KINDS = {"alarm.raise": "alarm", "interlock.tripping": "trip"}
SCAN_S = 5.0  # how often the folders of clips are looked at
RETIRE_SCANS = 720  # an hour of them
CLIPS_MAX = 2_000  # shown, the newest

_log = logging.getLogger("gatehouse.cameras")


class _Asked(msgspec.Struct, frozen=True):
    rule: str
    kind: str


class _Sidecar(msgspec.Struct, frozen=True):
    """What is shown of a clip's sidecar."""

    source: str
    file: str
    asked: list[_Asked]
    people: str
    begin_utc_ms: int
    end_utc_ms: int
    event_utc_ms: int
    whole: bool
    lacks: list[str]
    bytes: int
    sha256: str


def witnesses(program: Program, table: TagTable, cameras: set[str]) -> dict[str, list[str]]:
    """The cameras whose tags a rule reads in any of its conditions, by rule; rules without one are not named."""
    source = {tag.name: tag.source for tag in table.tags if tag.source in cameras}
    found = {rule.name: sorted({source[word] for word in _words(rule) if word in source}) for rule in program.every()}
    return {name: names for name, names in found.items() if names}


def _words(rule: Rule) -> Iterator[str]:
    """Every text in the conditions of a rule: the names of tags are among them."""
    conditions = [rule.when, getattr(rule, "permissive", None), getattr(rule, "clear", None)]
    waiting: list[Any] = [msgspec.to_builtins(one) for one in conditions]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one


class Cameras:
    """One edge: `seen` on the loop costs a look-up; the disk is read by a thread."""

    def __init__(self, site: Site, program: Program, living: Callable[[str], Driver | None]) -> None:
        self._settings = {name: one.settings for name, one in site.sources.items() if one.driver == DRIVER}
        self._folder = site.storage.directory / "clips"
        self._witnesses = witnesses(program, site.table, set(self._settings))
        self._living = living
        self._cautions = {name: caution(one.weights()) for name, one in self._settings.items()}
        self._clips: list[ClipView] = []

    def equip(self, name: str, driver: Driver) -> Driver:
        """A driver that was just made; a camera is told where its clips go."""
        if name in self._settings:
            camera: Camera = driver  # type: ignore[assignment]
            camera.clips = self._folder / name
        return driver

    def seen(self, effect: Journal) -> None:
        """A row of the journal: an alarm or trip of a rule that reads a camera asks it for a clip."""
        record = effect.record
        kind = KINDS.get(record.kind)
        if kind is None or record.detail.get("because") == "STOP":
            return
        for name in self._witnesses.get(record.subject, ()):
            camera = self._camera(name)
            number = f"{record.id[0]:x}-{record.id[1]}"
            try:
                if camera is None or not camera.clip(record.subject, kind, number, record.utc_ms):
                    _log.warning("%s: no clip of %s, the camera is not connected", name, record.subject)
            except SourceError as error:
                _log.warning("%s: no clip of %s, %s", name, record.subject, error)

    def _camera(self, name: str) -> Camera | None:
        found: Camera | None = self._living(name)  # type: ignore[assignment]
        return found

    async def run(self) -> None:
        """Say what the models' cards warn of, then look at the clips on the disk now and then. Until cancelled."""
        for name, said in self._cautions.items():
            if said:
                _log.warning("%s: %s", name, " / ".join(said.values()))
        seen: dict[str, int] = {}
        for scan in itertools.count():
            if scan % RETIRE_SCANS == 0:
                await asyncio.to_thread(self._retire)
            now = await asyncio.to_thread(changed, self._folder) if self._settings else {}
            if now != seen:  # reading 2,000 sidecars takes the loop's processor too
                seen, self._clips = now, await asyncio.to_thread(stored, self._folder)
            await asyncio.sleep(SCAN_S)

    def _retire(self) -> None:
        """Clips of cameras that keep none any more, or are gone from the site, grow old too: no worker looks after them."""
        for name in changed(self._folder):
            bounds = self._settings[name].evidence if name in self._settings else EvidenceSettings()
            if name in self._settings and bounds.keep:
                continue
            try:
                retire(self._folder / name, bounds.days, bounds.bytes_max)
            except OSError as error:
                _log.error("old clips of %s stay: %s", name, error)

    # --- views ---

    def every(self) -> list[CameraView]:
        """Every camera of the site."""
        return [self._view(name) for name in self._settings]

    def _view(self, name: str) -> CameraView:
        given, camera = self._settings[name], self._camera(name)
        values = camera.values() if camera is not None else {}
        figure = _Figures(values)
        return CameraView(
            name,
            values.get("connected", 0.0) == 1.0,
            camera.reason() if camera is not None else {},
            [
                key.removeprefix("health.")
                for key, value in values.items()
                if key.startswith("health.") and value == 1.0
            ],
            figure("fps"),
            figure("ms"),
            figure("persons"),
            figure("losses"),
            figure("ring_s"),
            figure("clips"),
            given.picture or (0, 0),
            [
                ZoneView(
                    zone.name,
                    list(zone.polygon),
                    *(
                        figure(f"zone.{zone.name}.{key}")
                        for key in ("persons", "occupied", "moving", "violations", "uncertain")
                    ),
                )
                for zone in given.zone
            ],
            self._cautions[name],
        )

    def clips(self) -> list[ClipView]:
        """The clips on the disk, the newest first."""
        return self._clips

    def ask(self, name: str, *, zones: bool) -> int:
        """Wish for a picture with people hidden; the number under which it comes, 0 = none will."""
        camera = self._camera(name)
        try:
            return camera.ask(zones=zones) if camera is not None else 0
        except SourceError:
            return 0

    def picture(self, name: str, number: int) -> bytes:
        """The picture of that number as JPEG, empty while it has not come."""
        camera = self._camera(name)
        return camera.picture(number) if camera is not None else b""


class _Figures:
    """Values of a camera, None where one is not known."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = values

    def __call__(self, key: str) -> float | None:
        value = self._values.get(key, math.nan)
        return round(value, 3) if math.isfinite(value) else None


def changed(folder: Path) -> dict[str, int]:
    """When something came into or left the folder of each camera (ns)."""
    try:
        return {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(folder) if entry.is_dir()}
    except OSError:  # none yet, or one that went away this moment
        return {}


def stored(folder: Path) -> list[ClipView]:
    """The clips below a folder, the newest first."""
    found = []
    for path in sorted(folder.glob("*/*.json"), key=lambda path: path.name, reverse=True)[:CLIPS_MAX]:
        try:
            one = msgspec.json.decode(path.read_bytes(), type=_Sidecar)
        except (OSError, msgspec.DecodeError):
            continue
        clip = path.with_suffix(".mp4")
        if not clip.exists():
            continue
        rules, kinds = ([*dict.fromkeys(getattr(each, key) for each in one.asked)] for key in ("rule", "kind"))
        seconds = (one.end_utc_ms - one.begin_utc_ms) / 1000
        found.append(
            ClipView(
                one.source,
                one.file,
                str(clip),
                one.event_utc_ms,
                seconds,
                rules,
                kinds,
                one.people,
                one.whole,
                one.lacks,
                one.bytes,
                one.sha256,
            )
        )
    return found
