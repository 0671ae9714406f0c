"""The clips that belong to a trip: `state/clips/<camera>/*.json` beside each of them says who asked and what its hash is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.offline.evidence import Trip


class _Asked(msgspec.Struct, frozen=True):
    id: str
    kind: str


class _Sidecar(msgspec.Struct, frozen=True):
    file: str
    sha256: str
    asked: list[_Asked]


def references(folder: Path, trip: Trip) -> tuple[str, ...]:
    """Camera, file and SHA-256 of every clip that this trip asked for, in the order of their names."""
    found = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            one = msgspec.json.decode(path.read_bytes(), type=_Sidecar)
        except (OSError, msgspec.DecodeError):  # no sidecar of ours: nothing is claimed of it
            continue
        if any(asked.kind == "trip" and asked.id == trip.id for asked in one.asked):
            found.append(f"{path.parent.name}/{Path(one.file).name} sha256:{one.sha256}")
    return tuple(found)
