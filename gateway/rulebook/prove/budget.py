"""Time budgets: what the site declares of every link of the chain, against `within` and half of the process safety time.

Only what is certain is added, so a rule that is refused cannot be in time; a rule that passes has still to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.core.limits import MS, STEP_MAX_NS
from gateway.core.program import And, Both, Eta, Expression, For, Interlock, Measure, Trend, Vote
from gateway.core.windows import BUCKETS
from gateway.core.written import duration
from gateway.rulebook.prove.finding import Desk
from gateway.rulebook.prove.plant import Plant
from gateway.rulebook.prove.walk import inside, tags, terms
from gateway.rulebook.sheet import Argument


class Item(msgspec.Struct, frozen=True):
    """One link of the chain."""

    what: str  # key of WORDS
    tag: str
    ns: int


WORDS = {
    "poll": ("polling {tag}", "轮询 {tag}"),
    "silence": ("{tag} may be silent", "{tag} 容许无更新"),
    "delay": ("the delay of the condition", "条件延时"),
    "bad": ("on bad after", "on bad after"),
    "step": ("one step", "一次运算"),
    "write": ("write and read back", "写入并回读"),
    "plc": ("a scan of the PLC", "PLC 扫描"),
    "effect": ("the effect seen at {tag}", "{tag} 到位"),
}


class Budget(msgspec.Struct, frozen=True):
    """The chain of an interlock, from the process to the output, to the effect, and from a lost input to the output."""

    output: tuple[Item, ...]
    effect: tuple[Item, ...]
    blind: tuple[Item, ...]

    @property
    def output_ns(self) -> int:
        """From the process to the read-back of the output."""
        return total(self.output)

    @property
    def whole_ns(self) -> int:
        """From the process to the effect."""
        return total(self.output) + total(self.effect)

    @property
    def blind_ns(self) -> int:
        """From the loss of an input to the effect."""
        return total(self.blind) + total(self.effect)


def total(items: Sequence[Item]) -> int:
    """The sum of some links in ns."""
    return sum(item.ns for item in items)


def listed(items: Sequence[Item]) -> tuple[str, str]:
    """Links with their times, as part of a sentence."""
    shown = [item for item in items if item.ns]
    told = [[f"{WORDS[item.what][at].format(tag=item.tag)} {duration(item.ns)}" for item in shown] for at in (0, 1)]
    return ", ".join(told[0]), "、".join(told[1])


def delay_ns(node: Expression) -> int:
    """The least time for which a condition must have been true before it is: its `for`s, and windows that change by buckets."""
    below = [delay_ns(item) for item in inside(node)]
    if isinstance(node, For):
        return node.ns + below[0]
    if isinstance(node, Vote):
        return sorted(below)[node.k - 1]
    if isinstance(node, Measure):
        timed = [one for one in terms(node.term) if isinstance(one, Trend | Eta)]
        return max(((one.ns if isinstance(one, Trend) else one.window_ns) // BUCKETS for one in timed), default=0)
    return max(below) if isinstance(node, And | Both) else min(below, default=0)


def budget(rule: Interlock, plant: Plant) -> Budget:
    """The links of one interlock."""
    read = tags(rule.when)
    slowest = max(read, key=plant.period_ms, default="")
    silent = max(read, key=plant.stale_ms, default="")
    driven = [stop.output for stop in rule.stops]
    write = Item("write", "", max(map(plant.write_ms, driven), default=0) * MS)
    scan = Item("plc", "", max(map(plant.scan_ms, driven), default=0) * MS)
    links = (Item("step", "", STEP_MAX_NS), write, scan)
    poll = Item("poll", slowest, plant.period_ms(slowest) * MS if slowest else 0)
    delay = Item("delay", "", rule.on_delay_ns + delay_ns(rule.when))
    silence = Item("silence", silent, plant.stale_ms(silent) * MS if silent else 0)
    effect = max(rule.confirms, key=lambda confirm: confirm.within_ns, default=None)
    seen = () if effect is None else (Item("effect", effect.tag, effect.within_ns),)
    return Budget((poll, delay, *links), seen, (silence, Item("bad", "", rule.bad_after_ns), *links))


def budgets(rule: Interlock, desk: Desk) -> Budget:
    """Lay down what cannot be in time; give the links for the report."""
    found, half = budget(rule, desk.plant), rule.pst_ns // 2
    for stop in rule.stops:
        if 0 < stop.within_ns < found.output_ns:
            words: dict[str, Argument] = {
                "output": stop.output,
                "within": duration(stop.within_ns),
                "sum": listed(found.output),
            }
            desk.say("check.within", rule, None, total=duration(found.output_ns), **words)
    if not rule.pst_ns:
        return found
    if found.whole_ns > half:
        items = (*found.output, *found.effect)
        desk.say("check.budget", rule, None, sum=listed(items), total=duration(found.whole_ns), half=duration(half))
    if found.blind_ns > half >= rule.bad_after_ns:
        items = (*found.blind, *found.effect)
        desk.say("check.blind", rule, None, sum=listed(items), total=duration(found.blind_ns), half=duration(half))
    for tag in tags(rule.when):
        stale_ns = desk.plant.stale_ms(tag) * MS
        if stale_ns > rule.pst_ns // 4:
            desk.say("check.stale", rule, None, tag=tag, stale=duration(stale_ns), pst=duration(rule.pst_ns))
    return found
