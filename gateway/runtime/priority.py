"""Asks the system for locked memory and a raised priority (I23), and says so when it is refused."""

from __future__ import annotations

import ctypes
import logging
import os

NICE = -15  # above everything a plant box runs beside us, below the system's own real-time threads
LOCK_ALL = 7  # MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT: what was touched stays, thread stacks are not filled

_log = logging.getLogger("gatehouse")


def raise_priority() -> None:
    """Both are best effort: without them the line still runs, with a longer tail."""
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) > NICE:  # else the unit has raised it, and its sandbox refuses the call
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except PermissionError:
        _log.warning("priority: refused; under systemd the shipped unit raises it")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(LOCK_ALL) != 0:
        why = os.strerror(ctypes.get_errno())
        _log.warning("memory lock: refused (%s); set LimitMEMLOCK=infinity, the shipped unit has it", why)
