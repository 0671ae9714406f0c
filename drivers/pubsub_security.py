"""Message security of OPC UA PubSub: PubSub-Aes128-CTR and PubSub-Aes256-CTR (Part 14, 7.2.4.4.3; Part 7). No socket, no clock.

Signature: HMAC-SHA256 over all bytes before it. Encryption: AES in counter mode over the payload, counter block =
KeyNonce (4) | MessageNonce (8) | block number (4, big-endian, from 1). Key data: SigningKey (32) | EncryptingKey (16 or 32)
| KeyNonce (4). The last four bytes of a message nonce count (little-endian) and only ever go up for one key: what does
not is a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.base_talk import both
from drivers.base_ua import Malformed
from gateway.core.errors import SourceError
from gateway.core.tags import Cause

Policy = Literal["PubSub-Aes128-CTR", "PubSub-Aes256-CTR", "none"]

SIGNATURE, SIGNING, KEY_NONCE, MESSAGE_NONCE = 32, 32, 4, 8
ENCRYPTING = {"PubSub-Aes128-CTR": 16, "PubSub-Aes256-CTR": 32}
SIGNED, ENCRYPTED, FOOTER, RESET = 1, 2, 4, 8  # security flags
_U4 = struct.Struct("<I")


class Refused(Exception):
    """A message that is not signed as it must be, or was said before."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one security token."""

    signing: bytes
    encrypting: bytes
    nonce: bytes


@dataclass(slots=True)
class Opener:
    """Verifies and decrypts. `windows` holds the last count of every publisher, group and token, of known tokens only."""

    keys: dict[int, Keys]
    encrypted: bool
    windows: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def open(self, data: bytes, at: int, secured: bool, who: tuple[str, str]) -> tuple[bytes, int, int]:
        """The message with its payload in clear, where that begins and where it ends. Raises Refused."""
        if not secured:
            raise Refused("a message without a signature")
        if at + 6 > len(data):
            raise Malformed("a message that ends within its security header")
        flags, token, size = data[at], _U4.unpack_from(data, at + 1)[0], data[at + 5]
        begin = at + 6 + size
        footer = int.from_bytes(data[begin : begin + 2], "little") if flags & FOOTER else 0
        begin += 2 if flags & FOOTER else 0
        end = len(data) - SIGNATURE
        if begin + footer > end or size != MESSAGE_NONCE:
            raise Malformed("a message too short for its security header")
        keys = self.keys.get(token)
        if keys is None:
            raise Refused(f"signed with token {token}, which the key file does not have")
        if not flags & SIGNED or (self.encrypted and not flags & ENCRYPTED):
            raise Refused("a message that is not secured as configured")
        expected = hmac.digest(keys.signing, memoryview(data)[:end], hashlib.sha256)
        if not hmac.compare_digest(expected, data[end:]):
            raise Refused("a signature that does not fit")
        nonce = data[at + 6 : at + 6 + size]
        self._count(_U4.unpack(nonce[4:])[0], (*who, token))
        if flags & ENCRYPTED:
            data = data[:begin] + decrypted(keys, nonce, data[begin : end - footer])
        return data, begin, end - footer

    def _count(self, count: int, who: tuple[str, str, int]) -> None:
        """Only after the signature was found right: a stranger cannot move the window."""
        if count <= self.windows.get(who, -1):
            raise Refused(f"message {count} of {'/'.join(who[:2])} was said before")
        self.windows[who] = count


def decrypted(keys: Keys, nonce: bytes, payload: bytes) -> bytes:
    """The payload in clear; the same operation encrypts."""
    block = keys.nonce + nonce + (1).to_bytes(4, "big")
    cipher = Cipher(algorithms.AES(keys.encrypting), modes.CTR(block)).decryptor()
    return bytes(cipher.update(payload) + cipher.finalize())


def read_keys(path: Path, policy: str) -> dict[int, Keys]:
    """The keys of a TOML file with `[[key]]` tables of `token` and `data` (hex). Raises SourceError."""
    example = '[[key]], token = 1, data = "00ff…" with SigningKey | EncryptingKey | KeyNonce in hex'
    try:
        tables: Any = tomllib.loads(path.read_text(encoding="utf-8"))["key"]
        found = {int(one["token"]): _keys(bytes.fromhex(one["data"]), ENCRYPTING[policy]) for one in tables}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            both(f"key file {path.name}: {error}; write {example}", f"密钥文件 {path.name}：{error}；应写成 {example}"),
            Cause.REFUSED,
            slow=True,
        ) from error
    return found


def _keys(data: bytes, size: int) -> Keys:
    if len(data) != SIGNING + size + KEY_NONCE:
        raise ValueError(f"{len(data)} bytes, the policy wants {SIGNING + size + KEY_NONCE}")
    return Keys(data[:SIGNING], data[SIGNING : SIGNING + size], data[SIGNING + size :])
