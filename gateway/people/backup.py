"""Backups of a vault: one archive of ciphertext. The key-encryption key is not in it, so it opens only on this box, and only
while no worker was erased since: an erasure makes a new key-encryption key, and what older backups hold of others is taken
block by block under the keyring that is here now.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from gateway.people.keyring import FILE as KEYRING
from gateway.people.segments import HOUR_MS
from gateway.people.vault import DOSSIERS, Vault

TIERS = ("raw", "event")


def backup(folder: Path, archive: Path) -> int:
    """Write everything of the vault in `folder` into a new `archive`; gives the number of files. Raises OSError.

    A file that exists is never written over: the name comes from a person, and the journal is a file too.
    """
    names = [KEYRING, "trail.jsonl"]
    names += [f"{part}/{path.name}" for part in (*TIERS, DOSSIERS) for path in sorted((folder / part).glob("*"))]
    present = [name for name in names if (folder / name).is_file()]
    handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name in present:
            tar.add(folder / name, name, recursive=False)
    return len(present)


def restore(vault: Vault, archive: Path, now_ms: int) -> int:
    """Put back the hours and dossiers that are missing here and still kept; gives how many files. Raises OSError, tarfile.TarError.

    A keyring that is here stays: the one in the archive may know workers who were erased since. One that is missing is put
    back, and opens only if the key store still has its key.
    """
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            data = tar.extractfile(member) if member.isfile() else None
            target = vault.folder / member.name
            if data is None or target.exists() or not _wanted(vault, member.name, now_ms):
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(data.read())
            target.chmod(0o600)
            count += 1
    vault.open()
    return count


def _wanted(vault: Vault, name: str, now_ms: int) -> bool:
    folder, _, file = name.rpartition("/")
    if folder in TIERS and file.endswith(".seg") and file[:-4].isdigit():
        hours = vault.tiers["raw" if folder == "raw" else "event"].hours
        return (int(file[:-4]) + hours) * HOUR_MS > now_ms
    if folder == DOSSIERS:
        return vault.state != "open" or file in vault.numbers()
    return name in (KEYRING, "trail.jsonl")
