"""What the campaign of an image is made of: a SITE as Windows writes it, the image, three systems, and a stick with everything."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.appliance.making import image, system
from gateway.appliance.making.disk import MB

RESULT = "mount -o ro /dev/disk/by-partlabel/SITE /mnt && cat /mnt/RESULT.txt; ls /mnt; umount /mnt"
ROOT_MB, DATA_MB = 1000, 1200
ROOT_AT_MB = 97  # after the label, ESP and SITE
BOX = """[box]
id = "gw-image-01"
time = []
language = "zh-CN"

[user.chenjing]
role = "maintainer"
key = "{key} chenjing"
"""
SITE = """[gateway]
id = "to-be-named"
site = "my-plant"
area = "training"
language = "zh-CN"

[storage]
directory = "/var/lib/gatehouse"

[control]
directory = "/run/gatehouse"

[page]
listen = "127.0.0.1:8080"

[source.simulated]
driver = "simulated"
period_ms = 500
"""
TAGS = """tag,source,address,type,unit,low,high,zh,en
tank1.level,simulated,sine?mean=50&amplitude=40&period_s=60,,cm,0,300,1号槽液位（仿真）,Tank 1 level (simulated)
pump7.running,simulated,square?period_s=20,bool,,,,7号泵运行（仿真）,Pump 7 running (simulated)
"""
SHELL = """[Unit]
Description=Campaign, root shell on the second serial line
DefaultDependencies=no
[Service]
Environment=TERM=dumb PS1=
ExecStart=/bin/sh
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Restart=always
"""
# an emulated processor is twenty times slower than a box: what waits for it waits longer
SLOW = """[Service]
WatchdogSec=120
TimeoutStartSec=900
"""
USERS = """# 人员
[user.chenjing]
name = "陈静"
roles = ["maintainer"]
"""


@dataclass(frozen=True, slots=True)
class Made:
    """The disks of the machine; `key` where the maintainer's SSH key was made before."""

    image: Path
    stick: Path
    key: Path | None = None


def given(options: argparse.Namespace) -> Made:
    """An image and a stick of a run before."""
    return Made(Path(options.image), Path(options.stick), Path(options.key))


def ssh_key(folder: Path) -> Path:
    """The maintainer's key."""
    key = folder / "maintainer"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "chenjing", "-f", str(key)], check=True)
    return key


def windows_site(folder: Path, key: Path) -> Path:
    """SITE as Notepad and Excel leave it: byte-order mark, CRLF, GBK, and files of their own lying about."""
    site = folder / "SITE"
    (site / "site").mkdir(parents=True)
    (site / "System Volume Information").mkdir()
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    contents = (
        ("box.toml", BOX.format(key=public), "utf-8-sig"),
        ("site/site.toml", SITE, "utf-8-sig"),
        ("site/tags.csv", TAGS, "gbk"),
        ("site/users.toml", USERS, "gbk"),
        ("site/~$tags.csv", "lock of a spreadsheet", "ascii"),
        ("System Volume Information/WPSettings.dat", "0", "ascii"),
    )
    for name, text, encoding in contents:
        (site / name).write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return site


def made(folder: Path, options: argparse.Namespace, ssh: Path) -> Made:
    """Image, systems and stick. Raises CalledProcessError, OSError."""
    key, disk, stick = folder / "system.pem", folder / "gatehouse.img", folder / "sticks"
    system.make_pair(key)
    stick.mkdir()
    words = [
        "--bundle", options.bundle, "--trust", options.trust, "--out", str(disk), "--base", options.base, "--kernel", options.kernel,
        "--site", str(windows_site(folder, ssh)), "--scratch", str(folder), "--system-version", "0.1.0",
        "--system-key", str(key), "--root-mb", str(ROOT_MB), "--data-mb", str(DATA_MB),
    ]  # fmt: skip
    if image.main(words):
        raise SystemExit("the image was not made")
    prepared(folder, Path(f"{disk}?offset={ROOT_AT_MB * MB}"))
    systems(folder, disk, key, stick)
    shutil.copy(options.good, stick / "good.ghb")
    shutil.copy(options.bad, stick / "bad.ghb")
    flipped(stick / "good.ghb", stick / "tampered.ghb", 0.6)
    size = sum(path.stat().st_size for path in stick.iterdir()) // MB + 64
    filled = folder / "stick.img"
    with filled.open("wb") as file:
        file.truncate(size * MB)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(stick), str(filled)], check=True)
    return Made(disk, filled)


def prepared(folder: Path, root: Path) -> None:
    """A root shell and patience, in the file system of the image."""
    units = "/etc/systemd/system"
    for name, text in (("campaign.service", SHELL), ("gatehouse.service.d/slow.conf", SLOW)):
        held = folder / "unit"
        held.write_text(text)
        if "/" in name:
            in_root(root, f"mkdir {units}/{Path(name).parent}")
        in_root(root, f"write {held} {units}/{name}")
    in_root(root, f"symlink {units}/sysinit.target.wants/campaign.service {units}/campaign.service")


def systems(folder: Path, disk: Path, key: Path, stick: Path) -> None:
    """A good system, one without Python, one whose kernel is cut off, and two that somebody changed."""
    root = folder / "root.ext4"
    copied = [
        "dd",
        f"if={disk}",
        f"of={root}",
        "bs=1M",
        f"skip={ROOT_AT_MB}",
        f"count={ROOT_MB}",
        "conv=sparse",
        "status=none",
    ]
    subprocess.run(copied, check=True)
    kernel = in_root(root, "stat /vmlinuz").partition('Fast link dest: "')[2].partition('"')[0]
    for name, version, change in (
        ("good", "0.1.1", ()),
        ("no-python", "0.1.2", ("rm /usr/bin/python3.11",)),
        ("no-kernel", "0.1.3", (f"set_inode_field /{kernel} size 4096",)),
    ):
        changed = folder / "changed.ext4"
        subprocess.run(["cp", "--sparse=always", str(root), str(changed)], check=True)
        write(changed, folder, version)
        for command in change:
            in_root(changed, command)
        system.bundle(changed, stick / f"{name}.raucb", key, version, folder)
    flipped(stick / "good.raucb", stick / "tampered-data.raucb", 0.5)
    flipped(stick / "good.raucb", stick / "tampered-signature.raucb", -200)


def write(root: Path, folder: Path, version: str) -> None:
    """The version that a system says of itself."""
    held = folder / "version"
    held.write_text(f"{version}\n")
    in_root(root, "rm /usr/lib/gatehouse/system-version")
    in_root(root, f"write {held} /usr/lib/gatehouse/system-version")


def in_root(root: Path, command: str) -> str:
    """One command of debugfs in a file system that is not mounted."""
    tool = shutil.which("debugfs", path="/usr/sbin:/sbin:/usr/bin") or sys.exit("debugfs is missing (e2fsprogs)")
    return subprocess.run([tool, "-w", "-R", command, str(root)], capture_output=True, text=True, check=True).stdout


def flipped(source: Path, target: Path, where: float) -> None:
    """A copy with one changed bit: at a share of its length, or so many bytes before its end."""
    data = bytearray(source.read_bytes())
    data[int(where * len(data)) if 0 < where < 1 else int(where)] ^= 0x10
    target.write_bytes(data)
