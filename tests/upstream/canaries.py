"""Marked values in tags, names of people, reasons and texts, offered to the encoder in every form; none may come out again."""

from __future__ import annotations

import json
import random
import re
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import msgspec

from drivers.base_worn import Event, Frame, Wave
from gateway.core import effects, samples
from gateway.core import summary as s
from gateway.core.tags import Cause
from gateway.people.dossier import Dossier, Notice
from gateway.people.fatigue import Index
from gateway.people.places import Fix
from gateway.people.vault import Found as Record
from gateway.upstream import payloads
from gateway.upstream.encode import LEAVING, QUEUED, Encoder, Message, Names, Numbers

TEXTS = {"PKL_LSLL": {"zh-CN": "液位低低", "en": "Level low-low"}, "GAS_H": {"zh-CN": "可燃气高", "en": "Gas high"}}
WORD, DIGITS = "zqxj", "731905573"  # no word and no number of these campaigns has them but a canary
T0_MS = 1_795_421_000_000
OWN: dict[str, Callable[[Any], bool]] = {  # what the encoder adds to the fields of a summary, and what it may be
    "v": lambda value: value == 1,
    "id": lambda value: re.fullmatch(r"gw-kiln-07:3:\d+", value) is not None,
    "seq": lambda value: type(value) is int,
    "lane_seq": lambda value: value == 7,
    "boot": lambda value: value == "3",
    "occ": lambda value: re.fullmatch(r"3-\d+", value) is not None,
    "ts": lambda value: re.fullmatch(r"2026-11-23T\d\d:\d\d:\d\d\.\d{3}Z", value) is not None,
    "time_q": lambda value: value in get_args(payloads.TimeQuality),
    "site": lambda value: value == "wuhan-2",
    "gw": lambda value: value == "gw-kiln-07",
    "late": lambda value: value is False,
    "sev": lambda value: value in get_args(payloads.Severity),
    "txt": lambda value: value in TEXTS.values(),
    "sha256": lambda value: value == "0" * 64,
}
Maker = Callable[[], Any]


class Mint:
    """Gives values that are in no message unless they leaked. `dice` decides the rest of a message."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.given = 0

    def word(self) -> str:
        self.given += 1
        return f"{WORD}{self.given:x}"

    def number(self) -> float:
        self.given += 1
        return float(f"{DIGITS}.{self.given % 100_000:05d}")

    def few(self) -> tuple[int, list[int], list[float], list[int], list[int]]:
        return 0, [1, 2], [self.number(), self.number()], [0, 0], [0, 0]

    def at(self) -> int:
        return T0_MS + self.dice.randrange(500_000)


@dataclass(slots=True)
class Found:
    """What a campaign saw. `wrong` holds the first few in words."""

    canaries: int = 0
    encoded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    leaked: int = 0
    accepted: int = 0  # what had to be refused and was not
    unexplained: int = 0  # a value in a payload that is neither of the summary nor of the encoder's own
    wrong: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        return self.encoded.total() + self.refused.total() + self.accepted

    def note(self, what: str) -> None:
        if len(self.wrong) < 10:
            self.wrong.append(what)


def clean(mint: Mint) -> Iterator[tuple[str, Maker]]:
    """Each type that may leave, with what the kernel may put into it."""
    dice = mint.dice
    places = ("pickling", "tankfarm", "kiln")
    pick = dice.choice

    def alarm() -> s.AlarmSummary:
        return s.AlarmSummary(
            utc_ms=mint.at(), id=(3, dice.randrange(1 << 24)), occurrence=(3, dice.randrange(1 << 20)),
            alarm=pick(("PKL_LSLL", "GAS_H", "OTHER")), area=pick(places), event=pick(get_args(s.AlarmEvent)),
            state=pick(("UNACK", "ACKED", "RTN_UNACK")), priority=dice.randrange(1, 5), category="interlock",  # type: ignore[arg-type]
            source=pick(("", "tank1.level")), value=pick((None, float("nan"), float("inf"), dice.uniform(-9, 99))),
            unit=pick(("", "cm")), limit=pick((None, 30.0)), quality=pick(("good", "bad")), lane=dice.randrange(5),
            first_out=pick((True, False)), shadow=pick((True, False)), count=dice.randrange(1, 9),
            delay_ms=dice.randrange(900), rule=pick(("", "9c1e44aa")), action=pick(("", "trip")),
        )  # fmt: skip

    def active() -> s.Active:
        lines = tuple(
            s.ActiveAlarm(utc_ms=1, alarm="GAS_H", area=pick(places), state="UNACK", priority=2, occurrence=(3, n))
            for n in range(dice.randrange(4))
        )
        return s.Active(utc_ms=mint.at(), alarms=lines, more=dice.randrange(3))

    def period() -> s.Period:
        counts = {place: dice.randrange(99) for place in places}
        return s.Period(
            utc_ms=mint.at(), from_ms=mint.at(), produced=dice.randrange(99), by_priority={"1": 1}, by_state={"UNACK": 2},
            by_area=counts, top=(("GAS_H", 4),), first_seq=1, last_seq=dice.randrange(1 << 24), flood=True,
            kpis={"per_hour": dice.uniform(0, 9), "unknown": float("nan")},
        )  # fmt: skip

    def health() -> s.Health:
        return s.Health(
            utc_ms=mint.at(), sources_good=2, sources_bad=pick(((), ("plc1",))), step_p99_us=dice.randrange(999),
            lag_max_ms=1, disk_free_bytes=1 << 30, queued=0, lost=0, bypasses=0, time_quality=pick(("ntp", mint.word())),
            state="NORMAL",
        )  # fmt: skip

    yield "AlarmSummary", alarm
    yield "Gap", lambda: s.Gap(utc_ms=mint.at(), lane=4, first=2, last=dice.randrange(3, 99), reason="expired")
    yield "Flood", lambda: s.Flood(utc_ms=mint.at(), area=pick(places), active=True, count=12, first_out="GAS_H")
    yield "Chatter", lambda: s.Chatter(utc_ms=mint.at(), alarm="GAS_H", area=pick(places), priority=3, count=4)
    yield "Audit", lambda: s.Audit(utc_ms=mint.at(), verb="interlock.arm", target="PKL_LSLL", role="supervisor")
    yield "Status", lambda: s.Status(utc_ms=mint.at(), online=True, version="1", boot=3, last_seq=9, state="NORMAL")
    yield "Active", active
    yield "Period", period
    yield "Health", health
    yield "Schema", lambda: s.Schema(utc_ms=mint.at(), schemas=(("alarm", "0" * 64, "{}"),), dictionary=TEXTS)


def foreign(mint: Mint) -> Iterator[tuple[str, Maker]]:
    """Everything else that goes about in the program, and what no program of ours has."""
    word, number = mint.word, mint.number
    yield "Few", lambda: samples.Few(*mint.few())
    yield "Personal", lambda: samples.Personal(*mint.few())
    yield (
        "Frame",
        lambda: Frame(
            t=1,
            ppg=Wave(25.0, [number(), number()]),
            skin_temperature=number(),
            ranges={word(): number()},
            events=[Event(word(), 1)],
        ),
    )
    yield "Dossier", lambda: Dossier(notices=[Notice(1, "read", word(), word(), word())], baseline={"rate": number()})
    yield "found record", lambda: Record("ppg", 1, 1, word().encode())
    yield "Fix", lambda: Fix(number(), number(), number(), 1)
    yield "fatigue", lambda: Index(number(), number(), {"heart": number()})
    yield "Command", lambda: samples.Command(1, word(), "operator", "alarm.ack", word(), {"reason": word()})
    yield "WriteResult", lambda: samples.WriteResult(1, True, number(), word())
    yield "SourceDown", lambda: samples.SourceDown(word(), Cause.NONE)
    yield "SelfCheck", lambda: samples.SelfCheck(False, word())
    yield "Shift", lambda: samples.Shift(word())
    yield "Record", lambda: _record(mint)
    yield "Journal", lambda: effects.Journal(_record(mint))
    yield "Act", lambda: effects.Act(1, word(), True, text={"en": word()})
    yield "Write", lambda: effects.Write(1, 2, number(), 3, True)
    yield "Answer", lambda: effects.Answer(1, 0, word(), {"person": word()})
    yield "View", lambda: effects.View("alarm", word())
    yield (
        "ActiveAlarm",
        lambda: s.ActiveAlarm(utc_ms=1, alarm=word(), area=word(), state=word(), priority=1, occurrence=(1, 1)),
    )
    yield "ActiveLine", lambda: payloads.ActiveLine("1-1", word(), word(), word(), 1)
    yield "bytes", lambda: word().encode()
    yield "bytearray", lambda: bytearray(word().encode())
    yield "memoryview", lambda: memoryview(word().encode())
    yield "str", word
    yield "float", number
    yield "list", lambda: [number(), word()]
    yield "dict", lambda: {"alarm": word(), "val": number()}


def disguised(mint: Mint) -> Iterator[tuple[str, Maker]]:
    """What looks like a type that may leave: a subclass with one more field, its fields in a dict or an object, its class."""
    for kind, make in clean(mint):
        form = _with_a_note(type(make()))
        noted = partial(_noted, mint, make)
        yield f"subclass of {kind}", partial(_made, noted, form)
        yield f"fields of {kind}", noted
        yield f"likeness of {kind}", partial(_made, noted, types.SimpleNamespace)
        yield f"tuple of {kind}", partial(_beside, mint, make)


def _noted(mint: Mint, make: Maker) -> dict[str, Any]:
    return {**_of(make()), "note": mint.word()}


def _made(noted: Maker, form: type) -> Any:
    return form(**noted())


def _beside(mint: Mint, make: Maker) -> tuple[Any, str]:
    return make(), mint.word()


def smuggled(mint: Mint) -> Iterator[tuple[str, Maker]]:
    """A type that may leave, with something in a field of text, of a number or of a list that may not."""
    stowaways = [(name, make) for name, make in foreign(mint) if name not in ("str", "float", "dict")]
    stowaways.append(("dict", lambda: {"val": mint.number(), "person": mint.word()}))
    for kind, make in clean(mint):
        for name in _of(make()):
            if (kind, name) in CLOSED_BY_CODE:
                continue

            def load(make: Maker = make, name: str = name) -> Any:
                return msgspec.structs.replace(make(), **{name: mint.dice.choice(stowaways)[1]()})

            yield f"{kind}.{name}", load


CLOSED_BY_CODE = {("Health", "time_quality")}  # anything but a known word leaves as "none"


def _record(mint: Mint) -> effects.Record:
    word = mint.word
    detail = {"reason": word(), "value": mint.number()}
    return effects.Record((1, 1), 1, 1, "alarm.raise", word(), detail, word(), word(), word().encode())


def _of(thing: msgspec.Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(thing)


def _with_a_note(kind: type) -> type:
    return type(f"More{kind.__name__}", (kind,), {"__annotations__": {"note": str}}, frozen=True, kw_only=True)


class Campaign:
    """One encoder with canaries all around it, and everything that is offered to it."""

    def __init__(self, seed: int) -> None:
        self.mint = Mint(seed)
        self.found = Found()
        texts = {**TEXTS, self.mint.word(): {"en": self.mint.word()}}
        self._encoder = Encoder(Names("wuhan-2", "gw-kiln-07", 3), texts, self.mint.word)
        self._clean = list(clean(self.mint))
        self._others = [list(group(self.mint)) for group in (foreign, disguised, smuggled)]

    def run(self, messages: int) -> Found:
        """Offer `messages` things: half of them may leave, half may not."""
        dice = self.mint.dice
        for at in range(messages):
            if at % 2:
                self._allowed(*dice.choice(self._clean))
            else:
                self._forbidden(*dice.choice(self._others[at // 2 % len(self._others)]))
        self.found.canaries = self.mint.given
        return self.found

    def _encode(self, thing: Any, queued: bool) -> Message:
        if queued:
            at = Numbers(self.mint.dice.randrange(1 << 24), 7, late=False)
            return self._encoder.queued(thing, (3, 9), at)
        return self._encoder.state(thing)

    def _allowed(self, kind: str, make: Maker) -> None:
        thing = make()
        message = self._encode(thing, type(thing) in QUEUED)
        self.found.encoded[kind] += 1
        self._inspect(kind, message)
        known = {repr(leaf) for _, leaf in leaves("", msgspec.to_builtins(thing))}
        strange = [
            (key, leaf)
            for key, leaf in leaves("", json.loads(message.payload))
            if repr(leaf) not in known and not (key in OWN and OWN[key](leaf))
        ]
        if strange:
            self.found.unexplained += 1
            self.found.note(f"{kind}: {strange[:3]}")

    def _forbidden(self, kind: str, make: Maker) -> None:
        thing = make()
        doors = [type(thing) in QUEUED] if type(thing) in LEAVING else [True, False]
        for queued in doors:
            try:
                message = self._encode(thing, queued)
            except TypeError as error:
                if marked(str(error)):
                    self.found.leaked += 1
                    self.found.note(f"{kind}: {error}")
                continue
            self.found.accepted += 1
            self.found.note(f"{kind} was encoded: {message.payload[:200]!r}")
            return
        self.found.refused[kind] += 1

    def _inspect(self, kind: str, message: Message) -> None:
        if marked(message.payload.decode() + message.topic + message.id):
            self.found.leaked += 1
            self.found.note(f"{kind}: {message.payload[:200]!r}")


def marked(text: str) -> bool:
    """A canary is in `text`."""
    return WORD in text or DIGITS in text


def leaves(key: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """Every value of a JSON tree with the key it stands under; what the encoder adds whole is one."""
    if isinstance(tree, dict) and key not in OWN:
        for name, value in tree.items():
            yield from leaves(name, value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from leaves(key, value)
    else:
        yield key, tree
