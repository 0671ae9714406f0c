"""`scripts/test-image`: an image in QEMU (TCG), from the first start with a SITE as Windows writes it to a bad system that goes back.

    scripts/test-image --bundle A.ghb --good B.ghb --bad C.ghb --trust trust/ --base debian.tar --log build/image.log

The image, the SITE, the stick and three systems are made here. Nightly length. Skipped with a reason where QEMU or its firmware is
missing; `--until` ends after a stage (healthy, update, system).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.appliance import image_parts as parts
from tests.appliance.machine import FIRMWARE, Machine, Said

STAGES = ("healthy", "update", "system")
GATEHOUSE = "/usr/local/bin/gatehouse"
STATUS = f"{GATEHOUSE} update status"
STICK = "mkdir -p /media/stick; mountpoint -q /media/stick || mount -o ro /dev/vdb /media/stick"
# the unit is active once the gateway said READY (it evaluates); the console stops telling of units when its login is there
ACTIVE = ("systemctl show -p ActiveState gatehouse", "ActiveState=active")


class Failed(Exception):
    """A stage did not show what it has to."""


class Run:
    """The stages over one machine, each said with its time."""

    def __init__(self, box: Machine, key: Path, boot_s: float) -> None:
        self._box, self._key, self._boot_s = box, key, boot_s
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.0f} s  {text}", flush=True)

    def shown(self, what: str, command: str, *words: str, code: int = 0, seconds: float = 600.0) -> Said:
        """Run it in the box; it ends with this exit code and says some words. Raises Failed."""
        said = self._box.run(command, seconds)
        if said.code != code or not all(word in said.text for word in words):
            raise Failed(f"{what}: exit {said.code}: {said.text[-800:]}")
        self.say(f"{what}: exit {said.code}: {' / '.join(said.text.splitlines()[-3:])}"[:400])
        return said

    def wait(self, what: str, command: str, *words: str, seconds: float) -> None:
        """Until a command in the box says some words."""
        end, said = time.monotonic() + seconds, Said(1, "")
        while time.monotonic() < end:
            try:
                said = self._box.run(command, 240.0)
            except TimeoutError as gone:
                raise Failed(
                    f"{what}: the box went away (a trial that rolled back boots the other root): {said.text[-800:]}"
                ) from gone
            if all(word in said.text for word in words):
                self.say(f"{what}: {' / '.join(said.text.splitlines()[-3:])}"[:400])
                return
            time.sleep(3.0)
        raise Failed(f"{what}: not within {seconds:.0f} s: {said.text[-800:]}")

    def up(self, what: str, root: str) -> None:
        """After a boot: the root that runs, and the gateway ready in it."""
        if not self._box.shell(self._boot_s):
            raise Failed(f"{what}: no shell within {self._boot_s:.0f} s")
        self.shown(f"{what}, root {root}", "cat /proc/cmdline", f"rauc.slot={root}")
        self.wait(f"{what}, gateway READY", *ACTIVE, seconds=self._boot_s)

    # --- stages ---

    def healthy(self) -> None:
        """Started, SITE taken over, gateway ready, page and SSH answer."""
        if not self._box.until("gw-image-01", self._boot_s):
            raise Failed("RESULT of the SITE did not come onto the console")
        self.say("console: the SITE was read, and the box says who it is")
        self.up("first start", "A")
        self.shown("RESULT.txt", parts.RESULT, "OK", "gw-image-01")
        page = "import urllib.request as u; r=u.urlopen('http://127.0.0.1:8080/'); print(r.status, len(r.read()))"
        self.wait("page", f'/opt/gatehouse/current/bin/python -c "{page}"', "200 ", seconds=120.0)
        self.shown("time to READY inside the box", "systemd-analyze time; :", "Startup finished")
        self._ssh_status("SSH")
        refused = self._box.ssh(self._key, "cat", "/etc/passwd")
        if refused.code == 0 or "root:" in refused.text:
            raise Failed("SSH ran a program that is not in the list")
        self.say(f"SSH: anything else is refused: exit {refused.code}")

    def update(self) -> None:
        """The product: a good release, a tampered one, a bad one that goes back by itself."""
        self.shown("stick", f"{STICK}; ls /media/stick", "good.ghb")
        self.shown("tampered", f"{GATEHOUSE} update install /media/stick/tampered.ghb", "not what was signed", code=1)
        self.shown("good", f"{GATEHOUSE} update install /media/stick/good.ghb", seconds=1800.0)
        self.wait("good, ready", *ACTIVE, seconds=600.0)
        self.wait(
            "good, committed",
            f"{GATEHOUSE} update commit; {STATUS}",
            "→ B  0.1.1",
            "0.1.1 in slot B is good",
            seconds=600.0,
        )
        self.shown("bad", f"{GATEHOUSE} update install /media/stick/bad.ghb", seconds=1800.0)
        self.wait("bad, back by itself", STATUS, "→ B  0.1.1", "two starts failed", seconds=900.0)
        self.wait("ready again", *ACTIVE, seconds=600.0)

    def system(self) -> None:
        """The system below: tampered bundles, a good one with a reboot, two bad ones that go back."""
        for name, says, code in (("tampered-data", "damaged", 1), ("tampered-signature", "trusted certificate", 5)):
            self.shown(name, f"{GATEHOUSE} update install /media/stick/{name}.raucb", says, code=code, seconds=1200.0)
        self.shown("root B is as it was", STATUS, "→ root A", "root B  –")
        self._reboot("good system", "good", "B")
        self.wait(
            "system committed",
            f"{GATEHOUSE} update commit; {STATUS}",
            "→ root B",
            "in slot rootB is good",
            seconds=600.0,
        )
        self._ssh_status("SSH in root B")
        self._reboot("system without Python", "no-python", "B", tells="root A, tried")
        self.shown("says why", f"{GATEHOUSE} update history", "rootA  0.1.2    the trial could not be judged")
        self._reboot("system without a kernel", "no-kernel", "B", tells="root A does not start")
        self.wait("says why", STATUS, "→ root B  0.1.1", "the new system did not come up", seconds=600.0)

    def _ssh_status(self, what: str) -> None:
        said = self._box.ssh(self._key, "status")
        if said.code != 0 or "gw-image-01" not in said.text:
            raise Failed(f"{what}: exit {said.code}: {said.text[-800:]}")
        self.say(f"{what}: gatehouse status: {' / '.join(said.text.splitlines()[:4])}"[:400])

    def _reboot(self, what: str, name: str, root: str, tells: str = "") -> None:
        self.shown(f"{what}, installed", f"{GATEHOUSE} update install /media/stick/{name}.raucb", seconds=1800.0)
        if tells:
            if not self._box.until(tells, 2 * self._boot_s):
                raise Failed(f"{what}: the console does not say “{tells}”")
            self.say(f"{what}: console says “{tells}”")
        if not self._box.until(f"root {root}, tried", 2 * self._boot_s):
            raise Failed(f"{what}: GRUB does not choose root {root}")
        self.up(what, root)
        self._box.run(STICK)


def main(words: list[str]) -> int:
    options = _options(words)
    qemu, firmware = shutil.which("qemu-system-x86_64"), next((one for one in FIRMWARE if one.exists()), None)
    if qemu is None or firmware is None:
        print("SKIPPED: qemu-system-x86_64 or its firmware is missing (apt-get install qemu-system-x86 ovmf)")
        return 0
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        folder = Path(name)
        key = parts.ssh_key(folder)
        made = parts.made(folder, options, key) if not options.image else parts.given(options)
        box = Machine(qemu, firmware, made.image, made.stick, folder)
        run = Run(box, made.key or key, options.seconds)
        try:
            for stage in STAGES[: STAGES.index(options.until) + 1]:
                step: Callable[[], None] = getattr(run, stage)
                step()
        except (Failed, TimeoutError, OSError, subprocess.TimeoutExpired) as failed:
            run.say(f"FAILED: {failed}")
            return 1
        finally:
            box.end()
            shutil.copy(box.console, options.log)
    print("passed")
    return 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/test-image")
    for name in ("bundle", "good", "bad", "trust"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--base", default="", help="a Debian that mmdebstrap made before (tar)")
    parser.add_argument("--kernel", default="linux-image-cloud-amd64", help="package of the kernel, smaller for QEMU")
    parser.add_argument("--log", required=True, help="file for the console")
    parser.add_argument("--image", default="", help="an image that was made before, with --stick and --key")
    parser.add_argument("--stick", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1])
    parser.add_argument("--seconds", type=float, default=900, help="longest time for one boot")
    parser.add_argument("--scratch", help="folder for what is made on the way")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
