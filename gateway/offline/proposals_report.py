"""Proposals as text for a terminal."""

from __future__ import annotations

from datetime import tzinfo

from gateway.core.written import amount
from gateway.offline.backtest_report import aligned
from gateway.offline.figures import Backtest
from gateway.offline.proposals import Proposal, Trial, Vanished
from gateway.offline.trip_report import moment
from gateway.offline.words import say

SHOWN = 5  # vanished occurrences of a trial


def text(found: Backtest, proposals: list[Proposal], language: str, zone: tzinfo) -> str:
    """All alarms, each with its trials, the clauses to write, and what would no longer be told."""
    since, until = moment(found.from_utc_ms, zone), moment(found.to_utc_ms, zone)
    out = [say("pr.period", language, since=since, until=until, hours=f"{found.hours:g}")]
    if not proposals:
        out += ["", say("pr.none", language)]
    for proposal in proposals:
        out += ["", *_proposal(proposal, language, zone)]
    return "\n".join(out) + "\n"


def _proposal(found: Proposal, language: str, zone: tzinfo) -> list[str]:
    figures = {"count": found.count, "live": found.live, "chatters": found.chatters, "fleeting": found.fleeting}
    out = [say("pr.head", language, alarm=found.alarm, priority=found.priority, **figures)]
    reasons = [say(f"pr.why.{reason}", language) for reason in found.why]
    signals = [
        say("pr.signal", language, tag=tag, kind=say(f"pr.kind.{kind}", language))
        for tag, kind in found.signals.items()
    ]
    out += ["; ".join([*reasons, *signals])] if reasons or signals else []
    if found.refused:
        return [*out, say(f"pr.refused.{found.refused}", language)]
    if not found.count or not found.trials:
        return [*out, say("pr.untried" if found.count else "pr.quiet", language)]
    out += aligned(*_table(found.trials, language))
    for trial in found.trials:
        out += [f"  {say(f'pr.change.{trial.change}', language)}:", f"    {trial.clause}"]
    for trial in found.trials:
        out += _lost(trial, language, zone)
    return out


def _table(trials: tuple[Trial, ...], language: str) -> tuple[list[str], list[tuple[object, ...]]]:
    words = ("change", "occurrences", "chatter", "fleeting", "merged", "added", "vanished", "max", "p95")
    return [say(f"pr.{word}", language) for word in words], [
        (
            say(f"pr.change.{trial.change}", language),
            f"{trial.before} → {trial.after}",
            f"{trial.chatters_before} → {trial.chatters_after}",
            f"{trial.fleeting_before} → {trial.fleeting_after}",
            trial.merged,
            trial.added,
            trial.vanished,
            f"{trial.later_max_s:g}",
            f"{trial.later_p95_s:g}",
        )
        for trial in trials
    ]


def _lost(trial: Trial, language: str, zone: tzinfo) -> list[str]:
    if not trial.vanished:
        return []
    change = say(f"pr.change.{trial.change}", language)
    out = ["  " + say("pr.lost", language, change=change, count=trial.vanished)]
    out += ["    " + _line(each, language, zone) for each in trial.shown[:SHOWN]]
    if trial.vanished > SHOWN:
        out.append("    " + say("pr.more", language, count=trial.vanished - SHOWN))
    return out


def _line(each: Vanished, language: str, zone: tzinfo) -> str:
    lasted = f"{each.lasted_s:g}" + (f" ({say('bt.open', language)})" if each.open else "")
    time = moment(each.utc_ms, zone)
    if each.peak is None or each.beyond is None or each.limit is None:
        return say("pr.lost.plain", language, time=time, lasted=lasted)
    peak, beyond, limit = (amount(value, each.unit) for value in (each.peak, each.beyond, each.limit))
    return say("pr.lost.line", language, time=time, lasted=lasted, tag=each.tag, peak=peak, beyond=beyond, limit=limit)
