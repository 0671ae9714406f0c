"""A process that ends as native code does: `python -m tests.cli.dies`."""

import os
import signal

os.kill(os.getpid(), signal.SIGSEGV)
