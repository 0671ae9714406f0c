"""A plant of network namespaces: one for who asks, one for each device, a cable between them. Needs root; skips where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pytest

from tests.peers.build import absent

PATIENCE_S = 20.0
_LISTENS = "0A"  # of TCP, in /proc/net/tcp; a UDP socket is there or not


@dataclass(frozen=True, slots=True)
class Seen:
    """One packet on the cables with a payload, as the asker's end of the wire saw it."""

    at_s: float
    tcp: bool
    source: str
    target: str
    port: int  # of the device
    payload: bytes


class Plant:
    """Devices by name, each at `address(name)` behind a cable of its own."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._mark = f"gh{os.getpid()}"
        self._running: list[subprocess.Popen[str]] = []
        self.asker = f"{self._mark}ask"

    def __enter__(self) -> Plant:
        if shutil.which("ip") is None:
            absent("network namespaces need iproute2: apt install iproute2")
        try:
            self._ip("netns", "add", self.asker)
            for number, name in enumerate(self._names):
                self._cable(number, name)
        except subprocess.CalledProcessError as refused:
            self._remove()
            pytest.skip(f"network namespaces cannot be made here ({refused.stderr.strip()}): run as root")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._running:
            one.kill()
            one.communicate()
        self._remove()

    def address(self, name: str) -> str:
        """Of a device."""
        return f"10.213.{self._names.index(name)}.2"

    def within(self, name: str) -> list[str]:
        """What goes in front of a command to run it beside a device, or beside the asker ("")."""
        return ["ip", "netns", "exec", self._space(name) if name else self.asker]

    def start(self, name: str, command: Sequence[str], *, tcp: int = 0, udp: int = 0, told: bool = False) -> None:
        """A device's server; returns when it listens at `tcp` or `udp`, or has printed a line (`told`)."""
        out = subprocess.PIPE if told else subprocess.DEVNULL
        words = [*self.within(name), *command]
        server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, text=True)
        self._running.append(server)
        if told:
            assert server.stdout is not None
            assert server.stdout.readline(), f"{name} ended"
        end_s = time.monotonic() + PATIENCE_S
        while not (_bound(server.pid, "tcp", tcp) if tcp else not udp or _bound(server.pid, "udp", udp)):
            assert server.poll() is None, f"{name} ended"
            assert time.monotonic() < end_s, f"{name} does not listen"
            time.sleep(0.02)

    def run(self, command: Sequence[str], given: bytes) -> tuple[bytes, list[Seen]]:
        """Run `command` at the asker: its output, and what was on the cables meanwhile."""
        tap = [*self.within(""), "python3", str(Path(__file__).parents[2] / "peers" / "wire_tap.py")]
        with subprocess.Popen(tap, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wire:
            assert wire.stdout is not None
            assert wire.stdin is not None
            assert wire.stdout.readline() == "ready\n"
            done = subprocess.run([*self.within(""), *command], input=given, stdout=subprocess.PIPE, check=True)
            time.sleep(0.1)  # the last packets reach the tap
            lines = wire.communicate()[0].splitlines()
        return done.stdout, [one for line in lines if (one := _seen(line)).payload]

    def _space(self, name: str) -> str:
        return f"{self._mark}d{self._names.index(name)}"

    def _cable(self, number: int, name: str) -> None:
        space, near, far = self._space(name), f"{self._mark}n{number}", f"{self._mark}f{number}"
        self._ip("netns", "add", space)
        self._ip("link", "add", near, "netns", self.asker, "type", "veth", "peer", "name", far, "netns", space)
        for where, end, last in ((self.asker, near, 1), (space, far, 2)):
            self._ip("-n", where, "addr", "add", f"10.213.{number}.{last}/30", "dev", end)
            self._ip("-n", where, "link", "set", end, "up")
            self._ip("-n", where, "link", "set", "lo", "up")

    def _remove(self) -> None:
        for space in (self.asker, *map(self._space, self._names)):
            subprocess.run(["ip", "netns", "del", space], stderr=subprocess.DEVNULL, check=False)

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], stderr=subprocess.PIPE, text=True, check=True)


def _bound(pid: int, kind: str, port: int) -> bool:
    """Whether somebody in the namespace of process `pid` listens at `port`."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path(f"/proc/{pid}/net/{kind}6").read_text().splitlines()[1:]]
    return any(int(row[1].rpartition(":")[2], 16) == port and (kind == "udp" or row[3] == _LISTENS) for row in rows)


def _seen(line: str) -> Seen:
    at_s, protocol, source, source_port, target, target_port, payload = line.split()
    port = int(target_port) if source.endswith(".1") else int(source_port)
    return Seen(float(at_s), protocol == "6", source, target, port, b"" if payload == "-" else bytes.fromhex(payload))
