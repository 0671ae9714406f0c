"""The sections [speaker.<name>], [role.<name>] and [ladder]: where words for people go."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.base import Channel
from gateway.core.errors import AddressError, Problem
from gateway.core.limits import ESCALATE_MAX
from gateway.site.messages import listed, nearest, problem
from gateway.site.schema import SOURCE, ChannelSection, SiteFile, SpeakerSection
from gateway.site.sources import SourceDraft
from gateway.site.toml_file import TomlFile


def read_channels(
    toml: TomlFile, file: SiteFile, sources: Mapping[str, SourceDraft]
) -> tuple[dict[str, Channel], list[Problem]]:
    """Every channel by the sink that the kernel names, and all that is wrong with them."""
    channels: dict[str, Channel] = {}
    problems: list[Problem] = []
    for kind, sections in (("speaker", file.speaker), ("role", file.role)):
        for name, section in sections.items():
            problems += _channel(toml, (kind, name), section, sources)
            language = section.language or "" if isinstance(section, SpeakerSection) else ""
            channels[f"{kind}:{name}"] = Channel(section.source, section.topic, language)
    levels = file.ladder.levels if file.ladder else []
    for level in dict.fromkeys(levels):
        if f"role:{level}" not in channels:
            near, known = nearest(level, file.role), listed(file.role)
            place = toml.place(("ladder", "levels"), value=True)
            problems.append(problem("ladder.role", place, value=level, near=near, known=known))
    for step in range(ESCALATE_MAX if levels else 0):  # the last one is told again until somebody answers
        role = f"role:{levels[min(step, len(levels) - 1)]}"
        if role in channels:
            channels[f"ladder:{step + 1}"] = channels[role]
    return channels, problems


def _channel(
    toml: TomlFile, at: tuple[str, str], section: ChannelSection, sources: Mapping[str, SourceDraft]
) -> list[Problem]:
    kind, name = at
    if not SOURCE.fullmatch(name):
        return [problem("channel.name", toml.place(at), value=name, kind=kind)]
    source = sources.get(section.source)
    place = toml.place((*at, "source"), value=True)
    if source is None:
        near = nearest(section.source, sources)
        return [problem("channel.source", place, value=section.source, near=near, known=listed(sources))]
    if source.module is None or source.settings is None:
        return []  # the source itself is wrong, and that is said
    if not hasattr(source.module, "check_channel"):
        return [problem("channel.driver", place, value=section.source, driver=source.driver)]
    if not source.used:
        return [problem("channel.unread", place, value=section.source)]
    try:
        source.module.check_channel(source.settings, section.topic)
    except AddressError as error:
        place = toml.place((*at, "topic"), value=True)
        return [problem("channel.topic", place, value=section.topic, what=(error.en, error.zh))]
    return []
