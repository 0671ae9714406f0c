"""The evidence report as a page: A4 on paper, charts as SVG, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

from gateway.offline.halfyear_words import say
from gateway.offline.html import Interval, heading, intervals, number, page, paragraph, table

DAY_MS = 86_400_000


def report(told: dict[str, Any], language: str) -> str:
    """The page of an opened report."""
    found = told["figures"]
    title = say("title", language, site=told["site"])
    body = [f"<h1>{escape(title)}</h1>", *_head(found, language), paragraph(say("about", language), "dim")]
    body += [*_closure(found["closure"], language), *_suppression(found["suppression"], language)]
    body += [*_execution(found["execution"], language), *_basis(told, language)]
    return page(title, language, body)


def _head(found: dict[str, Any], language: str) -> Iterator[str]:
    begin, end = (f"{datetime.fromtimestamp(found[k] / 1000, UTC):%Y-%m-%d}" for k in ("from_ms", "to_ms"))
    days = number((found["to_ms"] - found["from_ms"]) / DAY_MS)
    yield paragraph(say("window", language, begin=begin, end=end, days=days))
    if found["valid"]:
        yield paragraph(say("valid", language))
        return
    why = "; ".join(say(f"why.{reason}", language) for reason in found["reasons"])
    yield paragraph(f"{say('not-valid', language)} {why}", "trip")


def _sets(figure: dict[str, Any], language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All, by priority, by month: never the pooled figure alone."""
    yield say("all", language), figure["every"]
    yield from ((f"P{name}", part) for name, part in figure["by_priority"].items())
    yield from ((name.replace("-", "\u2011"), part) for name, part in figure["by_month"].items())  # not broken there


def _chart(figure: dict[str, Any], name: str, language: str) -> str:
    lines = [Interval(who, s[name]["value"], s[name]["low"], s[name]["high"]) for who, s in _sets(figure, language)]
    return intervals(f"{say(name, language)}: {say('chart', language)}", lines)


def _table(
    figure: dict[str, Any], shares: tuple[str, ...], more: dict[str, Callable[[dict[str, Any]], Any]], language: str
) -> str:
    heads = [say("set", language), *(say(name, language) for name in (*shares, *more))]
    rows = [
        [who, *(_share(part[name], language) for name in shares), *(make(part) for make in more.values())]
        for who, part in _sets(figure, language)
    ]
    return table(heads, rows)


def _share(share: dict[str, Any], language: str) -> str:
    if share["value"] is None:
        return "–"
    counts = say("n", language, n=share["n"], d=share["d"])
    return f"{_percent(share['value'])} ({counts}; {_percent(share['low'])} – {_percent(share['high'])})"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def span(ms: int | None) -> str:
    """A duration as people say it."""
    if ms is None:
        return "–"
    if ms < 60_000:
        return f"{ms / 1000:.3g} s"
    return f"{ms / 60_000:.1f} min" if ms < 3_600_000 else f"{ms / 3.6e6:.1f} h"


def _closure(figure: dict[str, Any], language: str) -> Iterator[str]:
    yield heading(say("closure", language))
    yield _chart(figure, "ahcr", language)
    more: dict[str, Callable[[dict[str, Any]], Any]] = {
        "open": lambda part: part["open"],
        "mtta": lambda part: f"{span(part['mtta_p50_ms'])} / {span(part['mtta_p95_ms'])}",
        "mttr": lambda part: f"{span(part['mttr_p50_ms'])} / {span(part['mttr_p95_ms'])}",
    }
    yield _table(figure, ("ahcr", "ahcr_any"), more, language)
    every = figure["every"]
    yield table(
        [say("bulk_acked", language), say("reopened", language)],
        [[_share(every["bulk_acked"], language), _share(every["reopened"], language)]],
    )


def _suppression(figure: dict[str, Any], language: str) -> Iterator[str]:
    every = figure["every"]
    yield heading(say("suppression", language))
    yield _chart(figure, "fasr", language)
    more: dict[str, Callable[[dict[str, Any]], Any]] = {"judged": lambda part: f"{part['judged']} / {part['unjudged']}"}
    yield _table(figure, ("fasr", "mar", "precision"), more, language)
    rows = [
        [say("reduction", language), _share(every["reduction"], language)],
        [say("nuisance", language), number(figure["nuisance_per_day"])],
        [say("added", language), span(every["added_p95_ms"])],
    ]
    yield table(["", ""], rows)
    yield paragraph(say("reduction.note", language), "dim")
    if every["mar_bound"] is not None:
        bound = _percent(min(1.0, every["mar_bound"]))
        yield paragraph(say("mar.bound", language, n=every["mar"]["d"], bound=bound))
    if figure["critical_unreviewed"]:
        yield paragraph(say("unreviewed", language, n=figure["critical_unreviewed"]), "trip")
    if figure["short_months"]:
        yield paragraph(say("short", language, months=", ".join(figure["short_months"])), "trip")
    if figure["without_candidate"]:
        yield paragraph(say("lonely", language, n=figure["without_candidate"]))


def _execution(figure: dict[str, Any], language: str) -> Iterator[str]:
    yield heading(say("execution", language))
    yield _chart(figure, "lesr", language)
    more: dict[str, Callable[[dict[str, Any]], Any]] = {
        "demands": lambda part: f"{part['real']} / {part['test']}",
        "missed": lambda part: part["missed"],
        "pfd": lambda part: "–" if part["pfd_bound"] is None else f"≤ {number(part['pfd_bound'])}",
    }
    yield _table(figure, ("lesr", "total"), more, language)
    functions = [
        [name, _share(part["lesr"], language), f"{part['real']} / {part['test']}", more["pfd"](part)]
        for name, part in figure["by_function"].items()
    ]
    yield table([say(key, language) for key in ("function", "lesr", "demands", "pfd")], functions)
    yield paragraph(say("pfd.note", language), "dim")
    times = " / ".join(span(figure[f"trip_{at}_ms"]) for at in ("p50", "p99", "max"))
    beyond = "; ".join(str(figure["beyond"][key]) for key in ("bypassed", "degraded", "gateway-down"))
    rows = [
        [say("times", language), times],
        [say("spurious", language), f"{figure['spurious']}; {number(figure['spurious_per_1000_h'])}"],
        [say("bypass", language), f"{number(figure['bypass_hours'])} / {number(figure['function_hours'])}"],
        [say("proofs", language), f"{figure['proofs_done']} / {figure['proofs_due']}"],
        [say("excluded", language), "; ".join(map(str, figure["excluded"].values()))],
        [say("beyond", language), beyond],
        [say("unaudited", language), str(figure["unaudited"])],
    ]
    yield table(["", ""], rows)


def _basis(told: dict[str, Any], language: str) -> Iterator[str]:
    found = told["figures"]
    yield heading(say("basis", language))
    rows = [
        [say("coverage", language), _percent(found["coverage"])],
        [say("clock", language), span(found["clock_p99_ms"])],
        [say("masked", language), "; ".join(map(str, found["masked"].values()))],
        [say("left_out", language), str(found["left_out"])],
        [say("rows", language), str(found["last_seq"])],
        [say("gateway", language), told["gateway"]],
        [say("head", language), told["journal_head"]],
        [say("config", language), told["config_hash"]],
        [say("software", language), told["software"]],
    ]
    yield table(["", ""], rows)
