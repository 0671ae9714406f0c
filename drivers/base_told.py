"""Why a device refuses a tag, in the log: once in a life of its connection, because the quality alone tells nobody what to change."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from drivers.base_talk import both

TOLD_MAX = 20  # tags told in one life of a connection: a whole block that is gone would fill the log

_log = logging.getLogger("gatehouse.drivers")


class Told:
    """What was told of one connection of `source`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._names: set[str] = set()

    def says(self, name: str) -> bool:
        """Whether a refusal of this tag would be told: a driver that meets it with every message makes no words in vain."""
        return name not in self._names and len(self._names) < TOLD_MAX

    def refused(self, names: Sequence[str], why: str) -> None:
        """The device refuses these tags, which it was asked for in one piece. `why` is in both languages."""
        if not self.says(names[0]):
            return
        self._names.add(names[0])
        more = f" (+{len(names) - 1})" if len(names) > 1 else ""
        _log.warning("%s: %s%s: %s", self._source, names[0], more, why)
        if len(self._names) == TOLD_MAX:
            _log.warning(
                "%s: %s", self._source, both("further refusals are not logged", "其余被拒绝的位号不再逐一记录")
            )
