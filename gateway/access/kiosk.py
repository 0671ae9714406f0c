"""The proof of the kiosk: a token over a Unix socket that only its group may open, then a cookie signed with a key of the box.

Loopback alone proves nothing: any local process has it. The token is good once and soon; the cookie outlives a restart of
the daemon, because a screen that nobody can restart must go on acknowledging.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from gateway.access.store import make_folder, write

SECOND_NS = 1_000_000_000
TOKEN_S = 60
TOKENS_MAX = 8
COOKIE_DAYS = 400  # as long as browsers keep one; each start of the kiosk takes a new one
KEY_BYTES = 32
KEY_FILE = "kiosk.key"


class Kiosk:
    """Tokens and cookies. `now_ns` is monotonic, `utc_ms` the wall clock."""

    def __init__(self, key: bytes, now_ns: Callable[[], int], utc_ms: Callable[[], int]) -> None:
        self._key, self._now_ns, self._utc_ms = key, now_ns, utc_ms
        self._open: dict[str, int] = {}

    def token(self) -> str:
        """A new token, for who came through the socket."""
        while len(self._open) >= TOKENS_MAX:
            del self._open[next(iter(self._open))]
        token = secrets.token_urlsafe(24)
        self._open[token] = self._now_ns() + TOKEN_S * SECOND_NS
        return token

    def cookie(self, token: str) -> str:
        """The cookie for a good token, "" for any other; the token is used up."""
        if self._now_ns() >= self._open.pop(token, 0):
            return ""
        body = f"{secrets.token_hex(8)}.{self._utc_ms() // 86_400_000 + COOKIE_DAYS}"
        return f"{body}.{self._sign(body)}"

    def proves(self, cookie: str) -> bool:
        """Whether a cookie is one of ours and not too old."""
        body, _, signature = cookie.rpartition(".")
        if not body or not hmac.compare_digest(self._sign(body).encode(), signature.encode("utf-8", "replace")):
            return False
        day = body.rpartition(".")[2]
        return day.isdecimal() and self._utc_ms() // 86_400_000 < int(day)

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, b"kiosk " + body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def key_of(state: Path) -> bytes:
    """The box's key for cookies, made where there is none. Whoever removes the file sends every kiosk back to its proof. Raises OSError."""
    file = make_folder(state) / KEY_FILE
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != KEY_BYTES:
        key = os.urandom(KEY_BYTES)
        write(file, key)
    return key
