"""PINs and passphrases: how they must look, and their scrypt hashes. A hash costs 0.1 s and 32 MB: make it in a thread."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

PIN_DIGITS = 6  # spec/operators.md
PASSPHRASE_MIN = 14  # characters: a remote browser has no lock on the door
PASSPHRASE_MAX = 200
LOG_N, R, P = 15, 8, 1
MAXMEM = 64 * 1024 * 1024  # the 32 MB of LOG_N and R, and room
_TEXT = re.compile(r"scrypt:ln=(\d{1,2}),r=(\d{1,2}),p=(\d):([A-Za-z0-9+/=]{22,24}):([A-Za-z0-9+/=]{43,44})")
_ROWS = ("0123456789", "1234567890", "9876543210", "0987654321")


def weakness(pin: str) -> str:
    """Why `pin` is none that may be set ("digits", "same", "row", "twice"), "" where it may."""
    if len(pin) != PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        return "digits"
    if len(set(pin)) == 1:
        return "same"
    if any(pin in row for row in _ROWS):
        return "row"
    return "twice" if pin[:3] == pin[3:] or pin[:2] * 3 == pin else ""


def weak_passphrase(passphrase: str) -> bool:
    """Whether a passphrase is too short, too long or has too few different characters."""
    return not PASSPHRASE_MIN <= len(passphrase) <= PASSPHRASE_MAX or len(set(passphrase)) < 6


def hashed(secret: str) -> str:
    """`scrypt:ln=15,r=8,p=1:SALT:HASH`, with a new salt."""
    salt = secrets.token_bytes(16)
    return f"scrypt:ln={LOG_N},r={R},p={P}:{_base64(salt)}:{_base64(_scrypt(secret, salt, LOG_N, R, P))}"


def matches(secret: str, text: str) -> bool:
    """Whether `secret` is what was hashed. A text that is no hash costs as much time and matches nothing."""
    found = _TEXT.fullmatch(text)
    if found is None or int(found[1]) > LOG_N:
        _scrypt(secret, b"nobody's salt...", LOG_N, R, P)
        return False
    salt, kept = base64.b64decode(found[4]), base64.b64decode(found[5])
    return hmac.compare_digest(kept, _scrypt(secret, salt, int(found[1]), int(found[2]), int(found[3])))


def _scrypt(secret: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    data = secret.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=1 << log_n, r=r, p=p, maxmem=MAXMEM, dklen=32)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
