"""What a bundle says of itself: its version, what it needs, and every file with size and SHA-256.

One file a line, so that the first install can read it with `sed` once the signature stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from gateway.appliance.words import FAILED, ApplianceError

FORM = 1
PRODUCT = "gatehouse-edge"
PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@=-]*(/[A-Za-z0-9_.][A-Za-z0-9._+@=-]*)*")
VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
PATH_MAX = 200
FILE_MAX = 1 << 31


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the bundle."""

    sha256: str
    size: int
    path: str


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detector that comes along: its name, where it lies, and whose work it is."""

    name: str
    path: str
    licence: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signed list. `minimum` is the oldest version that may be updated to this one; `data_schema` the form of its state."""

    form: int
    product: str
    version: str
    minimum: str
    built_s: int
    data_schema: int
    architectures: tuple[str, ...]
    files: tuple[Entry, ...]
    models: tuple[Model, ...] = ()

    def of(self, architecture: str) -> Iterator[Entry]:
        """The files that a box of this architecture needs."""
        for entry in self.files:
            kind, _, rest = entry.path.partition("/")
            if kind not in ("wheels", "python") or rest.partition("/")[0] in ("any", architecture):
                yield entry


def encode(manifest: Manifest) -> bytes:
    """The bytes that are signed. The same manifest always gives the same bytes."""
    head = msgspec.json.encode(msgspec.structs.replace(manifest, files=()))
    before, after = head.split(b'"files":[]')
    lines = b",\n".join(msgspec.json.encode(entry) for entry in manifest.files)
    return before + b'"files":[\n' + lines + b"\n]" + after + b"\n"


def decode(data: bytes) -> Manifest:
    """The manifest of bytes whose signature stands. Raises ApplianceError where it asks for what is not allowed."""
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise ApplianceError(FAILED, "manifest", why=error) from error
    wrong = next(_wrong(found), "")
    if wrong:
        raise ApplianceError(FAILED, "manifest", why=wrong)
    return found


def _wrong(found: Manifest) -> Iterator[str]:
    if (found.form, found.product) != (FORM, PRODUCT):
        yield f"form {found.form} of {found.product}"
    for version in (found.version, found.minimum):
        if not VERSION.fullmatch(version):
            yield f"version {version}"
    paths = [entry.path for entry in found.files]
    if paths != sorted(set(paths)):
        yield "the files are not in order, or one is named twice"
    yield from (f"path {entry.path}" for entry in found.files if not _allowed(entry))


def _allowed(entry: Entry) -> bool:
    inside = len(entry.path) <= PATH_MAX and PATH.fullmatch(entry.path) and ".." not in entry.path.split("/")
    return bool(inside) and 0 <= entry.size <= FILE_MAX and re.fullmatch(r"[0-9a-f]{64}", entry.sha256) is not None


def number(version: str) -> tuple[int, ...]:
    """A version as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def newest(versions: Iterable[str]) -> str:
    """The highest of some versions, "" of none."""
    return max((one for one in versions if VERSION.fullmatch(one)), key=number, default="")
