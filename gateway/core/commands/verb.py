"""What a verb of the kernel declares, and how one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

OK, NOT_FOUND, NOT_PERMITTED, REFUSED, NOT_CONFIRMED = 0, 4, 5, 6, 7
RANK = {"operator": 1, "supervisor": 2, "engineer": 3}


class Refusal(msgspec.Struct, frozen=True):
    """Why not: an exit code, a message key and its arguments."""

    code: int
    message: str
    args: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing people can ask. `gives` = it gives permission, and so has two phases.

    `role` is the least role; `role_of` may name another by the thing acted on, "" = that of the verb.
    """

    role: str
    gives: bool
    validate: Callable[[Kernel, Command], Refusal | None]
    act: Callable[[Kernel, Command, int], None]
    role_of: Callable[[Kernel, Command], str] = field(default=lambda _kernel, _command: "")
