"""The key of the box: made at its first start, readable by the gateway alone. It says where a bundle comes from, no more."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def box_key(directory: Path) -> Ed25519PrivateKey:
    """The private key under the state folder, made if there is none. Raises OSError, ValueError where it is damaged."""
    path = directory / "keys" / "box.key"
    with suppress(FileNotFoundError):
        return _private(path.read_bytes())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with suppress(FileExistsError):  # another process was first: its key is the box's
        _create(path, pem, 0o600)
    key = _private(path.read_bytes())
    with suppress(FileExistsError):
        _create(path.with_suffix(".pub"), public_pem(key.public_key()), 0o644)
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key for people to carry away."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_public(path: Path) -> Ed25519PublicKey:
    """A public key from PEM. Raises OSError, ValueError."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key


def raw(key: Ed25519PublicKey) -> bytes:
    """Its 32 bytes."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of its 32 bytes, in hex by fours: what two people compare over the telephone."""
    digest = hashlib.sha256(raw(key)).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def _private(pem: bytes) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the box's key is not an Ed25519 key")
    return key


def _create(path: Path, data: bytes, mode: int) -> None:
    """The whole file or none, never over another one. Raises FileExistsError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
