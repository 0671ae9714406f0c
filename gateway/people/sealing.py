"""Authenticated encryption of the vault: data keys are wrapped, blocks of records are sealed under a key of worker and day.

Wrapping uses AES-256-GCM-SIV where OpenSSL has it. Records use AES-256-GCM with random 96-bit nonces: OpenSSL's SIV takes 7 µs
for 1 KB where 1 µs is allowed (docs/decisions). A key of one day seals at most 2^28 blocks. No nonce is ever counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES, TAG_BYTES, KEY_BYTES = 12, 16, 32
BLOCKS_MAX = 1 << 28  # of one key with random nonces: beyond it a repeated nonce is no longer out of the question

Data = bytes | bytearray | memoryview


class Unreadable(ValueError):
    """Ciphertext that does not belong to this key, worker, stream and number, or was changed."""


def _wrapping(key: bytes) -> AESGCMSIV | AESGCM:
    try:
        return AESGCMSIV(key)
    except UnsupportedAlgorithm:  # OpenSSL before 3.2
        return AESGCM(key)


def cipher_name() -> str:
    """What wraps data keys here."""
    return type(_wrapping(bytes(KEY_BYTES))).__name__


def wrap(key: bytes, data: bytes, about: bytes) -> bytes:
    """`data` under a key-encryption key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _wrapping(key).encrypt(nonce, data, about)


def unwrap(key: bytes, wrapped: bytes, about: bytes) -> bytes:
    """The opposite of `wrap`. Raises Unreadable."""
    try:
        return _wrapping(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)
    except InvalidTag as error:
        raise Unreadable("not wrapped under this key") from error


class DayKey:
    """The key of one worker for one day, derived from the data key; `day` counts from 1970-01-01 UTC.

    `part` is drawn at every start and when a key is used up, so that the count of blocks begins anew with a new key.
    """

    __slots__ = ("_cipher", "left")

    def __init__(self, data_key: bytes, day: int, part: int) -> None:
        about = b"gatehouse day %d part %d" % (day, part)
        derived = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=about).derive(data_key)
        self._cipher = AESGCM(derived)
        self.left = BLOCKS_MAX

    def seal(self, data: Data, about: bytes) -> bytes:
        """One block, nonce first; `about` is what is authenticated beside it: worker, stream, number."""
        (nonce,), (sealed,) = self.seal_each((data,), (about,))
        return nonce + sealed

    def seal_each(self, blocks: Sequence[Data], abouts: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Nonces and ciphertexts of many blocks. Nonces are drawn together, in this call: none waits in memory for later."""
        self.left -= len(blocks)
        assert self.left >= 0, "the key of a day was used more often than a random nonce allows"
        drawn = os.urandom(NONCE_BYTES * len(blocks))
        nonces = [drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES)]
        return nonces, list(map(self._cipher.encrypt, nonces, blocks, abouts))

    def open(self, sealed: Data, about: bytes) -> bytes:
        """The opposite of `seal`. Raises Unreadable."""
        view = memoryview(sealed)
        return self.open_apart(view[:NONCE_BYTES], view[NONCE_BYTES:], about)

    def open_apart(self, nonce: Data, sealed: Data, about: bytes) -> bytes:
        """The opposite of one of `seal_each`. Raises Unreadable."""
        try:
            return self._cipher.decrypt(nonce, sealed, about)
        except (InvalidTag, ValueError) as error:  # ValueError: a nonce that a torn file left too short
            raise Unreadable("not of this worker, stream and number") from error


def fingerprint(data: bytes) -> str:
    """Of a text that a consent is about."""
    return sha256(data).hexdigest()
