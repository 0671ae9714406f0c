"""A connection on which one question is out at a time: framing, matching and time-outs for drivers that ask and are answered.

A stream keeps no borders and forgives nothing: bytes that are no answer to what was asked end it. A datagram that answers
something else is passed over, because the network may deliver it late or twice.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

from gateway.core.errors import AddressError, SourceError


class Malformed(Exception):
    """Bytes that are no answer to what was asked."""


def both(en: str, zh: str) -> str:
    """One sentence in both languages, for texts that have a single field."""
    return f"{en} / {zh}"


READ_ONLY = both("this source is only read", "该数据源只读")


class Unwritable(ValueError):
    """A value that an output cannot take, and why, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(both(f"the value cannot be written: {en}", f"该值无法写入：{zh}"))


class Connected(asyncio.Protocol, ABC):
    """One connection that we opened. `fail` ends it with an error; it is over when `gone` is done."""

    other = ("the device", "设备")  # who is at the other end

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # the socket is closed
        self.on_loss: Callable[[], None] = _nothing
        self._transport: asyncio.Transport | asyncio.DatagramTransport | None = None
        self._held = bytearray()

    @abstractmethod
    def fail(self, message: str) -> None:
        """End the connection as an operating error; the first one counts."""

    def close(self) -> None:
        """End it now."""
        if self._transport is None:
            if not self.gone.done():
                self.gone.set_result(None)
        else:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def eof_received(self) -> bool:
        en, zh = self.other
        self.fail(both(f"{en} closed the connection", f"{zh}关闭了连接"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        en, zh = self.other
        self.fail(both(f"the connection to {en} was lost", f"与{zh}的连接中断"))
        if not self.gone.done():
            self.gone.set_result(None)

    def _send(self, frame: bytes) -> None:
        if isinstance(self._transport, asyncio.DatagramTransport) or hasattr(self._transport, "sendto"):
            cast(asyncio.DatagramTransport, self._transport).sendto(frame)
        else:
            cast(asyncio.Transport, self._transport).write(frame)


class Talk(Connected):
    """One connection. A subclass says what goes around a request, where a frame ends, and what makes it the answer."""

    def __init__(self, timeout_ms: int) -> None:
        super().__init__()
        self.timeout_ms = timeout_ms
        self.retries = 0  # of a question over datagrams
        self.error: Exception | None = None
        self._answer: asyncio.Future[bytes] | None = None

    # -- what a protocol says ---------------------------------------------------------------------------------------

    @abstractmethod
    def wrap(self, request: bytes) -> bytes:
        """The frame of a request, with a number of its own where the protocol has one."""

    @abstractmethod
    def size(self, data: bytes | bytearray) -> int:
        """Length of the frame that begins with `data`, 0 = too early to say. Raises Malformed."""

    @abstractmethod
    def unwrap(self, frame: bytes) -> bytes:
        """What is in the frame that answers the last request. Raises Malformed."""

    # -- what a driver calls ----------------------------------------------------------------------------------------

    async def ask(self, request: bytes) -> bytes:
        """The answer to `request`. Raises SourceError, and the connection is over then."""
        for again in range(self.retries + 1):
            if self.error is not None or self._transport is None:
                raise self.error or SourceError(both("not connected", "未连接"))
            self._answer = asyncio.get_running_loop().create_future()
            self._send(self.wrap(request))
            try:
                async with asyncio.timeout(self.timeout_ms / 1000):
                    return await self._answer
            except TimeoutError:
                if again == self.retries:
                    ms = self.timeout_ms * (self.retries + 1)
                    self.fail(both(f"the device did not answer within {ms} ms", f"设备在 {ms} ms 内没有应答"))
            finally:
                self._answer = None
        assert self.error is not None
        raise self.error

    def fail(self, message: str) -> None:
        """End the connection as an operating error."""
        self._end(SourceError(message))

    def address(self, which: str) -> str:
        """The host of our end ("sockname") or the other ("peername")."""
        assert self._transport is not None
        return str(self._transport.get_extra_info(which)[0])

    # -- what asyncio calls -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._held += data
        try:
            while self.error is None:
                size = self.size(self._held)
                if not size or len(self._held) < size:
                    return
                frame = bytes(self._held[:size])
                del self._held[:size]
                if self._answer is None or self._answer.done():
                    raise Malformed("nobody asked")
                self._answer.set_result(self.unwrap(frame))
        except Malformed as error:
            self.fail(not_an_answer(error))

    def datagram_received(self, data: bytes, address: object) -> None:
        """A whole frame, or nothing."""
        try:
            if self._answer is not None and not self._answer.done() and self.size(data) == len(data):
                self._answer.set_result(self.unwrap(data))
        except Malformed:
            return

    def error_received(self, error: OSError) -> None:
        """Nobody listens there (datagrams)."""
        self.fail(both(f"the device cannot be reached ({error})", f"无法连接设备（{error}）"))

    # -- ends -------------------------------------------------------------------------------------------------------

    def _end(self, error: Exception) -> None:
        if self.error is not None:
            return
        self.error = error
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()
        self.on_loss()


def not_an_answer(error: Exception) -> str:
    """For bytes that cannot be trusted."""
    return both(
        f"the device sent something that is no answer to us ({error})", f"设备发来的数据不是对我们请求的应答（{error}）"
    )


def where(url: str, schemes: Sequence[str], port: int, wrong: AddressError) -> tuple[str, str, int]:
    """Scheme, host and port of `scheme://host[:port]`; `port` is the usual one, 0 = it must be said. Raises `wrong`."""
    try:
        parts = urlsplit(url)
        host, given = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    port = port if given is None else given
    if parts.scheme not in schemes or not host or not port or parts.path.strip("/") or parts.query or parts.username:
        raise wrong
    return parts.scheme, host, port


async def opened(talk: Talk, host: str, port: int, what: tuple[str, str], hello: Callable[[], Awaitable[None]]) -> None:
    """Connect a stream and say what a session begins with; nothing stays open where that fails. Raises SourceError, Malformed."""
    await dial(talk, talk.timeout_ms, host, port, what)
    await _begun(talk, hello)


async def datagrams(talk: Talk, host: str, port: int, hello: Callable[[], Awaitable[None]]) -> None:
    """The same over datagrams, where nobody knows before an answer whether anybody is there."""
    try:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: talk, remote_addr=(host, port))
    except (OSError, UnicodeError) as error:
        raise SourceError(
            both(f"{host}:{port} cannot be reached ({error})", f"无法连接 {host}:{port}（{error}）")
        ) from error
    await _begun(talk, hello)


async def _begun(talk: Talk, hello: Callable[[], Awaitable[None]]) -> None:
    done = False
    try:
        await hello()
        done = True
    finally:
        if not done:
            talk.close()
            await talk.gone


async def dial(protocol: asyncio.Protocol, timeout_ms: int, host: str, port: int, what: tuple[str, str]) -> None:
    """Connect a stream; `what` names the server in both languages. Raises SourceError."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await asyncio.get_running_loop().create_connection(lambda: protocol, host, port)
    except ConnectionRefusedError as error:
        raise refusing(host, port, what) from error
    except TimeoutError as error:
        raise SourceError(
            both(
                f"{host} does not answer on port {port}: check power, cable and address",
                f"{host} 端口 {port} 无应答：请检查电源、网线和地址",
            )
        ) from error
    except (OSError, UnicodeError) as error:
        raise SourceError(
            both(f"{host}:{port} cannot be reached ({error})", f"无法连接 {host}:{port}（{error}）")
        ) from error


def refusing(host: str, port: int, what: tuple[str, str]) -> SourceError:
    """A host that answers and has nothing at this port; `what` should be there, in both languages."""
    return SourceError(
        both(
            f"{host} is there but refuses port {port}: is its {what[0]} switched on?",
            f"{host} 在线，但拒绝端口 {port}：请检查{what[1]}是否已启用",
        )
    )


def _nothing() -> None:
    """Nobody listens yet."""
