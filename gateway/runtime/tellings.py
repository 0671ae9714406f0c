"""How rules that tell people stand, for those who look: to whom, when last, and what waits for an answer."""

from __future__ import annotations

from collections.abc import Callable

from gateway.control.messages import Texts
from gateway.control.views import TellingView
from gateway.core.kernel import Kernel
from gateway.core.program import Escalate, Notify, Speak, Telling
from gateway.core.tellings import Told
from gateway.core.watches import Watch


def telling_view(kernel: Kernel, name: str, told: Told, texts: Callable[[str, str], Texts]) -> TellingView:
    """One rule that tells people. Whether one is active that reads personal values is told to nobody."""
    living = kernel.rules[kernel.index_of(name)]
    rule = living.rule
    active = living.up if isinstance(living, Watch) else None
    if any(kernel.table.tags[tag].personal for tag in living.reads()):
        active = None
    return TellingView(
        name=name,
        kind=type(rule).__name__.lower(),
        title=texts(name, "title"),
        priority=rule.priority,
        active=active,
        to=tuple(dict.fromkeys(_to(telling) for telling in rule.tells)),
        told_utc_ms=kernel.utc_ms(told.last_ns) if told.last_ns >= 0 else 0,
        level=told.level,
        error=told.error,
    )


def _to(telling: Telling) -> str:
    match telling:
        case Speak(speaker=name) | Notify(role=name):
            return name
        case Escalate(role=role):
            return role or "ladder"
