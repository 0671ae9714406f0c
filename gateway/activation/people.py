"""Who may sign a version: named persons of users.toml with a key that is not revoked, in one of two roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.activation.signature import Signature, key_id, load_public, verify

ENGINEERING, OPERATING = ("engineer", "safety-officer"), ("supervisor",)  # the closed list; at least one of the first


class Named(Protocol):
    """A person as the site knows them."""

    @property
    def id(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def revoked(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Signer:
    """A person who may sign, with what they sign with."""

    id: str
    roles: tuple[str, ...]
    keys: tuple[Ed25519PublicKey, ...]
    revoked: frozenset[bytes]

    @property
    def entitled(self) -> bool:
        """Holds a role of the closed list."""
        return bool({*self.roles} & {*ENGINEERING, *OPERATING})


def signers(users: Iterable[Named]) -> dict[str, Signer]:
    """Everyone by id. Raises ValueError for a key that is none; the site's check has let only keys through."""
    return {
        user.id: Signer(
            user.id,
            user.roles,
            tuple(load_public(key) for key in user.keys),
            frozenset(key_id(load_public(key)) for key in user.revoked),
        )
        for user in users
    }


def signed_by(people: Mapping[str, Signer], signature: Signature, number: int, digest: str) -> tuple[str, str]:
    """(person, "") who made `signature` over this version, or ("", why not) as a key of `activation.words`."""
    if signature.number != number or signature.version != bytes.fromhex(digest)[:8]:
        return "", "other-version"
    owners = [p for p in people.values() if any(key_id(key) == signature.key for key in p.keys)]
    if any(signature.key in person.revoked for person in people.values()):
        return "", "revoked"
    if not owners:
        return "", "unknown-key"
    if len(owners) > 1:
        return "", "shared-key"
    person = owners[0]
    if not any(verify(key, signature, number, digest) for key in person.keys if key_id(key) == signature.key):
        return "", "not-valid"
    return (person.id, "") if person.entitled else ("", "role")
