"""Trip bundles as the page shows them: found by their id in the folder, every byte checked before a word of it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path

import msgspec

from gateway.offline.archive import Opened, TamperedError, verify
from gateway.offline.bundle import story_of
from gateway.offline.clips import parsed
from gateway.offline.keeper import list_bundles
from gateway.offline.trip_report import report

SHOWN_MAX = 20  # the newest of a function; the command line has all


class Told(msgspec.Struct, frozen=True):
    """One bundle of the list."""

    id: str
    function: str
    utc_ms: int
    complete: bool
    notes: tuple[str, ...]
    bytes: int


class Stories:
    """Implements `gateway.page.trips.Evidence` over `STATE/bundles`."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "bundles"
        self._clips = directory / "clips"

    def list(self, function: str) -> bytes:
        """The newest bundles of `function` that are what was signed."""
        found = []
        for path in self._named(function):
            opened = _open(path)
            if opened is not None and opened.manifest.function == function:
                told = opened.manifest
                size = path.stat().st_size
                found.append(Told(told.id, told.function, told.trip_utc_ms, told.complete, told.notes, size))
            if len(found) == SHOWN_MAX:
                break
        return msgspec.json.encode(found)

    def story(self, id: str) -> bytes | None:
        """The story with its id and time, and its clips with whether each is still kept."""
        opened = self._opened(id)
        if opened is None:
            return None
        told = msgspec.to_builtins(story_of(opened))
        named = [parsed(one) for one in opened.manifest.clips]
        clips = [{**msgspec.to_builtins(one), "kept": (self._clips / one.camera / one.file).exists()} for one in named]
        return msgspec.json.encode({"id": id, "utc_ms": opened.manifest.trip_utc_ms, "clips": clips, **told})

    def report(self, id: str, language: str, offset_min: int) -> str | None:
        """The page to print."""
        opened = self._opened(id)
        return report(opened, language, timezone(timedelta(minutes=offset_min))) if opened is not None else None

    def bundle(self, id: str) -> tuple[str, bytes] | None:
        """The file as it is on disk; whoever gets it checks it themself."""
        path = self._path(id)
        try:
            return (path.name, path.read_bytes()) if path is not None else None
        except OSError:  # given up in this moment
            return None

    def _named(self, function: str) -> Iterator[Path]:
        """Newest first; a name of the request is compared with names of files and never becomes a path."""
        return (path for path in reversed(list_bundles(self._folder)) if f"-{function}-" in path.name)

    def _path(self, id: str) -> Path | None:
        return next((path for path in list_bundles(self._folder) if path.name.endswith(f"-{id}.trip.zip")), None)

    def _opened(self, id: str) -> Opened | None:
        path = self._path(id)
        return _open(path) if path is not None else None


def _open(path: Path) -> Opened | None:
    try:
        return verify(path.read_bytes())
    except (OSError, TamperedError):
        return None
