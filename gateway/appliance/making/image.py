"""`scripts/image`: a Debian 12 image for x86-64 with the product in it: ESP, SITE, rootA, rootB, data. No loop or vfat mounts.

The product lies on `data`, outside both roots, so its slots outlive a change of the system. rootB is empty until the first system
bundle is installed (RAUC; `--system` makes one of the same root).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.appliance.flash import image as maps
from gateway.appliance.making import disk
from gateway.appliance.making import system as systems
from gateway.appliance.making.disk import Part
from gateway.appliance.place import Place
from gateway.appliance.roots import CONFIG, VERSION_FILE
from gateway.appliance.system import LINKS
from gateway.appliance.trust import load_private
from gateway.appliance.unpack import read_mark

PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "python3.11", "libstdc++6", "openssh-server", "chrony", "nftables",
    "ca-certificates", "initramfs-tools", "rauc", "rauc-service", "grub-common", "e2fsprogs", "dosfstools",
)  # fmt: skip
KERNEL = "linux-image-amd64"  # for real boxes; the one for clouds knows hardly any network card or disk
SHARED = ("opt/gatehouse", "etc/gatehouse", "var/lib/gatehouse", "var/log/journal")  # on data, the same for both roots
UNITS = (
    "gatehouse.service",
    "gatehouse-trial.service",
    "gatehouse-site.service",
    "systemd-networkd.service",
    "nftables.service",
)
TOOLS = ("mmdebstrap", "sfdisk", "mke2fs", "mkfs.vfat", "mcopy", "grub-mkimage", "grub-editenv")
# each box makes its own host key at its first start, on `data`: it stays the same when the other root boots
SSH_KEY = "/etc/gatehouse/ssh/ssh_host_ed25519_key"
SSH_UNIT = f"""\
[Unit]
RequiresMountsFor=/etc/gatehouse
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'mkdir -p -m 0755 {Path(SSH_KEY).parent} && {{ test -s {SSH_KEY} || ssh-keygen -q -t ed25519 -N "" -f {SSH_KEY}; }}'
ExecStartPre=/usr/sbin/sshd -t
"""
# nobody sits in front of a box: a root that gets no further boots again, and is given up after two tries
EMERGENCY = """\
[Service]
ExecStartPre=
ExecStart=
ExecStart=/bin/sh -c 'echo "gatehouse: this root does not come up, booting again in 30 s"; sleep 30; systemctl --force reboot'
"""
FSTAB = """\
PARTLABEL=ESP /efi vfat umask=0077,nosuid,nodev,noexec,sync,x-systemd.device-timeout=300s 0 2
PARTLABEL=data /data ext4 nosuid,nodev,x-systemd.device-timeout=300s 0 2
"""


def main(words: list[str]) -> int:
    """The command line of `scripts/image`. Needs root, mmdebstrap, sfdisk, mke2fs, mtools and GRUB for EFI."""
    options = _options(words)
    if options.make_system_key:
        print(f"{options.make_system_key} (keep it off every box), {systems.make_pair(Path(options.make_system_key))}")
        return 0
    if options.system and not options.system_key:
        print("--system needs --system-key (scripts/image --make-system-key FILE makes one)", file=sys.stderr)
        return 1
    missing = [name for name in (*TOOLS, *(("rauc", "mksquashfs") if options.system else ())) if not _there(name)]
    if missing:
        known = "mmdebstrap fdisk e2fsprogs dosfstools mtools grub-efi-amd64-bin grub-common rauc squashfs-tools"
        print(f"missing: {', '.join(missing)} (apt-get install {known})", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        scratch = Path(name)
        root = scratch / "root"
        system(root, options.base, options.kernel)
        product(root, Path(options.bundle), Path(options.trust))
        version = options.system_version or _version(root)
        roots(root, version, Path(options.system_key) if options.system_key else None)
        parts = _parts(scratch, root, options)
        target = Path(options.out)
        disk.assemble(target, parts)
        if options.system:
            systems.bundle(parts[2].source, Path(options.system), Path(options.system_key), version, scratch)
            print(f"{options.system}  system {version}  {Path(options.system).stat().st_size / 1e6:.0f} MB")
    if options.key:
        found = maps.make(target, load_private(Path(options.key)))
        print(f"{found.mapped / 1e6:.0f} MB of {found.size / 1e6:.0f} MB hold something, in {len(found.ranges)} ranges")
    print(target)
    return 0


def system(root: Path, base: str, kernel: str) -> None:
    """A Debian 12 with what a box needs and nothing else; `base` is a tar of one made before. Raises CalledProcessError."""
    if base:
        root.mkdir()
        subprocess.run(["tar", "--numeric-owner", "--xattrs", "-xpf", base, "-C", str(root)], check=True)
        return
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join((*PACKAGES, kernel))}",
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
    # made at the first start; "uninitialized" would ask a person at the console
    (root / "etc/machine-id").write_text("")
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
    for name, text in (("ssh", SSH_UNIT), ("emergency", EMERGENCY)):
        more = root / f"etc/systemd/system/{name}.service.d/gatehouse.conf"
        more.parent.mkdir(parents=True, exist_ok=True)
        more.write_text(text)
    (root / "etc/ssh/sshd_config.d/10-host-key.conf").write_text(f"HostKey {SSH_KEY}\n")


def roots(root: Path, version: str, key: Path | None) -> None:
    """What lets RAUC change the idle root: its settings, the certificate it trusts, and the version of this system."""
    files = root / "opt/gatehouse/current/system"
    for path, source in ((CONFIG, "rauc.conf"), (VERSION_FILE.with_name("rauc-read"), "rauc-read")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files / source, root / path)
    (root / VERSION_FILE.with_name("rauc-read")).chmod(0o755)
    (root / VERSION_FILE).write_text(f"{version}\n")
    (root / "efi").mkdir(exist_ok=True)
    if key is not None:
        shutil.copy(key.with_suffix(".crt.pem"), root / CONFIG.with_name("keyring.pem"))


def _version(root: Path) -> str:
    """That of the product which the image is made with."""
    place = Place(root)
    running = place.running()
    mark = read_mark(place, running) if running else None
    return mark.version if mark else ""


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
    disk.esp(scratch, esp, options.append)
    disk.fat(site, 32, "SITE")
    if options.site:
        disk.mcopy(site, *sorted(str(path) for path in Path(options.site).iterdir()), to="::/")
    return [
        Part("ESP", 64, "uefi", esp),
        Part("SITE", 32, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", site),
        Part("rootA", options.root_mb, "linux", disk.ext4(scratch, "rootA", options.root_mb, root)),
        Part("rootB", options.root_mb, "linux", disk.ext4(scratch, "rootB", options.root_mb, None)),
        Part("data", options.data_mb, "linux", disk.ext4(scratch, "data", options.data_mb, data)),
    ]


def _there(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/image", description="Make a Debian 12 image (x86-64) with the product in it."
    )
    parser.add_argument("--bundle", help="the bundle that is installed")
    parser.add_argument("--trust", help="folder with the release key (PEM)")
    parser.add_argument("--out", help="the image")
    parser.add_argument("--key", default="", help="signing key, for the map that scripts/flash verifies")
    parser.add_argument("--site", default="", help="folder that goes onto SITE")
    parser.add_argument("--base", default="", help="a Debian that mmdebstrap made before (tar)")
    parser.add_argument("--kernel", default=KERNEL, help=f"package of the kernel; {KERNEL} where left out")
    parser.add_argument("--system", default="", help="also make a bundle of the system (RAUC) in this file")
    parser.add_argument("--system-key", default="", help="key of system bundles; its certificate lies beside it")
    parser.add_argument(
        "--system-version", default="", help="version of the system; that of the product where left out"
    )
    parser.add_argument("--make-system-key", default="", help="make such a key in this file, and nothing else")
    # 756 MB are in it; a system that comes later has to fit into the partitions of this one
    parser.add_argument("--root-mb", type=int, default=1200, help="size of each root")
    parser.add_argument("--data-mb", type=int, default=1024)
    parser.add_argument("--append", default="", help="more for the kernel's command line")
    parser.add_argument("--scratch", help="folder for what is made on the way")
    options = parser.parse_args(words)
    if not options.make_system_key:
        for name in ("bundle", "trust", "out"):
            if getattr(options, name) is None:
                parser.error(f"--{name} is needed")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
