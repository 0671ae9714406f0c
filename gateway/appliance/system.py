"""The system's own files of a version (units, accounts, rules): links that lead through `current`, so a rollback takes them back too."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gateway.appliance.place import Place, replace_link

# file in the slot's system/ folder -> where the system looks for it
LINKS = {
    "gatehouse.service": "etc/systemd/system/gatehouse.service",
    "gatehouse-trial.service": "etc/systemd/system/gatehouse-trial.service",
    "gatehouse-untried.service": "etc/systemd/system/gatehouse-untried.service",
    "gatehouse-site.service": "etc/systemd/system/gatehouse-site.service",
    "gatehouse.sysusers": "usr/lib/sysusers.d/gatehouse.conf",
    "gatehouse.tmpfiles": "usr/lib/tmpfiles.d/gatehouse.conf",
    "gatehouse.udev": "etc/udev/rules.d/70-gatehouse.rules",
    "gatehouse.journald": "etc/systemd/journald.conf.d/gatehouse.conf",
}
COMMAND = "usr/local/bin/gatehouse"


def link_system(place: Place) -> None:
    """Lead the system to the files of the slot that `current` names. What a person put there as a file of its own stays."""
    through = Path("/opt/gatehouse/current")
    for name, where in LINKS.items():
        if (place.current / "system" / name).exists():
            _link(place.root / where, str(through / "system" / name))
    _link(place.root / COMMAND, str(through / "bin" / "gatehouse"))


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or not path.exists():
        replace_link(path, target)


class Systemd:
    """Services of a box that systemd runs."""

    def restart(self) -> bool:
        """Restart the gateway, with the units of the version that is current now."""
        if not Path("/run/systemd/system").is_dir():
            return False
        _systemctl("daemon-reload")
        return _systemctl("restart", "--no-block", "gatehouse.service")

    def judge(self) -> None:
        """Begin to judge the trial, in a process of its own."""
        if Path("/run/systemd/system").is_dir():
            _systemctl("restart", "--no-block", "gatehouse-trial.service")


def _systemctl(*words: str) -> bool:
    return subprocess.run(["systemctl", *words], check=False, capture_output=True).returncode == 0
