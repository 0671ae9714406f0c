"""An issued work permit as a text that a phone can check without a network: signed by the box, carried in a QR code.

`GHP1.<facts>.<signature>`, both base64url. The facts are JSON; what is signed is a domain, a zero byte and exactly those bytes.
A slip says what was issued. That a permit was revoked since, only the box knows: the page that verifies it says so too.
"""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.offline.keys import fingerprint, raw

HEAD, DOMAIN = "GHP1", b"gatehouse/permit/1\0"
KEY_PREFIX = "ed25519:"
KEYS_MAX = 32  # boxes of one page
PLACE_MAX = 120  # characters: more would make a code that a telephone cannot read
_PAGE = Path(__file__).parent / "verify.html"


class SlipError(ValueError):
    """A text that is no slip, or not of this key."""


class Slip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the one who stands at the gate needs to know. Times are UTC in ms."""

    site: str
    permit: str
    number: str
    person: str
    place: str
    since: int
    until: int
    en: str = ""  # the permit's title
    zh: str = ""


def sign(key: Ed25519PrivateKey, slip: Slip) -> str:
    """The text of a slip."""
    facts = msgspec.json.encode(slip)
    return ".".join((HEAD, _text(facts), _text(key.sign(DOMAIN + facts))))


def verify(key: Ed25519PublicKey, text: str) -> Slip:
    """The facts of a slip of this key. Raises SlipError."""
    try:
        head, facts, signature = ("".join(text.split())).split(".")
        if head != HEAD:
            raise ValueError(head)
        key.verify(_bytes(signature), DOMAIN + _bytes(facts))
        return msgspec.json.decode(_bytes(facts), type=Slip)
    except (ValueError, InvalidSignature, msgspec.DecodeError) as error:
        raise SlipError(str(error)) from None


def key_text(key: Ed25519PublicKey) -> str:
    """A box's public key, as other boxes take it into their page."""
    return KEY_PREFIX + base64.b64encode(raw(key)).decode()


def page(site: str, key: Ed25519PublicKey, others: str = "") -> str:
    """The page that verifies slips by itself: one file, no network. `others`: keys of more boxes, by spaces.

    Raises SlipError with the text that is no key.
    """
    boxes = [{"site": site, "key": raw(key).hex(), "print": fingerprint(key)}]
    for text in others.split():
        other = _key(text)
        boxes.append({"site": "", "key": raw(other).hex(), "print": fingerprint(other)})
    if len(boxes) > KEYS_MAX:
        raise SlipError(f"at most {KEYS_MAX} keys")
    data = msgspec.json.encode(boxes).decode().replace("<", "\\u003c")
    return _PAGE.read_text(encoding="utf-8").replace("/*BOXES*/[]", data)


def _key(text: str) -> Ed25519PublicKey:
    try:
        data = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
        return Ed25519PublicKey.from_public_bytes(data)
    except ValueError:
        raise SlipError(text) from None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("bits are left over: two texts would be one slip")
    return data
