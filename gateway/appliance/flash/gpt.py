"""The partition table of a disk that is larger than its image: the backup moves to the end, and partitions are found by name."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

SECTOR = 512
_HEAD = struct.Struct("<8sIIIIQQQQ16sQIII")
MAGIC = b"EFI PART"


@dataclass(frozen=True, slots=True)
class Partition:
    """One entry: its name, where it begins, and its size in bytes."""

    name: str
    offset: int
    size: int


def partitions(file: BinaryIO) -> list[Partition]:
    """The entries of the primary table, [] where there is none."""
    file.seek(SECTOR)
    head = file.read(SECTOR)
    if head[:8] != MAGIC:
        return []
    *_, entries_at, count, size, _sum = _HEAD.unpack_from(head)
    file.seek(entries_at * SECTOR)
    table = file.read(count * size)
    found = []
    for at in range(0, len(table), size):
        first, last = struct.unpack_from("<QQ", table, at + 32)
        if any(table[at : at + 16]):
            name = table[at + 56 : at + 128].decode("utf-16-le").partition("\0")[0]
            found.append(Partition(name, first * SECTOR, (last - first + 1) * SECTOR))
    return found


def stretch(file: BinaryIO, disk_bytes: int) -> bool:
    """Move the backup table to the end of the disk and say so in both; False where there is no table."""
    file.seek(SECTOR)
    head = file.read(SECTOR)
    if head[:8] != MAGIC:
        return False
    magic, revision, length, _, _, own, _, first, _, guid, entries_at, count, size, entries_sum = _HEAD.unpack_from(
        head
    )
    file.seek(entries_at * SECTOR)
    table = file.read(-(-count * size // SECTOR) * SECTOR)
    last = disk_bytes // SECTOR - 1
    behind = last - len(table) // SECTOR
    for mine, other, at in ((last, own, behind), (own, last, entries_at)):
        fields = (magic, revision, length, 0, 0, mine, other, first, behind - 1, guid, at, count, size, entries_sum)
        plain = _HEAD.pack(*fields).ljust(length, b"\0")
        summed = zlib.crc32(plain[:length])
        made = plain[:16] + struct.pack("<I", summed) + plain[20:]
        if mine == last:
            file.seek(at * SECTOR)
            file.write(table)
        file.seek(mine * SECTOR)
        file.write(made.ljust(SECTOR, b"\0"))
    return True
