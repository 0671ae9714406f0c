"""What the prover's cost table says of one reading, measured with the kernel's own conditions; and 200 rules checked.

The table counts in readings of a plain comparison, so its figures are held against that: a ratio does not know the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from gateway.core.evaluate import Condition
from gateway.core.image import Image
from gateway.core.limits import EVENT_KEYS_MAX
from gateway.core.program import Expression
from gateway.core.samples import Few
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.core.windows import BUCKETS
from gateway.rulebook import compile_rules
from gateway.rulebook.prove.check import prove
from gateway.rulebook.prove.cost import INSTANT_US, NODE_US, ROLL_US, RUN_US, TALLY_US, WINDOW_US
from gateway.rulebook.prove.plant import Plant
from tests.bench.figure import figure, spread

RULES = 200
CHECK_S = 60.0  # what a person waits for; most of it is the solver's
TABLE_FACTOR = 3.0  # the table finds the rule that costs a hundred times the others
FEW, MANY = 2, 12  # observations that a pattern counts
SECOND = 1_000_000_000
WINDOW_NS = 600 * SECOND
BUCKET_NS = WINDOW_NS // BUCKETS
ITEMS = 20  # comparisons in one condition, so that its own call counts little


def plant() -> Plant:
    """By fours: three measured values and an output; and one event with its number and its person."""
    tags = [Tag(at, f"t{at}", "plc", 0, unit="cm", low=0.0, high=300.0) for at in range(3 * RULES)]
    tags += [Tag(len(tags) + at, f"y{at}", "plc", 0, boolean=True, writable=True) for at in range(RULES)]
    tags += [Tag(len(tags), "seen", "plc", 0, boolean=True)]
    tags += [Tag(len(tags) + at, f"seen.{key}", "plc", 0) for at, key in enumerate(("event", "worker"))]
    return Plant(TagTable(tags, [Group(0, "poll", "plc", 0, len(tags), 1000)], [Source("plc", "modbus", 100)]), {})


def rules() -> str:
    """As a site has them: interlocks with a delay or a vote, alarms with a time or a trend, controls with two limits."""
    return "\n".join(_rule(at) for at in range(RULES))


def _rule(at: int) -> str:
    a, b, c = (f"t{3 * at + n}" for n in range(3))
    match at % 5:
        case 0:
            when = f"{a} < 30 cm hyst 5 cm for 1 s"
        case 1:
            when = f"2 of ({a} > 250 cm hyst 5 cm, {b} > 250 cm hyst 5 cm, {c} > 250 cm hyst 5 cm)"
        case 2:
            when = f"{a} > 200 cm hyst 5 cm and ({b} < 50 cm hyst 5 cm or {c} > 100 cm hyst 5 cm) for 10 s"
        case 3:
            when = f"rate({a}, 10 min) > 5 cm/min and {b} > 100 cm hyst 5 cm"
        case _:
            on = f"when {a} > 200 cm for 5 s then set y{at} = 1 clear when {a} < 150 cm for 30 s"
            return f"control C{at} {on} priority P3 end"
    if at % 5 < 2:
        return f"interlock L{at} when {when} then stop y{at} pst 60 s priority P1 end"
    return f"alarm A{at} when {when} then alarm priority P3 end"


class Reader:
    """One condition on its own image; `read(now_ns, values)` stores them and gives the µs of the reading alone."""

    def __init__(self, text: str, on: Plant) -> None:
        compiled = compile_rules([("a.rules", f"alarm A when {text} then alarm priority P3 end")], on.table)
        assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
        when: Expression = compiled.program.rules[0].when
        self.numbers = on.table.names()
        self.image = Image(on.table)
        self.condition = Condition(when, self.image, self.numbers, "alarm", 2 * SECOND, lambda _ns: None)
        self.read(SECOND, dict.fromkeys(self.numbers, 0.0))

    def read(self, now_ns: int, values: dict[str, float]) -> float:
        """Store `values`, GOOD, and read."""
        tags = [self.numbers[name] for name in values]
        fine = [0] * len(tags)
        self.image.store_few(Few(0, tags, list(values.values()), fine, fine), now_ns)
        begun_s = perf_counter()
        self.condition.root.read(now_ns)
        return (perf_counter() - begun_s) * 1e6


def _times(reader: Reader, rounds: int, step_ns: int, values: Callable[[int], dict[str, float]]) -> list[float]:
    start_ns = (WINDOW_NS // SECOND + 1) * SECOND
    return [reader.read(start_ns + n * step_ns, values(n)) for n in range(1, rounds + 1)]


def _costs(rounds: int, on: Plant) -> dict[str, list[float]]:
    """µs by kind of work: many readings, each less what is not of that kind."""
    many = Reader(" and ".join(f"t{at} > 10 cm" for at in range(ITEMS)), on)
    node = [us / (ITEMS + 1) for us in _times(many, rounds, 1_000_000, lambda n: {"t0": float(n % 20)})]
    trend = Reader("rate(t0, 10 min) > 5 cm/min", on)
    changes: Callable[[int], dict[str, float]] = lambda n: {"t0": float(n % 20)}  # noqa: E731
    inside = _times(trend, rounds, 1_000, changes)
    ends = _times(Reader("rate(t0, 10 min) > 5 cm/min", on), max(rounds // 10, 3 * BUCKETS), BUCKET_NS, changes)
    one = median(node)
    row, few, many_of_one = (
        [(us - one) / EVENT_KEYS_MAX for us in _people(Reader(text, on), loops)]
        for text, loops in (
            ("consecutive(seen, 3, by = worker)", 3),
            (f"count(seen, 10 min, by = worker) > {FEW}", FEW + 2),
            (f"count(seen, 10 min, by = worker) > {MANY}", MANY + 2),
        )
    )
    instant = [(us - median(few)) / (MANY - FEW) for us in many_of_one]
    return {
        "node": node,
        "window": [us - 2 * one for us in inside],
        "roll": [us - median(inside) for us in ends[2 * BUCKETS :]],
        "run": row,
        "tally": [us - (FEW + 1) * median(instant) for us in few],
        "instant": instant,
    }


def _people(reader: Reader, loops: int) -> list[float]:
    """Everybody is seen in turn; the µs of the last round, when all that may be remembered is."""

    def seen(n: int) -> dict[str, float]:
        return {"seen": 1.0, "seen.event": float(n), "seen.worker": float(n % EVENT_KEYS_MAX)}

    return _times(reader, loops * EVENT_KEYS_MAX, 1_000, seen)[-EVENT_KEYS_MAX:]


def figures(quick: bool) -> list[dict[str, Any]]:
    """Seconds of checking a site's rules beside compiling them; µs of each kind of work beside the table."""
    on = plant()
    begun_s = perf_counter()
    compiled = compile_rules([("site.rules", rules())], on.table)
    compile_s = perf_counter() - begun_s
    assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
    begun_s = perf_counter()
    report = prove(compiled.program, on)
    check_s = perf_counter() - begun_s
    assert report.proven
    assert len(report.rules) == RULES
    more = {"questions": report.questions, "left_open": report.left_open, "reference_is": "compiling them, s"}
    found = [
        figure(
            f"prover, {RULES} rules checked", check_s, "s", f"<= {CHECK_S:g} s", check_s <= CHECK_S, compile_s, **more
        )
    ]
    costs = _costs(1_000 if quick else 20_000, on)
    table = {
        "node": NODE_US, "window": WINDOW_US, "roll": ROLL_US, "run": RUN_US, "tally": TALLY_US, "instant": INSTANT_US,
    }  # fmt: skip
    names = {
        "node": "one node read", "window": "a value into a window", "roll": "the end of a bucket",
        "run": "a remembered person, consecutive", "tally": "a remembered person, count",
        "instant": "an instant of a person, count",
    }  # fmt: skip
    machine = median(costs["node"]) / NODE_US
    for kind, name in names.items():
        us = median(costs[kind])
        share = us / table[kind] / machine
        met = 1 / TABLE_FACTOR <= share <= TABLE_FACTOR
        must = f"{TABLE_FACTOR:g}x of the table, in nodes"
        found.append(
            figure(f"cost table, {name}", us, "us", must, met, table[kind], in_nodes=us / median(costs["node"]),
                   table_in_nodes=table[kind] / NODE_US, reference_is="the table", us=spread(costs[kind]))
        )  # fmt: skip
    return found
