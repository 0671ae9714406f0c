"""The tag-name sidecar: what the numbers in a recording meant when it was made."""

from __future__ import annotations

import msgspec

from gateway.core.cards import SOURCE
from gateway.core.tags import TagTable


class TagName(msgspec.Struct, frozen=True):
    """One plant tag of a recording."""

    number: int
    name: str
    unit: str = ""
    boolean: bool = False


class GroupName(msgspec.Struct, frozen=True):
    """One group of a recording: tags `first` to `first + count - 1`."""

    number: int
    name: str
    source: str
    first: int
    count: int


class Identity(msgspec.Struct, frozen=True):
    """The content of the sidecar. Personal tags are not in it."""

    tags: tuple[TagName, ...]
    groups: tuple[GroupName, ...]
    version: int = 1


def identity(table: TagTable) -> bytes:
    """Sidecar of a tag table."""
    tags = tuple(TagName(t.number, t.name, t.unit, t.boolean) for t in table.fed() if not t.personal)
    groups = tuple(GroupName(g.number, g.name, g.source, g.first, g.count) for g in table.groups if g.source != SOURCE)
    return msgspec.json.encode(Identity(tags, groups))


def parse_identity(data: bytes) -> Identity:
    """The sidecar's content. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Identity)
