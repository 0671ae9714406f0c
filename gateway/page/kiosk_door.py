"""The kiosk's door: a Unix socket that gives whoever may open it a token, one a connection, and closes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.access.kiosk import Kiosk
from gateway.control.listening import listen, prepare

NAME = "kiosk"  # kiosk.sock, for the group gatehouse-kiosk


class KioskDoor:
    """Serves `directory/kiosk.sock` until `run` is cancelled. It reads nothing, so it cannot be fed anything."""

    def __init__(self, directory: Path, kiosk: Kiosk) -> None:
        self._directory, self._kiosk = directory, kiosk
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen. Raises OSError where the socket cannot be made."""
        prepare(self._directory)
        listener = listen(self._directory, NAME)
        try:
            server = await asyncio.start_unix_server(self._given, sock=listener)
            self.listening.set()
            async with server:
                await server.serve_forever()
        finally:
            self.listening.clear()
            listener.close()
            (self._directory / f"{NAME}.sock").unlink(missing_ok=True)

    async def _given(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._kiosk.token().encode() + b"\n")
        writer.close()
