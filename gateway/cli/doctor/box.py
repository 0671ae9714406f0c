"""Checks of the box: Python, packages, clock, memory."""

from __future__ import annotations

import ctypes
import platform
import re
import resource
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from gateway.cli.doctor.finding import Finding, Scene

PYTHON = (3, 11)
MEMORY_BYTES = 256 * 1024 * 1024  # the daemon keeps below 120 MB; twice that is room
LOCK = Path(__file__).parents[3] / "requirements.lock"
_TIMEX_BYTES = 512  # struct timex of adjtimex(2) has 208; the rest is room
_CLOCK_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


def python(_scene: Scene) -> Finding:
    """The interpreter is new enough."""
    good = sys.version_info[:2] >= PYTHON
    return Finding("python", "ok" if good else "failed", platform.python_version())


def packages(_scene: Scene) -> Finding:
    """What is installed is what the lock file says."""
    try:
        text = LOCK.read_text(encoding="utf-8")
    except OSError:
        return Finding("packages", "skipped", "doctor.no-lock")
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))
    here = {_plain(found.metadata["Name"]): found.version for found in distributions()}
    differ = sorted(name for name, version in locked.items() if here.get(_plain(name), version) != version)
    if differ:
        return Finding(
            "packages", "warning", "doctor.differ", args={"count": len(differ), "names": ", ".join(differ[:5])}
        )
    return Finding("packages", "ok", "doctor.same", args={"count": len(locked)})


def event_loop(scene: Scene) -> Finding:
    """The daemon has its fast loop."""
    if find_spec("uvloop") is None:
        return Finding("uvloop", "warning")
    return Finding("uvloop", "ok", str((scene.facts or {}).get("loop", "uvloop")))


def memory(_scene: Scene) -> Finding:
    """An account like this one may keep the daemon's memory out of swap."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    good = soft == resource.RLIM_INFINITY or soft >= MEMORY_BYTES
    limit = "∞" if soft == resource.RLIM_INFINITY else f"{soft // 1024} kB"
    return Finding("memory", "ok" if good else "warning", "doctor.limit", args={"limit": limit})


def clock(_scene: Scene) -> Finding:
    """The kernel says that its clock is synchronised."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state < 0:
        return Finding("clock", "skipped", "doctor.unknown")
    good = state != _CLOCK_UNSYNCHRONISED
    return Finding("clock", "ok" if good else "warning", "doctor.synchronised" if good else "doctor.drifting")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
