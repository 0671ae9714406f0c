"""A replay in a process of its own: `again.py DIRECTORY` replays each boot from its first snapshot and prints what it found."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from hour import demo_site

from gateway.core.kernel import Kernel
from gateway.offline.replay import replay


def main(directory: Path, off: list[str]) -> None:
    """One JSON object: digest by boot, the features of `off` that are on nevertheless, and a hash that moves with the seed."""
    features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    site, program = demo_site()
    digests = [replay(directory, lambda: Kernel(site.table, program, 0), boot=boot).digest for boot in (1, 2)]
    print(
        json.dumps(
            {
                "digests": digests,
                "on": [name for name in off if features[name]],
                "hash": hash("gatehouse"),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
