"""The people room at work: consents in memory, records on their way into the vault, one thread that does all that blocks.

The loop never waits for the disk: records are gathered for `FLUSH_S` and handed to the vault's thread as one job. While the
vault cannot be used, nothing is collected; interlocks and alarms know nothing of it and arm as always.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import ParamSpec, TypeVar

import msgspec

from gateway.people.dossier import CONSENTS_MAX, Consent, Dossier, Notice
from gateway.people.intake import Intake
from gateway.people.roster import Roster
from gateway.people.sealing import fingerprint
from gateway.people.segments import HOUR_MS
from gateway.people.vault import Batch, Closed, Erased, Record, Tier, Vault

FLUSH_S = 5.0
HOUSE_S = 60.0
RETRY_S = 30.0  # a key store that did not answer is asked again
WAITING_MAX = 50_000  # records; 200 wearables make about 5,000 between two flushes
WAITING_BYTES_MAX = 64 << 20  # of all of them; 200 wearables make about 2 MB between two flushes
BATCH_BYTES_MAX = 1 << 20  # of one stream of one worker between two flushes: 2 kHz make 40 kB
P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("gatehouse.people")


Place = tuple[Tier, str, str]  # tier, worker, stream


class Keeping:
    """Construct, then `await run()` as an edge; `stop` writes what waits. Implements `intake.Store`."""

    def __init__(self, roster: Roster, vault: Vault, now_ms: Callable[[], int]) -> None:
        self.roster = roster
        self.vault = vault
        self.now_ms = now_ms
        self.intake = Intake(roster, self)
        self.dropped = 0  # records that found no room
        self._texts = {
            name: {fingerprint(text.encode()) for text in one.text.values()} for name, one in roster.purposes.items()
        }
        self._thread: ThreadPoolExecutor | None = None
        self._dossiers: dict[str, Dossier] = {}
        self._changed: set[str] = set()
        self._batches: dict[Place, Batch] = {}
        self._next: dict[tuple[str, str], int] = {}
        self._waiting = self._waiting_bytes = 0
        self._bytes: dict[Place, int] = {}
        self._finishing = asyncio.Lock()
        # worker -> purposes that were withdrawn and whose records are not erased yet
        self._ended: dict[str, set[str]] = {}
        self.opened = asyncio.Event()
        self.answered = asyncio.Event()  # the vault has said how it is

    # --- the edge ---

    async def run(self) -> None:
        """Open the vault, then write and keep house until cancelled. Raises KeyStoreError, OSError: the supervisor tries again."""
        self._thread = ThreadPoolExecutor(1, "vault")
        try:
            await self.open()
            round_s = 0.0
            while True:
                await asyncio.sleep(FLUSH_S)
                await self._each(round_s)
                round_s = (round_s + FLUSH_S) % HOUSE_S
        finally:
            await self._close()

    async def _each(self, round_s: float) -> None:
        if self.vault.state != "open":
            if round_s % RETRY_S == 0.0 and self.vault.state == "unavailable":
                await self.open()
            return
        await self.flush()
        await self.intake.places.close()
        for worker in list(self._ended):
            await self._settle(worker)
        if round_s == 0.0:
            await self.do(self.vault.keep_house, self.now_ms())
            self._remind()

    async def open(self) -> None:
        """Open the vault and learn who consents to what; what hinders is in `vault.state`."""
        await self.do(self.vault.open)
        self._dossiers.clear()
        if self.vault.state != "open":
            self.answered.set()
            _log.error("vault: %s; nothing of people is collected", self.vault.state)
            return
        for worker in await self.do(self.vault.workers):
            dossier = self._dossiers[worker] = await self.do(self.vault.dossier, worker)
            ended = {one.purpose for one in dossier.consents if one.withdrawn_utc_ms}
            if ended:  # an erasure that a power cut has interrupted
                self._ended.setdefault(worker, set()).update(ended)
        self.opened.set()
        self.answered.set()

    async def _close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.opened.clear()
        try:
            if self.vault.state == "open":
                await asyncio.wrap_future(thread.submit(self._write, *self._taken()))
        except OSError as error:
            _log.error("vault: the last records could not be written: %s", error)
        finally:
            await self.intake.places.close()
            await asyncio.to_thread(thread.shutdown)

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks in the vault's thread, after all that was asked before."""
        if self._thread is None:
            raise Closed("unavailable", "the vault is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def today(self) -> date:
        """The day, by the gateway's UTC."""
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC).date()

    # --- records ---

    def allowed(self, worker: str) -> frozenset[str]:
        """The streams that may be collected of a worker now; none while the vault is closed.

        A consent is to a text: once that is another one, it has to be read and agreed to anew.
        """
        dossier = self._dossiers.get(worker)
        if dossier is None or self.vault.state != "open":
            return frozenset()
        now_ms = self.now_ms()
        ended = self._ended.get(worker, ())
        return frozenset(
            stream
            for one in dossier.consents
            if one.holds(now_ms) and one.purpose not in ended
            for stream in self._covered(one)
        )

    def _covered(self, consent: Consent) -> Sequence[str]:
        """The streams of a consent, none where its text is no longer the present one."""
        return consent.streams if consent.text_sha256 in self._texts.get(consent.purpose, ()) else ()

    def dossier(self, worker: str) -> Dossier:
        """The dossier of a worker as it is in memory. Whoever changes it calls `touch`."""
        return self._dossiers.setdefault(worker, Dossier())

    def touch(self, worker: str) -> None:
        """The dossier changed: it is written with the next flush."""
        self._changed.add(worker)

    def put(self, tier: Tier, worker: str, stream: str, record: Record) -> None:
        """A record for the vault. Without room it is dropped and counted: the disk does not keep up, or a device floods."""
        place, size = (tier, worker, stream), len(memoryview(record.data))
        held = self._bytes.get(place, 0) + size
        if self._waiting >= WAITING_MAX or self._waiting_bytes + size > WAITING_BYTES_MAX or held > BATCH_BYTES_MAX:
            self.dropped += 1
            return
        self._waiting += 1
        self._waiting_bytes += size
        self._bytes[place] = held
        # A number never comes again: it goes on from the time of the start, and a record takes longer than a millisecond.
        now_ms = self.now_ms()
        number = self._next.get((worker, stream), now_ms)
        self._next[worker, stream] = number + 1
        batch = self._batches.get(place)
        if batch is None:
            batch = self._batches[place] = Batch(number, now_ms)
        batch.records.append(record)

    def counted(self, worker: str, kind: str, seen: bool) -> None:
        """One observation of a behaviour."""
        dossier = self.dossier(worker)
        if seen:
            month = datetime.fromtimestamp(self.now_ms() / 1000, UTC).strftime("%Y-%m")
            dossier.count(month, kind, dossier.rows.get(kind, 0) + 1)
        else:
            dossier.rows[kind] = 0
        self.touch(worker)

    def _taken(self) -> tuple[dict[Place, Batch], dict[str, Dossier]]:
        batches, self._batches = self._batches, {}
        self._waiting = self._waiting_bytes = 0
        self._bytes.clear()
        changed, self._changed = self._changed, set()
        return batches, {
            worker: copy.deepcopy(self._dossiers[worker]) for worker in changed if worker in self._dossiers
        }

    def _write(self, batches: dict[Place, Batch], dossiers: dict[str, Dossier]) -> None:
        for worker, dossier in dossiers.items():
            self.vault.put_dossier(worker, dossier)
        by_tier: dict[Tier, dict[tuple[str, str], Batch]] = {"raw": {}, "event": {}}
        for (tier, worker, stream), batch in batches.items():
            by_tier[tier][worker, stream] = batch
        for tier, found in by_tier.items():
            self.vault.seal(tier, found, safe=tier == "event")

    async def flush(self) -> None:
        """Everything that waits is in the vault when this returns."""
        await self.do(self._write, *self._taken())

    # --- consent and erasure ---

    async def give(self, worker: str, consent: Consent) -> None:
        """A consent is durable before anything is collected on it."""
        await self._settle(worker)
        dossier = copy.deepcopy(self.dossier(worker))
        others = [one for one in dossier.consents if one.purpose != consent.purpose]
        dossier.consents = [*others, consent][-CONSENTS_MAX:]
        await self.do(self.vault.put_dossier, worker, dossier)
        await self.do(self.vault.note, "consent", worker, self.now_ms(), {"purpose": consent.purpose})
        self._dossiers[worker] = dossier

    async def withdraw(self, worker: str, purpose: str) -> Erased | None:
        """Collection stops before this returns to anybody, and what was collected is erased. None without such a consent.

        The key is destroyed with all records. What other purposes keep (their consents, notices, and counters where one of
        them counts) goes on under a new key; without another consent nothing is left. Where the disk or the key store
        refuses, collection has stopped all the same, stays stopped, and the erasure is tried again until it is done.
        """
        now_ms = self.now_ms()
        if not any(one.purpose == purpose and one.holds(now_ms) for one in self.dossier(worker).consents):
            return None
        self._ended.setdefault(worker, set()).add(purpose)  # from here on the driver takes nothing of it
        return await self._finish(worker)

    async def erase(self, worker: str) -> Erased:
        """Everything of a worker. Raises KeyError where there is nothing."""
        if worker not in await self.do(self.vault.workers):
            raise KeyError(worker)
        self._ended.setdefault(worker, set()).update(one.purpose for one in self.dossier(worker).consents)
        erased = await self._finish(worker, everything=True)
        if erased is None:
            raise KeyError(worker)
        return erased

    async def _finish(self, worker: str, *, everything: bool = False) -> Erased | None:
        """Erase what was collected for the purposes in `_ended`; None where somebody else just did.

        Raises KeyError, KeyStoreError, OSError: it is still to do then.
        """
        async with self._finishing:
            return await self._finished(worker, everything) if worker in self._ended else None

    async def _finished(self, worker: str, everything: bool) -> Erased:
        dossier, now_ms, ended = self.dossier(worker), self.now_ms(), self._ended[worker]
        dossier.consents = [
            msgspec.structs.replace(one, withdrawn_utc_ms=now_ms) if one.purpose in ended else one
            for one in dossier.consents
        ]
        await self.do(self.vault.put_dossier, worker, copy.deepcopy(dossier))  # a restart in between goes on with it
        erased = await self._erase(worker)
        kept = [] if everything else [one for one in dossier.consents if one.holds(now_ms)]
        if kept:
            await self._go_on(worker, dossier, kept)
        self._ended.pop(worker, None)
        return erased

    async def _go_on(self, worker: str, before: Dossier, kept: list[Consent]) -> None:
        """What other purposes keep, under a new key."""
        fresh = Dossier(consents=kept, notices=before.notices)
        if any("behaviour" in one.streams for one in kept):
            fresh.months, fresh.rows = before.months, before.rows
        await self.do(self.vault.put_dossier, worker, copy.deepcopy(fresh))
        for one in kept:
            await self.do(self.vault.note, "consent", worker, self.now_ms(), {"purpose": one.purpose})
        self._dossiers[worker] = fresh

    async def _erase(self, worker: str) -> Erased:
        self.intake.forget(worker)
        for place in [place for place in self._batches if place[1] == worker]:
            self._waiting -= len(self._batches.pop(place).records)
            self._waiting_bytes -= self._bytes.pop(place, 0)
        self._changed.discard(worker)
        before = self._dossiers.pop(worker, Dossier())
        try:
            return await self.do(self.vault.erase, worker, self.now_ms())
        except OSError:
            if worker in await self.do(self.vault.workers):
                self._dossiers[worker] = before
            raise

    async def _settle(self, worker: str) -> None:
        """Try again what a disk or a key store has refused. Raises KeyStoreError, OSError."""
        try:
            await self._finish(worker)
        except KeyError:  # the key went the last time, after which something else failed
            self._ended.pop(worker, None)

    async def notify(self, worker: str, notice: Notice) -> None:
        """Tell a worker that somebody looked, and put it into the trail: both before anything is shown to that somebody."""
        dossier = self.dossier(worker)
        dossier.notify(notice)
        detail = {"who": notice.who, "what": notice.what, "reason": notice.reason, "kind": notice.kind}
        await self.do(self.vault.put_dossier, worker, copy.deepcopy(dossier))
        await self.do(self.vault.note, "glass" if notice.kind == "glass" else "read", worker, notice.utc_ms, detail)

    def _remind(self) -> None:
        """Tell workers of certificates and consents that end, once each."""
        now_ms, today = self.now_ms(), self.today()
        for worker in self.roster.workers.values():
            dossier = self._dossiers.get(worker.id)
            if dossier is None:
                continue
            due = [
                Notice(now_ms, "certificate", "", one.kind, one.expires.isoformat())
                for one in worker.certificates
                if one.frozen(today, self.roster.warn_days)
            ]
            week_ms = self.roster.warn_days * 24 * HOUR_MS
            due += [
                Notice(now_ms, "consent", "", one.purpose, str(one.expires_utc_ms))
                for one in dossier.consents
                if one.holds(now_ms) and (one.expires_utc_ms - now_ms < week_ms or not self._covered(one))
            ]
            told = {(one.kind, one.what, one.reason) for one in dossier.notices}
            for notice in due:
                if (notice.kind, notice.what, notice.reason) not in told:
                    dossier.notify(notice)
                    self.touch(worker.id)
