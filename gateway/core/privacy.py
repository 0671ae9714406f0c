"""What of the kernel is personal: the rules that read personal tags, kept apart so that nothing of them enters a recording.

Their state is in no snapshot but that of the vault; what they decide is numbered apart, so that a replay without them
finds every other decision under its own number.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from gateway.core.tags import TagTable

APART = 1 << 40  # numbers from here are of decisions that rest on personal values


class _Reads(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def index(self) -> int: ...
    def reads(self) -> set[int]: ...


class Privacy:
    """Which rules are personal, and whether one of them is at work. `withheld`: their state is not here, so they rest."""

    def __init__(self, table: TagTable) -> None:
        self.tags = [tag.number for tag in table.tags if tag.personal]
        self._sources = frozenset(f"SOURCE_{tag.source.upper()}" for tag in table.tags if tag.personal)
        self.names: frozenset[str] = frozenset()  # of rules, and of the alarms of sources that only the vault hears
        self.indexes: frozenset[int] = frozenset()
        self.withheld = False
        self.counter = APART
        self._depth = 0

    def know(self, rules: list[_Reads]) -> None:
        """All rules are built."""
        personal = set(self.tags)
        found = [rule for rule in rules if personal & rule.reads()]
        self.names = self._sources | {rule.name for rule in found}
        self.indexes = frozenset(rule.index for rule in found)

    def rests(self, name: str) -> bool:
        """It is personal, and what it needs to go on is not here."""
        return self.withheld and name in self.names and name not in self._sources

    def at_work(self, name: str) -> _AtWork:
        """While inside, what is numbered is numbered apart, if `name` is of a personal rule."""
        return _AtWork(self, name in self.names)

    def count(self) -> int:
        """The next number apart, 0 where nothing personal is at work."""
        if not self._depth:
            return 0
        self.counter += 1
        return self.counter


class _AtWork:
    __slots__ = ("_personal", "_privacy")

    def __init__(self, privacy: Privacy, personal: bool) -> None:
        self._privacy, self._personal = privacy, personal

    def __enter__(self) -> None:
        self._privacy._depth += self._personal

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._privacy._depth -= self._personal
