"""users.toml: the named people of a plant."""

from __future__ import annotations

import re

from gateway.core.errors import Problem
from gateway.site.messages import problem
from gateway.site.model import User
from gateway.site.schema import UsersFile
from gateway.site.toml_file import TomlFile

_ID = re.compile(r"[a-z0-9_-]{1,32}")


def read_users(toml: TomlFile, file: UsersFile | None) -> tuple[dict[str, User], list[Problem]]:
    """Everyone by id; their ids are what commands and the journal name."""
    sections = toml.values.get("user", {})
    problems = [
        problem("user.id", toml.place(("user", id)), value=id)
        for id in (sections if isinstance(sections, dict) else ())
        if not _ID.fullmatch(id)
    ]
    if file is None:
        return {}, problems
    users = {
        id: User(id, section.name, tuple(section.roles), section.pin_hash, tuple(section.keys))
        for id, section in file.user.items()
    }
    return users, problems
