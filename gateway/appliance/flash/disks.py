"""What a disk is and why it is not written to: read from the kernel, before anything is opened for writing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = "PATH,TYPE,SIZE,MODEL,SERIAL,TRAN,RM,RO,FSTYPE,MOUNTPOINTS,PARTTYPENAME"
# what a file system signature says of a disk -> code of the refusal
MEMBERS = {"LVM2_member": "lvm", "linux_raid_member": "raid", "crypto_LUKS": "luks", "zfs_member": "zfs"}
SYSTEM_MOUNTS = ("/", "/boot", "/boot/efi", "/usr", "/var")

REASONS: dict[str, tuple[str, str]] = {
    "not-a-disk": (
        "{disk} is not a whole disk but {kind}. Name the disk itself: lsblk -d",
        "{disk} 不是整盘，而是 {kind}。请指定整盘：lsblk -d",
    ),
    "system": ("{disk} carries the running system ({where}).", "{disk} 是当前系统所在盘（{where}）。"),
    "mounted": (
        "{part} is mounted on {where}. Clear it: umount {where}",
        "{part} 已挂载在 {where}。解除：umount {where}",
    ),
    "swap": ("{part} is in use as swap. Clear it: swapoff {part}", "{part} 正用作交换区。解除：swapoff {part}"),
    "lvm": (
        "{part} belongs to LVM. Clear it: vgchange -an the group, then pvremove {part}",
        "{part} 属于 LVM。解除：先 vgchange -an 卷组，再 pvremove {part}",
    ),
    "raid": (
        "{part} belongs to a RAID. Clear it: mdadm --stop the array, then mdadm --zero-superblock {part}",
        "{part} 属于 RAID。解除：先 mdadm --stop 阵列，再 mdadm --zero-superblock {part}",
    ),
    "luks": (
        "{part} is an encrypted volume (LUKS). Clear it: cryptsetup close its name, then wipefs -a {part}",
        "{part} 是加密卷（LUKS）。解除：先 cryptsetup close，再 wipefs -a {part}",
    ),
    "zfs": (
        "{part} belongs to a ZFS pool. Clear it: zpool export the pool, then zpool labelclear {part}",
        "{part} 属于 ZFS 存储池。解除：先 zpool export，再 zpool labelclear {part}",
    ),
    "held": ("{part} is held by {where}. Clear that first.", "{part} 正被 {where} 占用，请先解除。"),
    "read-only": (
        "{disk} is read-only. Clear it: the slide on the stick, or blockdev --setrw {disk}",
        "{disk} 为只读。解除：写保护开关，或 blockdev --setrw {disk}",
    ),
    "small": ("{disk} has {size} MB, the image needs {need} MB.", "{disk} 为 {size} MB，镜像需要 {need} MB。"),
    "fixed": (
        "{disk} is not removable ({bus}). If it is the disk you mean: --allow-fixed",
        "{disk} 不是可移动盘（{bus}）。确认无误时使用 --allow-fixed",
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to write."""

    code: str
    words: dict[str, object] = field(default_factory=dict)

    def text(self, lang: str) -> str:
        """The reason and the command that clears it."""
        return REASONS[self.code][lang.startswith("zh")].format(**self.words)


@dataclass(frozen=True, slots=True)
class Disk:
    """One block device as lsblk sees it, with all that lies on it."""

    path: str
    kind: str
    size: int
    model: str = ""
    serial: str = ""
    bus: str = ""
    removable: bool = False
    read_only: bool = False
    signature: str = ""
    mounts: tuple[str, ...] = ()
    below: tuple[Disk, ...] = ()

    def all(self) -> Iterator[Disk]:
        """The disk, its partitions, and what is built on them."""
        yield self
        for one in self.below:
            yield from one.all()


def look(path: Path) -> Disk:
    """The disk at `path`. Raises OSError where there is none, CalledProcessError where lsblk does not know it."""
    os.stat(path)
    command = ["lsblk", "--json", "--bytes", "--output", COLUMNS, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return parsed(json.loads(said)["blockdevices"][0])


def parsed(row: dict[str, Any]) -> Disk:
    """A row of `lsblk --json` with its children."""
    mounts = tuple(one for one in row.get("mountpoints") or () if one)
    return Disk(
        path=row["path"],
        kind=row["type"],
        size=int(row["size"]),
        model=(row.get("model") or "").strip(),
        serial=(row.get("serial") or "").strip(),
        bus=row.get("tran") or "",
        removable=bool(row.get("rm")),
        read_only=bool(row.get("ro")),
        signature=row.get("fstype") or "",
        mounts=mounts,
        below=tuple(parsed(one) for one in row.get("children") or ()),
    )


def refusals(disk: Disk, need: int, *, allow_fixed: bool = False) -> Iterator[Refusal]:
    """Every reason not to write `need` bytes onto `disk`, the gravest first; nothing where it may be written."""
    if disk.kind not in ("disk", "loop"):
        yield Refusal("not-a-disk", {"disk": disk.path, "kind": disk.kind})
        return
    system = [mount for one in disk.all() for mount in one.mounts if mount in SYSTEM_MOUNTS]
    if system:
        yield Refusal("system", {"disk": disk.path, "where": ", ".join(system)})
    for one in disk.all():
        yield from _in_use(one)
    if disk.read_only:
        yield Refusal("read-only", {"disk": disk.path})
    if disk.size < need:
        yield Refusal("small", {"disk": disk.path, "size": disk.size // 10**6, "need": -(-need // 10**6)})
    if not disk.removable and disk.bus != "usb" and not allow_fixed:
        yield Refusal("fixed", {"disk": disk.path, "bus": disk.bus or disk.kind})


def _in_use(one: Disk) -> Iterator[Refusal]:
    if "[SWAP]" in one.mounts:
        yield Refusal("swap", {"part": one.path})
    for where in (mount for mount in one.mounts if mount != "[SWAP]"):
        yield Refusal("mounted", {"part": one.path, "where": where})
    if one.signature in MEMBERS:
        yield Refusal(MEMBERS[one.signature], {"part": one.path})
    for holder in one.below:
        if holder.kind not in ("part", "disk", "loop"):
            yield Refusal("held", {"part": one.path, "where": holder.path})
