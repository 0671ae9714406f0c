"""The control server: one Unix socket per role, one JSON object a line in each direction.

A client can slow down or kill only its own connection: requests, connections, waiting bytes and idle time are bounded.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway.control.answer import Answering, Caller, encode, lines
from gateway.control.listening import listen, prepare
from gateway.control.messages import REQUEST_MAX_BYTES, ROLES, Desk, Reply, Request, Role
from gateway.control.peers import peer_of
from gateway.control.texts import role_word, say
from gateway.control.tokens import Tokens
from gateway.control.verbs import Facts
from gateway.control.views import Views

CONNECTIONS_MAX = 16  # of one role: a full operator socket leaves the engineer's free
IDLE_S = 60.0  # a person at a prompt reconnects; a forgotten program must not hold a place
SEND_S = 5.0  # a reader slower than this is cut off
WAITING_BYTES_MAX = 262_144  # bytes a client may leave unread before the server waits for it
SHELL_ACCOUNT = "gatehouse-ssh"  # sshd lets it run `gatehouse shell --as NAME` and nothing else
EVERY_MIN_MS = 200  # five times a second is as fast as people read

_log = logging.getLogger("gatehouse.control")
_decoder = msgspec.json.Decoder(Request)


class ControlServer:
    """Serves `directory/<role>.sock` until `run` is cancelled. Read verbs ask `views`, acting ones go to `desk`."""

    def __init__(
        self,
        directory: Path,
        views: Views,
        desk: Desk,
        facts: Facts,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
        idle_s: float = IDLE_S,
        send_s: float = SEND_S,
        connections_max: int = CONNECTIONS_MAX,
        roles_of: Callable[[str], tuple[str, ...]] = lambda _person: (),
        shell_account: str = SHELL_ACCOUNT,
    ) -> None:
        self._roles_of, self._shell_account = roles_of, shell_account
        self.directory = directory
        self.listening = asyncio.Event()
        self._ended = False
        self._answering = Answering(views, desk, facts, Tokens(now_ns))
        self._idle_s = idle_s
        self._send_s = send_s
        self._connections_max = connections_max
        self._open: dict[Role, int] = dict.fromkeys(ROLES, 0)

    async def run(self) -> None:
        """Listen, and serve every connection in this task's group. Raises OSError where a socket cannot be made."""
        prepare(self.directory)
        listeners: dict[Role, socket.socket] = {}
        servers: list[asyncio.Server] = []
        try:
            for role in ROLES:
                listeners[role] = listen(self.directory, role)
            async with asyncio.TaskGroup() as connections:
                for role, listener in listeners.items():
                    accepted = self._accepted(connections, role)
                    servers.append(await asyncio.start_unix_server(accepted, sock=listener, limit=REQUEST_MAX_BYTES))
                self.listening.set()
                try:
                    await asyncio.Event().wait()  # until cancelled
                finally:
                    self._ended = True
        finally:
            self.listening.clear()
            for server in servers:
                server.close()
            for role, listener in listeners.items():
                listener.close()
                (self.directory / f"{role}.sock").unlink(missing_ok=True)

    def _accepted(
        self, connections: asyncio.TaskGroup, role: Role
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._ended:  # called before the end, taken after it: the group takes nobody any more
                writer.close()
            else:
                serving = connections.create_task(self._serve(role, reader, writer))
                serving.add_done_callback(lambda _: writer.close())  # also where it was cancelled before its first step

        return accepted

    async def _serve(self, role: Role, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last; what goes wrong with it ends here."""
        self._open[role] += 1
        try:
            if self._open[role] > self._connections_max:
                await self._send(writer, Reply(8, say("server.busy", "en", role=role_word(role, "en"))))
                return
            file_number: int = writer.get_extra_info("socket").fileno()
            caller = Caller(await asyncio.to_thread(peer_of, file_number), role)
            while await self._turn(caller, reader, writer):
                pass
        except (OSError, TimeoutError) as error:  # the client went, was idle, or does not read
            _log.debug("control connection of role %s ended: %s", role, error or type(error).__name__)
            writer.transport.abort()
        finally:
            self._open[role] -= 1

    async def _turn(self, caller: Caller, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; False ends the connection."""
        try:
            async with asyncio.timeout(self._idle_s):
                line = await reader.readline()
        except ValueError:  # longer than the limit of the stream
            await self._send(writer, Reply(2, say("request.too-long", "en", limit=REQUEST_MAX_BYTES)))
            return False
        if not line.endswith(b"\n"):
            return False
        try:
            request = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            await self._send(writer, Reply(2, say("request.garbage", "en", why=str(error))))
            return False
        if request.person or caller.peer.person == self._shell_account:
            caller, refused = await self._by_name(caller, request)
            if refused is not None:
                await self._send(writer, refused)
                return False
        reply = await self._answering.answer(caller, request)
        await self._send(writer, reply)
        if request.stream and reply.code == 0:
            await self._stream(caller, request, writer)
            return False
        return True

    async def _by_name(self, caller: Caller, request: Request) -> tuple[Caller, Reply | None]:
        """Who a shared account speaks for, with the roles that users.toml gives them; no other account may name anybody."""
        if caller.peer.person != self._shell_account:
            return caller, Reply(5, say("person.not-yours", request.language))
        roles = await asyncio.to_thread(self._roles_of, request.person)
        if not roles:
            return caller, Reply(5, say("person.unknown", request.language, person=request.person[:40]))
        return Caller.signed_in(request.person, roles), None

    async def _stream(self, caller: Caller, request: Request, writer: asyncio.StreamWriter) -> None:
        """Answer `request` again and again until the client hangs up or stops reading."""
        every_s = max(request.every_ms, EVERY_MIN_MS) / 1000
        while not writer.is_closing():
            await asyncio.sleep(every_s)
            reply = await self._answering.answer(caller, request)
            await self._send(writer, reply)
            if reply.code != 0:
                return

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        """Send `reply` in lines of bounded size. Raises TimeoutError where the client does not read."""
        writer.transport.set_write_buffer_limits(high=WAITING_BYTES_MAX)
        for part in lines(reply):
            writer.write(encode(part))
            async with asyncio.timeout(self._send_s):
                await writer.drain()
