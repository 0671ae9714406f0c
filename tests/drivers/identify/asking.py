"""Asking real servers: a scan of one target through a recorder, and what its log says was sent."""

from __future__ import annotations

import asyncio
import itertools
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from drivers.identify.probes import PROTOCOLS
from drivers.identify.scanner import Result, Scan, Target
from drivers.identify.wire import Log
from tests.peers.relay import Relay


class Datagrams:
    """A UDP relay on 127.0.0.1; `sent` are the requests in their order."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.sent: list[bytes] = []
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.bind(("127.0.0.1", 0))
        self.port = self._near.getsockname()[1]
        self._far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._far.connect(target)
        self._over = False
        self._thread = threading.Thread(target=self._main, name="datagrams", daemon=True)

    def __enter__(self) -> Datagrams:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()
        self._near.close()
        self._far.close()

    def _main(self) -> None:
        asker = ("127.0.0.1", 0)
        while not self._over:
            for one in select.select([self._near, self._far], [], [], 0.02)[0]:
                if one is self._near:
                    data, asker = self._near.recvfrom(65_535)
                    self.sent.append(data)
                    self._far.send(data)
                else:
                    self._near.sendto(self._far.recv(65_535), asker)


@contextmanager
def running(*command: str) -> Iterator[None]:
    """A foreign server for a while."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            yield
        finally:
            peer.kill()


def asked(target: Target, log: Path, patience_s: float = 15) -> Result:
    """The result of one target, asked again while its server starts."""
    end = time.monotonic() + patience_s
    while True:
        log.unlink(missing_ok=True)
        writing = Log(log)
        (result,) = asyncio.run(Scan([target], writing).run())
        writing.close()
        if result.rows or time.monotonic() > end:
            return result
        time.sleep(0.5)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a log."""

    at_s: float
    outward: bool
    device: str
    content: bytes


def packets(log: Path, port: int) -> list[Packet]:
    """All packets of a log, read without the product's own reader; `port` is the device's."""
    raw, at, out = log.read_bytes(), 24, []
    while at < len(raw):
        seconds, micro, size, _ = (int.from_bytes(raw[at + 4 * k : at + 4 * k + 4], "little") for k in range(4))
        packet = raw[at + 16 : at + 16 + size]
        content = packet[40:] if packet[9] == 6 else packet[28:]
        outward = int.from_bytes(packet[22:24], "big") == port
        device = socket.inet_ntoa(packet[16:20] if outward else packet[12:16])
        out.append(Packet(seconds + micro / 1e6, outward, device, content))
        at += 16 + size
    return out


def recorded(protocol: str, server: tuple[str, int], log: Path) -> Result:
    """A scan through a recorder: the log must hold what the server got, byte for byte, and at most a request a second."""
    over = next(one.over for one in PROTOCOLS if one.id == protocol)
    with Relay(server[1]) if over == "tcp" else Datagrams(server) as relay:
        writing = Log(log)
        scan = Scan([Target("device", "127.0.0.1", (protocol,), ((protocol, relay.port),))], writing)
        (result,) = asyncio.run(scan.run())
        writing.close()
    sent = [one for one in packets(log, relay.port) if one.outward and one.content]
    assert [one.content for one in sent] == relay.sent
    assert len(sent) == result.sent
    assert all(later.at_s - sooner.at_s >= 0.99 for sooner, later in itertools.pairwise(sent))
    assert not scan.broken
    return result
