"""From the closed set of types that may leave to bytes, topic and MQTT properties; every other type is refused."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gateway.core.summary import (
    Active,
    ActiveAlarm,
    AlarmSummary,
    Audit,
    Chatter,
    Flood,
    Gap,
    Health,
    Leaving,
    Period,
    Priority,
    Queued,
    Schema,
    Status,
)
from gateway.upstream import payloads as p

LEAVING: frozenset[type] = frozenset(get_args(Leaving))
QUEUED: frozenset[type] = frozenset(get_args(Queued))
AUDIT_LANE = 5  # whatever is not an alarm of a priority: audit, gap, flood, chatter; never dropped
LANES = (1, 2, 3, 4, AUDIT_LANE)

DAY_S = 86_400
ALARM_EXPIRY_S = {1: 7 * DAY_S, 2: 3 * DAY_S, 3: DAY_S, 4: DAY_S}
EXPIRY_S = {"audit": 30 * DAY_S, "gap": 7 * DAY_S, "flood": DAY_S, "chatter": DAY_S, "summary": 3600, "health": 300}

TIME_EVERY_S = 1.0  # the quality of the clock is asked for this often, not for every record

_LEVEL = re.compile(r"[^a-z0-9_-]")
_encode = msgspec.json.Encoder().encode
_NO_TEXT = (bytes, bytearray, memoryview, Decimal, UUID, date, datetime, time_of_day, timedelta)  # else text by itself


@dataclass(frozen=True, slots=True)
class Names:
    """Who speaks: site and gateway as they stand in payloads, the boot, and the topic prefix."""

    site: str
    gateway: str
    boot: int
    prefix: str = "gatehouse/v1"

    @property
    def root(self) -> str:
        return f"{self.prefix}/{level(self.site)}/{level(self.gateway)}"


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes ready to leave. `id` is empty for retained state, which has no identity of its own."""

    kind: str
    topic: str
    payload: bytes
    expiry_s: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where a queued record stands: journal number, lane number, and whether it waited for a connection."""

    seq: int
    lane_seq: int
    late: bool


class Encoder:
    """Encodes for one site and one boot. `texts` is the alarm dictionary: alarm -> language -> text."""

    def __init__(
        self, names: Names, texts: Mapping[str, Mapping[str, str]], time_quality: Callable[[], str] = lambda: "none"
    ) -> None:
        self.names = names
        self.texts = MappingProxyType({alarm: dict(words) for alarm, words in texts.items()})
        self._time_quality = time_quality
        self._time: p.TimeQuality = "none"
        self._time_until = 0.0

    def queued(self, summary: Queued, identity: tuple[int, int] | str, at: Numbers | None) -> Message:
        """A record of a lane; `at` None = from memory while the journal is down (alarms only). Raises TypeError."""
        kind = type(summary)
        if kind is AlarmSummary:
            _inspect(summary)
            return self._alarm(cast(AlarmSummary, summary), at)
        if kind not in QUEUED or at is None:
            raise TypeError(f"{kind.__name__} is not a record that may be queued for upstream")
        _inspect(summary)
        who = identity if isinstance(identity, str) else event_id(self.names.gateway, identity)
        boot = self.names.boot if isinstance(identity, str) else identity[0]
        return self._record(summary, who, boot, at)

    def state(self, thing: Status | Active | Period | Health | Schema) -> Message:
        """What is published outside the lanes. Raises TypeError."""
        if type(thing) not in LEAVING:
            raise TypeError(f"{type(thing).__name__} may not leave")
        _inspect(thing)
        names, root = self.names, self.names.root
        when: dict[str, Any] = {"ts": utc(thing.utc_ms), "ts_ms": thing.utc_ms}
        here: dict[str, Any] = {"site": names.site, "gw": names.gateway, **when}
        if isinstance(thing, Status):
            status = _fields(thing)
            payload: msgspec.Struct = p.StatusPayload(
                **{**status, "boot": f"{thing.boot:x}", "schemas": list(thing.schemas)}, **when
            )
        elif isinstance(thing, Active):
            payload = p.ActivePayload(
                alarms=[
                    p.ActiveLine(occurrence_id(a.occurrence), a.alarm, a.area, a.state, a.priority)
                    for a in thing.alarms
                ],
                more=thing.more,
                **here,
            )
        elif isinstance(thing, Period):
            kpis = {name: figure for name, figure in thing.kpis.items() if math.isfinite(figure)}
            payload = p.SummaryPayload(**{**_fields(thing), "top": list(thing.top), "kpis": kpis}, **here)
        elif isinstance(thing, Health):
            health = _fields(thing)
            quality = _time_quality(health.pop("time_quality"))
            payload = p.HealthPayload(**{**health, "sources_bad": list(thing.sources_bad)}, time_q=quality, **here)
        elif isinstance(thing, Schema):
            payload = p.SchemaPayload(
                schemas=[p.SchemaLine(*line) for line in thing.schemas], dictionary=thing.dictionary, **when
            )
        else:
            raise TypeError(f"{type(thing).__name__} may not leave")
        name = "summary" if isinstance(thing, Period) else type(thing).__name__.lower()
        return Message(name, f"{root}/{name}", _encode(payload), EXPIRY_S.get(name, 0))

    def will(self) -> Message:
        """What the broker says for us when we are gone."""
        payload = p.StatusPayload(online=False, boot=f"{self.names.boot:x}")
        return Message("status", f"{self.names.root}/status", _encode(payload))

    def _clock(self) -> p.TimeQuality:
        now = time.monotonic()
        if now >= self._time_until:
            self._time, self._time_until = _time_quality(self._time_quality()), now + TIME_EVERY_S
        return self._time

    def _alarm(self, a: AlarmSummary, at: Numbers | None) -> Message:
        payload = p.AlarmPayload(
            id=event_id(self.names.gateway, a.id),
            seq=at.seq if at else UNSET,
            lane_seq=at.lane_seq if at else UNSET,
            boot=f"{a.id[0]:x}",
            occ=occurrence_id(a.occurrence),
            ts=utc(a.utc_ms),
            ts_ms=a.utc_ms,
            time_q=self._clock(),
            site=self.names.site,
            area=a.area,
            gw=self.names.gateway,
            alarm=a.alarm,
            ev=a.event,
            state=a.state,
            prio=a.priority,
            sev=p.SEVERITIES[a.priority],
            cat=a.category,
            act=a.action or UNSET,
            src=a.source or UNSET,
            val=_number(a.value),
            unit=a.unit or UNSET,
            lim=_number(a.limit),
            q=a.quality,
            first_out=a.first_out,
            shadow=a.shadow,
            late=at.late if at else False,
            n=a.count,
            dt_ms=a.delay_ms,
            txt=self.texts.get(a.alarm) or UNSET,
            rule=a.rule or UNSET,
            lane=cast(Priority, a.lane) or UNSET,
            durable=UNSET if at else False,
        )
        branch = "shadow" if a.shadow else "alarm"
        topic = f"{self.names.root}/{branch}/p{lane_of(a)}/{level(a.area)}/{level(a.alarm)}"
        return Message(branch, topic, _encode(payload), ALARM_EXPIRY_S[lane_of(a)], payload.id)

    def _record(self, summary: Queued, who: str, boot: int, at: Numbers) -> Message:
        common: dict[str, Any] = {
            **{"id": who, "seq": at.seq, "lane_seq": at.lane_seq, "boot": f"{boot:x}", "late": at.late},
            **{"ts": utc(summary.utc_ms), "ts_ms": summary.utc_ms, "time_q": self._clock()},
            **{"site": self.names.site, "gw": self.names.gateway},
        }
        own = _fields(summary)
        tail = ""
        if isinstance(summary, Gap):
            payload: p.Numbered = p.GapPayload(**common, **own)
        elif isinstance(summary, Flood):
            payload = p.FloodPayload(**common, **{**own, "first_out": summary.first_out or UNSET})
            tail = f"/{level(summary.area)}"
        elif isinstance(summary, Chatter):
            prio = own.pop("priority")
            payload = p.ChatterPayload(**common, **own, prio=prio, txt=self.texts.get(summary.alarm) or UNSET)
            tail = f"/{level(summary.area)}/{level(summary.alarm)}"
        elif isinstance(summary, Audit):
            payload = p.AuditPayload(**common, **{**own, "head": summary.head or UNSET})
        else:
            raise TypeError(f"{type(summary).__name__} is not a record that may be queued for upstream")
        kind = type(summary).__name__.lower()
        return Message(kind, f"{self.names.root}/{kind}{tail}", _encode(payload), EXPIRY_S[kind], who)


def expiry_s(kind: str, lane: int) -> int:
    """How long the broker keeps a queued record."""
    return EXPIRY_S[kind] if kind in EXPIRY_S else ALARM_EXPIRY_S[lane]


def lane_of(summary: Queued) -> int:
    """The lane of a record: that of its route or its priority for an alarm, `AUDIT_LANE` for all else."""
    return summary.lane or summary.priority if type(summary) is AlarmSummary else AUDIT_LANE


@lru_cache(maxsize=4096)
def level(text: str) -> str:
    """A topic level: lower case, [a-z0-9_-]; what does not fit is written as its code point.

    >>> level("PKL_LSLL"), level("a.b"), level("")
    ('pkl_lsll', 'a-2e-b', '-')
    """
    return _LEVEL.sub(lambda found: f"-{ord(found.group()):x}-", text.lower()) or "-"


def event_id(gateway: str, identity: tuple[int, int]) -> str:
    return f"{gateway}:{identity[0]:x}:{identity[1]}"


def occurrence_id(occurrence: tuple[int, int]) -> str:
    return f"{occurrence[0]:x}-{occurrence[1]}"


def gap_id(gateway: str, lane: Priority, first: int, last: int) -> str:
    """A gap's identity is what is missing: lane numbers are never given twice."""
    return f"{gateway}:gap-{lane}:{first}-{last}"


def utc(utc_ms: int) -> str:
    """UTC ms as ISO 8601 with milliseconds."""
    seconds, ms = divmod(utc_ms, 1000)
    return f"{_utc_s(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=64)
def _utc_s(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


_ATOMS = (str, int, float, bool, type(None), ActiveAlarm)


def _inspect(thing: msgspec.Struct) -> None:
    """A look into every field: a sample, a record or an image in a field of text must not leave. Raises TypeError.

    The error does not repeat the value. A struct or dataclass of numbers would pass for a dict of numbers: its type is asked first.
    """
    try:
        if not all(_plain(getattr(thing, name)) for name in thing.__struct_fields__):
            raise TypeError
        msgspec.convert(msgspec.to_builtins(thing, builtin_types=_NO_TEXT), type(thing), builtin_types=_NO_TEXT)
    except (msgspec.MsgspecError, TypeError, ValueError):
        raise TypeError(f"a field of {type(thing).__name__} holds what may not leave") from None


def _plain(value: object) -> bool:
    """Nothing but text, numbers, and tuples and dicts of them; lines of the active list are the one struct inside another."""
    kind = type(value)
    if kind in (tuple, list):
        return all(_plain(each) for each in cast(tuple[object, ...], value))
    if kind is dict:
        return all(_plain(each) for each in cast(dict[str, object], value).values())
    return kind in _ATOMS


def _fields(thing: msgspec.Struct) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(thing)
    fields.pop("utc_ms")
    return fields


def _number(value: float | None) -> float | UnsetType:
    """JSON has no NaN or infinity: what is not finite is absent."""
    return value if value is not None and math.isfinite(value) else UNSET


def _time_quality(text: object) -> p.TimeQuality:
    """One of the known words; run-time text never passes."""
    return cast(p.TimeQuality, text) if text in get_args(p.TimeQuality) else "none"
