"""Random edits, inserts, deletes, swaps, truncations and roll-backs of a journal, with and without a forged chain.

`python -m tests.journal.edits --rounds 100000` writes docs/results/journal-edits.md. Every deed touches rows up to the last
anchor; a forger computes all later links anew, and only the anchor stands against that.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.journal import chain
from gateway.journal.chain import Head, Walk
from gateway.journal.store import Store

ROOT = Path(__file__).parents[2]
ROWS = 60
AFTER = 6  # rows after the last anchor: they are not touched, and not claimed
COLUMNS = ("seq", "boot", "counter", "at_ns", "utc_ms", "kind", "subject", "person", "detail", "summary", "link")


@dataclass
class Result:
    """What a campaign found; `missed` must stay empty."""

    rounds: int = 0
    untouched_ok: bool = False
    by_deed: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def campaign(folder: Path, rounds: int, seed: int) -> Result:
    """Do `rounds` deeds to copies of one journal, in memory; each must be found."""
    dice, result = random.Random(seed), Result()
    source, anchors = _journal(folder, dice)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        source.backup(db)
        source.close()
        result.untouched_ok = not _found(db, anchors)
        last = max(anchors).seq
        for _ in range(rounds):
            deed = dice.choice(list(DEEDS))
            forged = dice.random() < 0.3
            db.execute("BEGIN")
            what = DEEDS[deed](db, dice, last)
            if forged:
                _forge(db)
            if not _found(db, anchors):
                result.missed.append(f"{deed}{' forged' if forged else ''}: {what}")
            db.execute("ROLLBACK")
            result.rounds += 1
            result.by_deed[deed + (" and chain computed anew" if forged else "")] += 1
    return result


def _journal(folder: Path, dice: random.Random) -> tuple[sqlite3.Connection, list[Head]]:
    store, anchors, n = Store(folder, None), list[Head](), 0
    store.start()
    while n < ROWS:
        batch = [Effect(_record(store.boot, n + m, dice)) for m in range(1, dice.randint(1, 5) + 1)]
        n += len(batch)
        store.commit(batch)
        if dice.random() < 0.2 and n < ROWS - AFTER:
            anchors.append(store.head)
    anchors = anchors or [Head(3, store.db.execute("SELECT link FROM event WHERE seq = 3").fetchone()[0])]
    store.close()
    return sqlite3.connect(folder / "journal.db", isolation_level=None), anchors


def _record(boot: int, n: int, dice: random.Random) -> Record:
    person = dice.choice(("", "li", "wang"))
    return Record(
        (boot, n), n * 1000, 1_795_421_647_000 + n, "alarm.raise", f"A{n % 7}", {"value": dice.random()}, person
    )


def _found(db: sqlite3.Connection, anchors: list[Head]) -> bool:
    walk = Walk(chain.start(db), anchors)
    try:
        return bool([*walk.follow(db), *walk.end()])
    except sqlite3.Error:
        return True


def _forge(db: sqlite3.Connection) -> None:
    """All links computed anew, as somebody would who knows how."""
    before, block = chain.start(db).link, list[tuple[object, ...]]()
    rows = db.execute("SELECT * FROM event ORDER BY seq").fetchall()
    for *row, stored in rows:
        block.append(tuple(row))
        if stored is not None or row[0] == rows[-1][0]:
            before = chain.link(before, block)
            block = []
            db.execute("UPDATE event SET link = ? WHERE seq = ?", (before, row[0]))


def _edit(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    seq, column = dice.randint(1, last), dice.choice(COLUMNS[1:10])
    old = db.execute(f"SELECT {column} FROM event WHERE seq = ?", (seq,)).fetchone()[0]
    new = old + dice.randint(1, 9) * 1_000_003 if isinstance(old, int) else _changed(old, dice)
    db.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (new, seq))
    return f"row {seq} {column}"


def _changed(old: str | bytes, dice: random.Random) -> str | bytes:
    """One byte another one, one more or one less."""
    text = bytearray(old.encode() if isinstance(old, str) else old)
    at = dice.randrange(len(text) + 1)
    if at < len(text):
        text[at] = dice.choice([code for code in range(33, 127) if code != text[at]])
    else:
        text.append(dice.randrange(33, 127))
    return text.decode() if isinstance(old, str) else bytes(text)


def _insert(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    """A row between two others: those after it move up."""
    seq = dice.randint(1, last)
    db.execute("UPDATE event SET seq = -seq - 1 WHERE seq >= ?", (seq,))
    db.execute("UPDATE event SET seq = -seq WHERE seq < 0")
    row = (seq, 1, 10_000, 1, 1, "alarm.raise", "A1", "", b"{}", 0)
    db.execute(chain.INSERT_INNER, row)
    return f"before row {seq}"


def _delete(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    """A row taken out, with or without closing the gap in the numbers."""
    seq, close = dice.randint(1, last), dice.random() < 0.5
    db.execute("DELETE FROM event WHERE seq = ?", (seq,))
    if close:
        db.execute("UPDATE event SET seq = -seq + 1 WHERE seq > ?", (seq,))
        db.execute("UPDATE event SET seq = -seq WHERE seq < 0")
    return f"row {seq}{', numbers closed' if close else ''}"


def _swap(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    """Two rows trade their contents."""
    one, two = dice.sample(range(1, last + 1), 2)
    db.execute("UPDATE event SET seq = -1 WHERE seq = ?", (one,))
    db.execute("UPDATE event SET seq = ? WHERE seq = ?", (one, two))
    db.execute("UPDATE event SET seq = ? WHERE seq = -1", (two,))
    links = dict(db.execute("SELECT seq, link FROM event WHERE seq IN (?, ?)", (one, two)).fetchall())
    db.execute("UPDATE event SET link = ? WHERE seq = ?", (links[two], one))
    db.execute("UPDATE event SET link = ? WHERE seq = ?", (links[one], two))
    return f"rows {one} and {two}"


def _truncate(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    seq = dice.randint(1, last)
    db.execute("DELETE FROM event WHERE seq >= ?", (seq,))
    return f"from row {seq}"


def _roll_back(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    """An older state, and other rows since then: what a restored disk image looks like after some time."""
    seq = dice.randint(1, last)
    db.execute("DELETE FROM event WHERE seq >= ?", (seq,))
    rows = [(n, 2, n, n, n, "alarm.raise", "A1", "", b'{"value":1}', 0) for n in range(seq, ROWS + 1)]
    db.executemany(chain.INSERT_INNER, rows)
    _forge(db)
    return f"to row {seq - 1}"


def _cut_head(db: sqlite3.Connection, dice: random.Random, last: int) -> str:
    """The oldest rows taken away while the chain is said to begin where it began."""
    seq = dice.randint(1, last)
    db.execute("DELETE FROM event WHERE seq <= ?", (seq,))
    return f"up to row {seq}"


DEEDS: dict[str, Callable[[sqlite3.Connection, random.Random, int], str]] = {
    "edit": _edit,
    "insert": _insert,
    "delete": _delete,
    "swap": _swap,
    "truncation": _truncate,
    "roll-back": _roll_back,
    "head cut": _cut_head,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100_000)
    rounds = parser.parse_args().rounds
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), rounds, seed=1)
    rows = "\n".join(f"| {deed} | {count:,} |" for deed, count in sorted(result.by_deed.items()))
    text = (
        "# Edits of the journal\n\n"
        f"`python -m tests.journal.edits --rounds {rounds}`, {time.monotonic() - start:.0f} s. Each deed is done to a fresh "
        f"copy of a journal of {ROWS} rows and touches rows up to its last anchor.\n\n| deed | times |\n|---|---|\n{rows}\n"
        f"| **all** | {result.rounds:,} |\n| **not found** | {len(result.missed)} |\n"
    )
    results = ROOT / "docs" / "results"
    (results / "journal-edits.md").write_text(text, encoding="utf-8")
    print(text, *result.missed, sep="\n")
    return 0 if not result.missed and result.untouched_ok else 1


if __name__ == "__main__":
    sys.exit(main())
