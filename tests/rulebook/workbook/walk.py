"""Matrices made from a seed, and a walk over every combination of their causes."""

from __future__ import annotations

import random

from gateway.core.voting import TRUE, UNKNOWN
from tests.rulebook.workbook.bench import Plant, compiled, plant
from tests.rulebook.workbook.reference import Table
from tests.rulebook.workbook.samples import book

POLICIES = ("", "safe after 1 s", "trip after 1 s", 'avail after 1 s because "x"')


def twelve(seed: int) -> str:
    """Twelve causes on twelve tags, three effects of plain causes and votes without delays."""
    dice = random.Random(seed)
    effects = 3
    policy = POLICIES[seed % 4]
    columns = [_column(dice, list(range(12))) for _ in range(effects)]
    names = {"effect": [f"E{at}" for at in range(effects)], "target": ["y0", "y1", "y0"], "priority": ["P1"] * effects}
    causes = [
        f"C{at}, a{at}, >, 50, %, , , , {policy}, , 60 s | " + ", ".join(column[at] for column in columns)
        for at in range(12)
    ]
    return book(names, causes)


def _column(dice: random.Random, rows: list[int]) -> list[str]:
    """Marks of one column: groups of two to four rows vote, the others trip alone or do nothing."""
    marks = [dice.choice(["", "", "X"]) for _ in rows]
    left = list(rows)
    for group in range(dice.randint(1, 3)):
        size = dice.randint(2, 4)
        if len(left) < size:
            break
        chosen = sorted(dice.sample(left, size))
        k = dice.randint(1, size)
        for at in chosen:
            left.remove(at)
            marks[at] = f"{k}oo{size}:G{group}"
    return marks


def random_book(seed: int) -> str:
    """Any matrix: delays, hysteresis, shared tags, permissives, inhibits, alarms, policies."""
    dice = random.Random(seed)
    count, effects = dice.randint(2, 8), dice.randint(1, 3)
    policy, bypass = dice.choice(POLICIES), dice.choice(["", "never", "2 h by engineer"])
    columns = [_column(dice, list(range(count))) for _ in range(effects)]
    targets = [dice.choice(["y0", "y1", "y2; y3"]) for _ in range(effects)]
    rows = []
    for at in range(count):
        tag = f"a{at if dice.random() < 0.8 else dice.randrange(count)}"
        limit, hyst = dice.randint(20, 80), dice.choice(["", "", str(dice.randint(1, 9))])
        lasting = dice.choice(["", "", "300 ms", "2 s"])
        for column in columns:
            if column[at] == "X":
                column[at] = dice.choice(["X", "X", "R", "X/700ms", "X/3s"])
        op = dice.choice(["<", "<=", ">", ">="])
        rows.append(f"C{at}, {tag}, {op}, {limit}, %, {hyst}, {lasting}, , {policy}, {bypass}, 60 s | ")
    for column in columns:
        if not any(column):
            column[0] = "X"
    rows = [row + ", ".join(column[at] for column in columns) for at, row in enumerate(rows)]
    rows.append("P1, d0, =, 1 | " + ", ".join(dice.choice(["", "P"]) for _ in columns))
    rows.append("N1, d1, =, 1 | " + ", ".join(dice.choice(["", "N"]) for _ in columns))
    rows.append("A1, a11, >, 60, %, 2 | " + ", ".join(dice.choice(["", "A"]) for _ in columns))
    delays = [dice.choice(["", "", "1 s"]) for _ in columns]
    names = {"effect": [f"E{at}" for at in range(effects)], "target": targets, "priority": ["P1"] * effects}
    return book(names | {"delay": delays}, rows)


def walk(text: str, bad: frozenset[str], every: int = 1) -> int:
    """Compares kernel and reference for every `every`-th combination of the twelve causes; how many there were."""
    table = plant()
    program, _ = compiled("walk.csv", text, table)
    stage = Plant(program.rules, table)
    written = Table(text)
    columns = {rule.name: written.function(rule.name) for rule in program.rules}
    stage.values |= {f"a{at}": 20.0 for at in range(12)}
    stage.boot()
    stage.bad = bad
    stage.run(4)
    now_s, states = 4.0, 0
    for column in columns.values():
        column.tick(0.0, stage.values, set(bad))
    for state in range(0, 4096, every):
        gray = state ^ (state >> 1)
        stage.poll(**{f"a{at}": 80.0 if gray >> at & 1 else 20.0 for at in range(12)})
        for name, column in columns.items():
            meant, _ = column.tick(now_s, stage.values, set(bad))
            truth = stage.function(name).truth & 3
            assert (truth in (TRUE, UNKNOWN)) == meant, (name, gray, truth)
        states += 1
    return states
