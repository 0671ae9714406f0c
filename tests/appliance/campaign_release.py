"""Real bundles on a box in a folder, without any network: install, a good release, a bad one that goes back by itself, and back.

    unshare -n python -m tests.appliance.campaign_release --first A.ghb --good B.ghb --bad C.ghb --trust FOLDER --scratch FOLDER

The unit is played as systemd plays gatehouse.service: guard start, the daemon, READY=1, guard ready, Restart=always. `--bad` is a
release that passes its self-test and ends at every start. Needs root.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from gateway.appliance import state as states
from gateway.appliance.place import Place
from gateway.appliance.trust import fingerprint, load_public
from gateway.appliance.unpack import read_mark

ROOT = Path(__file__).parents[2]


class Unit:
    """gatehouse.service of one box."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.starts = 0
        self.ready = threading.Event()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        at = self._place.root / "notify"
        while not self._stop:
            self.starts += 1
            at.unlink(missing_ok=True)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.bind(str(at))
                notify.settimeout(0.2)
                subprocess.run([str(self._place.guard), "start"], check=False)
                command = [str(self._place.current / "bin/gatehouse"), "run", str(self._place.site)]
                log = (self._place.root / "daemon.log").open("ab")
                self._daemon = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": str(at)}, stderr=log)
                while self._daemon.poll() is None:
                    try:
                        if b"READY=1" in notify.recv(4096):
                            subprocess.run([str(self._place.guard), "ready"], check=False)
                            self.ready.set()
                    except TimeoutError:
                        pass
            self.ready.clear()
            time.sleep(0.5)

    def restart(self) -> None:
        """As `systemctl restart`."""
        self.ready.clear()
        if self._daemon is not None:
            self._daemon.terminate()

    def end(self) -> None:
        self._stop = True
        self.restart()
        self._thread.join(30)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.appliance.campaign_release")
    for name in ("first", "good", "bad", "trust", "scratch"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args(words)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    place = Place(Path(options.scratch) / "box")
    shutil.rmtree(place.root, ignore_errors=True)
    (place.root / "var/tmp").mkdir(parents=True)
    shutil.copytree(ROOT / "config/examples/simulated", place.site)
    key = next(Path(options.trust).glob("*.pem"))
    around = {**os.environ, "ROOT": str(place.root), "FINGERPRINT": fingerprint(load_public(key))}
    began = time.monotonic()
    subprocess.run(["sh", str(ROOT / "scripts/install.sh"), options.first, str(key)], check=True, env=around)
    _say(place, "first install, no network", began)
    unit = Unit(place)
    _until(unit.ready.is_set, "the first version is not ready")
    try:
        _good(place, unit, options.good)
        _bad(place, unit, options.bad)
        _tampered(place, Path(options.bad))
        if _gatehouse(place, "update", "rollback", check=False).returncode == 0:
            raise SystemExit("a person was led back to the release that failed")
    finally:
        unit.end()
    for row in states.history(place):
        print(row.get("step"), row.get("slot"), row.get("version"), row.get("reason", ""))
    return 0


def _good(place: Place, unit: Unit, path: str) -> None:
    began = time.monotonic()
    _gatehouse(place, "update", "install", path)
    unit.restart()
    _until(unit.ready.is_set, "the good release is not ready")
    _gatehouse(place, "update", "trial", "--minutes", "1")
    if states.read(place).step != "GOOD":
        raise SystemExit("the good release did not become good")
    _say(place, "good release, trial of 1 min", began)


def _bad(place: Place, unit: Unit, path: str) -> None:
    before, starts, began = place.running(), unit.starts, time.monotonic()
    _gatehouse(place, "update", "install", path)
    unit.restart()
    _until(lambda: states.read(place).step == "ROLLED_BACK", "the bad release did not go back")
    _until(unit.ready.is_set, "not ready after the bad release")
    if place.running() != before:
        raise SystemExit("another slot than before runs")
    _say(place, f"bad release went back by itself after {unit.starts - starts - 1} failed starts", began)


def _tampered(place: Place, path: Path) -> None:
    changed = place.root / "tampered.ghb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    done = _gatehouse(place, "update", "install", str(changed), check=False)
    if done.returncode == 0:
        raise SystemExit("a tampered bundle was installed")
    print(f"tampered bundle: exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}", flush=True)


def _gatehouse(place: Place, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [str(place.current / "bin/gatehouse"), "--site", str(place.site), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
    return done


def _until(condition: object, what: str, seconds: float = 300.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(what)
        time.sleep(0.2)


def _say(place: Place, what: str, began: float) -> None:
    running = place.running()
    mark = read_mark(place, running) if running else None
    print(f"{what}: {time.monotonic() - began:.0f} s; slot {running} runs {mark.version if mark else '–'}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
