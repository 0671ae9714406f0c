"""The journal: durable means on disk, the boot number never repeats, a broken disk is visible and survived."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.journal import files
from gateway.journal import journal as module
from gateway.journal.files import copy_fresh
from gateway.journal.journal import Journal
from gateway.journal.reader import Reader
from gateway.journal.store import Store
from gateway.journal.verify import verify
from tests.waiting import until


def record(boot: int, counter: int, kind: str = "alarm.raise", **more: object) -> Record:
    return Record(id=(boot, counter), at_ns=counter, utc_ms=1_000 + counter, kind=kind, subject="PKL_LSLL", **more)


def test_what_was_confirmed_is_on_disk_for_another_connection(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path)
        opened = journal.open()
        told: list[tuple[int, bool, int, int]] = []

        def durable(waiter: int, ok: bool) -> None:
            reader = Reader(journal.path)
            told.append((waiter, ok, reader.last_seq(), threading.get_ident()))
            reader.close()

        journal.on_durable = durable
        for n in range(1, 101):
            journal.append(Effect(record(opened.boot, n, detail={"n": n}), confirm=n))
        await until(lambda: len(told) == 100)
        assert [waiter for waiter, *_ in told] == list(range(1, 101))
        assert all(ok and last >= waiter for waiter, ok, last, _ in told)
        assert {thread for *_, thread in told} == {threading.get_ident()}, "called on the loop's thread"
        assert journal.close()

    asyncio.run(main())


def test_boot_and_seq_go_on_and_kept_state_comes_back(tmp_path: Path) -> None:
    async def one(expected_boot: int, kept: dict[str, bytes]) -> None:
        journal = Journal(tmp_path)
        opened = journal.open()
        assert (opened.boot, opened.kept, opened.fault) == (expected_boot, kept, "")
        journal.append(Effect(record(opened.boot, 1, key="a", keep=f"boot {opened.boot}".encode())))
        journal.append(Effect(record(opened.boot, 2, key="b", keep=b"x")))
        journal.append(Effect(record(opened.boot, 3, key="b", keep=None)))
        assert journal.close()

    asyncio.run(one(1, {}))
    asyncio.run(one(2, {"a": b"boot 1"}))
    asyncio.run(one(3, {"a": b"boot 2"}))
    reader = Reader(tmp_path / "journal.db")
    assert [(e.seq, e.boot, e.counter) for e in reader.events()] == [(n + 1, n // 3 + 1, n % 3 + 1) for n in range(9)]
    reader.close()


def test_a_damaged_file_is_set_aside_and_no_boot_number_is_given_twice(tmp_path: Path) -> None:
    async def first() -> None:
        journal = Journal(tmp_path)
        assert journal.open().boot == 1
        journal.append(Effect(record(1, 1)))
        assert journal.close()

    asyncio.run(first())
    (tmp_path / "journal.db").write_bytes(b"not a database" * 1000)

    async def second() -> None:
        journal = Journal(tmp_path)
        opened = journal.open()
        assert opened.boot == 2
        assert "journal.db" in opened.fault
        journal.append(Effect(record(2, 1)))
        assert journal.close()

    asyncio.run(second())
    reader = Reader(tmp_path / "journal.db")
    assert reader.events()[0].seq > 1 << 32, "numbers of the new file are above all that were ever given"
    reader.close()
    assert list(tmp_path.glob("journal.db.damaged-*"))


class Failing(Store):
    """A store whose disk fails at commit, before or after the transaction has reached it."""

    fail = 0
    after = False

    def commit(self, batch: list[Effect], *more: Any, **options: Any) -> None:
        if type(self).fail > 0:
            type(self).fail -= 1
            if self.after:
                super().commit(batch, *more, **options)
            raise sqlite3.OperationalError("disk I/O error")
        super().commit(batch, *more, **options)


@pytest.mark.parametrize("after", [False, True])
def test_a_failed_commit_is_visible_and_written_once_in_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(module, "Store", Failing)
    monkeypatch.setattr(module, "RETRY_S", 0.05)
    monkeypatch.setattr(Failing, "fail", 1)
    monkeypatch.setattr(Failing, "after", after)

    async def main() -> None:
        journal = Journal(tmp_path)
        journal.open()
        told: list[tuple[int, bool]] = []
        journal.on_durable = lambda waiter, ok: told.append((waiter, ok))
        journal.append(Effect(record(1, 1), confirm=7))
        await until(lambda: bool(told))
        assert told == [(7, False)]
        assert not journal.counts().ok
        assert "disk I/O error" in journal.counts().error
        journal.append(Effect(record(1, 2), confirm=8))
        await until(lambda: journal.counts().ok and journal.counts().waiting == 0)
        assert told[0] == (7, False)
        assert 7 not in [waiter for waiter, _ in told[1:]], "a refused waiter never hears the contrary"
        assert journal.close()

    asyncio.run(main())
    reader = Reader(tmp_path / "journal.db")
    assert [e.counter for e in reader.events()] == [1, 2]
    reader.close()


def test_a_full_disk_loses_nothing_and_recovers_without_restart(tmp_path: Path) -> None:
    """A real SQLITE_FULL: the database may not grow beyond its page limit until "room is made"."""

    class Small(Store):
        pages = 40

        def connect(self) -> None:
            super().connect()
            self.db.execute(f"PRAGMA max_page_count = {type(self).pages}")

    async def main(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(module, "Store", Small)
        patch.setattr(module, "RETRY_S", 0.05)
        journal = Journal(tmp_path)
        journal.open()
        for n in range(1, 201):
            journal.append(Effect(record(1, n, detail={"text": "x" * 2_000})))
        await until(lambda: not journal.counts().ok)
        assert "full" in journal.counts().error
        patch.setattr(Small, "pages", 100_000)
        await until(lambda: journal.counts().ok and journal.counts().waiting == 0, 5.0)
        assert journal.close()

    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(main(patch))
    reader = Reader(tmp_path / "journal.db")
    assert [e.counter for e in reader.events(limit=1000)] == list(range(1, 201))
    assert reader.check() == ""
    reader.close()


def test_over_the_bound_is_counted_as_lost_and_what_matters_has_its_own_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 10)
    monkeypatch.setattr(module, "RESERVED", 4)
    monkeypatch.setattr(module, "Store", Failing)
    monkeypatch.setattr(Failing, "fail", 10_000)
    monkeypatch.setattr(module, "RETRY_S", 0.05)

    async def main() -> None:
        journal = Journal(tmp_path)
        journal.open()
        told: list[tuple[int, bool]] = []
        journal.on_durable = lambda waiter, ok: told.append((waiter, ok))
        for n in range(1, 9):
            journal.append(Effect(record(1, n)))
        assert journal.counts().lost == 2
        for n in range(9, 15):
            journal.append(Effect(record(1, n), confirm=n))
        assert journal.counts().lost == 4
        assert [pair for pair in told if pair[0] >= 13] == [(13, False), (14, False)]
        monkeypatch.setattr(Failing, "fail", 0)
        await until(lambda: journal.counts().ok and journal.counts().waiting == 0)
        assert journal.close()

    asyncio.run(main())
    reader = Reader(tmp_path / "journal.db")
    assert [e.counter for e in reader.events()] == [1, 2, 3, 4, 5, 6, 9, 10, 11, 12]
    reader.close()


def test_reader_selects_and_exports(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path)
        journal.open()
        for n, kind in enumerate(["alarm.raise", "alarm.ack", "interlock.trip", "alarm.clear"], 1):
            journal.append(Effect(record(1, n, kind, detail={"值": n}, person="li")))
        assert journal.close()

    asyncio.run(main())
    reader = Reader(tmp_path / "journal.db")
    assert [e.kind for e in reader.events(kinds=("alarm.",))] == ["alarm.raise", "alarm.ack", "alarm.clear"]
    assert [e.kind for e in reader.events(since_seq=2, kinds=("interlock.trip", "alarm.ack"))] == ["interlock.trip"]
    assert [e.seq for e in reader.last(2)] == [4, 3]
    assert reader.events(subject="other") == []
    assert reader.events(limit=1)[0].detail == {"值": 1}
    out = io.StringIO()
    assert reader.export(out, since_seq=1) == 3
    assert [json.loads(line)["seq"] for line in out.getvalue().splitlines()] == [2, 3, 4]
    assert reader.tables()["event"] == 4
    with pytest.raises(sqlite3.OperationalError):
        reader.base.execute("DELETE FROM event")
    reader.close()


class Broken(Store):
    """A disk whose next sync fails: the transaction is in the log, and nobody may call it durable."""

    fail = True

    def commit(self, batch: list[Effect], *more: Any, **options: Any) -> None:
        if type(self).fail and batch:
            type(self).fail = False
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error
        super().commit(batch, *more, **options)


def test_after_a_failed_sync_the_journal_goes_on_in_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Store", Broken)
    monkeypatch.setattr(module, "RETRY_S", 0.05)

    async def main() -> None:
        journal = Journal(tmp_path)
        journal.open()
        reader = Reader(journal.path)
        assert reader.last() == []
        inode = journal.path.stat().st_ino
        told: list[tuple[int, bool]] = []
        journal.on_durable = lambda waiter, ok: told.append((waiter, ok))
        journal.append(Effect(record(1, 1), confirm=7))
        await until(lambda: journal.counts().renewed == 1 and journal.counts().waiting == 0)
        assert told == [(7, False)]
        assert journal.path.stat().st_ino != inode
        await until(lambda: [e.kind for e in reader.last()] == ["journal.renewed", "alarm.raise"])
        reader.close()
        assert journal.close()

    asyncio.run(main())
    assert verify(tmp_path).ok


def test_a_crash_between_the_fresh_copy_and_its_place_is_finished_at_start(tmp_path: Path) -> None:
    store = Store(tmp_path, None)
    store.start()
    store.commit([Effect(record(1, 1))])
    copy_fresh(store.db, tmp_path)
    (tmp_path / "journal.db-wal.left").write_bytes((tmp_path / "journal.db-wal").read_bytes())
    store.close()
    (tmp_path / "journal.db-wal.left").rename(tmp_path / "journal.db-wal")  # the old log must not meet the new file
    again = Store(tmp_path, None)
    assert again.start() == ""
    again.commit([Effect(record(2, 1))])
    again.close()
    assert not (tmp_path / "journal.fresh").exists()
    assert verify(tmp_path).rows == 2
    assert verify(tmp_path).ok


def test_on_a_full_disk_history_goes_first_then_the_reserve_and_then_only_what_matters_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = ["history"]

    class Full(Store):
        full = True

        def commit(self, batch: list[Effect], *more: Any, **options: Any) -> None:
            if type(self).full and batch:
                matters = all(effect.record.key for effect in batch)
                if not (matters and not (tmp_path / files.RESERVE).exists()):
                    error = sqlite3.OperationalError("database or disk is full")
                    error.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise error
            super().commit(batch, *more, **options)

    monkeypatch.setattr(module, "Store", Full)
    monkeypatch.setattr(module, "RETRY_S", 0.05)
    free = 0
    monkeypatch.setattr(files, "free_bytes", lambda _directory: free)

    async def main() -> None:
        nonlocal free
        journal = Journal(tmp_path, make_room=lambda: bool(room and room.pop()))
        journal.open()
        assert (tmp_path / files.RESERVE).stat().st_size == files.RESERVE_BYTES
        for n in range(1, 6):
            journal.append(Effect(record(1, n)))
        journal.append(Effect(record(1, 6, key="alarm:a", keep=b"x")))
        await until(lambda: journal.counts().tight and journal.counts().waiting == 5)
        assert room == [], "history was asked first"
        assert not (tmp_path / files.RESERVE).exists()
        assert not journal.counts().ok
        assert [event.counter for event in Reader(journal.path).events()] == [6]
        Full.full, free = False, 1 << 40
        await until(lambda: journal.counts().ok and journal.counts().waiting == 0)
        assert (tmp_path / files.RESERVE).exists()
        assert journal.close()

    asyncio.run(main())
    assert verify(tmp_path).rows == 6
    assert verify(tmp_path).ok


def test_the_head_is_anchored_in_time_and_only_when_it_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANCHOR_S", 0.05)

    async def main() -> None:
        journal = Journal(tmp_path)
        journal.open()
        journal.append(Effect(record(1, 1)))
        await until(lambda: bool(journal.counts().anchored))
        assert journal.counts().anchored.startswith("1:")
        await asyncio.sleep(0.2)
        reader = Reader(journal.path)
        assert [event.kind for event in reader.events()] == ["alarm.raise", "journal.anchor"], (
            "once, while nothing moves"
        )
        reader.close()
        assert journal.counts().head.startswith("2:")
        assert journal.close()

    asyncio.run(main())
