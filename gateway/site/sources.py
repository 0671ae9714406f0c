"""The sections [source.<name>]: driver, its Settings, and of a PLC its times and the two heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import drivers.base
from drivers.base import Point, PointSpec
from gateway.core.errors import AddressError, Problem
from gateway.site.messages import Severity, listed, nearest, problem
from gateway.site.schema import SOURCE, DeviceTimes, Heartbeat, ReverseHeartbeat
from gateway.site.toml_file import TomlFile, section_name, validate

CERTIFICATES = ("ca", "certificate", "key")


@dataclass(slots=True)
class Word:
    """A word that the gateway needs for itself: a heartbeat."""

    spec: PointSpec
    point: Point


@dataclass(slots=True)
class SourceDraft:
    """A source on its way into the site. `settings` is None where its section is wrong."""

    name: str
    driver: str = ""
    module: Any = None
    settings: Any = None
    period_ms: int = 0
    heartbeat: Heartbeat | None = None
    reverse: ReverseHeartbeat | None = None
    times: DeviceTimes = field(default_factory=DeviceTimes)
    words: dict[str, Word] = field(default_factory=dict)  # "heartbeat", "peer"
    used: bool = False


def read_sources(file: TomlFile, folder: Path, *, for_run: bool) -> tuple[dict[str, SourceDraft], list[Problem]]:
    """Every source of site.toml, also the wrong ones, so that their tags are not called unknown too."""
    drafts: dict[str, SourceDraft] = {}
    problems: list[Problem] = []
    sections = file.values.get("source", {})
    for name, section in sections.items() if isinstance(sections, dict) else ():
        drafts[name] = SourceDraft(name)
        if not SOURCE.fullmatch(name):
            problems.append(problem("source.name", file.place(("source", name)), value=name))
        elif isinstance(section, dict):
            problems += _source(file, drafts[name], dict(section), folder, for_run=for_run)
    if not drafts and sections == {}:
        problems.append(problem("site.no-sources", file.place(("source",))))
    return drafts, problems


def _source(
    file: TomlFile, draft: SourceDraft, section: dict[str, Any], folder: Path, *, for_run: bool
) -> list[Problem]:
    at = ("source", draft.name)
    problems: list[Problem] = []
    found = _module(file, draft, section)
    if found is not None:
        return [found]
    section.pop("driver")
    for key, model in (("heartbeat", Heartbeat), ("reverse_heartbeat", ReverseHeartbeat)):
        if key not in section:
            continue
        beat, wrong = validate(model, file, section[key], (*at, key))
        problems += wrong
        del section[key]  # the gateway's business, not the driver's
        if isinstance(beat, Heartbeat):
            draft.heartbeat = beat
        elif isinstance(beat, ReverseHeartbeat):
            draft.reverse = beat
    given = {key: section.pop(key) for key in DeviceTimes.model_fields if key in section}
    times, wrong = validate(DeviceTimes, file, given, at)
    problems += wrong
    draft.times = times or draft.times
    settings, wrong = validate(draft.module.Settings, file, section, at)
    problems += wrong
    if settings is not None:
        draft.settings, missing = _files(file, at, settings, folder, for_run=for_run)
        problems += missing
        draft.period_ms = int(getattr(settings, "period_ms", 0) or getattr(settings, "publish_ms", 0) or 0)
        problems += _words(file, draft)
    return problems


def _module(file: TomlFile, draft: SourceDraft, section: dict[str, Any]) -> Problem | None:
    """Load the driver into `draft`, or say why not."""
    at = ("source", draft.name)
    name = section.get("driver")
    if name is None:
        return problem("site.missing-key", file.place(at), key="driver", section=section_name(at))
    place = file.place((*at, "driver"), value=True)
    try:
        draft.driver = str(name)
        draft.module = drivers.base.load(draft.driver)
    except KeyError:
        names = (*drivers.base.DRIVERS, *drivers.base.models())
        near, known = nearest(draft.driver, names), listed(names)
        return problem("source.unknown-driver", place, value=draft.driver, near=near, known=known)
    except ImportError as error:
        return problem("source.driver-missing", place, value=draft.driver, library=error.name or "?")
    return None


def _files(
    file: TomlFile, at: tuple[str, ...], settings: BaseModel, folder: Path, *, for_run: bool
) -> tuple[BaseModel, list[Problem]]:
    """Settings with their relative paths made absolute against the site folder; certificates that are not there."""
    problems: list[Problem] = []
    absolute: dict[str, Path] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if not isinstance(value, Path):
            continue
        absolute[name] = folder / value
        if name in CERTIFICATES:
            problems += certificate(file, (*at, name), absolute[name], for_run=for_run)
    return settings.model_copy(update=absolute), problems


def certificate(file: TomlFile, path: tuple[str, ...], target: Path, *, for_run: bool) -> list[Problem]:
    """What is to be said where a certificate file is missing: an error only when the gateway is about to run."""
    if target.is_file():
        return []
    severity: Severity = "error" if for_run else "warning"
    name = str(target.relative_to(target.parent.parent)) if target.parent.name else str(target)
    return [problem("site.certificate", file.place(path, value=True), severity, key=path[-1], name=name)]


def _words(file: TomlFile, draft: SourceDraft) -> list[Problem]:
    """The hidden words of a source: the heartbeat we write and the PLC's counter that we read."""
    problems: list[Problem] = []
    for word, key, beat in (("heartbeat", "heartbeat", draft.heartbeat), ("peer", "reverse_heartbeat", draft.reverse)):
        if beat is None:
            continue
        spec = PointSpec(f"{draft.name}.${word}", beat.address, "", writable=word == "heartbeat", hidden=True)
        try:
            draft.words[word] = Word(spec, draft.module.parse(draft.settings, spec))
        except AddressError as error:
            place = file.place(("source", draft.name, key, "address"), value=True)
            what = (error.en, error.zh)
            problems.append(problem("source.address", place, value=beat.address, key=key, what=what))
    return problems


def check_healthy(
    file: TomlFile, sources: Mapping[str, SourceDraft], points: Mapping[str, tuple[str, Point, bool]]
) -> list[Problem]:
    """The tag that tells of a PLC's watchdog must be a bool of that PLC that nobody writes. `points`: name -> (source, point, writable)."""
    problems: list[Problem] = []
    for name, source in sources.items():
        if source.heartbeat is None or not source.heartbeat.healthy:
            continue
        tag = source.heartbeat.healthy
        of, point, writable = points.get(tag, ("", None, False))
        if of != name or point is None or not point.boolean or writable:
            place = file.place(("source", name, "heartbeat", "healthy"), value=True)
            own = [other for other, (its, one, out) in points.items() if its == name and one.boolean and not out]
            problems.append(problem("source.healthy", place, value=tag, source=name, near=nearest(tag, own)))
    return problems
