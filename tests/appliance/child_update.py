"""One update of a box in a process of its own, to be killed: `python -m tests.appliance.child_update BOX BUNDLE`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.appliance.place import Place
from gateway.appliance.update import Updater
from tests.appliance.box import Bench


def selftest(slot: Path, *, rules: bool = False) -> dict[str, str]:
    """The slot's own Python imports what was unpacked."""
    subprocess.run([str(slot / "bin/python"), "-P", "-c", "import tiny"], check=True)
    return {}


if __name__ == "__main__":
    bench = Bench()
    updater = Updater(Place(Path(sys.argv[1])), bench, bench, selftest, lambda state: print(state.step, flush=True))
    print("begin", flush=True)
    updater.install(Path(sys.argv[2]), "campaign")
