"""An MQTT broker in a process of its own: mosquitto where installed, otherwise the embedded one (MQTT 3.1.1).

`python -m gateway.demo.broker --directory DIR --port 8883 --certs CERTS` runs one until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Kind = Literal["mosquitto", "embedded"]

READY_S = 10.0
STOP_S = 5.0


def mosquitto() -> str | None:
    """Where mosquitto is installed, or None; Debian puts it where ordinary users do not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """One broker: `async with Broker(directory, certs=…) as broker`; `kill` and `restart` for faults.

    With `certs` (a directory made by `ca.make`) the listener is TLS and asks every client for a certificate of that CA;
    the certificate's common name is then the user. Without, it is plain and open. For mosquitto only: `acl` is the text
    of an ACL file, `users` a password file, `extra` more lines of its configuration; it keeps sessions in `directory`.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        certs: Path | None = None,
        acl: str = "",
        users: Path | None = None,
        kind: Kind | None = None,
        extra: str = "",
    ) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.certs = certs
        self.acl = acl
        self.users = users
        self.kind: Kind = kind or ("mosquitto" if mosquitto() else "embedded")
        self.extra = extra
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What a site folder names it."""
        return f"{'mqtts' if self.certs else 'mqtt'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError with the end of its log."""
        command = self._prepare()
        with (self.directory / "broker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(READY_S):
                await self._listening()
        except TimeoutError:
            await self.kill()
            raise RuntimeError(f"broker did not start: {self.log()[-2000:]}") from None

    async def stop(self) -> None:
        """End it in order, so that it saves what it holds."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """End it in order and start it again on the same port."""
        await self.stop()
        await self.start()

    def pause(self, paused: bool) -> None:
        """Freeze it with its sockets open (a black hole), or let it go on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def log(self) -> str:
        """What it wrote so far."""
        return (self.directory / "broker.log").read_text(errors="replace")

    async def _end(self, number: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _listening(self) -> None:
        while True:
            if await self._listens():
                return
            await asyncio.sleep(0.05)

    async def _listens(self) -> bool:
        if self.process is None or self.process.returncode is not None:
            raise RuntimeError(f"broker ended: {self.log()[-2000:]}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _prepare(self) -> list[str]:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.kind == "embedded":
            path = self.directory / "embedded.json"
            certs = str(self.certs.resolve()) if self.certs else ""
            path.write_text(json.dumps({"port": self.port, "certs": certs}))
            return [sys.executable, "-m", "gateway.demo.embedded", str(path)]
        path = self.directory / "mosquitto.conf"
        path.write_text("\n".join(self._lines()) + "\n")
        return [mosquitto() or "mosquitto", "-c", str(path)]

    def _lines(self) -> list[str]:
        here = self.directory.resolve()
        lines = [
            "per_listener_settings false",
            "persistence true",
            f"persistence_location {here}/",
            "autosave_interval 10",
            "max_queued_messages 10000",
            "log_type error",
            "log_type warning",
            "log_type notice",
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'false' if self.users else 'true'}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # otherwise it becomes a user who may not read the keys of this directory
        if self.certs is not None:
            certs = self.certs.resolve()
            lines += [f"cafile {certs}/ca.pem", f"certfile {certs}/server.pem", f"keyfile {certs}/server.key"]
            lines += ["require_certificate true", "tls_version tlsv1.2"]
            lines += [] if self.users else ["use_identity_as_username true"]
        if self.acl:
            acl = here / "acl"
            acl.write_text(self.acl)
            acl.chmod(0o600)
            lines.append(f"acl_file {acl}")
        if self.users is not None:
            lines.append(f"password_file {self.users.resolve()}")
        return [*lines, self.extra]


async def _main(directory: Path, port: int, certs: Path | None, kind: Kind | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Broker(directory, port, certs=certs, kind=kind) as broker:
        print(f"broker: {broker.kind} on {broker.url}", flush=True)
        await stop.wait()


def main() -> None:
    """Run a broker until SIGTERM."""
    parser = argparse.ArgumentParser(prog="gateway.demo.broker", description="the MQTT broker of the demo plant")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--certs", type=Path)
    parser.add_argument("--kind", choices=("mosquitto", "embedded"))
    given = parser.parse_args()
    asyncio.run(_main(given.directory, given.port, given.certs, given.kind))


if __name__ == "__main__":
    main()
