"""The daemon with cameras whose eyes are coloured rectangles, and inputs that need not be good for 10 s before READY: `… SITE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gateway.app import daemon
from gateway.core import functions
from inference import camera

if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])  # the worker finds the eyes
    camera.Driver.entry = "tests.inference.cameras.blob:Job"
    functions.GOOD_NS = 0
    raise SystemExit(daemon.run(Path(sys.argv[1]), lang="en"))
