"""The archive of a trip: a stored ZIP in one fixed form, a manifest with the hash of every member, and a signature of that.

Every byte counts: the file is what `pack` makes of its members and nothing else, so there is no place for a byte that is not
signed. What was flipped, cut off, appended or reordered is found before anything inside is read.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.offline.keys import fingerprint, raw

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = "gatehouse-trip"

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = 0x04034B50, 0x02014B50, 0x06054B50
_VERSION, _UTF8, _STORED, _TIME, _DATE = 20, 0x800, 0, 0, 0x21  # 1980-01-01: the times are in the manifest
_UNIX, _MODE = 3 << 8 | _VERSION, 0o100600 << 16


class TamperedError(ValueError):
    """This file is not what was signed; `reason` is one of the words of `offline.words`."""

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(f"{reason}: {name}" if name else reason)
        self.reason, self.name = reason, name


class Member(msgspec.Struct, frozen=True):
    """One file of the archive."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle is. Times are UTC ms; `complete` is false where something that belongs to it was not recorded (`notes`)."""

    format: str = FORMAT
    version: int = 1
    id: str  # boot and counter of the trip's journal row
    gateway: str
    site: str
    site_hash: str
    function: str
    rule_hash: str
    program_hash: str
    versions: dict[str, str]
    trip_utc_ms: int
    from_utc_ms: int
    to_utc_ms: int
    complete: bool
    notes: tuple[str, ...] = ()  # begins-late, ended-by-restart, holes, withheld, not-in-journal, replay-differs
    clips: tuple[str, ...] = ()
    members: dict[str, Member]
    key: str  # public key, hex
    key_fingerprint: str


class Opened(msgspec.Struct, frozen=True):
    """A bundle whose every byte was checked."""

    manifest: Manifest
    members: dict[str, bytes]


def pack(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of stored members in their order; equal members give equal bytes, on any machine."""
    parts, central, offset = [], [], 0
    for name, data in members.items():
        word, crc = name.encode(), zlib.crc32(data)
        fixed = (_VERSION, _UTF8, _STORED, _TIME, _DATE, crc, len(data), len(data), len(word), 0)
        head = _LOCAL.pack(_LOCAL_MARK, *fixed) + word
        central.append(_CENTRAL.pack(_CENTRAL_MARK, _UNIX, *fixed, 0, 0, 0, _MODE, offset) + word)
        parts += [head, data]
        offset += len(head) + len(data)
    index = b"".join(central)
    end = _END.pack(_END_MARK, 0, 0, len(central), len(central), len(index), offset, 0)
    return b"".join([*parts, index, end])


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a file that `pack` made. Raises TamperedError for any other."""
    members: dict[str, bytes] = {}
    at = 0
    while len(data) >= at + _LOCAL.size:
        mark, *_, size, length, _extra = _LOCAL.unpack_from(data, at)
        if mark != _LOCAL_MARK:
            break
        body = at + _LOCAL.size + length
        name = data[at + _LOCAL.size : body].decode(errors="replace")
        if name in members:
            raise TamperedError("archive", name)
        members[name] = data[body : body + size]
        at = body + size
    if not members or pack(members) != data:
        raise TamperedError("archive")
    return members


def sign(members: Mapping[str, bytes], key: Ed25519PrivateKey, **facts: object) -> bytes:
    """The signed archive of `members`; `facts` are the fields of `Manifest` that are not computed here."""
    public = key.public_key()
    told = {name: Member(len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()}
    computed = {"members": told, "key": raw(public).hex(), "key_fingerprint": fingerprint(public)}
    manifest = msgspec.convert({**facts, **computed}, Manifest)
    text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"
    return pack({MANIFEST: text, SIGNATURE: key.sign(text), **dict(sorted(members.items()))})


def verify(data: bytes, trusted: Ed25519PublicKey | None = None) -> Opened:
    """Check every byte. Without a `trusted` key the one inside is used: compare its fingerprint. Raises TamperedError."""
    members = unpack(data)
    if list(members) != [MANIFEST, SIGNATURE, *sorted(members.keys() - {MANIFEST, SIGNATURE})]:
        raise TamperedError("members")
    text, signature = members.pop(MANIFEST), members.pop(SIGNATURE)
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest.key))
        public.verify(signature, text)
    except (msgspec.DecodeError, ValueError, InvalidSignature) as error:
        raise TamperedError("signature") from error
    if manifest.format != FORMAT or manifest.key_fingerprint != fingerprint(public):
        raise TamperedError("signature")
    if trusted is not None and raw(trusted) != raw(public):
        raise TamperedError("other-key", manifest.key_fingerprint)
    if list(manifest.members) != list(members):
        raise TamperedError("members")
    for name, member in manifest.members.items():
        if member != Member(len(members[name]), hashlib.sha256(members[name]).hexdigest()):
            raise TamperedError("members", name)
    return Opened(manifest, members)
