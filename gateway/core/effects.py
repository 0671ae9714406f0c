"""Everything the kernel can ask the runtime to do. Plain data; the order of the list is the order to act in."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.core.summary import AlarmSummary, Audit, Chatter, Flood


class Write(msgspec.Struct, frozen=True):
    """Write `value` (in the tag's unit) to output tag `output` once and read it back; answer with WriteResult(id) by `deadline_ns`.

    `urgent` marks a movement towards the safe state: it goes before everything else that waits for that device.
    """

    id: int
    output: int
    value: float
    deadline_ns: int
    urgent: bool


class Beat(msgspec.Struct, frozen=True):
    """Write the heartbeat counter of `source` (hidden output tag `output`); no read-back, no answer."""

    source: str
    output: int
    counter: int


class Act(msgspec.Struct, frozen=True):
    """Set a local sink: a horn or beacon, `speaker:NAME` with what to say, `role:NAME` or `ladder:LEVEL` to tell people.

    With `until_ns` it is worth nothing later, and WriteResult(id) says whether it was told by then.
    """

    id: int
    sink: str
    on: bool
    rule: str = ""
    text: dict[str, str] = {}  # language -> words to speak
    priority: int = 3
    until_ns: int = 0
    level: int = 0  # of an escalation, from 1


class Record(msgspec.Struct, frozen=True):
    """One event for the journal. `key` names the thing whose durable state becomes `keep` in the same transaction ("" = none).

    `keep` is what a restart needs: the journal stores the latest bytes per key and hands all of them back at boot
    (`None` forgets the key).
    """

    id: tuple[int, int]  # (boot, counter)
    at_ns: int
    utc_ms: int
    kind: str  # e.g. "interlock.trip", "alarm.raise", "command.reset"
    subject: str
    detail: dict[str, Any] = {}
    person: str = ""
    key: str = ""
    keep: bytes | None = None


class Journal(msgspec.Struct, frozen=True):
    """Store `record` and, in the same durable transaction, queue `summary` for upstream. `confirm` > 0 asks for Durable(confirm)."""

    record: Record
    summary: AlarmSummary | Audit | Flood | Chatter | None = None
    confirm: int = 0


class Answer(msgspec.Struct, frozen=True):
    """The result of Command `id`: an exit code of the command line (0, 4, 5, 6, 7, 8) and a message key with arguments."""

    id: int
    code: int
    message: str
    args: dict[str, str] = {}


class View(msgspec.Struct, frozen=True):
    """Something people look at changed: `what` is "interlock", "alarm", "bypass" or "source", `subject` its name."""

    what: str
    subject: str


class Computed(msgspec.Struct, frozen=True):
    """The tags of `group`, which the kernel computes itself, stand at `values` since `at_ns`; for the value rings only."""

    group: int
    at_ns: int
    utc_ns: int
    values: tuple[float, ...]
    quality: int
    cause: int


class Ended(msgspec.Struct, frozen=True):
    """The answer to Stop: the outputs are read back safe (`safe`), or the time for it is over."""

    safe: bool


Effect = Write | Beat | Act | Journal | Answer | View | Computed | Ended
