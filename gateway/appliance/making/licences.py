"""The licence list of a bundle, and what keeps it from being made: GPL or AGPL in a part, or a library that nobody has named."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.appliance.parts import Part, licence_of

TABLE = Path(__file__).with_name("licences.toml")
_STRONG = re.compile(r"\bA?GPL(?!.*WITH GCC-exception)|GNU (Affero )?General Public", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """What licences.toml says."""

    libraries: Mapping[str, str]
    named: Mapping[str, str]


def known() -> Known:
    """The table of this tree."""
    said = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Known(said["library"], said["named"])


def not_accepted(table: Known, accepted: Iterable[str]) -> list[str]:
    """What is named because it carries GPL parts, and is left out of a bundle because its maker has not asked for it."""
    taken = frozenset(accepted)
    return sorted(name for name in table.named if name not in taken)


def strong(licence: str) -> bool:
    """GPL or AGPL without an exception that lets it be linked; LGPL is not."""
    return _STRONG.search(licence.replace("LGPL", "").replace("Lesser General Public", "")) is not None


def problems(parts: Iterable[Part], table: Known) -> Iterator[str]:
    """Why a bundle of these parts is not made; nothing where it may be."""
    for part in parts:
        if strong(part.licence):
            yield f"{part.name} {part.version}: {part.licence}"
        for file in part.libraries:
            licence = licence_of(part.name, file, table.libraries)
            if licence is None:
                yield f"{part.name} {part.version}: {file} is not in {TABLE.name}"
            elif strong(licence) and part.name not in table.named:
                yield f"{part.name} {part.version}: {file}: {licence}"


def listing(parts: Iterable[Part], table: Known) -> bytes:
    """licences.csv: one line a part, one more for every library inside it, LGPL and what is named pointed out."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("part", "version", "licence", "inside", "note"))
    for part in sorted(parts, key=lambda one: one.name.lower()):
        rows.writerow((part.name, part.version, part.licence, "", _note(part.licence, table.named.get(part.name, ""))))
        for file in part.libraries:
            licence = licence_of(part.name, file, table.libraries) or "unknown"
            rows.writerow((part.name, part.version, licence, file, _note(licence, "")))
    return out.getvalue().encode()


def _note(licence: str, named: str) -> str:
    lesser = "LGPL: unchanged, replaceable as a file" if re.search("LGPL|Lesser General", licence) else ""
    return "; ".join(filter(None, (named, lesser)))
