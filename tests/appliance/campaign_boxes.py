"""Forty boxes from one table onto loop devices, and what each of them makes of its stick at its first boot; no network.

    unshare -n python -m tests.appliance.campaign_boxes [--boxes 40] [--image-mb 2048]

Prints minutes per box. Each box must have its own id, address, users and certificate request. Root.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.app import first_boot
from gateway.appliance.flash import main as flash
from gateway.appliance.trust import public_pem
from tests.appliance import stick
from tests.appliance.box import KEY
from tests.appliance.test_site import SITE_TOML, TAGS

PEOPLE = ("wanglei", "lina", "zhangwei", "chenjie", "liuyang")
ROLES = ("operator", "supervisor", "engineer", "maintainer")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.appliance.campaign_boxes")
    parser.add_argument("--boxes", type=int, default=40)
    parser.add_argument("--image-mb", type=int, default=256)
    parser.add_argument("--scratch")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        scratch = Path(name)
        (scratch / "trust").mkdir()
        (scratch / "trust/release.pem").write_bytes(public_pem(KEY.public_key()))
        image = stick.make(scratch, options.image_mb)
        common = _common(scratch)
        table = _table(scratch, options.boxes)
        spent = list[float]()
        for number in range(options.boxes):
            spent.append(_one(scratch, image, common, table, number, options.image_mb + 16))
    each, longest = sum(spent) / len(spent) / 60, max(spent) / 60
    how = f"{each:.3f} min per box, longest {longest:.3f} min, image {options.image_mb} MB"
    print(f"boxes: {options.boxes} of {options.boxes} right; {how}")
    return 0


def _common(scratch: Path) -> Path:
    folder = scratch / "common"
    (folder / "site").mkdir(parents=True)
    (folder / "site/site.toml").write_text(SITE_TOML, encoding="utf-8")
    (folder / "site/tags.csv").write_text(TAGS, encoding="utf-8")
    return folder


def _row(number: int) -> tuple[str, str, str]:
    person, other = PEOPLE[number % 5], PEOPLE[(number + 1) % 5]
    users = f"{person}:{ROLES[number % 4]} {other}:{ROLES[(number + 1) % 4]}"
    return f"gw-line-{number + 1:02}", f"10.20.{number // 20}.{number % 20 + 10}/24", users


def _table(scratch: Path, count: int) -> list[Path]:
    """One table a row, so that each box can be timed alone; the rows are those of one file."""
    tables = []
    for number in range(count):
        path = scratch / f"boxes-{number}.csv"
        identity, address, users = _row(number)
        path.write_text(
            f"id,address,router,time,users,language\n{identity},{address},10.20.0.1,10.20.0.1,{users},zh-CN\n",
            encoding="utf-8",
        )
        tables.append(path)
    return tables


def _one(scratch: Path, image: Path, common: Path, tables: list[Path], number: int, size_mb: int) -> float:
    identity, address, users = _row(number)
    with ExitStack() as stack:
        disk, behind = stack.enter_context(stick.loop(scratch, size_mb))
        began = time.monotonic()
        code = flash.main(
            ["--image", str(image), "--trust", str(scratch / "trust"), "--batch", str(tables[number]), "--disks", str(disk),
             "--site", str(common), "--allow-fixed", "--serial", disk.name]
        )  # fmt: skip
        took = time.monotonic() - began
        if code:
            raise SystemExit(f"{identity}: exit {code}")
        got = scratch / "got" / identity
        got.mkdir(parents=True)
        subprocess.run(
            ["mcopy", "-s", "-n", "-i", f"{behind}@@{stick.MB}", "::/", str(got)], check=True, capture_output=True
        )
    root = scratch / "boxes" / identity
    first_boot.main([str(got), str(root)])
    _right(root, got, identity, address, users)
    return took


def _right(root: Path, got: Path, identity: str, address: str, users: str) -> None:
    request = x509.load_pem_x509_csr((got / f"{identity}.csr").read_bytes())
    named = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    accounts = (root / "etc/sysusers.d/gatehouse-people.conf").read_text("utf-8")
    expected = all(f"m {one.split(':')[0]} gatehouse-{one.split(':')[1]}" in accounts for one in users.split())
    network = (root / "etc/systemd/network/20-gatehouse.network").read_text("utf-8")
    site = (root / "etc/gatehouse/site/site.toml").read_text("utf-8")
    right = (
        named == identity and request.is_signature_valid and expected and f"Address={address}" in network
        and f'id = "{identity}"' in site and (got / "RESULT.txt").read_bytes()[3:].startswith(b"OK")
    )  # fmt: skip
    if not right:
        raise SystemExit(f"{identity} is not right: {named}, {network}, {accounts}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
