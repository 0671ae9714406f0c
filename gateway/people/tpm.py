"""The four NV commands of TPM 2.0 that keep and destroy one secret, over `/dev/tpmrm0` or a simulator's socket.

Source: TCG TPM 2.0 Library, part 3 (NV_DefineSpace, NV_Write, NV_Read, NV_UndefineSpace) with an empty owner password.
An undefined index is gone: no copy of the disk brings it back. Not supported: sessions that encrypt the bus.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

OWNER = 0x40000001
PASSWORD = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)  # one authorisation: TPM_RS_PW, no nonce, no attributes, empty
SESSIONS, PLAIN = 0x8002, 0x8001
DEFINE, UNDEFINE, WRITE, READ, PUBLIC, STARTUP = 0x12A, 0x122, 0x137, 0x14E, 0x169, 0x144
ATTRIBUTES = 0x02020002  # owner writes, owner reads, no dictionary-attack lock-out by our own reads
SHA256 = 0x000B
NO_INDEX = 0x18B  # TPM_RC_HANDLE of the first handle
STARTED = 0x100  # TPM_RC_INITIALIZE: it was started already
ANSWER_MAX = 4096
TIMEOUT_S = 5.0


class TpmError(OSError):
    """The TPM is not there, does not answer or refuses; `code` is its response code, 0 without one."""

    def __init__(self, what: str, code: int = 0) -> None:
        super().__init__(what)
        self.code = code


class Tpm:
    """One TPM. `place` is a device, or `tcp:HOST:PORT` of a simulator. Raises TpmError everywhere; call it in a thread."""

    def __init__(self, place: str) -> None:
        self._place = place

    def read(self, index: int, size: int) -> bytes | None:
        """The content of an NV index, None where there is none."""
        try:
            self._ask(PLAIN, PUBLIC, struct.pack(">I", index))
        except TpmError as error:
            if error.code == NO_INDEX:
                return None
            raise
        answer = self._ask(SESSIONS, READ, struct.pack(">II", OWNER, index), struct.pack(">HH", size, 0))
        (length,) = struct.unpack_from(">H", answer, 4)
        return answer[6 : 6 + length]

    def write(self, index: int, data: bytes) -> None:
        """Define the index and put `data` into it."""
        public = struct.pack(">IHIHH", index, SHA256, ATTRIBUTES, 0, len(data))
        self._ask(SESSIONS, DEFINE, struct.pack(">I", OWNER), struct.pack(">HH", 0, len(public)) + public)
        self._ask(
            SESSIONS,
            WRITE,
            struct.pack(">II", OWNER, index),
            struct.pack(">H", len(data)) + data + struct.pack(">H", 0),
        )

    def destroy(self, index: int) -> None:
        """The index and what was in it are gone."""
        self._ask(SESSIONS, UNDEFINE, struct.pack(">II", OWNER, index))

    def start(self) -> None:
        """What firmware does on a real machine: needed after a simulator starts."""
        try:
            self._ask(PLAIN, STARTUP, struct.pack(">H", 0))
        except TpmError as error:
            if error.code != STARTED:
                raise

    def _ask(self, tag: int, code: int, handles: bytes, parameters: bytes = b"") -> bytes:
        body = handles + (PASSWORD if tag == SESSIONS else b"") + parameters
        answer = self._exchange(struct.pack(">HII", tag, 10 + len(body), code) + body)
        if len(answer) < 10:
            raise TpmError(f"{self._place}: short answer")
        _, size, response = struct.unpack_from(">HII", answer)
        if response:
            raise TpmError(f"{self._place}: response code 0x{response:x}", response)
        return answer[10:size]

    def _exchange(self, command: bytes) -> bytes:
        try:
            if self._place.startswith("tcp:"):
                _, host, port = self._place.split(":")
                with socket.create_connection((host, int(port)), TIMEOUT_S) as line:
                    line.sendall(command)
                    return _whole(line)
            handle = os.open(Path(self._place), os.O_RDWR | os.O_CLOEXEC)
            try:
                os.write(handle, command)
                return os.read(handle, ANSWER_MAX)
            finally:
                os.close(handle)
        except OSError as error:
            raise TpmError(f"{self._place}: {error}") from error


def _whole(line: socket.socket) -> bytes:
    answer = b""
    while len(answer) < 10 or len(answer) < int.from_bytes(answer[2:6], "big"):
        part = line.recv(ANSWER_MAX)
        if not part:
            break
        answer += part
    return answer
