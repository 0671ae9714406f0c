"""The self-test of a version: run by the Python of its own slot, before anything is switched to it.

`python -m gateway.app.selftest SITE` imports everything, reads the site, opens a copy of the journal, runs the golden batch of every
model that the site uses, and prints the hash of every rule as this version reads it. It changes nothing; what is wrong goes to stderr
with exit code 1. `SITE --rules`: only the hashes, of the version that runs; `SITE --models`: only the models, for `gatehouse doctor`.
"""

from __future__ import annotations

import json
import pkgutil
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from gateway.app.admissions import verdicts
from gateway.app.examine import examine
from gateway.core.program import rule_hash
from gateway.journal.backup import BackupError, backup
from gateway.journal.files import FILE
from gateway.journal.journal import Journal
from gateway.journal.verify import verify
from gateway.site.report import text as as_text

ROOMS = ("gateway", "drivers", "inference")
NOT_FOR_A_BOX = re.compile(r"gateway\.(demo|appliance\.making)(\.|$)|\.training(\.|$)|\.__main__$")
# of extras that a bundle may leave out (scripts/bundle --without): the sources and commands that need them say so themselves
OPTIONAL = frozenset({"amqtt", "av", "cv2", "onnx", "onnxruntime", "pyarrow", "pymodbus", "z3"})


def main(words: list[str]) -> int:
    """The self-test on the site folder that is named, which may not be there yet."""
    site, only = Path(words[0]), words[1:]
    if only == ["--models"]:
        return _models(site)
    wrong = [] if only == ["--rules"] else list(_imports())
    hashes = dict[str, str]()
    if (site / "site.toml").exists():
        checked = examine(site)
        if checked.site is None or checked.program is None:
            wrong.append(as_text([one for one in checked.problems if one.severity == "error"], "en"))
        else:
            hashes = {rule.name: rule_hash(rule) for rule in checked.program.rules}
            if not only:
                wrong += _journal(checked.site.storage.directory / "journal")
                wrong += [f"{one.source}: {one.why['en']}" for one in verdicts(checked.site) if not one.provider]
    for line in wrong:
        print(line, file=sys.stderr)
    print(json.dumps(hashes))
    return 1 if wrong else 0


def _models(site: Path) -> int:
    """Whether each model of the site is admitted here, as JSON."""
    checked = examine(site)
    print(json.dumps([asdict(one) for one in verdicts(checked.site)] if checked.site is not None else None))
    return 0


def _imports() -> Iterator[str]:
    """Every module of the product can be imported."""
    for room in ROOMS:
        package = import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            name = module.name
            if NOT_FOR_A_BOX.search(name):
                continue
            try:
                import_module(name)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] not in OPTIONAL:
                    yield f"{name}: {error}"
            except (ImportError, SyntaxError, OSError) as error:
                yield f"{name}: {error}"


def _journal(directory: Path) -> Iterator[str]:
    """This version opens a copy of the journal, and its chain is whole afterwards."""
    if not (directory / FILE).exists():
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "journal"
        try:
            backup(directory, copy)
        except (BackupError, sqlite3.Error, OSError) as error:
            yield f"journal: {error}"
            return
        journal = Journal(copy)
        opened = journal.open()
        if opened.fault:
            yield f"journal: {opened.fault}"
        with closing(journal):
            pass
        verdict = verify(copy)
        yield from (f"journal: {found.what} {found.seq} {found.text}" for found in verdict.found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
