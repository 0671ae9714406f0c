"""`scripts/flash`: look at a disk, refuse or ask, write the image, read it back, and put the answers of one box onto its SITE."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.appliance.answers import FILE
from gateway.appliance.flash import boxes, disks, gpt, image
from gateway.appliance.flash.boxes import Box, TableError
from gateway.appliance.flash.progress import Bar
from gateway.appliance.flash.write import write
from gateway.appliance.trust import trusted
from gateway.appliance.words import FAILED, OK, REFUSED, ApplianceError, say

SITE = "SITE"
LAST = 4  # characters of the serial number that are typed


def main(words: list[str]) -> int:
    """The command line; 0 written, 6 refused, 1 went wrong."""
    options = _options(words)
    lang = options.lang
    try:
        if options.batch:
            return _batch(options)
        return _one(Path(options.disk), options, Path(options.site) if options.site else None)
    except ApplianceError as error:
        print(error.text(lang), file=sys.stderr)
        return error.code
    except TableError as error:
        print(error, file=sys.stderr)
        return FAILED
    except (OSError, subprocess.CalledProcessError) as error:
        print(say("unreadable", lang, file=getattr(error, "filename", "") or options.disk, why=error), file=sys.stderr)
        return FAILED


def _batch(options: argparse.Namespace) -> int:
    """One stick after another, a row each; the disks are given in order, or one that is changed each time."""
    rows = boxes.read(Path(options.batch))
    targets = options.disks.split(",") if options.disks else [options.disk] * len(rows)
    if len(targets) < len(rows):
        raise TableError(len(targets) + 2, "id", rows[len(targets)].id, f"{len(targets)} disks for {len(rows)} rows")
    for number, (row, disk) in enumerate(zip(rows, targets, strict=False), 1):
        print(f"[{number}/{len(rows)}] {row.id}  {row.address}  → {disk}", file=sys.stderr)
        if not options.disks and number > 1:
            input(say("next-stick", options.lang))
        began = time.monotonic()
        with _folder_of(row, options.site) as folder:
            code = _one(Path(disk), options, folder)
        if code != OK:
            return code
        print(f"{row.id}: {(time.monotonic() - began) / 60:.2f} min", file=sys.stderr)
    return OK


@contextmanager
def _folder_of(row: Box, common: str) -> Iterator[Path]:
    """The SITE of one box: what all have in common, and its own answers."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if common:
            subprocess.run(["cp", "-r", f"{common}/.", str(folder)], check=True)
        (folder / FILE).write_bytes(row.answers())
        yield folder


def _one(disk: Path, options: argparse.Namespace, site: Path | None) -> int:
    lang, source = options.lang, Path(options.image)
    plan = image.read(source, trusted(Path(options.trust)))
    seen = disks.look(disk)
    print(
        f"{seen.path}  {seen.model or '–'}  {seen.serial or '–'}  {seen.size / 1e9:.1f} GB  {seen.bus or seen.kind}",
        file=sys.stderr,
    )
    wrong = list(disks.refusals(seen, plan.size, allow_fixed=options.allow_fixed))
    for one in wrong:
        print(one.text(lang), file=sys.stderr)
    if wrong:
        return REFUSED
    _confirm(seen, options)
    write(source, disk, plan, Bar(lang))
    with disk.open("r+b") as file:
        gpt.stretch(file, seen.size)
        file.flush()
        os.fsync(file.fileno())
        found = [one for one in gpt.partitions(file) if one.name == SITE]
    if site is not None:
        if not found:
            raise ApplianceError(FAILED, "no-site", disk=disk)
        inject(disk, found[0].offset, site)
    print(
        f"{time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime())}  {source.name}  {seen.serial or seen.path}  {site or '–'}  ✓"
    )
    return OK


def _confirm(seen: disks.Disk, options: argparse.Namespace) -> None:
    """The last four characters of the serial number, typed or given. Raises ApplianceError."""
    expected = (seen.serial or Path(seen.path).name)[-LAST:]
    typed = options.serial or (input(say("serial", options.lang, disk=seen.path)) if sys.stdin.isatty() else "")
    if typed.strip()[-LAST:] != expected:
        raise ApplianceError(REFUSED, "other-serial", disk=seen.path)


def inject(disk: Path, offset: int, site: Path) -> None:
    """Copy a folder onto the FAT partition at `offset`, and read each file back. Raises ApplianceError, CalledProcessError."""
    volume = f"{disk}@@{offset}"
    around = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    names = sorted(str(path) for path in site.iterdir())
    subprocess.run(
        ["mcopy", "-s", "-o", "-n", "-i", volume, *names, "::/"], check=True, env=around, capture_output=True
    )
    for path in sorted(one for one in site.rglob("*") if one.is_file()):
        name = f"::/{path.relative_to(site).as_posix()}"
        back = subprocess.run(["mtype", "-i", volume, name], check=True, env=around, capture_output=True).stdout
        if back != path.read_bytes():
            raise ApplianceError(FAILED, "differs", path=name)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/flash", description="Write an image onto a disk, read it back, add the answers of a box."
    )
    parser.add_argument("--image", required=True, help="the image; its .map.json and .map.sig lie beside it")
    parser.add_argument("--trust", required=True, help="folder with the release key (PEM)")
    parser.add_argument("--disk", default="", help="the disk: lsblk -d")
    parser.add_argument(
        "--site", default="", help="folder that goes onto SITE; with --batch what all boxes have in common"
    )
    parser.add_argument("--batch", default="", help="boxes.csv: one stick after another, a row each")
    parser.add_argument(
        "--disks", default="", help="with --batch: disks by commas, one a row, instead of changing sticks"
    )
    parser.add_argument(
        "--serial", default="", help="the last four characters of the serial number, instead of typing them"
    )
    parser.add_argument("--allow-fixed", action="store_true", help="also a disk that is not removable")
    parser.add_argument("--lang", default="en", choices=("en", "zh-CN"))
    options = parser.parse_args(words)
    if not options.disk and not options.disks:
        parser.error("--disk or, with --batch, --disks")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
