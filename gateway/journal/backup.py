"""Backup of a running journal into a folder, and restore of such a folder: both end with every hash and link checked."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import file_digest
from pathlib import Path

import msgspec

from gateway.journal import anchor, chain, files, segments
from gateway.journal.chain import Head
from gateway.journal.files import FILE
from gateway.journal.store import BASE_BITS
from gateway.journal.verify import Verdict, integrity, verify

MANIFEST = "manifest.json"


class BackupError(Exception):
    """The backup cannot be made or used; `code` is exists, none, changed, unsound or in-use, `what` names the file."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code, self.what = code, what


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds: SHA-256 by file name, the head of the chain, the boot it was made in."""

    form: int
    head: str
    boot: int
    rows: int
    files: dict[str, str]


def backup(directory: Path, target: Path) -> Manifest:
    """Copy the journal of `directory`, running or not, to the new folder `target`. Raises BackupError, sqlite3.Error, OSError."""
    if target.exists():
        raise BackupError("exists", str(target))
    if not (directory / FILE).exists():
        raise BackupError("none", str(directory / FILE))
    making = target.with_name(target.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    with segments.reading(directory / FILE) as source, closing(sqlite3.connect(making / FILE)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        boot = int(copy.execute("SELECT boot FROM boot").fetchone()[0])
        live = chain.start(copy)
    for segment in segments.list_segments(directory):
        if segment.first <= live.seq:
            shutil.copyfile(segment.path, making / segment.path.name)
    verdict = _sound(making)
    sums = {path.name: _sum(path) for path in sorted(making.iterdir())}
    manifest = Manifest(form=1, head=str(verdict.head), boot=boot, rows=verdict.rows, files=sums)
    (making / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    for path in making.iterdir():
        segments.sync(path)
    segments.sync(making)
    making.rename(target)
    segments.sync(target.parent)
    return manifest


def restore(source: Path, directory: Path) -> Manifest:
    """Put the backup `source` in the place of the journal of `directory`, whose files are set aside; no gateway may run.

    Numbers go on above all that the boots so far can have given, so no number names two events. Raises BackupError,
    sqlite3.Error, OSError.
    """
    manifest = _checked(source)
    directory.mkdir(parents=True, exist_ok=True)
    boot = max(files.read_boot(directory), manifest.boot)
    making = directory / files.MAKING
    shutil.copyfile(source / FILE, making)
    with closing(sqlite3.connect(making)) as db:
        db.execute("UPDATE boot SET boot = ?, base = ?", (boot, boot << BASE_BITS))
        db.commit()
    segments.sync(making)
    if (directory / FILE).exists():
        files.set_aside(directory / FILE, "replaced")
    for segment in segments.list_segments(directory):
        files.set_aside(segment.path, "replaced")
    for name in manifest.files:
        if name != FILE:
            shutil.copyfile(source / name, directory / name)
            segments.sync(directory / name)
    making.replace(directory / FILE)
    anchor.write(directory, Head.parse(manifest.head))
    return manifest


def _checked(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise BackupError("none", str(source / MANIFEST)) from error
    except msgspec.DecodeError as error:
        raise BackupError("changed", f"{MANIFEST}: {error}") from error
    if manifest.files.keys() != {path.name for path in source.iterdir()} - {MANIFEST}:
        raise BackupError("changed", str(source))
    for name, known in manifest.files.items():
        if _sum(source / name) != known:
            raise BackupError("changed", name)
    if str(_sound(source).head) != manifest.head:
        raise BackupError("changed", FILE)
    return manifest


def _sound(directory: Path) -> Verdict:
    wrong = integrity(directory)
    if wrong:
        raise BackupError("unsound", wrong)
    verdict = verify(directory)
    if not verdict.ok:
        found = verdict.found[0]
        raise BackupError("unsound", f"{found.what} {found.seq} {found.text}".strip())
    return verdict


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
