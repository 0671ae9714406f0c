"""The chain: whatever is done to the rows up to the last anchor is found, and rotation, backup and a new file keep it whole."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.effects import Journal as Effect
from gateway.journal import anchor, chain, segments
from gateway.journal import store as module
from gateway.journal.backup import BackupError, backup, restore
from gateway.journal.chain import Head
from gateway.journal.reader import Reader
from gateway.journal.store import Store
from gateway.journal.upkeep import Upkeep
from gateway.journal.verify import integrity, verify
from tests.journal.edits import campaign
from tests.journal.test_journal import record


def stored(directory: Path, rows: int, *, batch: int = 3, first: int = 1) -> Store:
    """A store with `rows` rows in blocks of `batch`, open."""
    store = Store(directory, None)
    store.start()
    counters = range(first, first + rows)
    for at in range(0, rows, batch):
        store.commit([Effect(record(store.boot, n, detail={"n": n})) for n in counters[at : at + batch]])
    return store


def test_two_thousand_edits_are_all_found(tmp_path: Path) -> None:
    result = campaign(tmp_path, rounds=2_000, seed=7)
    assert result.missed == []
    assert result.untouched_ok
    assert all(count > 50 for count in result.by_deed.values()), "every kind of deed was tried"


def test_a_journal_is_whole_and_its_anchor_is_met(tmp_path: Path) -> None:
    store = stored(tmp_path, 20)
    anchor.write(tmp_path, store.head)
    verdict = verify(tmp_path, [Head(6, store.db.execute("SELECT link FROM event WHERE seq = 6").fetchone()[0])])
    assert verdict.ok
    assert (verdict.rows, verdict.head.seq, verdict.anchors) == (20, 20, 2)
    store.close()


def test_a_rolled_back_file_is_found_at_start_and_no_number_is_given_again(tmp_path: Path) -> None:
    store = stored(tmp_path, 9)
    store.close()
    old = (tmp_path / "journal.db").read_bytes()
    store = stored(tmp_path, 9)
    anchor.write(tmp_path, store.head)
    store.close()
    (tmp_path / "journal.db").write_bytes(old)
    assert [found.what for found in verify(tmp_path).found] == ["truncated"]
    again = Store(tmp_path, None)
    assert "18" in again.start()
    assert again.boot == 3
    again.commit([Effect(record(3, 1))])
    assert again.head.seq == (2 << 32) + 1
    again.close()


def test_segments_carry_the_chain_and_the_reader_sees_one_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIVE_ROWS", 10)
    monkeypatch.setattr(module, "SEGMENT_ROWS", 30)
    monkeypatch.setattr(module, "SLICE_ROWS", 8)
    store = stored(tmp_path, 48)
    for n in range(3):
        last = store.due(0)
        assert chain.linked(store.db, last).seq == last, "a segment ends with a block"
        assert segments.write(store.path, last)
        while store.give_up():
            assert verify(tmp_path).ok, "whole while rows leave the live file"
        store.commit([Effect(record(store.boot, 1_000 + 40 * n + m)) for m in range(40)])
    verdict = verify(tmp_path)
    assert verdict.ok
    assert verdict.rows == 48 + 3 * 40
    assert len(segments.list_segments(tmp_path)) == 3
    reader = Reader(store.path)
    assert [event.seq for event in reader.events(limit=1000)] == list(range(1, 169))
    assert [event.seq for event in reader.events(since_seq=20, limit=30)] == list(range(21, 51))
    assert [event.seq for event in reader.last(150)] == list(range(168, 18, -1))
    reader.close()
    middle = segments.list_segments(tmp_path)[1].path
    with closing(sqlite3.connect(middle)) as db, db:
        db.execute("UPDATE event SET subject = 'x' WHERE seq = (SELECT max(seq) - 1 FROM event)")
    assert [found.what for found in verify(tmp_path).found] == ["edited"]
    middle.unlink()
    assert "broken" in [found.what for found in verify(tmp_path).found]
    store.close()


def test_the_oldest_segments_go_first_and_the_rest_still_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIVE_ROWS", 0)
    store = stored(tmp_path, 9)
    for n in range(3):
        segments.write(store.path, store.head.seq)
        assert not store.give_up()
        store.commit([Effect(record(store.boot, 100 + n))])
    monkeypatch.setattr(module, "SEGMENTS_MAX_BYTES", 0)
    monkeypatch.setattr("gateway.journal.upkeep.CHECKPOINT_ROWS", 0)
    upkeep = Upkeep(store)
    notes = upkeep.after(1)
    upkeep.end()
    assert [detail["last"] for _, detail in notes] == [9, 10], "first noted"
    assert verify(tmp_path).ok
    store.commit([], notes)
    upkeep.after(1)
    upkeep.end()
    assert segments.list_segments(tmp_path)[0].first == 11, "then gone"
    verdict = verify(tmp_path)
    assert (verdict.ok, verdict.first.seq) == (True, 10)
    segments.list_segments(tmp_path)[0].path.unlink()
    assert not verify(tmp_path).ok, "a segment that went without a note is missed"
    store.close()


def test_backup_of_a_running_journal_restores_and_refuses_what_was_changed(tmp_path: Path) -> None:
    box, copy = tmp_path / "box", tmp_path / "copy"
    store = stored(box, 12)
    segments.write(store.path, 6)
    store.give_up()
    manifest = backup(box, copy)
    assert manifest.head == str(store.head)
    with pytest.raises(BackupError, match="exists"):
        backup(box, copy)
    store.commit([Effect(record(store.boot, 50))])
    store.close()
    restore(copy, box)
    assert verify(box).ok
    assert integrity(box) == ""
    again = Store(box, None)
    assert again.start() == ""
    again.commit([Effect(record(again.boot, 1))])
    assert again.head.seq == (1 << 32) + 1, "numbers given after the backup are not given again"
    again.close()
    assert verify(box).ok
    (name,) = [path for path in copy.iterdir() if path.name.startswith("events-")]
    with closing(sqlite3.connect(name)) as db, db:
        db.execute("UPDATE event SET subject = 'x' WHERE seq = 2")
    with pytest.raises(BackupError, match="changed"):
        restore(copy, tmp_path / "other")


def test_a_file_from_before_the_chain_gets_one(tmp_path: Path) -> None:
    store = stored(tmp_path, 5)
    store.db.execute("ALTER TABLE event DROP COLUMN link")
    store.db.execute("DROP TABLE chain")
    store.close()
    (tmp_path / "anchor").unlink(missing_ok=True)
    again = Store(tmp_path, None)
    assert again.start() == ""
    again.commit([Effect(record(again.boot, 1))])
    assert verify(tmp_path).ok
    assert verify(tmp_path).rows == 6
    again.close()


def test_an_anchor_is_written_as_a_row_and_names_the_place_before_it(tmp_path: Path) -> None:
    store = stored(tmp_path, 3)
    before = store.head
    assert store.moved
    store.commit([], anchor=True)
    assert store.anchored == before
    assert not store.moved
    kind, detail = store.db.execute("SELECT kind, detail FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    assert (kind, json.loads(detail)) == ("journal.anchor", {"seq": 3, "head": before.link.hex()})
    assert chain.head(store.db).seq == 4
    store.close()
