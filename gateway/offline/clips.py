"""The clips that belong to a trip: `state/clips/<camera>/*.json` beside each of them says who asked and what its hash is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.offline.bundle import NotYetError
from gateway.offline.evidence import Trip

UNFINISHED = ".mp4.json"  # the sidecar of a clip that is being written; a finished one has .json alone
_HASH = " sha256:"


class _Asked(msgspec.Struct, frozen=True):
    id: str
    kind: str


class _Sidecar(msgspec.Struct, frozen=True):
    file: str
    sha256: str
    asked: list[_Asked]


class Reference(msgspec.Struct, frozen=True):
    """A clip as a bundle names it."""

    camera: str
    file: str
    sha256: str


def references(folder: Path, trip: Trip, *, wait: bool = False) -> tuple[str, ...]:
    """Camera, file and SHA-256 of every clip that this trip asked for, in the order of their names.

    Raises NotYetError where one is still being written and `wait` says that it may be waited for; it is left out otherwise.
    """
    found = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            one = msgspec.json.decode(path.read_bytes(), type=_Sidecar)
        except (OSError, msgspec.DecodeError):  # no sidecar of ours: nothing is claimed of it
            continue
        if not any(asked.kind == "trip" and asked.id == trip.id for asked in one.asked):
            continue
        if path.name.endswith(UNFINISHED):
            if wait:
                raise NotYetError(trip.id)
            continue
        found.append(f"{path.parent.name}/{Path(one.file).name}{_HASH}{one.sha256}")
    return tuple(found)


def parsed(reference: str) -> Reference:
    """A reference of a bundle in its parts."""
    path, _, digest = reference.partition(_HASH)
    camera, _, file = path.partition("/")
    return Reference(camera, file, digest)
