"""What travels on the control socket: requests, replies, plans, and the roles of those who ask.

One JSON object a line in each direction. Times are UTC ms; durations say their unit.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

Texts = dict[str, str]  # language ("en", "zh-CN") -> text
Role = Literal["operator", "supervisor", "engineer", "maintainer"]

ROLES: tuple[Role, ...] = ("operator", "supervisor", "engineer", "maintainer")  # one socket each, named after the role
LANGUAGES = ("en", "zh-CN")
REQUEST_MAX_BYTES = 16_384  # one request line; the longest honest one (two free texts) has about 4,000


PERSON_ROLES = (*ROLES, "safety-officer", "medic", "worker")  # what users.toml may say of a person


def allows(role: Role | Literal[""], minimum: Role | None) -> bool:
    """Whether `role` may do what needs `minimum` (None: all may). A maintainer looks after the box, not the plant.

    "" is somebody without a role of the ladder: a worker, or nobody at all.
    """
    if minimum is None:
        return True
    if not role:
        return False
    if role == "maintainer" or minimum == "maintainer":
        return role == minimum
    return ROLES.index(role) >= ROLES.index(minimum)


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """One call. `verb` is "noun.verb"; `stream` asks for a reply every `every_ms` until the client hangs up."""

    verb: str
    target: str = ""
    args: dict[str, str] = {}
    stream: bool = False
    every_ms: int = 1000
    language: str = "en"
    plan: bool = False  # only say what the verb would do; the answer is a `Plan`
    token: str = ""  # of a preceding plan, for verbs that need one
    person: str = ""  # who came by SSH; believed of the account that can run nothing but `gatehouse shell`


class Reply(msgspec.Struct):
    """The answer. `code` is an exit code of the command line (spec/operators.md); `message` is in the asked language.

    A desk that does not know the asked language fills `texts`; the control server moves the right one into `message`.
    """

    code: int
    message: str = ""
    data: Any = None
    texts: Texts = {}
    more: bool = False  # `data` is a list and its next rows follow in the next line


class Plan(msgspec.Struct, frozen=True):
    """What a dangerous verb would do, and the token that lets the same person do it within `left_s`, once."""

    token: str
    left_s: int
    verb: str
    target: str
    person: str
    role: str
    confirm: str  # the name to type
    effect: Texts
    missing: tuple[Texts, ...] = ()


class Desk(Protocol):
    """Where commands of people go in: stamped by the Inbox, journalled, answered by the kernel."""

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        """`verb` such as "interlock.reset"; waits for the kernel's answer, at most 5 s (code 8)."""
