"""A bundle as a page for people: what happened, in plant words, with the curves and the limit line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Any

import msgspec

from gateway.core.tags import Quality
from gateway.offline.archive import Manifest, Opened
from gateway.offline.bundle import DECISIONS, story_of
from gateway.offline.evidence import Commanded, Sample, Story, Vote
from gateway.offline.html import Point, heading, number, page, paragraph, plot, table
from gateway.offline.words import WORDS, of, say

SPAN_S = (-30.0, 30.0)
LINES_MAX = 400  # of a timeline: paper


def report(opened: Opened, language: str, zone: tzinfo = UTC) -> str:
    """The page of a checked bundle. Raises TamperedError where its content is of another make."""
    story, manifest = story_of(opened), opened.manifest
    text = story.text.get("zh-CN" if language.startswith("zh") else "en")
    title = f"{say('title', language)} {story.function}"
    body = [f"<h1>{escape(title)}</h1>"]
    if text is not None and text.title:
        body.append(paragraph(text.title))
    body += [
        *_summary(story, manifest, language, zone),
        *_plots(story, language),
        heading(say("votes", language)),
        f'<ul class="tree">{_tree(story.votes, language)}</ul>',
        *_inputs(story, language),
        *_bypasses(story, language, zone),
        *_commands(story, language),
        *_timeline(opened, manifest, language, zone),
        *_facts(story, manifest, language, zone),
    ]
    return page(title, language, body)


def moment(utc_ms: int, zone: tzinfo) -> str:
    """A time with milliseconds and its offset."""
    return datetime.fromtimestamp(utc_ms / 1000, zone).isoformat(sep=" ", timespec="milliseconds")


def _summary(story: Story, manifest: Manifest, language: str, zone: tzinfo) -> Iterator[str]:
    yield heading(say("summary", language))
    yield paragraph(say("tripped", language, name=story.function, time=moment(manifest.trip_utc_ms, zone)), "trip")
    first = story.first_out
    told = [say("first", language, causes=", ".join(first.get("causes", ())) or story.event)]
    if first.get("limit") is not None and first.get("value") is not None:
        value, limit, unit = number(first["value"]), number(first["limit"]), first.get("unit", "")
        told.append(say("value", language, value=value, limit=limit, unit=unit))
    if story.detect_to_command_ms is not None:
        told.append(say("commanded", language, ms=number(story.detect_to_command_ms)))
    if story.command_to_read_back_ms is not None:
        told.append(say("read-back", language, ms=number(story.command_to_read_back_ms)))
    else:
        told.append(say("not-read-back", language))
    if story.simultaneous:
        told.append(say("simultaneous", language, names=", ".join(story.simultaneous)))
    yield paragraph(("" if language.startswith("zh") else " ").join(told))
    text = story.text.get("zh-CN" if language.startswith("zh") else "en")
    for key, said in (
        (("because", text.cause), ("consequence", text.consequence), ("response", text.response)) if text else ()
    ):
        if said:
            yield paragraph(f"{say(key, language)}: {said}")


def _plots(story: Story, language: str) -> Iterator[str]:
    yield heading(say("plots", language))
    yield paragraph(say("plots.note", language), "dim")
    limits = {shown.tag: sorted({limit for _, limit in shown.limits}) for shown in story.inputs}
    words = {shown.tag: of(shown.text, language) for shown in story.inputs} | {
        command.output: of(command.text, language) for command in story.commands
    }
    for tag, samples in story.series.items():
        label = " · ".join(part for part in (tag, words.get(tag, ""), story.units.get(tag, "")) if part)
        yield plot(label, [_point(sample) for sample in samples], limits.get(tag, ()), SPAN_S, story.units.get(tag, ""))


def _point(sample: Sample) -> Point:
    return Point(sample.t_ms / 1000, sample.value, sample.quality != Quality.BAD)


def _tree(vote: Vote, language: str) -> str:
    notes = [say(f"truth.{vote.truth}", language), *([say(f"vote.{vote.note}", language)] if vote.note else [])]
    items = "".join(_tree(item, language) for item in vote.items)
    below = f'<ul class="tree">{items}</ul>' if items else ""
    mark = {"true": "●", "false": "○", "unknown": "?"}.get(vote.truth, "–")
    return f'<li>{mark} {escape(vote.text)} <span class="dim">[{escape(", ".join(notes))}]</span>{below}</li>'


def _inputs(story: Story, language: str) -> Iterator[str]:
    yield heading(say("inputs", language))
    heads = [
        say(key, language) for key in ("tag", "text", "value.head", "quality", "cause", "age", "limit", "bypassed")
    ]
    yield table(
        heads,
        (
            (
                shown.tag,
                of(shown.text, language),
                f"{number(shown.value)} {shown.unit}".strip(),
                say(f"quality.{shown.quality}", language),
                "" if shown.cause == "NONE" else shown.cause,
                shown.age_ms,
                ", ".join(f"{op} {limit:g}" for op, limit in shown.limits),
                say("yes" if shown.bypassed else "no", language),
            )
            for shown in story.inputs
        ),
    )


def _bypasses(story: Story, language: str, zone: tzinfo) -> Iterator[str]:
    yield heading(say("bypasses", language))
    if not story.bypasses:
        yield paragraph(say("none", language), "dim")
        return
    heads = [say(key, language) for key in ("tag", "person", "reason", "measure", "until")]
    yield table(
        heads,
        (
            (b["tag"], b["person"], b["reason"], b["measure"], moment(int(b["until_utc_ms"]), zone))
            for b in story.bypasses
        ),
    )


def _commands(story: Story, language: str) -> Iterator[str]:
    yield heading(say("commands", language))
    heads = [say(key, language) for key in ("output", "text", "asked", "at", "answered", "read", "result")]
    yield table(heads, (_command(command, language) for command in story.commands))


def _command(command: Commanded, language: str) -> tuple[object, ...]:
    told = say("ok" if command.ok else "failed", language)
    return (
        command.output,
        of(command.text, language),
        command.value,
        command.asked_ms,
        command.answered_ms,
        number(command.read),
        f"{told} {command.error}".strip(),
    )


def _timeline(opened: Opened, manifest: Manifest, language: str, zone: tzinfo) -> Iterator[str]:
    yield heading(say("timeline", language))
    heads = [say(key, language) for key in ("bt.time", "event", "subject", "person", "detail")]
    rows: list[Any] = [msgspec.json.decode(row) for row in opened.members[DECISIONS].splitlines()]
    near = [row for row in rows if abs(row[3] - manifest.trip_utc_ms) <= 30_000]
    yield table(heads, (_row(row, language, zone) for row in near[:LINES_MAX]))


def _row(row: list[Any], language: str, zone: tzinfo) -> tuple[object, ...]:
    _boot, _counter, _at_ns, utc_ms, kind, subject, person, detail = row
    key = f"kind.{kind}"
    told = say(key, language) if key in WORDS else kind
    shown = ", ".join(f"{name} {value}" for name, value in detail.items() if not isinstance(value, dict))
    return moment(utc_ms, zone), told, subject, person, shown


def _facts(story: Story, manifest: Manifest, language: str, zone: tzinfo) -> Iterator[str]:
    yield heading(say("facts", language))
    notes = ", ".join(say(f"note.{note}", language) for note in manifest.notes)
    facts = {
        "gateway": manifest.gateway, "site": manifest.site, "id": manifest.id, "area": story.area, "priority": str(story.priority),
        "window": f"{moment(manifest.from_utc_ms, zone)} – {moment(manifest.to_utc_ms, zone)}",
        "complete": notes or say("complete.yes", language),
        "clips": ", ".join(manifest.clips) or say("none", language),
        "rule": story.formula or story.function, "rule_hash": manifest.rule_hash, "program_hash": manifest.program_hash,
        "site_hash": manifest.site_hash, "versions": ", ".join(f"{n} {v}" for n, v in manifest.versions.items()),
        "key": manifest.key_fingerprint,
    }  # fmt: skip
    yield table(("", ""), ((say(key, language), value) for key, value in facts.items()))
    yield paragraph(say("signature", language), "dim")
