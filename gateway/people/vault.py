"""The vault: sealed records of workers, their dossiers, keys and audit trail in one folder. All of it blocks: one thread uses it.

Raw records live 72 h and identified events 24 h at most. Nothing in the folder can be read without the key-encryption key,
which is in none of its files. Journal, history and upstream never see any of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from gateway.people.dossier import Dossier
from gateway.people.files import durable
from gateway.people.keyring import Change, KeyLost, Keyring
from gateway.people.keystore import KeyStore, KeyStoreError
from gateway.people.sealing import DayKey, Unreadable
from gateway.people.segments import HOUR_MS, Block, Segments, about, digest
from gateway.people.trail import Line, Trail, What

RAW_HOURS, EVENT_HOURS = 72, 24
BYTES_MAX = 4 << 30  # of raw records: the disk is the journal's first
DAY_KEYS_MAX = 4096  # derived keys that are remembered: 500 workers with the days that are kept
DOSSIERS = "dossiers"

Tier = Literal["raw", "event"]
State = Literal["open", "lost", "unavailable", "damaged"]


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One record before it is sealed: when, by the device's clock, and what the stream says, in MessagePack."""

    utc_ms: int
    data: msgspec.Raw


@dataclass(slots=True)
class Batch:
    """Records of one worker and stream that become one block: the running number of the first, and when that was received.

    How long they live is counted from there and never from the clock of a device.
    """

    first: int
    received_ms: int
    records: list[Record] = field(default_factory=list)


class Closed(Exception):
    """The vault cannot be used now; `state` says why."""

    def __init__(self, state: State, why: str) -> None:
        super().__init__(why)
        self.state = state


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it was read back."""

    stream: str
    sequence: int
    utc_ms: int
    data: bytes


@dataclass(slots=True)
class Erased:
    """What an erasure did."""

    number: str
    change: Change
    took_ms: float


@dataclass(slots=True)
class _Open:
    keyring: Keyring
    trail: Trail
    days: dict[tuple[bytes, int, int], DayKey] = field(default_factory=dict)
    versions: dict[bytes, int] = field(default_factory=dict)


class Vault:
    """`open()` first. Every call may raise Closed and OSError."""

    def __init__(
        self,
        folder: Path,
        store: KeyStore,
        *,
        raw_hours: int = RAW_HOURS,
        event_hours: int = EVENT_HOURS,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self.folder = folder
        self.store = store
        self.state: State = "unavailable"
        self.why = "not opened yet"
        self.tiers: dict[Tier, Segments] = {
            "raw": Segments(folder / "raw", raw_hours),
            "event": Segments(folder / "event", event_hours),
        }
        self._bytes_max = bytes_max
        self._open: _Open | None = None
        self._part = int.from_bytes(os.urandom(4), "big")  # of day keys: a new one at every start
        self._closed: set[str] = set()

    # --- opening ---

    def open(self) -> None:
        """Open, or say in `state` and `why` what hinders. Never raises for a key store or keyring that is gone or broken."""
        self._open = None
        try:
            (self.folder / DOSSIERS).mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(self.folder, 0o700)
            keyring, trail = Keyring(self.folder, self.store), Trail(self.folder)
            keyring.open()
            trail.open()
        except KeyLost as error:
            self.state, self.why = "lost", str(error)
        except KeyStoreError as error:
            self.state, self.why = "unavailable", str(error)
        except (OSError, msgspec.MsgspecError) as error:
            self.state, self.why = "damaged", str(error)
        else:
            self.state, self.why = "open", ""
            self._open = _Open(keyring, trail)
            self._closed = {line.file for line in trail.lines() if line.what in ("hour", "expired")}

    def begin_anew(self, person: str, now_ms: int) -> None:
        """After the keys are lost for good: what they opened is deleted, and the vault starts empty."""
        for segments in self.tiers.values():
            for path in segments.files():
                path.unlink(missing_ok=True)
        for path in (self.folder / DOSSIERS).glob("*"):
            path.unlink(missing_ok=True)
        Keyring(self.folder, self.store).begin_anew()
        self.open()
        self._opened().trail.add(Line(0, now_ms, "anew", note=person))

    def _opened(self) -> _Open:
        if self._open is None:
            raise Closed(self.state, self.why)
        return self._open

    # --- records ---

    def workers(self) -> list[str]:
        """Everyone of whom something is kept."""
        return self._opened().keyring.workers()

    def numbers(self) -> set[str]:
        """The names that files of these workers have."""
        keyring = self._opened().keyring
        return {(keyring.number(worker) or b"").hex() for worker in keyring.workers()}

    def seal(self, tier: Tier, batches: Mapping[tuple[str, str], Batch], *, safe: bool = False) -> None:
        """Seal and write what came: (worker, stream) -> batch."""
        keyring = self._opened().keyring
        by_key: dict[tuple[bytes, int], list[tuple[str, Batch]]] = {}
        for (worker, stream), batch in batches.items():
            number = keyring.number(worker)
            # None: erased in between, and no key is made for what is left over
            if number is not None and batch.records:
                by_key.setdefault((number, batch.received_ms // (24 * HOUR_MS)), []).append((stream, batch))
        blocks = [block for (number, day), each in by_key.items() for block in self._sealed(number, day, each)]
        self.tiers[tier].append(blocks, durable=safe)

    def _sealed(self, number: bytes, day: int, batches: Sequence[tuple[str, Batch]]) -> list[Block]:
        """The blocks of one worker and day."""
        key = self._day_key(number, day, self._part)
        if key.left < len(batches):
            self._part = int.from_bytes(os.urandom(4), "big")
            key = self._day_key(number, day, self._part)
        part = self._part
        plain = [msgspec.msgpack.encode(batch.records) for _, batch in batches]
        abouts = [about(number, stream, batch.first, batch.received_ms, part) for stream, batch in batches]
        return [
            Block(number, stream, batch.first, batch.received_ms, part, nonce, sealed)
            for (stream, batch), nonce, sealed in zip(batches, *key.seal_each(plain, abouts), strict=True)
        ]

    def _day_key(self, number: bytes, day: int, part: int) -> DayKey:
        opened = self._opened()
        key = opened.days.get((number, day, part))
        if key is None:
            data_key = opened.keyring.key(number)
            if data_key is None:
                raise Unreadable("the data key was destroyed")
            if len(opened.days) >= DAY_KEYS_MAX:
                opened.days.clear()
            key = opened.days[number, day, part] = DayKey(data_key, day, part)
        return key

    def read(self, worker: str, tier: Tier, from_ms: int = 0, to_ms: int = 1 << 62) -> Iterator[Found]:
        """Records of one worker that were received in a span. A block that does not open is left out: it is none of theirs."""
        number = self._opened().keyring.number(worker)
        if number is None:
            return
        for block in self.tiers[tier].read(from_ms, to_ms, number):
            try:
                key = self._day_key(number, block.day, block.part)
                plain = key.open_apart(block.nonce, block.sealed, block.about)
            except Unreadable:
                continue
            for at, record in enumerate(msgspec.msgpack.decode(plain, type=list[Record])):
                yield Found(block.stream, block.sequence + at, record.utc_ms, bytes(record.data))

    def first_ms(self, now_ms: int) -> int:
        """The beginning of the oldest hour that is kept; `now_ms` where there is none."""
        hours = [int(path.stem) * HOUR_MS for segments in self.tiers.values() for path in segments.files()[:1]]
        return min([*hours, now_ms])

    def keep_house(self, now_ms: int) -> None:
        """Once a minute: put closed hours into the trail, delete what is over or has no room, and keys that should be gone."""
        self._opened().keyring.tidy()
        trail = self._opened().trail
        for tier, segments in self.tiers.items():
            for path in segments.files():
                name = f"{tier}/{path.name}"
                # A block is written under the hour in which it was received, at most some seconds later.
                if name not in self._closed and (int(path.stem) + 1) * HOUR_MS + 120_000 < now_ms:
                    trail.add(Line(0, now_ms, "hour", file=name, sha256=digest(path)))
                    self._closed.add(name)
            for path in segments.expire(now_ms):
                trail.add(Line(0, now_ms, "expired", file=f"{tier}/{path.name}"))
        for path in self.tiers["raw"].shrink(self._bytes_max):
            trail.add(Line(0, now_ms, "expired", file=f"raw/{path.name}", note="room"))

    # --- dossiers ---

    def dossier(self, worker: str) -> Dossier:
        """The dossier of a worker, empty where there is none."""
        opened = self._opened()
        number = opened.keyring.number(worker)
        path = self.folder / DOSSIERS / number.hex() if number else None
        if number is None or path is None or not path.exists():
            return Dossier()
        data = path.read_bytes()
        part, version = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:12], "big")
        key = opened.keyring.key(number)
        assert key is not None
        plain = DayKey(key, 0, part).open(data[12:], about(number, "dossier", version, 0, part))
        return msgspec.msgpack.decode(plain, type=Dossier)

    def put_dossier(self, worker: str, dossier: Dossier) -> None:
        """Replace it on disk; a worker who had no key gets one."""
        opened = self._opened()
        number = opened.keyring.enrol(worker)
        key = opened.keyring.key(number)
        assert key is not None
        dossier.version += 1
        part = int.from_bytes(os.urandom(4), "big")  # a key of its own for every version
        sealed = DayKey(key, 0, part).seal(
            msgspec.msgpack.encode(dossier), about(number, "dossier", dossier.version, 0, part)
        )
        head = part.to_bytes(4, "big") + dossier.version.to_bytes(8, "big")
        durable(self.folder / DOSSIERS / number.hex(), head + sealed)

    def note(self, what: What, worker: str, now_ms: int, detail: Mapping[str, str]) -> None:
        """A line in the audit trail; `detail` is sealed under the worker's key."""
        opened = self._opened()
        number = opened.keyring.number(worker)
        if number is None:
            return
        part = int.from_bytes(os.urandom(4), "big")
        key = opened.keyring.key(number)
        assert key is not None
        sealed = DayKey(key, 0, part).seal(
            msgspec.msgpack.encode(dict(detail)), about(number, "trail", 0, now_ms, part)
        )
        opened.trail.add(Line(0, now_ms, what, number.hex(), part.to_bytes(4, "big") + sealed))

    def trail_of(self, worker: str) -> list[tuple[int, str, dict[str, str]]]:
        """The lines of one worker, opened: (UTC ms, what, detail)."""
        opened = self._opened()
        number = opened.keyring.number(worker)
        key = opened.keyring.key(number) if number else None
        if number is None or key is None:
            return []
        found = []
        for line in opened.trail.lines():
            if line.worker == number.hex() and line.sealed:
                part = int.from_bytes(line.sealed[:4], "big")
                plain = DayKey(key, 0, part).open(line.sealed[4:], about(number, "trail", 0, line.utc_ms, part))
                found.append((line.utc_ms, str(line.what), msgspec.msgpack.decode(plain, type=dict[str, str])))
        return found

    @property
    def head(self) -> str:
        """The last link of the audit trail."""
        return self._opened().trail.head

    # --- erasing ---

    def erase(self, worker: str, now_ms: int) -> Erased:
        """Destroy the data key of a worker: everything of theirs, here, on flash and in backups, stays ciphertext for ever.

        Raises KeyError where there is nothing of this worker, KeyStoreError where the old key could not be destroyed.
        """
        began = time.perf_counter()
        opened = self._opened()
        number = opened.keyring.number(worker)
        if number is None:
            raise KeyError(worker)
        before = opened.keyring.kek
        try:
            change = opened.keyring.destroy(worker)
        finally:
            if opened.keyring.number(worker) is None:  # gone, even where the old key could not be destroyed yet
                opened.days = {place: key for place, key in opened.days.items() if place[0] != number}
                (self.folder / DOSSIERS / number.hex()).unlink(missing_ok=True)
                opened.trail.add(Line(0, now_ms, "erased", number.hex(), note=f"{before} {opened.keyring.kek}"))
        return Erased(number.hex(), change, (time.perf_counter() - began) * 1000.0)
