"""The accelerator's runtime that a plant brought: /opt/gatehouse/accel, outside the slots, laid out by scripts/fetch-accel.

Only processes that run models see it, so neither the daemon nor a rollback depends on it. What is for another machine or Python is
left alone; the provider is then not installed, and that is said where it is asked for.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

LIST = "accel.json"
PACKAGES = Path("lib/python3.11/site-packages")


def first() -> Path | None:
    """Let this process find the accelerator's packages before the slot's; the folder, None where there is none. Call before native code."""
    slot = Path(sys.prefix).resolve()
    folder = slot.parents[1] / "accel" if slot.parent.name == "slots" else None
    if folder is None or not _for_this(folder / LIST):
        return None
    sys.path.insert(0, str(folder / PACKAGES))
    return folder


def _for_this(path: Path) -> bool:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    here = {"architecture": platform.machine(), "python": f"{sys.version_info[0]}.{sys.version_info[1]}", "form": 1}
    return isinstance(said, dict) and all(said.get(key) == value for key, value in here.items())
