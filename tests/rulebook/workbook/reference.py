"""What a matrix means, written from the table alone: it reads the CSV by itself and knows nothing of the product's code.

A plant of tag values moves in ticks of 0.1 s; `Column.demand` says whether the function asks for the safe state now.
"""

from __future__ import annotations

import csv
import io
import re

TICK_S = 0.1
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}


def seconds(text: str) -> float:
    """`2 s` in seconds."""
    found = re.fullmatch(r"([0-9.]+) ?(ms|s|min)", text)
    assert found, text
    return float(found[1]) * SECONDS[found[2]]


class Row:
    """One cause and what is known of it."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.id, self.tag, self.op = fields["id"], fields["tag"], fields["op"]
        self.limit, self.hyst = float(fields["limit"]), float(fields["hyst"] or 0)
        self.delay_s = seconds(fields["for"]) if fields["for"] else 0.0
        self.vote = fields["vote"]
        words = (fields["on_bad"] or "safe after 2 s").split()
        self.policy, self.after_s = words[0], seconds(" ".join(words[2:4])) if len(words) > 2 else 2.0
        self.bypassable = fields["bypass"] != "never"


class Wire:
    """One cause as one function sees it: its truth, since when, and how long its signal has been bad."""

    def __init__(self, row: Row, delay_s: float) -> None:
        self.row, self.delay_s = row, delay_s
        self.true, self.since_s, self.bad_since_s = False, 0.0, -1.0

    def tick(self, now_s: float, value: float, bad: bool) -> None:
        """Look at the signal."""
        if bad:
            self.bad_since_s = now_s if self.bad_since_s < 0 else self.bad_since_s
            return
        self.bad_since_s = -1.0
        edge = self.row.limit
        if self.true:
            edge += self.row.hyst if self.row.op in ("<", "<=") else -self.row.hyst
        op = self.row.op
        now_true = {
            "<": value < edge, "<=": value <= edge, ">": value > edge, ">=": value >= edge, "=": value == edge,
            "!=": value != edge,
        }[op]  # fmt: skip
        if now_true and not self.true:
            self.since_s = now_s
        self.true = now_true

    def lost(self, now_s: float, after_s: float) -> bool:
        """Bad for so long that it counts."""
        return self.bad_since_s >= 0 and now_s - self.bad_since_s >= after_s - 1e-9

    def votes(self, now_s: float) -> bool:
        """True for its delay."""
        return self.true and now_s - self.since_s >= self.delay_s - 1e-9


def enough(k: int, n: int, policy: str, true: int, bad: int) -> bool:
    """The voting table of the specification, row by row; other sizes by the same words."""
    table = {  # (k, n, policy) -> votes needed with 0, 1, 2, … bad channels; 0 = trips by itself
        (1, 2, "trip"): (1, 0, 0), (2, 2, "trip"): (2, 1, 0), (2, 3, "trip"): (2, 1, 0, 0),
        (1, 2, "safe"): (1, 1, 0), (2, 2, "safe"): (2, 1, 0), (2, 3, "safe"): (2, 1, 1, 0),
        (1, 2, "avail"): (1, 1, 0), (2, 2, "avail"): (2, 1, 0), (2, 3, "avail"): (2, 2, 1, 0),
    }  # fmt: skip
    known = table.get((k, n, policy))
    if known is not None:
        return true >= known[bad]
    if bad == n:
        return True
    if policy == "trip":
        return true + bad >= k
    return true >= (max(1, k - bad) if policy == "safe" else min(k, n - bad))


class Column:
    """One function: the marks of one kind in one column."""

    def __init__(self, marks: list[tuple[Row, str]], delay_s: float) -> None:
        self.policy, self.after_s = marks[0][0].policy, marks[0][0].after_s
        self.bypassable = all(row.bypassable for row, _ in marks)
        self.delay_s = delay_s
        self.groups: dict[str, tuple[int, list[Wire]]] = {}
        self.left: set[str] = set()
        self.pending_s = -1.0
        self.first: set[str] = set()
        for row, mark in marks:
            vote = re.fullmatch(r"(\d)oo(\d):(\w+)", mark) or re.fullmatch(r"(\d)oo(\d):(\w+)", row.vote)
            name, k = (vote[3], int(vote[1])) if vote else (f"alone {row.id}", 1)
            own_s = seconds(mark[2:]) if mark.startswith("X/") else row.delay_s
            self.groups.setdefault(name, (k, []))[1].append(Wire(row, own_s))

    def wires(self) -> list[Wire]:
        """All its causes."""
        return [wire for _, wires in self.groups.values() for wire in wires]

    def tick(self, now_s: float, values: dict[str, float], bad: set[str]) -> tuple[bool, set[str]]:
        """Look at the plant: does the function trip now, and the ids of its first causes if it does."""
        for wire in self.wires():
            wire.tick(now_s, values[wire.row.tag], wire.row.tag in bad)
        behind: list[tuple[float, str]] = []
        lost = False
        for k, wires in self.groups.values():
            here = [wire for wire in wires if wire.row.tag not in self.left]
            gone = [wire for wire in here if wire.lost(now_s, self.after_s)]
            true = [wire for wire in here if wire not in gone and wire.votes(now_s)]
            if here and enough(max(1, k - len(wires) + len(here)), len(here), self.policy, len(true), len(gone)):
                behind += [(wire.since_s, wire.row.id) for wire in true]
                behind += [(wire.bad_since_s + self.after_s, wire.row.id) for wire in gone]
                lost = lost or not true
        if not behind:
            self.pending_s = -1.0
            return False, set()
        if self.pending_s < 0:  # what came first is settled when the demand begins, not when its delay is over
            self.pending_s = now_s
            first = min(since for since, _ in behind)
            self.first = {name for since, name in behind if since == first}
        return lost or now_s - self.pending_s >= self.delay_s - 1e-9, self.first


class Table:
    """The matrix of a CSV file."""

    def __init__(self, text: str) -> None:
        rows = list(csv.reader(io.StringIO(text)))
        at = next(i for i, row in enumerate(rows) if row[0] in ("id", "编号 id"))
        heads = [cell.split()[-1] for cell in rows[at] if cell]
        label = len(heads)
        effects = {row[label].split(" ", 1)[-1]: row for row in rows[:at]}
        blank = dict.fromkeys(("for", "hyst", "vote", "on_bad", "bypass", "unit"), "")
        self.causes = [blank | dict(zip(heads, row, strict=False)) for row in rows[at + 1 :] if row[0]]
        self.columns: dict[str, dict[str, str]] = {}
        self.marks: dict[str, list[tuple[Row, str]]] = {}
        for column in range(label + 1, len(effects["effect"])):
            fields = {name: row[column] for name, row in effects.items() if len(row) > column}
            self.columns[fields["effect"]] = fields
            self.marks[fields["effect"]] = [
                (Row(cause), row[column])
                for cause, row in zip(self.causes, rows[at + 1 :], strict=False)
                if len(row) > column and row[column]
            ]

    def function(self, name: str) -> Column:
        """The function behind a rule's name."""
        for suffix, kinds in (("_ALARM", "A"), ("_SHADOW", "S"), ("", "XR12345678" + "A")):
            effect = name.removesuffix(suffix) if suffix else name
            if effect in self.columns and (suffix == "" or name.endswith(suffix)):
                fields = self.columns[effect]
                if suffix == "" and fields.get("target"):
                    kinds = "XR12345678"
                marks = [(row, mark) for row, mark in self.marks[effect] if mark[0] in kinds]
                return Column(marks, seconds(fields["delay"]) if fields.get("delay") else 0.0)
        raise AssertionError(name)

    def may_reset(self, name: str, values: dict[str, float], bad: set[str]) -> bool:
        """Do permissives and inhibits allow a reset?"""
        for row, mark in self.marks[name.removesuffix("_SHADOW")]:
            if mark in ("P", "N"):
                wire = Wire(row, 0.0)
                wire.tick(0.0, values[row.tag], row.tag in bad)
                if row.tag in bad or wire.true != (mark == "P"):
                    return False
        return True
