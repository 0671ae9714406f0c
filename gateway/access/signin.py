"""Signing in: a person, their secret, and what comes of it. One at a time, so that guessing gains nothing by haste."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.access import pins, store
from gateway.access.lockout import Lockouts
from gateway.access.sessions import Person

WAITING_MAX = 8  # who signs in while others do; more are sent away, so that no queue of slow hashes forms
Why = Literal["ok", "wrong", "locked", "busy", "damaged", "weak"]

_log = logging.getLogger("gatehouse.access")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it; `left_s` with "locked". `fresh`: the PIN was set by somebody else and must be changed."""

    why: Why
    person: Person | None = None
    left_s: int = 0
    fresh: bool = False
    detail: str = ""


class SignIn:
    """The people of the site (asked anew each time: the file may change) and their secrets under `state`."""

    def __init__(self, state: Path, people: Callable[[], Mapping[str, Person]], lockouts: Lockouts) -> None:
        self._state, self._people, self._lockouts = state, people, lockouts
        self._turn = asyncio.Lock()
        self._waiting = 0

    def people(self) -> Mapping[str, Person]:
        """Everyone by id. Reads files: call it in a thread."""
        return self._people()

    def roles_of(self, person: str) -> tuple[str, ...]:
        """The roles of a person, none where there is no such person. Reads files: call it in a thread."""
        found = self._people().get(person)
        return found.roles if found is not None else ()

    async def by_pin(self, person: str, pin: str) -> Answer:
        """Sign in at the kiosk."""
        return await self._in_turn(person, pin, "pins")

    async def by_passphrase(self, person: str, passphrase: str) -> Answer:
        """Sign in from a remote browser."""
        return await self._in_turn(person, passphrase, "passphrases")

    async def change_pin(self, person: str, old: str, new: str) -> Answer:
        """Let a person choose another PIN for themself; the old one counts as a try."""
        if pins.weakness(new) or new == old:
            return Answer("weak", detail=pins.weakness(new) or "old")
        answer = await self._in_turn(person, old, "pins")
        if answer.why == "ok":
            await asyncio.to_thread(_set_own, self._state, person, new)
        return answer

    async def token_name(self, token: str) -> str:
        """The name of an integrator's token, "" where it is none."""
        try:
            kept = await asyncio.to_thread(store.read, self._state)
        except (OSError, store.DamagedError) as error:
            _log.error("tokens cannot be read: %s", error)
            return ""
        digest = token_digest(token)
        return next((row.name for row in kept.tokens if hmac.compare_digest(row.sha256.encode(), digest.encode())), "")

    async def _in_turn(self, person: str, secret: str, kind: Literal["pins", "passphrases"]) -> Answer:
        if self._waiting >= WAITING_MAX:
            return Answer("busy")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._try, person, secret, kind)
        except (OSError, store.DamagedError) as error:
            _log.error("signing in is not possible: %s", error)
            return Answer("damaged", detail=str(error))
        finally:
            self._waiting -= 1

    def _try(self, id: str, secret: str, kind: Literal["pins", "passphrases"]) -> Answer:
        left_s = self._lockouts.left_s(id)
        if left_s:
            return Answer("locked", left_s=left_s)
        kept, person = store.read(self._state), self._people().get(id)
        hashes = kept.pins if kind == "pins" else kept.passphrases
        right = pins.matches(secret, hashes.get(id, ""))
        if not right or person is None:
            left_s = self._lockouts.failed(id, stranger=person is None)
            return Answer("locked" if left_s else "wrong", left_s=left_s)
        self._lockouts.passed(id)
        return Answer("ok", person, fresh=kind == "pins" and id in kept.fresh)


def _set_own(state: Path, person: str, pin: str) -> None:
    store.change(state, lambda kept: set_pin(kept, person, pin, fresh=False))


def set_pin(kept: store.Secrets, person: str, pin: str, *, fresh: bool) -> None:
    """Give `person` a PIN; `fresh`: somebody else chose it."""
    kept.pins[person] = pins.hashed(pin)
    kept.fresh = [one for one in kept.fresh if one != person] + ([person] if fresh else [])


def new_token() -> str:
    """A token as an integrator is given it."""
    return f"gh1_{secrets.token_urlsafe(32)}"


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
