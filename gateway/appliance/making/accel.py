"""`scripts/fetch-accel`: takes what the plant has downloaded for an accelerator, checks it, and lays it out for /opt/gatehouse/accel.

Nothing is fetched from anywhere: runtimes of accelerators come under the maker's licence, with the plant's own account.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from gateway.appliance.making.accel_wheel import Wheel, WheelFault, begin, read, unmet
from gateway.appliance.making.fatbin import devices
from gateway.appliance.making.wheels import PYTHON
from gateway.appliance.unpack import lay_out
from gateway.appliance.words import OK, REFUSED, ApplianceError, say

TABLE = Path(__file__).with_name("accel.toml")
LIST, SUMS, VENDOR = "accel.json", "SHA256SUMS", "vendor"
PROVIDERS = "libonnxruntime_providers_cuda.so"


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of box; see accel.toml."""

    name: str
    architecture: str
    provider: str
    wheel: str
    replaces: str
    libraries: tuple[str, ...]
    en: str
    zh: str
    sm: int = 0
    installer: str = ""


def targets() -> dict[str, Target]:
    """The kinds of boxes of accel.toml."""
    said = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Target(name, **{**row, "libraries": tuple(row["libraries"])}) for name, row in said.items()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes onto the box: wheels, the one of the provider first, and installers of the maker."""

    wheels: list[Wheel]
    others: list[Path]


def choose(target: Target, folder: Path, sums: Mapping[str, str]) -> tuple[Chosen | None, list[ApplianceError]]:
    """What of a folder serves this box; None with everything that is wrong or missing."""
    found = list[Wheel]()
    wrong = dict[Path, ApplianceError]()
    for path in sorted(folder.glob("*.whl")):
        try:
            found.append(read(path, target.architecture, sums))
        except WheelFault as fault:
            wrong[path] = ApplianceError(REFUSED, fault.key, **fault.words)
    mains = [one for one in found if one.name == target.wheel]
    unfit = {one.path: list(_unfit(one, target)) for one in mains}
    fit = [one for one in mains if not unfit[one.path]]
    refused = [error for path, error in wrong.items() if path.name.partition("-")[0].replace("_", "-") == target.wheel]
    if not fit:
        return None, [*refused, *chain.from_iterable(unfit.values())] or [_missing(target, folder, target.wheel)]
    main = max(fit, key=lambda one: one.version)
    wheels, lacking = unmet(main, found, target.architecture)
    others, problems = _installers(target, folder, sums)
    problems += [_missing(target, folder, one) for one in lacking]
    problems += [error for path, error in wrong.items() if any(path.name.startswith(_file(one)) for one in lacking)]
    return (None, problems) if problems else (Chosen([main, *wheels], others), [])


def _file(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement)[0].replace("-", "_")


def _missing(target: Target, folder: Path, what: str) -> ApplianceError:
    words: dict[str, object] = {"what": what, "folder": folder, "architecture": target.architecture, "python": PYTHON}
    return ApplianceError(REFUSED, "accel-missing", **words, en=target.en, zh=target.zh)


def _unfit(wheel: Wheel, target: Target) -> Iterator[ApplianceError]:
    """Why a wheel that can be loaded on this box does not drive its accelerator."""
    lacks = [name for name in target.libraries if not any(one.rpartition("/")[2] == name for one in wheel.files)]
    if target.sm:
        code = devices(wheel.library(PROVIDERS))
        if lacks or target.sm not in code:
            brings = ", ".join(f"sm_{sm}" for sm in sorted(code)) or "–"
            yield ApplianceError(
                REFUSED, "accel-not-this-device", file=wheel.path.name, brings=brings, sm=target.sm,
                lacks=", ".join(lacks) or "–", en=target.en, zh=target.zh,
            )  # fmt: skip
    elif lacks:
        yield ApplianceError(REFUSED, "accel-library", file=wheel.path.name, lacks=", ".join(lacks))
    if not wheel.serves(target.replaces):
        yield ApplianceError(REFUSED, "accel-old", file=wheel.path.name, version=wheel.version)


def _installers(target: Target, folder: Path, sums: Mapping[str, str]) -> tuple[list[Path], list[ApplianceError]]:
    if not target.installer:
        return [], []
    others, problems = list[Path](), list[ApplianceError]()
    for path in sorted(folder.glob(target.installer)):
        if not begin(path).startswith(b"#!"):
            problems.append(ApplianceError(REFUSED, "accel-damaged", file=path.name, why="no installer inside"))
        elif sums and sums.get(path.name) != digest(path):
            problems.append(ApplianceError(REFUSED, "accel-sum", file=path.name))
        else:
            others.append(path)
    if not others and not problems:
        problems.append(_missing(target, folder, target.installer))
    return others, problems


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lay(target: Target, chosen: Chosen, out: Path) -> None:
    """Write the folder for the box; it has its name when it is whole. Raises OSError, ApplianceError."""
    making = out.with_name(f"{out.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for wheel in chosen.wheels:
        lay_out(wheel.path, making)
    for path in chosen.others:
        (making / VENDOR).mkdir(exist_ok=True)
        shutil.copyfile(path, making / VENDOR / path.name)
    said = {
        "form": 1, "target": target.name, "provider": target.provider, "architecture": target.architecture, "python": PYTHON,
        "taken": {path.name: digest(path) for path in [*(one.path for one in chosen.wheels), *chosen.others]},
    }  # fmt: skip
    (making / LIST).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    files = sorted(path for path in making.rglob("*") if path.is_file())
    (making / SUMS).write_text("".join(f"{digest(path)}  {path.relative_to(making)}\n" for path in files), "utf-8")
    making.rename(out)


def sums_of(path: Path) -> dict[str, str]:
    """File name -> SHA-256 of a list as sha256sum writes it. Raises OSError."""
    rows = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {row[1].lstrip("*"): row[0].lower() for row in rows if len(row) == 2}


def main(words: list[str]) -> int:
    """The command line; 0 laid out, 6 refused."""
    options = _options(words)
    target, out, lang = targets()[options.box], Path(options.out), options.lang
    try:
        if out.exists():
            raise ApplianceError(REFUSED, "accel-there", folder=out)
        chosen, wrong = choose(target, Path(options.folder), sums_of(Path(options.sums)) if options.sums else {})
        for error in wrong:
            print(error.text(lang), file=sys.stderr)
        if chosen is None:
            return REFUSED
        lay(target, chosen, out)
    except (ApplianceError, OSError) as error:
        print(error.text(lang) if isinstance(error, ApplianceError) else error, file=sys.stderr)
        return REFUSED
    for name, value in json.loads((out / LIST).read_text("utf-8"))["taken"].items():
        print(f"{value}  {name}")
    print(say("accel-done", lang, **{**asdict(target), "folder": out}), file=sys.stderr)
    if not options.sums:
        print(say("accel-compare", lang), file=sys.stderr)
    return OK


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fetch-accel", description="Check what was downloaded for an accelerator and lay it out for a box."
    )
    parser.add_argument("--box", required=True, choices=sorted(targets()), help="the kind of box")
    parser.add_argument("--from", dest="folder", required=True, help="folder with what the plant has downloaded")
    parser.add_argument("--out", required=True, help="folder to make; it is copied to /opt/gatehouse/accel on the box")
    parser.add_argument("--sums", default="", help="SHA-256 of the files as their maker says them (sha256sum)")
    parser.add_argument("--lang", default="en", choices=("en", "zh-CN"))
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
