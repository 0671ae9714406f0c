"""The parts list: every distribution with version, licence and hash, and the native libraries that wheels bring along (CycloneDX)."""

from __future__ import annotations

import hashlib
import re
import tarfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, cast

FORM = "1.5"
_HASHES = re.compile(r"(-[0-9a-f]{8}(\.\d+)*)+$")


@dataclass(frozen=True, slots=True)
class Part:
    """One distribution; `libraries` are files of native libraries that came inside it and are somebody else's work."""

    name: str
    version: str
    licence: str
    sha256: str = ""
    libraries: tuple[str, ...] = ()
    origin: str = "pypi"  # as package URLs have it


def of_wheel(path: Path) -> Part:
    """The part that a wheel is."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        described = next(name for name in names if name.endswith(".dist-info/METADATA"))
        said = cast(metadata.PackageMetadata, BytesParser().parsebytes(wheel.read(described)))
    inside = (PurePosixPath(name) for name in names)
    native = sorted({one.name for one in inside if one.parent.name.endswith(".libs") and ".so" in one.name})
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _part(said, digest, tuple(native))


def of_runtime(path: Path) -> Part:
    """The part that a Python of `scripts/python-runtime` is; what lies beside its own modules are libraries. Raises OSError, TarError."""
    with tarfile.open(path) as tree:
        files = [PurePosixPath(one.name) for one in tree if one.isfile()]
    native = sorted(
        {one.name for one in files if ".so" in one.name and one.parent.name.endswith(("-linux-gnu", "lib64"))}
    )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part("python3.11", "3.11", "Python-2.0", digest, tuple(native), "deb/debian")


def installed(names: Iterable[str]) -> Iterator[Part]:
    """The parts of those names that are installed beside this code."""
    for name in sorted(names):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        native = sorted(
            {one.name for one in found.files or () if one.parent.name.endswith(".libs") and ".so" in one.name}
        )
        yield _part(found.metadata, "", tuple(native))


def _part(said: metadata.PackageMetadata, digest: str, native: tuple[str, ...]) -> Part:
    return Part(said["Name"], said["Version"], _licence(said), digest, native)


def _licence(said: metadata.PackageMetadata) -> str:
    """SPDX where the maker gave it, else the first line of his own words, else the trove classifier."""
    expression = _said(said, "License-Expression")
    if expression:
        return expression
    classified = [
        one.rpartition("::")[2].strip() for one in said.get_all("Classifier") or () if one.startswith("License")
    ]
    own = _said(said, "License").splitlines()
    return (own[0] if own and len(own[0]) <= 60 else "") or "; ".join(classified) or "unknown"


def _said(said: metadata.PackageMetadata, name: str) -> str:
    return str(said[name] or "").strip() if name in said else ""


def library(file: str) -> str:
    """`libx264` of `libx264-d6533a8d.so.165`."""
    return _HASHES.sub("", file.partition(".so")[0])


def licence_of(part: str, file: str, libraries: Mapping[str, str]) -> str | None:
    """The licence of a native library: as it was built for this part, else as it usually is; None where nobody has said."""
    name = library(file)
    return libraries.get(f"{part}/{name}", libraries.get(name))


def cyclonedx(product: Part, parts: Iterable[Part], libraries: Mapping[str, str], built: str) -> dict[str, Any]:
    """The parts list as CycloneDX JSON; the same parts give the same text, serial number included."""
    listed = sorted(parts, key=lambda one: one.name.lower())
    seed = "\n".join([product.version, *(f"{one.name} {one.version} {one.sha256}" for one in listed)])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": FORM,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {"timestamp": built, "component": _component(product, "application", libraries)},
        "components": [_component(one, "library", libraries) for one in listed],
    }


def _component(part: Part, kind: str, libraries: Mapping[str, str]) -> dict[str, Any]:
    purl = f"pkg:{part.origin}/{part.name.lower()}@{part.version}"
    found: dict[str, Any] = {
        "type": kind,
        "bom-ref": purl,
        "name": part.name,
        "version": part.version,
        "purl": purl,
        "licenses": [{"license": {"name": part.licence}}],
    }
    if part.sha256:
        found["hashes"] = [{"alg": "SHA-256", "content": part.sha256}]
    if part.libraries:
        found["components"] = [
            {
                "type": "library",
                "name": name,
                "licenses": [{"license": {"name": libraries.get(library(name), "unknown")}}],
            }
            for name in part.libraries
        ]
    return found
