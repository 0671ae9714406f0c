"""Sessions of browsers, in memory: who signed on for the shift, who works above it for 90 s, and the nonces of their actions.

A restart of the daemon ends them all, and so does signing out. Nothing here touches the disk.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

SECOND_NS = 1_000_000_000
SHIFT_S = 12 * 3600
ABOVE_IDLE_S = 90  # spec/operators.md
NONCE_S = 60
NONCES_MAX = 8  # of one session: an action takes its nonce a moment before
SESSIONS_MAX = 64
SHIFT_ROLE = "operator"


@dataclass(frozen=True, slots=True)
class Person:
    """A named person of the site with their roles."""

    id: str
    name: str
    name_en: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Who a session is now. `person` None: nobody signed in. `left_s`: of what stands above the shift, 0 = nothing does."""

    person: Person | None
    roles: tuple[str, ...]
    left_s: int


NOBODY = Standing(None, (), 0)


@dataclass(slots=True)
class Session:
    """One browser. `kiosk`: it proved to be the screen at the box."""

    kiosk: bool
    shift: Person | None = None
    shift_until_ns: int = 0
    above: Person | None = None
    above_until_ns: int = 0
    nonces: dict[str, int] = field(default_factory=dict)

    def standing(self, now_ns: int) -> Standing:
        """Who it is now: the one above while active, else the one of the shift, as operator only."""
        if self.above is not None and now_ns < self.above_until_ns:
            return Standing(self.above, self.above.roles, -(-(self.above_until_ns - now_ns) // SECOND_NS))
        if self.shift is not None and now_ns < self.shift_until_ns:
            return Standing(self.shift, (SHIFT_ROLE,) if SHIFT_ROLE in self.shift.roles else (), 0)
        return NOBODY

    def sign_in(self, person: Person, now_ns: int) -> None:
        """`person` is here. An operator signs on for the shift; every other role lasts until 90 s pass without an action."""
        if SHIFT_ROLE in person.roles or not self.kiosk:  # a remote browser only reads with it
            self.shift, self.shift_until_ns = person, now_ns + SHIFT_S * SECOND_NS
        above = tuple(role for role in person.roles if role != SHIFT_ROLE)
        self.above, self.above_until_ns = (person, now_ns + ABOVE_IDLE_S * SECOND_NS) if above else (None, 0)

    def active(self, now_ns: int) -> None:
        """The person did something: what stands above the shift goes on."""
        if now_ns < self.above_until_ns:
            self.above_until_ns = now_ns + ABOVE_IDLE_S * SECOND_NS

    def nonce(self, now_ns: int) -> str:
        """A new one; the oldest goes where there are too many."""
        while len(self.nonces) >= NONCES_MAX:
            del self.nonces[next(iter(self.nonces))]
        made = secrets.token_urlsafe(16)
        self.nonces[made] = now_ns + NONCE_S * SECOND_NS
        return made

    def redeem(self, nonce: str, now_ns: int) -> bool:
        """Whether `nonce` was given to this session and is still good; it is used up."""
        return now_ns < self.nonces.pop(nonce, 0)


class Sessions:
    """All of them by the hash of their cookie: a dump of memory gives no cookie away. At most SESSIONS_MAX, the oldest goes."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._open: dict[bytes, Session] = {}

    def open(self, *, kiosk: bool) -> tuple[str, Session]:
        """A new session and its cookie."""
        while len(self._open) >= SESSIONS_MAX:
            del self._open[next(iter(self._open))]
        cookie = secrets.token_urlsafe(32)
        session = self._open[_digest(cookie)] = Session(kiosk)
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie."""
        return self._open.get(_digest(cookie)) if cookie else None

    def close(self, cookie: str) -> None:
        """Forget a session."""
        self._open.pop(_digest(cookie), None)

    def ended(self, person: str) -> None:
        """`person` is no longer one, or has another PIN: nobody stays signed in as them."""
        for session in self._open.values():
            if session.shift is not None and session.shift.id == person:
                session.shift = None
            if session.above is not None and session.above.id == person:
                session.above = None

    def now_ns(self) -> int:
        """The clock of the sessions."""
        return self._now_ns()


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
