"""A bundle is what was signed, to the last byte, or it is refused."""

from __future__ import annotations

from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.offline.archive import MANIFEST, SIGNATURE, TamperedError, pack, sign, unpack, verify

FLIPS = 2_000


def regions(data: bytes) -> list[tuple[int, int]]:
    """Every header, member and the directory of the archive, as spans of bytes."""
    spans, at = [], 0
    for name, body in unpack(data).items():
        head = 30 + len(name.encode())
        spans += [(at, at + head), (at + head, at + head + len(body))]
        at += head + len(body)
    return [*spans, (at, len(data))]


def test_one_flipped_byte_anywhere_is_found(packed: bytes) -> None:
    chance, spans = Random(3), regions(packed)
    assert len(spans) >= 2 * 9 + 1
    verify(packed)
    for flip in range(FLIPS):
        first, last = spans[flip % len(spans)]
        at = chance.randrange(first, last)
        changed = bytearray(packed)
        changed[at] ^= 1 << chance.randrange(8)
        with pytest.raises(TamperedError):
            verify(bytes(changed))


@pytest.mark.parametrize("cut", [1, 22, 1000])
def test_a_shorter_or_longer_file_is_refused(packed: bytes, cut: int) -> None:
    for changed in (packed[:-cut], packed + b"\0" * cut, packed[cut:], b"", packed[:cut]):
        with pytest.raises(TamperedError):
            verify(changed)


def test_members_cannot_be_added_dropped_or_reordered(packed: bytes) -> None:
    members = unpack(packed)
    names = list(members)
    without = {name: members[name] for name in names if name != "trip.json"}
    added = {**members, "zz.txt": b"more"}
    reordered = {name: members[name] for name in [*names[2:], *names[:2]]}
    unsigned = {name: members[name] for name in names if name != SIGNATURE}
    for changed in (without, added, reordered, unsigned):
        with pytest.raises(TamperedError) as caught:
            verify(pack(changed))
        assert caught.value.reason == "members"


def test_another_key_signs_another_bundle(packed: bytes) -> None:
    opened, stranger = verify(packed), Ed25519PrivateKey.generate()
    facts = {name: getattr(opened.manifest, name) for name in opened.manifest.__struct_fields__}
    for computed in ("members", "key", "key_fingerprint"):
        facts.pop(computed)
    forged = sign({**opened.members, "trip.json": b"{}"}, stranger, **facts)
    assert verify(forged).manifest.key_fingerprint != opened.manifest.key_fingerprint
    trusted = Ed25519PrivateKey.generate().public_key()
    for data in (forged, packed):
        with pytest.raises(TamperedError, match="other-key"):
            verify(data, trusted)


def test_a_manifest_of_another_key_does_not_pass_as_ours(packed: bytes) -> None:
    members = unpack(packed)
    key = verify(packed).manifest.key
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    members[MANIFEST] = members[MANIFEST].replace(key.encode(), other.encode())
    with pytest.raises(TamperedError, match="signature"):
        verify(pack(members))


def test_equal_members_give_equal_bytes(packed: bytes) -> None:
    assert pack(unpack(packed)) == packed
