"""`scripts/image`: a Debian 12 image for x86-64 with the product in it: ESP, SITE, rootA, rootB, data. No loop or vfat mounts.

The product lies on `data`, outside both roots, so its slots outlive a change of the system. rootB is empty: bundles for the
system itself (RAUC) are not made yet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.appliance.flash import image as maps
from gateway.appliance.system import LINKS
from gateway.appliance.trust import load_private

MB = 1 << 20
PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "python3.11", "libstdc++6", "openssh-server", "chrony", "nftables",
    "linux-image-cloud-amd64", "ca-certificates",
)  # fmt: skip
SHARED = ("opt/gatehouse", "etc/gatehouse", "var/lib/gatehouse")  # on data, the same for both roots
UNITS = (
    "gatehouse.service",
    "gatehouse-trial.service",
    "gatehouse-site.service",
    "systemd-networkd.service",
    "nftables.service",
)
MODULES = ("part_gpt", "fat", "ext2", "normal", "linux", "search", "search_label", "echo", "test", "serial")
GRUB = """\
set timeout=1
search --no-floppy --label rootA --set=root
linux /vmlinuz root=PARTLABEL=rootA rw console=tty0 console=ttyS0,115200 {more}
initrd /initrd.img
boot
"""
# each box makes its own host keys at its first start
SSH_KEYS = """\
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
"""
FSTAB = """\
PARTLABEL=rootA / ext4 errors=remount-ro 0 1
PARTLABEL=data /data ext4 nosuid,nodev 0 2
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of the image."""

    name: str
    mb: int
    kind: str  # type of GPT as sfdisk calls it
    source: Path


def main(words: list[str]) -> int:
    """The command line of `scripts/image`. Needs root, mmdebstrap, sfdisk, mke2fs, mtools and GRUB for EFI."""
    options = _options(words)
    missing = [
        name for name in ("mmdebstrap", "sfdisk", "mke2fs", "mkfs.vfat", "mcopy", "grub-mkimage") if not _there(name)
    ]
    if missing:
        print(
            f"missing: {', '.join(missing)} (apt-get install mmdebstrap fdisk e2fsprogs dosfstools mtools grub-efi-amd64-bin)",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        scratch = Path(name)
        root = scratch / "root"
        if options.base:
            subprocess.run(["cp", "-a", options.base, str(root)], check=True)
        else:
            system(root)
        product(root, Path(options.bundle), Path(options.trust))
        parts = _parts(scratch, root, options)
        target = Path(options.out)
        assemble(target, parts)
    if options.key:
        found = maps.make(target, load_private(Path(options.key)))
        print(f"{found.mapped / 1e6:.0f} MB of {found.size / 1e6:.0f} MB hold something, in {len(found.ranges)} ranges")
    print(target)
    return 0


def system(root: Path) -> None:
    """A Debian 12 with what a box needs and nothing else. Raises CalledProcessError."""
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        "bookworm",
        str(root),
    ]
    subprocess.run(command, check=True)


def product(root: Path, bundle: Path, trust: Path) -> None:
    """Install the bundle by the same steps as on a box, and switch its units on. Raises CalledProcessError, OSError."""
    folder = root / "etc/gatehouse/trust"
    folder.mkdir(parents=True, exist_ok=True)
    for key in trust.glob("*.pem"):
        shutil.copy(key, folder / key.name)
    command = [sys.executable, "-m", "gateway.cli.main", "update", "install", str(bundle), "--root", str(root)]
    subprocess.run([*command, "--control", str(root / "run/gatehouse")], check=True)
    files = root / "opt/gatehouse/current/system"
    _copied(root, files)
    for name, where in (
        ("gatehouse.nft", "etc/nftables.conf"),
        ("gatehouse.sshd", "etc/ssh/sshd_config.d/50-gatehouse.conf"),
        ("ssh/sshd_gatehouse.conf", "etc/ssh/sshd_config.d/gatehouse.conf"),
        ("gatehouse.chrony", "etc/chrony/conf.d/gatehouse.conf"),
    ):
        (root / where).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files / name, root / where)
    for name in UNITS:
        _enable(root, name)
    subprocess.run(["systemd-sysusers", f"--root={root}", str(files / "gatehouse.sysusers")], check=True)
    (root / "etc/fstab").write_text(
        FSTAB + "".join(f"/data/{one} /{one} none bind 0 0\n" for one in SHARED), encoding="utf-8"
    )
    (root / "etc/machine-id").write_text("uninitialized\n")
    (root / "etc/hostname").write_text("gatehouse\n")  # mmdebstrap took over those of the maker's machine
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for path in root.glob("etc/ssh/ssh_host_*"):
        path.unlink()


def _copied(root: Path, files: Path) -> None:
    """Units and rules as files of their own: links into a partition that is mounted later are not there when systemd looks."""
    for name, where in LINKS.items():
        if (root / where).is_symlink():
            (root / where).unlink()
            shutil.copy(files / name, root / where)
    keys = root / "etc/systemd/system/ssh.service.d/keys.conf"
    keys.parent.mkdir(parents=True, exist_ok=True)
    keys.write_text(SSH_KEYS)


def _enable(root: Path, name: str) -> None:
    """As `systemctl enable`, without asking where the links of the product lead."""
    wanted = "sysinit.target" if name == "gatehouse-site.service" else "multi-user.target"
    folder = root / "etc/systemd/system" / f"{wanted}.wants"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / name
    link.unlink(missing_ok=True)
    own = (root / "etc/systemd/system" / name).exists()
    link.symlink_to(f"{'/etc' if own else '/lib'}/systemd/system/{name}")


def _parts(scratch: Path, root: Path, options: argparse.Namespace) -> list[Part]:
    data = scratch / "data"
    for name in SHARED:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        if (root / name).exists():
            (root / name).rename(data / name)
        (data / name).mkdir(exist_ok=True)
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "data").mkdir(exist_ok=True)
    esp, site = scratch / "esp.img", scratch / "site.img"
    _esp(scratch, esp, options.append)
    _fat(site, 32, "SITE")
    if options.site:
        _mcopy(site, *sorted(str(path) for path in Path(options.site).iterdir()), to="::/")
    return [
        Part("ESP", 64, "uefi", esp),
        Part("SITE", 32, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", site),
        Part("rootA", options.root_mb, "linux", _ext4(scratch, "rootA", options.root_mb, root)),
        Part("rootB", options.root_mb, "linux", _ext4(scratch, "rootB", options.root_mb, None)),
        Part("data", options.data_mb, "linux", _ext4(scratch, "data", options.data_mb, data)),
    ]


def _esp(scratch: Path, target: Path, more: str) -> None:
    """An ESP whose GRUB finds rootA by its label."""
    _fat(target, 64, "ESP")
    early, config = scratch / "early.cfg", scratch / "grub.cfg"
    early.write_text("search --no-floppy --label ESP --set=root\nset prefix=($root)/EFI/BOOT\nnormal\n")
    config.write_text(GRUB.format(more=more))
    loader = scratch / "BOOTX64.EFI"
    command = ["grub-mkimage", "-O", "x86_64-efi", "-c", str(early), "-p", "/EFI/BOOT", "-o", str(loader), *MODULES]
    subprocess.run(command, check=True)
    subprocess.run(["mmd", "-i", str(target), "::/EFI", "::/EFI/BOOT"], check=True)
    _mcopy(target, str(loader), str(config), to="::/EFI/BOOT/")


def _fat(target: Path, mb: int, label: str) -> None:
    with target.open("wb") as file:
        file.truncate(mb * MB)
    subprocess.run(["mkfs.vfat", "-F", "16", "-n", label, str(target)], check=True, capture_output=True)


def _mcopy(volume: Path, *names: str, to: str) -> None:
    subprocess.run(
        ["mcopy", "-s", "-o", "-i", str(volume), *names, to], check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    )


def _ext4(scratch: Path, label: str, mb: int, tree: Path | None) -> Path:
    target = scratch / f"{label}.img"
    with target.open("wb") as file:
        file.truncate(mb * MB)
    filled = ["-d", str(tree)] if tree is not None else []
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", label, *filled, str(target)], check=True)
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
        command = [
            "dd",
            f"if={part.source}",
            f"of={target}",
            "bs=1M",
            f"seek={at}",
            "conv=notrunc,sparse",
            "status=none",
        ]
        subprocess.run(command, check=True)
        at += part.mb


def _there(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/image", description="Make a Debian 12 image (x86-64) with the product in it."
    )
    parser.add_argument("--bundle", required=True, help="the bundle that is installed")
    parser.add_argument("--trust", required=True, help="folder with the release key (PEM)")
    parser.add_argument("--out", required=True, help="the image")
    parser.add_argument("--key", default="", help="signing key, for the map that scripts/flash verifies")
    parser.add_argument("--site", default="", help="folder that goes onto SITE")
    parser.add_argument("--base", default="", help="a Debian that mmdebstrap made before")
    parser.add_argument("--root-mb", type=int, default=900)
    parser.add_argument("--data-mb", type=int, default=1024)
    parser.add_argument("--append", default="", help="more for the kernel's command line")
    parser.add_argument("--scratch", help="folder for what is made on the way")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
