"""The user-based security of SNMPv3: keys of a pass phrase, the sum of a message, and its encryption.

Specification: RFC 3414 (SHA-1), RFC 7860 (SHA-2), RFC 3826 (AES-128). MD5 and DES are left out: nobody should trust them.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB  # RFC 3826 asks for it; the message is signed as well
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

AUTHS = {
    "sha": ("sha1", 12),
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
}
MEGABYTE = 1 << 20


@lru_cache(maxsize=64)
def localized(kind: str, phrase: bytes, engine: bytes) -> bytes:
    """The key of a pass phrase at one agent (RFC 3414, A.2)."""
    name = AUTHS[kind][0]
    whole = (phrase * (MEGABYTE // len(phrase) + 1))[:MEGABYTE]
    key = hashlib.new(name, whole).digest()
    return hashlib.new(name, key + engine + key).digest()


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Without `auth` nothing is signed; `priv` needs `auth`."""

    name: str
    kind: str = "sha256"
    auth: bytes = b""
    priv: bytes = b""

    @property
    def flags(self) -> int:
        """msgFlags without `reportable`."""
        return (1 if self.auth else 0) | (2 if self.priv else 0)

    @property
    def size(self) -> int:
        """Bytes of a sum."""
        return AUTHS[self.kind][1] if self.auth else 0

    def signature(self, engine: bytes, message: bytes) -> bytes:
        """Of a message in which the place of the sum is zero."""
        return hmac.digest(localized(self.kind, self.auth, engine), message, AUTHS[self.kind][0])[: self.size]

    def crypt(self, engine: bytes, boots: int, time_s: int, salt: bytes, data: bytes, *, back: bool = False) -> bytes:
        """AES-128 in CFB (RFC 3826)."""
        key = localized(self.kind, self.priv, engine)[:16]
        vector = boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt
        cipher = Cipher(algorithms.AES(key), CFB(vector))
        return (cipher.decryptor() if back else cipher.encryptor()).update(data)
