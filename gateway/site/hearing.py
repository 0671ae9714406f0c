"""Sounds, shifts and routes of site.toml: what they mean to the kernel, and what is wrong with them (spec/alarms.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gateway.core.annunciation import NOT_UPSTREAM, AlarmPlan, Cadence, Route, Sounder
from gateway.core.errors import Problem
from gateway.core.program import Control, Interlock, Rule
from gateway.core.tags import TagTable
from gateway.site.messages import nearest, problem
from gateway.site.model import ShiftSite
from gateway.site.place import Place
from gateway.site.schema import RouteSection, SiteFile, SoundSection
from gateway.site.toml_file import TomlFile

if TYPE_CHECKING:
    from gateway.site.model import Site

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LANES = {"priority": 0, "none": NOT_UPSTREAM, "p1": 1, "p2": 2, "p3": 3, "p4": 4}
_MINUTE_MS = 60_000


def read_plan(file: SiteFile) -> AlarmPlan:
    """What the kernel is told; `check_plan` has found nothing wrong."""
    return AlarmPlan(
        tuple(_sounder(name, section) for name, section in file.sound.items()),
        tuple(_route(section) for section in file.route),
        file.alarms.escalate_s * 1000,
        {int(key[1]): minutes * _MINUTE_MS for key, minutes in sorted(file.alarms.realarm_min.items())},
    )


def read_shifts(file: SiteFile) -> tuple[ShiftSite, ...]:
    """The shift calendar, in the order of the file."""
    return tuple(
        ShiftSite(name, _minutes(shift.begin), _minutes(shift.end), tuple(_DAYS.index(day) for day in shift.days))
        for name, shift in file.shift.items()
    )


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _sounder(name: str, section: SoundSection) -> Sounder:
    cadences = {int(key[1]): _cadence(text) for key, text in sorted(section.cadence.items())}
    priorities = tuple(sorted(set(section.priorities)))
    return Sounder(name, section.output, priorities, cadences, section.silenced, section.escalation)


def _cadence(text: str) -> Cadence:
    on_ms, _, off_ms = text.partition("/")
    return Cadence() if text == "steady" else Cadence(int(on_ms), int(off_ms))


def _route(section: RouteSection) -> Route:
    return Route(
        tuple(section.areas),
        tuple(section.priorities),
        tuple(section.shifts),
        None if section.sounds is None else tuple(section.sounds),
        _LANES[section.upstream],  # type: ignore[arg-type]
        section.position,
    )


# --- what is wrong ---


def check_plan(toml: TomlFile, file: SiteFile, table: TagTable, *, complete: bool) -> list[Problem]:
    """Sounds without an output, routes that name what is not there. `complete`: the tag list could be read."""
    problems = list(_outputs(toml, file, table)) if complete else []
    for at, route in enumerate(file.route):
        for key, known in (("sounds", file.sound), ("shifts", file.shift)):
            for value in getattr(route, key) or ():
                if value not in known:
                    place = toml.place(("route", at, key), value=True)
                    code = f"route.no-{key[:-1]}"
                    problems.append(problem(code, place, number=at + 1, value=value, near=nearest(value, known)))
        lane = _LANES[route.upstream]
        if route.priorities and lane and any(p <= 2 and not 0 < lane <= p for p in route.priorities):
            problems.append(
                problem("route.silent-p1", toml.place(("route", at, "upstream"), value=True), number=at + 1)
            )
    return problems


def _outputs(toml: TomlFile, file: SiteFile, table: TagTable) -> Iterator[Problem]:
    tags = {tag.name: tag for tag in table.tags if not tag.hidden}
    taken: dict[str, str] = {}
    for name, section in file.sound.items():
        place, value = toml.place(("sound", name, "output"), value=True), section.output
        if value not in tags:
            yield problem("sound.no-tag", place, name=name, value=value, near=nearest(value, tags))
        elif not tags[value].writable or not tags[value].boolean:
            yield problem("sound.not-output", place, name=name, value=value)
        elif value in taken:
            yield problem("sound.same-output", place, name=name, other=taken[value], value=value)
        taken.setdefault(value, name)


def check_rules(site: Site, rules: Iterable[Rule]) -> list[Problem]:
    """What only the compiled rules can tell: outputs that a rule drives, areas in which there is nothing."""
    place, found = Place("site.toml"), list(rules)
    driven = {output: rule.name for rule in found for output in _driven(rule)}
    problems = [
        problem("sound.driven", place, name=sounder.name, value=sounder.output, rule=driven[sounder.output])
        for sounder in site.plan.sounders
        if sounder.output in driven
    ]
    areas = {tag.area for tag in site.table.tags} | {rule.area for rule in found}
    return problems + [
        problem("route.no-area", place, "warning", number=at + 1, value=area, near=nearest(area, sorted(areas)))
        for at, route in enumerate(site.plan.routes)
        for area in route.areas
        if area not in areas
    ]


def _driven(rule: Rule) -> list[str]:
    if isinstance(rule, Interlock):
        return [stop.output for stop in (*rule.stops, *rule.otherwise)]
    return [one.output for one in rule.sets] if isinstance(rule, Control) else []
