"""Checks of the machine under it: processor, memory, heat, clock, limits of the account."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.doctor.finding import Finding, Result, Scene, skipped

CORES, RAM_GB, KERNEL = 2, 1.0, (5, 10)
LOAD_PER_CORE = 1.5
HEAT = 85
FILES = 1024
YEARS = range(2025, 2100)  # a clock without a battery says 1970
SYSTEMS = ("debian", "ubuntu")
ASK_S = 5


def cores(_scene: Scene) -> Finding:
    """There is a core for the daemon and one for the rest."""
    count = os.cpu_count() or 1
    return Finding("cores", _good(count >= CORES), "doctor.count", args={"count": count})


def ram(_scene: Scene) -> Finding:
    """The box has memory enough."""
    gb = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    return Finding("ram", _good(gb >= RAM_GB), "doctor.gb", args={"gb": gb})


def swap(_scene: Scene) -> Finding:
    """Nothing of a person is written to a swap file."""
    found = re.search(r"SwapTotal:\s+(\d+)", _read("/proc/meminfo"))
    if found is None:
        return skipped("swap", "doctor.unknown")
    used = int(found[1]) > 0
    return Finding("swap", _good(not used), f"{int(found[1]) // 1024} MB" if used else "doctor.none")


def load(_scene: Scene) -> Finding:
    """Nothing else needs the processor."""
    five = os.getloadavg()[1]
    return Finding("load", _good(five <= LOAD_PER_CORE * (os.cpu_count() or 1)), f"{five:.2f}")


def heat(_scene: Scene) -> Finding:
    """The box is not too hot."""
    found = [_read(path) for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    degrees = max((int(text) // 1000 for text in found if text.strip().lstrip("-").isdigit()), default=None)
    if degrees is None:
        return skipped("heat", "doctor.unknown")
    return Finding("heat", _good(degrees < HEAT), "doctor.celsius", args={"degrees": degrees})


def governor(_scene: Scene) -> Finding:
    """The processor does not sleep between two polls."""
    found = {_read(path).strip() for path in Path("/sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")}
    if not found - {""}:
        return skipped("governor", "doctor.unknown")
    return Finding("governor", _good("powersave" not in found), ", ".join(sorted(found)))


def kernel(_scene: Scene) -> Finding:
    """The system's kernel is new enough."""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return Finding("kernel", _good(found is not None and (int(found[1]), int(found[2])) >= KERNEL), platform.release())


def system(_scene: Scene) -> Finding:
    """A system that it is tried on."""
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return skipped("system", "doctor.unknown")
    known = {told.get("ID", ""), *told.get("ID_LIKE", "").split()} & {*SYSTEMS}
    return Finding("system", _good(bool(known)), told.get("PRETTY_NAME", "–"))


def locale(_scene: Scene) -> Finding:
    """Chinese can be read and written."""
    told = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    return Finding("locale", _good("utf" in told.lower()), told)


def assertions(_scene: Scene) -> Finding:
    """The daemon would start."""
    told = os.environ.get("PYTHONOPTIMIZE", "")
    return Finding("assertions", "failed" if told else "ok", told or "doctor.none")


def files(_scene: Scene) -> Finding:
    """Devices and pages enough can be open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding("files", _good(soft >= FILES), "doctor.count", args={"count": soft})


def dumps(_scene: Scene) -> Finding:
    """A crash leaves no image of the memory."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_CORE)
    return Finding("dumps", _good(soft == 0), "doctor.none" if soft == 0 else "∞" if soft < 0 else f"{soft}")


def year(_scene: Scene) -> Finding:
    """The date is one that can be."""
    now = datetime.now(UTC)
    return Finding("year", "ok" if now.year in YEARS else "failed", f"{now:%Y-%m-%d}")


def rtc(_scene: Scene) -> Finding:
    """The date outlives a power cut."""
    there = any(Path("/dev").glob("rtc*"))
    return Finding("rtc", _good(there), "doctor.present" if there else "doctor.none")


def watchdog(_scene: Scene) -> Finding:
    """A box that hangs restarts by itself."""
    there = Path("/dev/watchdog").exists() or any(Path("/dev").glob("watchdog*"))
    return Finding("watchdog", _good(there), "doctor.present" if there else "doctor.none")


def fonts(_scene: Scene) -> Finding:
    """A screen at the box can show Chinese."""
    if shutil.which("fc-list") is None or not any(map(shutil.which, ("chromium", "chromium-browser"))):
        return skipped("fonts", "doctor.not-configured")
    try:
        told = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return skipped("fonts", "doctor.unknown")
    count = len(told.stdout.splitlines())
    return Finding("fonts", _good(count > 0), "doctor.count", args={"count": count})


def _good(good: bool) -> Result:
    return "ok" if good else "warning"


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
