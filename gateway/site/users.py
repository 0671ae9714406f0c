"""users.toml: the named people of a plant."""

from __future__ import annotations

import re

from gateway.core.errors import Problem
from gateway.site.messages import problem
from gateway.site.model import User
from gateway.site.schema import UsersFile
from gateway.site.toml_file import TomlFile

_ID = re.compile(r"[a-z0-9_-]{1,32}")
_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")


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
        id: User(
            id,
            section.name,
            tuple(section.roles),
            tuple(section.keys),
            tuple(section.revoked),
            section.name_en,
        )
        for id, section in file.user.items()
    }
    return users, problems + _keys(toml, users)


def _keys(toml: TomlFile, users: dict[str, User]) -> list[Problem]:
    """Each key is one, and of one person."""
    problems, owner = list[Problem](), dict[str, str]()
    for id, user in users.items():
        for key in (*user.keys, *user.revoked):
            if not _KEY.fullmatch(key):
                problems.append(problem("user.key", toml.place(("user", id)), value=id))
            elif owner.setdefault(key, id) != id:
                problems.append(problem("user.same-key", toml.place(("user", id)), value=id, other=owner[key]))
    return problems
