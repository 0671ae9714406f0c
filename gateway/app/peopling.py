"""People in the daemon: the vault from people.toml, the door behind the control sockets, permits that need valid certificates."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.control.messages import Desk, Reply
from gateway.core.samples import Personal
from gateway.core.tags import Quality, TagTable
from gateway.offline.keys import box_key
from gateway.people.door import Door
from gateway.people.keeping import Keeping
from gateway.people.keystore import Late, choose
from gateway.people.roster import Certificate, Kind, Purpose, Roster, Worker, hindering
from gateway.people.vault import Vault
from gateway.people.words import both
from gateway.runtime.clock import Clock
from gateway.site import Site
from gateway.site.model import User
from gateway.site.people import PeopleSite

NOT_FOUND, REFUSED = 4, 6
EVERY_S = 60.0
MS = 1_000_000


def roster_of(people: PeopleSite, users: Mapping[str, User]) -> Roster:
    """The declarations of people.toml and users.toml as the people room knows them."""
    return Roster(
        workers={
            id: Worker(
                id,
                one.user,
                one.number,
                one.devices,
                one.since,
                tuple(Certificate(each.kind, each.expires, each.permit) for each in one.certificates),
            )
            for id, one in people.workers.items()
        },
        purposes={id: Purpose(id, one.streams, one.months, one.text) for id, one in people.purposes.items()},
        kinds={id: Kind(id, one.number, one.minor, one.text) for id, one in people.kinds.items()},
        roles={id: user.roles for id, user in users.items()},
        names={id: user.name for id, user in users.items()},
        keys={id: user.keys for id, user in users.items()},
        anchors=people.anchors,
        zones=people.zones,
        newcomer_days=people.newcomer_days,
        warn_days=people.warn_days,
        tag_height_m=people.tag_height_m,
    )


class Peopling:
    """What the daemon holds of the people room. `keeping` is its edge, `desk` stands before the arming desk."""

    def __init__(self, site: Site, people: PeopleSite, clock: Clock) -> None:
        no_core_dumps()
        directory: Path = site.storage.directory
        wanted = None if people.key_store == "auto" else people.key_store
        store = Late(lambda: choose(people.key_directory, people.tpm, wanted))
        vault = Vault(
            directory / "people",
            store,
            raw_hours=people.raw_hours,
            event_hours=people.event_hours,
            bytes_max=people.bytes_max,
        )
        self.roster = roster_of(people, site.users)
        self.keeping = Keeping(self.roster, vault, lambda: clock.utc_ns() // MS)
        self._key: list[Ed25519PrivateKey] = []
        self._directory = directory
        self.door = Door(self.keeping, site.id, self._box_key)
        self._events = _event_tags(site.table)
        self._last: dict[str, float] = {}

    def _box_key(self) -> Ed25519PrivateKey:
        if not self._key:
            self._key.append(box_key(self._directory))
        return self._key[0]

    def seen(self, block: Personal) -> None:
        """Events of cameras and PLCs, which arrive as personal tags of other sources: counted under the worker's consent."""
        values = dict(zip(block.tags, zip(block.values, block.qualities, strict=True), strict=True))
        for name, places in self._events.items():
            found = {place: values[number] for place, number in places.items() if number in values}
            if {"seen", "event", "worker"} <= set(found) and all(fit == Quality.GOOD for _, fit in found.values()):
                number = found["event"][0]
                if self._last.get(name) != number:
                    self._last[name] = number
                    self._count(name, int(found["worker"][0]), found["seen"][0] > 0.5)

    def _count(self, kind: str, number: int, seen: bool) -> None:
        worker = self.roster.numbered(number)
        if worker is not None and "behaviour" in self.keeping.allowed(worker.id):
            self.keeping.counted(worker.id, kind, seen)


def _event_tags(table: TagTable) -> dict[str, dict[str, int]]:
    """Events that other drivers than `wearable` bring (docs/rules.md): name -> seen, event, worker -> tag number."""
    own = {source.name for source in table.sources if source.driver == "wearable"}  # counted where its frames are heard
    names = {tag.name: tag for tag in table.tags if tag.personal and tag.source not in own}
    return {
        name: {"seen": tag.number, "event": names[f"{name}.event"].number, "worker": names[f"{name}.worker"].number}
        for name, tag in names.items()
        if f"{name}.event" in names and f"{name}.worker" in names
    }


class PeopleDesk:
    """The `Desk` of control.messages before the next one: `person.*` goes to the door, permits ask for certificates first."""

    def __init__(self, desk: Desk, peopling: Peopling | None) -> None:
        self._desk, self._peopling = desk, peopling
        self._at_work: dict[str, tuple[str, ...]] = {}  # permit -> workers; a restart ends every permit

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        """One verb of a person."""
        if self._peopling is None:
            return (
                Reply(NOT_FOUND, texts=both("none"))
                if verb.startswith("person.")
                else await self._desk.submit(
                    person, role, verb, target, {name: value for name, value in args.items() if name != "workers"}
                )
            )
        if verb.startswith("person."):
            answer = await self._peopling.door.ask(person, verb, target, args)
            return Reply(answer.code, texts=answer.texts, data=answer.data)
        if verb != "permit.issue":
            return await self._desk.submit(person, role, verb, target, args)
        given = dict(args)
        ids = tuple(word for word in given.pop("workers", "").replace(",", " ").split() if word)
        refusal = self._refusal(self._peopling, target, ids)
        if refusal is not None:
            return refusal
        reply = await self._desk.submit(person, role, verb, target, given)
        if reply.code == 0:
            self._at_work[target] = ids
        return reply

    def _refusal(self, peopling: Peopling, permit: str, ids: tuple[str, ...]) -> Reply | None:
        """Who may not work on it and why; a permit that asks for certificates needs its workers named."""
        roster = peopling.roster
        needed = {one.permit for worker in roster.workers.values() for one in worker.certificates}
        if permit in needed and not ids:
            return Reply(REFUSED, texts=both("permit.name-workers", permit=permit))
        unknown = [id for id in ids if id not in roster.workers]
        if unknown:
            return Reply(NOT_FOUND, texts=both("no-worker", target=unknown[0][:40]))
        found = hindering(roster, permit, ids, peopling.keeping.today())
        if not found:
            return None
        texts = {
            language: " ".join(
                both("permit.frozen" if ends else "permit.lacking", worker=id, kind=kind, ends=str(ends))[language]
                for id, kind, ends in found
            )
            for language in ("en", "zh-CN")
        }
        return Reply(REFUSED, texts=texts)

    async def watch(self, every_s: float = EVERY_S) -> None:
        """Revoke a permit on which somebody works whose certificate has come to its last days. Removing permission needs nobody."""
        assert self._peopling is not None
        while True:
            await asyncio.sleep(every_s)
            for permit, ids in list(self._at_work.items()):
                if hindering(self._peopling.roster, permit, ids, self._peopling.keeping.today()):
                    del self._at_work[permit]
                    await self._desk.submit("gatehouse", "operator", "permit.revoke", permit, {"reason": "certificate"})


def no_core_dumps() -> None:
    """No image of the memory on any disk: 0 would still feed a program that a kernel pipes dumps to, 1 feeds neither."""
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
