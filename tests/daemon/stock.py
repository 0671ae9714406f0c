"""A plain MQTT 3.1.1 client on nothing but a socket: what any receiver of a plant has, and no line of the gateway's library."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14
KEEP_ALIVE_S = 60


class Stock:
    """One connection with a session that the broker keeps (clean session 0). Acknowledges what it gets at QoS 1."""

    def __init__(self, port: int, certs: Path, name: str) -> None:
        context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
        context.load_cert_chain(certs / "receiver.pem", certs / "receiver.key")
        plain = socket.create_connection(("127.0.0.1", port), 5)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._buffer = b""
        flags = 0  # clean session 0, no will, no user
        self._send(CONNECT << 4, _text("MQTT") + bytes((4, flags)) + struct.pack(">H", KEEP_ALIVE_S) + _text(name))
        kind, body = self._packet(5)
        assert kind >> 4 == CONNACK, kind
        assert body[1] == 0, f"refused with {body[1]}"
        self.session_present = bool(body[0])

    def subscribe(self, topic: str) -> None:
        self._send(SUBSCRIBE << 4 | 2, struct.pack(">H", 1) + _text(topic) + b"\1")

    def messages(self, for_s: float) -> Iterator[tuple[str, bytes]]:
        """(topic, payload) as they come, until nothing is left of `for_s`."""
        end = time.monotonic() + for_s
        while (left := end - time.monotonic()) > 0:
            try:
                kind, body = self._packet(left)
            except TimeoutError:
                return
            if kind >> 4 != PUBLISH:
                continue
            length = int.from_bytes(body[:2], "big")
            topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
            if kind >> 1 & 3:
                self._send(PUBACK << 4, rest[:2])
                rest = rest[2:]
            yield topic, rest

    def close(self) -> None:
        """Leave in order; the session stays at the broker."""
        self._send(DISCONNECT << 4, b"")
        self._socket.close()

    def _send(self, kind: int, body: bytes) -> None:
        length, left = b"", len(body)
        while left > 127:
            length, left = length + bytes((left & 127 | 128,)), left >> 7
        self._socket.sendall(bytes((kind,)) + length + bytes((left,)) + body)

    def _packet(self, within_s: float) -> tuple[int, bytes]:
        """(first byte, body). Raises TimeoutError; what had come of a packet is kept for the next call."""
        end = time.monotonic() + within_s
        while (found := _split(self._buffer)) is None:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the broker hung up")
            self._buffer += data
        kind, body, self._buffer = found
        return kind, body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _split(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """The first whole packet of `buffer`: (first byte, body, what follows); None where it is not whole yet."""
    length, at = 0, 1
    while at < len(buffer):
        length |= (buffer[at] & 127) << 7 * (at - 1)
        at += 1
        if buffer[at - 1] < 128:
            return (buffer[0], buffer[at : at + length], buffer[at + length :]) if len(buffer) >= at + length else None
    return None
