"""`scripts/test-image`: an image boots under QEMU (TCG) with a SITE as Windows writes it, and the gateway says READY.

What it looks at is the serial console: RESULT of the SITE, then `Started gatehouse.service` (Type=notify, so READY=1 was said).
Skipped with a reason where QEMU or its firmware is missing. The log is kept in --log.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

FIRMWARE = (Path("/usr/share/ovmf/OVMF.fd"), Path("/usr/share/qemu/OVMF.fd"))
MARKS = ("Gatehouse, answers of the SITE partition", "gw-image-01", "Started gatehouse.service")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/test-image")
    parser.add_argument("--image", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--seconds", type=float, default=900)
    options = parser.parse_args(words)
    qemu, firmware = shutil.which("qemu-system-x86_64"), next((one for one in FIRMWARE if one.exists()), None)
    if qemu is None or firmware is None:
        print("SKIPPED: qemu-system-x86_64 or its firmware is missing (apt-get install qemu-system-x86 ovmf)")
        return 0
    log = Path(options.log)
    log.unlink(missing_ok=True)
    command = [
        qemu, "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "2", "-bios", str(firmware), "-display", "none",
        "-drive", f"file={options.image},format=raw,if=virtio,snapshot=on", "-nic", "user,model=virtio-net-pci,restrict=on",
        "-serial", f"file:{log}",
    ]  # fmt: skip
    began, left = time.monotonic(), list(MARKS)
    machine = subprocess.Popen(command)
    try:
        while left and machine.poll() is None and time.monotonic() - began < options.seconds:
            time.sleep(1)
            text = log.read_text("utf-8", "replace") if log.exists() else ""
            while left and left[0] in text:
                print(f"{time.monotonic() - began:5.0f} s  {left.pop(0)}", flush=True)
    finally:
        machine.kill()
        machine.wait()
    if left:
        print(f"NOT SEEN within {options.seconds:.0f} s: {left[0]}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
