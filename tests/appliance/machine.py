"""A box in QEMU (TCG): its console in a file, a root shell on its second serial line, its SSH on a port of ours.

The root shell plays the engineer who sits at the box with a stick; the campaign puts it into the image that was made.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.daemon.rig import port

FIRMWARE = (Path("/usr/share/ovmf/OVMF.fd"), Path("/usr/share/qemu/OVMF.fd"))
_END = re.compile(r"<<(\d+)>>end")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command in the box said, and its exit code."""

    code: int
    text: str


class Machine:
    """One box; `stick` is a second disk. The image itself is not written to: changes go into a file that QEMU throws away."""

    def __init__(self, qemu: str, firmware: Path, image: Path, stick: Path, folder: Path) -> None:
        self.console, self._at, self.ssh_port = folder / "console.log", folder / "shell.sock", port()
        self.console.unlink(missing_ok=True)
        self._at.unlink(missing_ok=True)
        command = [
            qemu, "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024", "-smp", "2",
            "-bios", str(firmware), "-display", "none",
            "-drive", f"file={image},format=raw,if=virtio,snapshot=on",
            "-drive", f"file={stick},format=raw,if=virtio,snapshot=on",
            "-nic", f"user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22",
            "-serial", f"file:{self.console}", "-serial", f"unix:{self._at},server=on,wait=off",
        ]  # fmt: skip
        self._process = subprocess.Popen(command)
        self._line: socket.socket | None = None
        self._seen = 0

    def until(self, text: str, seconds: float) -> bool:
        """Whether `text` came onto the console, after all that was asked for before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            whole = self.console.read_bytes().decode("utf-8", "replace") if self.console.exists() else ""
            found = whole.find(text, self._seen)
            if found >= 0:
                self._seen = found + len(text)
                return True
            time.sleep(0.5)
        return False

    def run(self, command: str, seconds: float = 300.0) -> Said:
        """Run a line in the root shell. Raises TimeoutError, OSError."""
        if self._line is None:
            self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._line.connect(str(self._at))
        self._drain()
        # the end is written in two parts, so that the echo of the line is not taken for it
        self._line.sendall(f"{{ {command}; }} </dev/null 2>&1; printf '<<%s>>%s\\n' $? end\n".encode())
        end, held, text = time.monotonic() + seconds, b"", ""
        while not (found := _END.search(text)):
            self._line.settimeout(max(0.1, end - time.monotonic()))
            data = self._line.recv(65536)
            if not data:
                raise TimeoutError(f"the machine ended during: {command}")
            held += data
            text = held.decode("utf-8", "replace").replace("\r", "")
        body = text[: found.start()].partition("end\\n\n" if "end\\n\n" in text else "\n")[2]
        return Said(int(found[1]), body.strip())

    def shell(self, seconds: float) -> bool:
        """Whether the root shell answers within some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if self.run("true", 5.0).code == 0:
                    return True
            except (TimeoutError, OSError):
                time.sleep(1.0)
        return False

    def ssh(self, key: Path, *words: str, seconds: float = 120.0) -> Said:
        """One command over SSH, as a maintainer has it."""
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
        command = ["ssh", *options, "-i", str(key), "-p", str(self.ssh_port), "gatehouse-ssh@127.0.0.1", *words]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        return Said(said.returncode, said.stdout + ("" if said.returncode == 0 else said.stderr))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _drain(self) -> None:
        assert self._line is not None
        self._line.settimeout(0.05)
        try:
            while self._line.recv(65536):
                pass
        except TimeoutError:
            pass
