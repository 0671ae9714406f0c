"""The certificate of an erasure: what was destroyed, under which keys, how fast, and what the medium cannot promise."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.people.keystore import PROMISES, Kind
from gateway.people.vault import Erased

SCHEMA = "gatehouse/erasure/1"


class Certificate(msgspec.Struct, frozen=True):
    """Given to the worker; the gateway keeps only the line in its audit trail. `signature` is of the box, over all the rest."""

    schema: str
    gateway: str
    number: str  # of the worker in files: drawn by chance, and of no use without the destroyed key
    at: str
    took_ms: float
    others_kept: int
    key_store: Kind
    key_destroyed: str
    key_new: str
    trail: str  # link of the audit trail that holds the erasure
    promise: dict[str, str]
    signature: str = ""


def certificate(
    key: Ed25519PrivateKey, gateway: str, erased: Erased, kind: Kind, trail: str, now_ms: int
) -> Certificate:
    """A signed certificate."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    change = erased.change
    plain = Certificate(
        SCHEMA, gateway, erased.number, at, round(erased.took_ms, 1), change.kept, kind, change.before, change.after,
        trail, PROMISES[kind],
    )  # fmt: skip
    signature = base64.b64encode(key.sign(msgspec.json.encode(plain, order="sorted"))).decode()
    return msgspec.structs.replace(plain, signature=signature)


def genuine(key: Ed25519PublicKey, given: Certificate) -> bool:
    """Whether the box signed it. Raises nothing."""
    try:
        plain = msgspec.structs.replace(given, signature="")
        key.verify(base64.b64decode(given.signature, validate=True), msgspec.json.encode(plain, order="sorted"))
    except (InvalidSignature, ValueError):
        return False
    return True
