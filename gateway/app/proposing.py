"""`gatehouse alarm propose SITE [ALARM …]`: hysteresis and delays for bad actors, each with its effect on the recorded history."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.app.examine import examine
from gateway.app.records import FAILED, INVALID, NOT_FOUND, OK, Refused, utc_ms
from gateway.app.speech import Speech
from gateway.core.kernel import Kernel
from gateway.core.kpis import Actor
from gateway.core.limits import MS
from gateway.core.program import Program, Rule
from gateway.offline import proposals_report
from gateway.offline.backtest import on_history
from gateway.offline.figures import Backtest
from gateway.offline.occurrences import Occurrences
from gateway.offline.proposals import Proposal, Trial, compare, why
from gateway.rulebook.tuning import CHANGES, candidates, compared, kind_of, on_delay_ns, refusal, with_rules
from gateway.site import Site
from gateway.site.report import text as as_text

_WORDS = {
    "nothing": (
        "Nothing usable is recorded in this period; a proposal needs history of the site with its present tag list.",
        "该时段没有可用的记录；建议须依据本现场以现行位号表记录的历史数据。",
    ),
    "alarm": (
        "{value} is no alarm of this site; gatehouse alarm list --all names them.",
        "{value} 不是本现场的报警；名称见 gatehouse alarm list --all。",
    ),
    "unread": ("{value}", "{value}"),
}
_say = Speech(_WORDS)


def propose(site: Path, args: dict[str, str]) -> int:
    """Replay and report; changes nothing. 9 where site or rules have errors, 4 where alarm or history is missing."""
    lang = args.get("lang", "en")
    checked = examine(site)
    if checked.site is None or checked.program is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    names = args.get("alarms", "").split()
    known = Kernel(checked.site.table, checked.program, 0).alarms.points
    unknown = [name for name in names if name not in known]
    if unknown:
        return _say.leave(NOT_FOUND, "alarm", lang, value=", ".join(unknown))
    try:
        bench = _Bench(checked.site, checked.program, utc_ms(args.get("from", "")), utc_ms(args.get("to", "")))
        found, was = bench.run(checked.program)
        priorities = {name: int(point.priority) for name, point in known.items()}
        proposals = bench.proposals(names, found, was, priorities)
    except Refused as refused:
        return refused.say(lang)
    except LookupError:
        return _say.leave(NOT_FOUND, "nothing", lang, value="")
    except OSError as error:
        return _say.leave(FAILED, "unread", lang, value=error)
    if args.get("output", "table") in ("json", "jsonl"):
        told = {
            "from_utc_ms": found.from_utc_ms,
            "to_utc_ms": found.to_utc_ms,
            "hours": found.hours,
            "proposals": proposals,
        }
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        zone = ZoneInfo(checked.site.timezone or "UTC")
        print(proposals_report.text(found, proposals, lang, zone), end="")
    return OK


@dataclass(frozen=True, slots=True)
class _Bench:
    """The recording that every change is tried on: one replay a change, all alarms at once."""

    site: Site
    program: Program
    since_ms: int | None
    until_ms: int | None

    def run(self, program: Program) -> tuple[Backtest, Occurrences]:
        """What these rules would have done."""
        seen = Occurrences({rule.name: list(compared(rule.when)) for rule in self.program.rules})
        found = on_history(
            self.site.storage.directory,
            self.site.table,
            program,
            from_utc_ms=self.since_ms,
            to_utc_ms=self.until_ms,
            listener=seen,
        )
        return found, seen

    def proposals(
        self, names: list[str], found: Backtest, was: Occurrences, priorities: dict[str, int]
    ) -> list[Proposal]:
        """One for each alarm that was named, or for each bad actor."""
        table, since_ms = self.site.table, found.from_utc_ms
        actors = {actor.alarm: actor for actor in was.actors(since_ms, found.to_utc_ms)}
        wanted = list(dict.fromkeys(names)) or [name for name, actor in actors.items() if why(actor)]
        refused = {name: refusal(name, self.program, table) for name in wanted}
        came = {name: sum(each.raised_ms >= since_ms for each in was.found.get(name, ())) for name in wanted}
        tried = {rule.name: rule for rule in self.program.rules if rule.name in wanted}
        open_to = {name: rule for name, rule in tried.items() if refused[name] is None and came[name]}
        trials = self._trials(open_to, was, since_ms)
        live = {figures.alarm: figures.before for figures in found.alarms}
        kinds = {tag.name: kind_of(tag) for tag in table.tags}
        return [
            Proposal(
                alarm=name,
                priority=priorities[name],
                why=why(actors.get(name, Actor(name, 0, 0.0, 0, 0))),
                live=live.get(name, 0),
                count=came[name],
                chatters=sum(at_ms >= since_ms for at_ms in was.chatters.get(name, ())),
                fleeting=was.fleeting(name, since_ms),
                refused=refused[name] or "",
                signals={} if refused[name] else {leaf.tag: kinds[leaf.tag] for leaf in compared(tried[name].when)},
                trials=tuple(trials.get(name, ())),
            )
            for name in wanted
        ]

    def _trials(self, rules: dict[str, Rule], was: Occurrences, since_ms: int) -> dict[str, list[Trial]]:
        table = self.site.table
        units = {tag.name: tag.unit for tag in table.tags}
        offered = {name: candidates(rule, self.program, table) for name, rule in rules.items()}
        out: dict[str, list[Trial]] = {}
        for change in CHANGES:
            batch = {name: each for name, some in offered.items() for each in some if each.change == change}
            if not batch:
                continue
            _, now = self.run(with_rules(self.program, [each.rule for each in batch.values()]))
            for name, each in batch.items():
                added_ns = on_delay_ns(each.rule.when) - on_delay_ns(rules[name].when)
                trial = compare(
                    name, was, now, change=change, clause=each.clause, from_ms=since_ms,
                    on_delay_ms=max(0, added_ns) // MS, units=units,
                )  # fmt: skip
                out.setdefault(name, []).append(trial)
        return out
