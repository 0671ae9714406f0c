"""What those may do who look after the box: ciphertext into a file and back. Nothing here can read a record."""

from __future__ import annotations

import re
import tarfile

from gateway.people.answer import FAILED, OK, USAGE, Answer
from gateway.people.backup import backup, restore
from gateway.people.keeping import Keeping
from gateway.people.words import both

FOLDER = "backups"
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def backup_to(keeping: Keeping, file: str) -> Answer:
    """Write an archive into the folder `backups` of the vault."""
    if not _FILE.fullmatch(file):
        return Answer(USAGE, both("file"))
    if keeping.vault.state == "open":
        await keeping.flush()
    target = keeping.vault.folder / FOLDER / file
    target.parent.mkdir(mode=0o700, exist_ok=True)
    count = await keeping.do(backup, keeping.vault.folder, target)
    return Answer(OK, both("backed-up", count=count, file=str(target)))


async def restore_from(keeping: Keeping, file: str) -> Answer:
    """Put back what is missing."""
    if not _FILE.fullmatch(file):
        return Answer(USAGE, both("file"))
    try:
        count = await keeping.do(restore, keeping.vault, keeping.vault.folder / FOLDER / file, keeping.now_ms())
    except tarfile.TarError as error:
        return Answer(FAILED, both("failed", why=str(error)))
    await keeping.open()
    return Answer(OK, both("restored", count=count))
