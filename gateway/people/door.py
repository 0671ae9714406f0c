"""The one door to what is kept of people: who may ask what is in one table, and everything that leaves goes through `Door.ask`.

A worker asks about themselves. A safety officer sees events without vital values, a medic the latest values through a glass that
two people break, a maintainer and every other role nothing. There is no verb that gives a series to anybody but the worker: no
handler below takes a worker's id from the request and reads their records, except for the worker's own. There is no ranking, no
score of a person for others, and no figure of fewer than `GROUP_LEAST` people. Whoever reads of another is told on first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.people import box, own
from gateway.people.answer import FAILED, NOT_FOUND, NOT_PERMITTED, OK, REFUSED, USAGE, Answer
from gateway.people.dossier import Notice
from gateway.people.glass import MINUTES_MS, OPEN_MIN, WAIT_MIN, Glasses
from gateway.people.keeping import Keeping
from gateway.people.keystore import KeyStoreError
from gateway.people.roster import Worker
from gateway.people.sealing import cipher_name
from gateway.people.vault import Closed
from gateway.people.words import both

GROUP_LEAST = 10
DAY_MS = 24 * 3_600_000

Who = Literal["anybody", "worker", "safety-officer", "medic", "second", "maintainer", "engineer"]

VERBS: dict[str, Who] = {
    "person.status": "anybody",
    "person.purposes": "anybody",
    "person.see": "worker",
    "person.export": "worker",
    "person.consent": "worker",
    "person.withdraw": "worker",
    "person.correct": "worker",
    "person.erase": "worker",
    "person.access": "worker",
    "person.report": "worker",
    "person.events": "safety-officer",
    "person.counts": "safety-officer",
    "person.glass": "medic",
    "person.confirm": "second",
    "person.vitals": "medic",
    "person.backup": "maintainer",
    "person.restore": "maintainer",
    "person.anew": "engineer",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, after the question who asks was settled. `own` is the worker that the asking person is, if any."""

    person: str
    own: Worker | None
    target: str
    args: Mapping[str, str]


class Door:
    """`ask` never raises for what is asked. `key` is the box's, made at first use."""

    def __init__(self, keeping: Keeping, gateway: str, key: Callable[[], Ed25519PrivateKey]) -> None:
        self._keeping = keeping
        self._own = own.Own(keeping, gateway, key)
        self._glasses = Glasses()
        self._handlers: dict[str, Callable[[Asked], Awaitable[Answer]]] = {
            "person.status": self._status,
            "person.purposes": self._purposes,
            "person.events": self._events,
            "person.counts": self._counts,
            "person.glass": self._ask_glass,
            "person.confirm": self._confirm_glass,
            "person.vitals": self._vitals,
            "person.backup": self._backup,
            "person.restore": self._restore,
            "person.anew": self._anew,
        }

    async def ask(self, person: str, verb: str, target: str, args: Mapping[str, str]) -> Answer:
        """Answer `person`, who is who the socket or the sign-in says and nobody else."""
        who = VERBS.get(verb)
        if who is None:
            return Answer(USAGE, both("unknown", verb=verb))
        roster = self._keeping.roster
        asked = Asked(person, roster.worker_of(person), target, args)
        refusal = self._refusal(who, asked)
        if refusal is not None:
            return refusal
        try:
            if who == "worker":
                assert asked.own is not None
                return await self._own.ask(verb, asked.own, args)
            return await self._handlers[verb](asked)
        except Closed as error:
            return Answer(REFUSED, both("closed", state=error.state))
        except (KeyStoreError, OSError) as error:
            return Answer(FAILED, both("failed", why=str(error)))

    def _refusal(self, who: Who, asked: Asked) -> Answer | None:
        """Why this person may not ask this; None if they may."""
        roles = self._keeping.roster.roles.get(asked.person, ())
        match who:
            case "anybody":
                return None
            case "worker":
                if asked.own is None:
                    return Answer(NOT_PERMITTED, both("not-worker", person=asked.person))
                # A target is only there to be typed; another one than oneself is refused, whatever the role.
                return None if asked.target in ("", asked.own.id) else Answer(NOT_PERMITTED, both("own-only"))
            case "second":
                allowed = "medic" in roles or "safety-officer" in roles
                return None if allowed else Answer(NOT_PERMITTED, both("role", role="medic | safety-officer"))
            case _:
                return None if who in roles else Answer(NOT_PERMITTED, both("role", role=who))

    # --- anybody ---

    async def _status(self, _asked: Asked) -> Answer:
        """Which key store it is and whether the vault is open: nothing of any person."""
        keeping = self._keeping
        vault = keeping.vault
        return Answer(
            OK,
            data={
                "vault": vault.state,
                "why": vault.why,
                "key_store": vault.store.kind if vault.state == "open" else "",
                "wrapping": cipher_name(),
                "raw_hours": vault.tiers["raw"].hours,
                "event_hours": vault.tiers["event"].hours,
                "dropped": keeping.dropped,
                "clock_ahead": keeping.intake.ahead,
                "late": keeping.intake.late,
            },
        )

    async def _purposes(self, _asked: Asked) -> Answer:
        """What consent is asked for, with the texts and their hashes."""
        return Answer(OK, data=[own.shown_purpose(one) for one in self._keeping.roster.purposes.values()])

    # --- safety officer ---

    async def _events(self, asked: Asked) -> Answer:
        """Events of the last 24 h, without any vital value. Everyone who is in the answer is told first."""
        keeping, rows = self._keeping, list[dict[str, Any]]()
        await keeping.flush()
        for worker in keeping.roster.workers.values():
            if worker == asked.own:
                continue  # their own they see as themselves
            found = await keeping.do(lambda id=worker.id: list(keeping.vault.read(id, "event")))  # type: ignore[misc]
            if found:
                await self._tell(asked.person, worker.id, "read", "events", asked.args.get("reason", ""))
            for record in found:
                kind = msgspec.msgpack.decode(record.data)["kind"]
                rows.append({"worker": worker.id, "kind": kind, "utc_ms": record.utc_ms})
        return Answer(OK, data=sorted(rows, key=lambda row: int(row["utc_ms"])))

    async def _counts(self, asked: Asked) -> Answer:
        """How often each kind was seen in a month, over everyone: only where enough people stand behind the figure."""
        month = asked.args.get("month", "")
        keeping = self._keeping
        workers = [id for id in await keeping.do(keeping.vault.workers) if "behaviour" in keeping.allowed(id)]
        counted = [keeping.dossier(id).months.get(month, {}) for id in workers]
        rows = []
        for kind in self._keeping.roster.kinds:
            behind = [counts[kind] for counts in counted if kind in counts]
            if len(behind) >= GROUP_LEAST:
                rows.append({"month": month, "kind": kind, "count": sum(behind)})
        if not rows:
            return Answer(REFUSED, both("few", least=GROUP_LEAST))
        return Answer(OK, data=rows)

    # --- medic ---

    async def _ask_glass(self, asked: Asked) -> Answer:
        worker = self._keeping.roster.workers.get(asked.target)
        if worker is None:
            return Answer(NOT_FOUND, both("no-worker", target=asked.target[:40]))
        self._glasses.ask(worker.id, asked.person, asked.args["reason"], self._keeping.now_ms())
        return Answer(OK, both("glass.asked", minutes=WAIT_MIN, target=worker.id))

    async def _confirm_glass(self, asked: Asked) -> Answer:
        """The second person. The worker is told before anything can be seen."""
        now_ms = self._keeping.now_ms()
        waiting = self._glasses.waiting(asked.target, now_ms)
        if waiting is None:
            return Answer(NOT_FOUND, both("glass.none", target=asked.target[:40]))
        if asked.person == waiting.asker or (asked.own is not None and asked.own.id == asked.target):
            return Answer(NOT_PERMITTED, both("glass.same"))
        who = f"{waiting.asker} + {asked.person}"
        await self._tell(who, asked.target, "glass", f"vitals {OPEN_MIN} min", waiting.reason)
        self._glasses.open(asked.target, now_ms + OPEN_MIN * MINUTES_MS)
        return Answer(OK, both("glass.open", asker=waiting.asker, minutes=OPEN_MIN))

    async def _vitals(self, asked: Asked) -> Answer:
        """The latest values of one worker through an open glass: what a first-aider asks for, and no course over time."""
        keeping = self._keeping
        if not self._glasses.is_open(asked.target, asked.person, keeping.now_ms()):
            return Answer(NOT_PERMITTED, both("glass.closed", minutes=OPEN_MIN))
        await self._tell(asked.person, asked.target, "read", "vitals", "")
        body, fix = keeping.intake.bodies.get(asked.target), keeping.intake.places.fixes.get(asked.target)
        return Answer(
            OK,
            data={
                "worker": asked.target,
                "heard_utc_ms": body.heard_ms if body else None,
                "heart_rate": body.rate if body else None,
                "skin_temperature": body.skin_degc if body else None,
                "moving": body.motion_g is not None and body.motion_g > 0.05 if body else None,
                "position": {"x": fix.x, "y": fix.y, "error_m": fix.error_m} if fix else None,
            },
        )

    async def _tell(self, who: str, worker: str, kind: Literal["read", "glass"], what: str, reason: str) -> None:
        await self._keeping.notify(worker, Notice(self._keeping.now_ms(), kind, who, what, reason))

    # --- those who look after the box ---

    async def _backup(self, asked: Asked) -> Answer:
        return await box.backup_to(self._keeping, asked.args["file"])

    async def _restore(self, asked: Asked) -> Answer:
        return await box.restore_from(self._keeping, asked.args["file"])

    async def _anew(self, asked: Asked) -> Answer:
        keeping = self._keeping
        if keeping.vault.state != "lost":
            return Answer(REFUSED, both("not-lost"))
        await keeping.do(keeping.vault.begin_anew, asked.person, keeping.now_ms())
        await keeping.open()
        return Answer(OK, both("anew"))
