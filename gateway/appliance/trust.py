"""Who may make bundles: Ed25519 public keys in PEM, put on the box by hand, and what a signature of theirs says.

PEM and plain Ed25519 over the manifest's own bytes, so that `openssl` alone can verify at the first install.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.appliance.words import NOT_PERMITTED, ApplianceError

SUFFIX = ".pem"
SIGNATURE_BYTES = 64


def trusted(folder: Path) -> dict[str, Ed25519PublicKey]:
    """The keys of a trust folder by the name of their file. Raises ApplianceError where there is none."""
    found = {path.stem: load_public(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}
    if not found:
        raise ApplianceError(NOT_PERMITTED, "no-keys", folder=folder)
    return found


def load_public(path: Path) -> Ed25519PublicKey:
    """The key of a PEM file. Raises ApplianceError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ApplianceError(NOT_PERMITTED, "bad-key", file=path) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ApplianceError(NOT_PERMITTED, "bad-key", file=path)
    return key


def load_private(path: Path, passphrase: str = "") -> Ed25519PrivateKey:
    """The signing key of a PEM file. Raises OSError, ValueError, TypeError."""
    key = load_pem_private_key(path.read_bytes(), passphrase.encode() if passphrase else None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")
    return key


def generate(passphrase: str = "") -> tuple[bytes, bytes]:
    """A new pair in PEM: the private half (encrypted where there is a passphrase) and the public one."""
    key = Ed25519PrivateKey.generate()
    protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
    return private, public_pem(key.public_key())


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key as it lies in the trust folder."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key in DER, in groups of eight: what is printed on paper and compared by eye.

    `openssl pkey -pubin -in KEY -outform DER | sha256sum` says the same.
    """
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return " ".join(digest[at : at + 8] for at in range(0, 64, 8))


def signer(keys: Mapping[str, Ed25519PublicKey], signature: bytes, message: bytes) -> str:
    """The name of the key that signed `message`, "" where none of them did."""
    for name, key in keys.items():
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return name
    return ""
