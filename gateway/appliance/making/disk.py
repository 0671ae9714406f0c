"""Partitions and the disk made of them, by programs that work on plain files: no loop device, nothing mounted.

The ESP holds GRUB, its two entries and its environment: which root comes first, which one is good, how often each was tried.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20
ESP_FOLDER = "EFI/BOOT"
ENVIRONMENT = "grubenv"  # read and written by GRUB and by RAUC (grub-editenv)
MODULES = (
    "part_gpt", "fat", "ext2", "normal", "linux", "search", "search_label", "echo", "test", "serial", "loadenv", "regexp",
    "reboot", "sleep",
)  # fmt: skip
# The roots are the third and fourth partition of the disk that this ESP lies on. A root is tried twice: whoever has brought it up
# sets its count back (rauc status mark-good). Where none is left the first of the order is tried again: a box never stands still.
GRUB = """\
set ORDER="A B"
set A_OK=1
set B_OK=0
set A_TRY=0
set B_TRY=0
load_env
regexp --set=1:disk '([^,]+)' "$root"
set chosen=""
for name in $ORDER; do
  if [ -z "$chosen" ]; then
    if [ "$name" = A ]; then set good="$A_OK"; set tries="$A_TRY"; else set good="$B_OK"; set tries="$B_TRY"; fi
    if [ "$good" = 1 -a "$tries" != 2 ]; then set chosen="$name"; fi
  fi
done
if [ -z "$chosen" ]; then
  for name in $ORDER; do if [ -z "$chosen" ]; then set chosen="$name"; fi; done
  set A_TRY=0
  set B_TRY=0
fi
if [ "$chosen" = A ]; then
  set number=3
  if [ "$A_TRY" = 0 ]; then set A_TRY=1; else set A_TRY=2; fi
else
  set number=4
  if [ "$B_TRY" = 0 ]; then set B_TRY=1; else set B_TRY=2; fi
fi
save_env A_OK B_OK A_TRY B_TRY ORDER
echo "root $chosen, tried A $A_TRY B $B_TRY"
set root="$disk,gpt$number"
if linux /vmlinuz root=PARTLABEL=root$chosen rauc.slot=$chosen rw panic=10 console=tty0 console=ttyS0,115200 MORE; then
  if initrd /initrd.img; then boot; fi
fi
echo "root $chosen does not start"
sleep 3
reboot
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of the image."""

    name: str
    mb: int
    kind: str  # type of GPT as sfdisk calls it
    source: Path


def esp(scratch: Path, target: Path, more: str) -> None:
    """An ESP with GRUB for EFI; `more` ends the kernel's command line. Raises CalledProcessError, OSError."""
    fat(target, 64, "ESP")
    early, config, environment = scratch / "early.cfg", scratch / "grub.cfg", scratch / ENVIRONMENT
    early.write_text(f"search --no-floppy --label ESP --set=root\nset prefix=($root)/{ESP_FOLDER}\nnormal\n")
    config.write_text(GRUB.replace("MORE", more))
    kept = ("ORDER=A B", "A_OK=1", "B_OK=0", "A_TRY=0", "B_TRY=0")
    subprocess.run(["grub-editenv", str(environment), "create"], check=True)
    subprocess.run(["grub-editenv", str(environment), "set", *kept], check=True)
    loader = scratch / "BOOTX64.EFI"
    command = [
        "grub-mkimage",
        "-O",
        "x86_64-efi",
        "-c",
        str(early),
        "-p",
        f"/{ESP_FOLDER}",
        "-o",
        str(loader),
        *MODULES,
    ]
    subprocess.run(command, check=True)
    subprocess.run(["mmd", "-i", str(target), "::/EFI", f"::/{ESP_FOLDER}"], check=True)
    mcopy(target, str(loader), str(config), str(environment), to=f"::/{ESP_FOLDER}/")


def fat(target: Path, mb: int, label: str) -> None:
    """An empty FAT volume. Raises CalledProcessError, OSError."""
    with target.open("wb") as file:
        file.truncate(mb * MB)
    subprocess.run(["mkfs.vfat", "-F", "16", "-n", label, str(target)], check=True, capture_output=True)


def mcopy(volume: Path, *names: str, to: str) -> None:
    """Copy files and folders into a FAT volume. Raises CalledProcessError."""
    subprocess.run(
        ["mcopy", "-s", "-o", "-i", str(volume), *names, to], check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    )


def ext4(scratch: Path, label: str, mb: int, tree: Path | None) -> Path:
    """A file system with the contents of `tree`; what cannot be written any more makes it read-only."""
    target = scratch / f"{label}.img"
    with target.open("wb") as file:
        file.truncate(mb * MB)
    filled = ["-d", str(tree)] if tree is not None else []
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-e", "remount-ro", "-L", label, *filled, str(target)], check=True)
    return target


def assemble(target: Path, parts: list[Part]) -> None:
    """One disk with a GPT; what is empty in a partition stays a hole. Raises CalledProcessError, OSError."""
    at, lines = 1, ["label: gpt"]
    for part in parts:
        lines.append(f"start={at}MiB, size={part.mb}MiB, type={part.kind}, name={part.name}")
        at += part.mb
    with target.open("wb") as file:
        file.truncate((at + 1) * MB)
    subprocess.run(["sfdisk", "-q", str(target)], input="\n".join(lines) + "\n", text=True, check=True)
    at = 1
    for part in parts:
        copied = [
            "dd",
            f"if={part.source}",
            f"of={target}",
            "bs=1M",
            f"seek={at}",
            "conv=notrunc,sparse",
            "status=none",
        ]
        subprocess.run(copied, check=True)
        at += part.mb
