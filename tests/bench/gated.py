"""`tests.bench.probed` with a camera whose eyes are coloured rectangles: `python -m tests.bench.gated SITE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvloop

from gateway.app import daemon
from gateway.core import functions
from inference import camera
from tests.bench import probed
from tests.bench.bench_camera import eyes

if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])  # the worker finds the eyes
    camera.Driver.entry = f"tests.inference.cameras.blob:{'LadenJob' if eyes() else 'Job'}"
    functions.GOOD_NS = 0  # a wait of people before a reset, and no part of what is measured
    daemon.set_up_process()
    raise SystemExit(uvloop.run(probed._main(Path(sys.argv[1]))))
