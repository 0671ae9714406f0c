"""Ed25519 signatures over a version, and the short text in which they travel: typed, pasted, or read from a QR code."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DOMAIN = b"gatehouse/activation/1\0"
KEY_PREFIX = "ed25519:"
PASSPHRASE_MIN = 12
_HEAD, _GROUP, _LINE = "GHSIG1", 5, 20  # characters of a group, of a line without its check
_BYTES = 4 + 8 + 8 + 64


class TextError(ValueError):
    """A signature's text is not whole; `line` counts from 1, 0 = its length or its sum is wrong."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Signature:
    """What one person's key says of one version. `version` and `key` are hints; only `verify` decides."""

    number: int
    version: bytes  # the first 8 bytes of the version's digest
    key: bytes  # the first 8 bytes of SHA-256 of the public key
    value: bytes  # 64 bytes


def message(number: int, digest: str) -> bytes:
    """The bytes that are signed: the domain, the number and the digest of the whole version."""
    return DOMAIN + number.to_bytes(4, "big") + bytes.fromhex(digest)


def sign(key: Ed25519PrivateKey, number: int, digest: str) -> Signature:
    """A signature over version `number` with content `digest`."""
    return Signature(number, bytes.fromhex(digest)[:8], key_id(key.public_key()), key.sign(message(number, digest)))


def verify(key: Ed25519PublicKey, signature: Signature, number: int, digest: str) -> bool:
    """`signature` was made with `key` over exactly this version."""
    try:
        key.verify(signature.value, message(number, digest))
    except InvalidSignature:
        return False
    return True


# --- keys ---


def generate(passphrase: str) -> tuple[bytes, str]:
    """A new key: PKCS8 in PEM encrypted with `passphrase`, and the public key's text for users.toml. Raises ValueError."""
    if len(passphrase) < PASSPHRASE_MIN:
        raise ValueError("passphrase")
    key = Ed25519PrivateKey.generate()
    protection = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return pem, public_text(key.public_key())


def load_private(pem: bytes, passphrase: str) -> Ed25519PrivateKey:
    """The key of an encrypted PEM. Raises ValueError for another passphrase or kind of key, TypeError if it is not encrypted."""
    key = serialization.load_pem_private_key(pem, passphrase.encode())
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """The form in which users.toml holds a public key."""
    return KEY_PREFIX + base64.b64encode(_raw(key)).decode()


def load_public(text: str) -> Ed25519PublicKey:
    """The key of that text. Raises ValueError."""
    if not text.startswith(KEY_PREFIX):
        raise ValueError("not an Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True))


def key_id(key: Ed25519PublicKey) -> bytes:
    """Eight bytes by which a key is found."""
    return hashlib.sha256(_raw(key)).digest()[:8]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


# --- text ---


def to_text(signature: Signature) -> str:
    """Lines of four groups of five letters and digits, each with a check of its own; no letter looks like a digit."""
    payload = signature.number.to_bytes(4, "big") + signature.version + signature.key + signature.value
    letters = base64.b32encode(payload + hashlib.sha256(payload).digest()[:4]).decode().rstrip("=")
    rows = [letters[at : at + _LINE] for at in range(0, len(letters), _LINE)]
    lines = [
        " ".join([*(row[at : at + _GROUP] for at in range(0, len(row), _GROUP)), _check(number, row)])
        for number, row in enumerate(rows, 1)
    ]
    return "\n".join([_HEAD, *lines]) + "\n"


def from_text(text: str) -> Signature:
    """The signature of a text, however it is spaced, in capitals or not. Raises TextError with the line that is wrong."""
    lines = [_plain(line) for line in text.splitlines() if line.strip()]
    if lines and lines[0] == _plain(_HEAD):
        lines = lines[1:]
    rows = list[str]()
    for number, line in enumerate(lines, 1):
        row, check = line[:-2], line[-2:]
        if not row or check != _check(number, row):
            raise TextError(number)
        rows.append(row)
    letters = "".join(rows)
    try:
        data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise TextError(0) from None
    payload = data[:_BYTES]
    if len(data) != _BYTES + 4 or hashlib.sha256(payload).digest()[:4] != data[_BYTES:]:
        raise TextError(0)
    return Signature(int.from_bytes(payload[:4], "big"), payload[4:12], payload[12:20], payload[20:])


def _plain(line: str) -> str:
    """As people type it: without spaces and dashes; 0, 1 and 8 are no letters of the alphabet and stand for O, I and B."""
    return "".join(line.split()).replace("-", "").upper().translate(str.maketrans("018", "OIB"))


def _check(number: int, row: str) -> str:
    return base64.b32encode(hashlib.sha256(f"{number}:{row}".encode()).digest()[:2])[:2].decode()
