"""What is said over a link of IEC 60870-5-104: reports become blocks, interrogations and commands wait for their confirmation."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from drivers.base import Emit, PlannedTag, ReadBack
from drivers.base_held import Held
from drivers.base_orders import Order, Ordered
from drivers.base_polled import polled
from drivers.base_talk import Unwritable, both
from drivers.base_told import Told
from drivers.iec104_link import Link
from drivers.iec104_wire import (
    ACT_CON,
    ACT_TERM,
    BL,
    ELEMENTS,
    INITIALISED,
    INTERROGATION,
    IV,
    MOVING,
    NT,
    ORDERS,
    OV,
    READ,
    REQUEST,
    SB,
    STATION,
    UNDEFINED,
    UNKNOWN,
    Asdu,
    Report,
    activation,
    reports,
    selecting,
)
from gateway.core.errors import SourceError
from gateway.core.tags import Cause, Quality

NAN = math.nan
Judged = tuple[float, int, int]  # value in the tag's unit, quality, cause


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: the monitored point, and the command of an output (`order` is a key of ORDERS, "" = none)."""

    station: int
    point: int
    order: str = ""
    target: int = 0
    select: bool = False


class Given(Protocol):
    """The settings that a session needs; times in ms."""

    interrogate: bool
    timezone: str
    originator: int
    timeout_ms: int
    read_back_ms: int


def judged(report: Report, tag: PlannedTag) -> Judged:
    """What a report is worth for a tag."""
    quality, value = report.quality, report.raw * tag.scale + tag.offset
    if quality & (IV | UNDEFINED):
        return NAN, Quality.BAD, Cause.DEVICE
    if quality & (NT | BL):
        return NAN, Quality.BAD, Cause.STALE
    if not math.isfinite(value):
        return NAN, Quality.BAD, Cause.NOT_A_NUMBER
    if tag.point.boolean and report.raw not in (0.0, 1.0):
        return NAN, Quality.BAD, Cause.DECODE
    if quality & OV:  # which end of the range it left is told by the sign alone
        signed = report.raw * tag.scale
        return (
            value,
            Quality.BAD,
            Cause.ABOVE_RANGE if signed > 0 else Cause.BELOW_RANGE if signed < 0 else Cause.DEVICE,
        )
    if quality & SB:
        return value, Quality.UNCERTAIN, Cause.MAINTENANCE
    if quality & MOVING:
        return value, Quality.UNCERTAIN, Cause.DEVICE
    return value, Quality.GOOD, Cause.NONE


class Session:
    """One life of a link whose data transfer was started."""

    def __init__(self, driver: Ordered, given: Given, link: Link, emit: Emit) -> None:
        self._driver, self._given, self._link, self._emit = driver, given, link, emit
        self._zone = ZoneInfo(given.timezone)
        group, tags = polled(driver.plan)
        self._held = Held(group, tags) if tags else None
        self._told = Told(driver.plan.source)
        self._places: dict[tuple[int, int], list[int]] = {}  # point -> the tags that show it
        for at, tag in enumerate(tags):
            self._places.setdefault((tag.point.key.station, tag.point.key.point), []).append(at)
        # The last report of every point that tells the state of an output, those of heartbeats included.
        keys = [tag.point.key for row in driver.plan.tags for tag in row if tag.tag.writable]
        self._latest: dict[tuple[int, int], Report | None] = dict.fromkeys((key.station, key.point) for key in keys)
        self._due = sorted({station for station, _ in self._places}) if given.interrogate else []  # to interrogate
        self._refused: set[int] = set()  # stations that do not let themselves be interrogated
        self._waiting: tuple[int, int, int] = (0, 0, 0)  # type, station and object that a confirmation must name
        self._answer: asyncio.Future[str] | None = None  # the refusal, "" = confirmed
        self._reading: tuple[tuple[int, int], asyncio.Future[Report]] | None = None
        link.on_asdu, link.on_test, link.on_loss = self.heard, self.confirmed, self._lost

    async def run(self) -> None:
        """Interrogate and obey until the link is lost. Raises SourceError."""
        wanted = self._driver.wanted
        if self._held is not None:
            self._held.whole(self._emit)  # nothing was told in this life of the link
        while True:
            wanted.clear()
            while (order := self._driver.next_order()) is not None or self._due:
                if order is not None:
                    await self._obey(order)
                else:
                    await self._interrogate(self._due.pop(0))
            if self._link.error is not None:
                raise self._link.error
            await wanted.wait()

    # -- what the link calls ----------------------------------------------------------------------------------------

    def confirmed(self) -> None:
        """The link was tested: no news is that nothing changed."""
        if self._held is not None:
            self._held.confirm(self._emit)

    def heard(self, asdu: Asdu) -> bool:
        """One ASDU; whether it brought one of our points. Raises Malformed."""
        if asdu.kind in ELEMENTS:
            return self._reported(asdu)
        if asdu.kind == INITIALISED and self._given.interrogate and asdu.station not in self._due:
            if any(station == asdu.station for station, _ in self._places):
                self._due.append(asdu.station)
                self._driver.wanted.set()
        elif asdu.kind == INTERROGATION and asdu.cause == ACT_TERM:
            self._missing(asdu.station)
        elif self._answer is not None and self._confirms(asdu) and not self._answer.done():
            self._answer.set_result(_refusal(asdu))
        return False

    def _confirms(self, asdu: Asdu) -> bool:
        """Whether this is what the last activation waits for, positive or not."""
        said = asdu.cause == ACT_CON or asdu.cause in UNKNOWN
        return said and self._waiting == (asdu.kind, asdu.station, asdu.address)

    def _lost(self) -> None:
        error = self._link.error
        for future in (self._answer, self._reading[1] if self._reading else None):
            if future is not None and not future.done() and error is not None:
                future.set_exception(error)
        self._driver.wanted.set()

    # -- reports ----------------------------------------------------------------------------------------------------

    def _reported(self, asdu: Asdu) -> bool:
        """One block for all points of one time: a point that comes again, or at another time, begins a new one."""
        held, batch, stamp_ns, ours = self._held, dict[int, Judged](), 0, False
        for report in reports(asdu, self._zone):
            key = (asdu.station, report.address)
            if key in self._latest:
                self._latest[key] = report
                if self._reading is not None and self._reading[0] == key and not self._reading[1].done():
                    self._reading[1].set_result(report)
            for place in self._places.get(key, ()):
                if held is None:
                    continue
                if batch and (place in batch or report.stamp_ns != stamp_ns):
                    self._tell(held, batch, stamp_ns)
                    batch = {}
                stamp_ns = report.stamp_ns
                batch[place] = judged(report, held.tags[place])
                ours = True
        if batch and held is not None:
            self._tell(held, batch, stamp_ns)
        return ours

    def _tell(self, held: Held, batch: dict[int, Judged], stamp_ns: int) -> None:
        for place, (value, quality, cause) in batch.items():
            held.values[place], held.qualities[place], held.causes[place] = value, quality, cause
        held.tell(np.fromiter(batch, np.int64, len(batch)), stamp_ns, self._emit)

    def _missing(self, station: int) -> None:
        """The interrogation is over: what it did not bring, the outstation does not have."""
        held = self._held
        if held is None:
            return
        places = [at for (one, _), many in self._places.items() if one == station for at in many]
        never = [at for at in places if held.causes[at] == Cause.NEVER]
        if never:
            names = [held.tags[at].tag.name for at in never]
            self._told.refused(
                names,
                both(
                    f"the interrogation of station {station} did not bring it: is its address right?",
                    f"对公共地址 {station} 的总召唤未返回该点：请核对信息体地址",
                ),
            )
            held.causes[never] = Cause.DEVICE
            held.tell(np.array(never, np.int64), 0, self._emit)

    # -- interrogations and commands --------------------------------------------------------------------------------

    async def _interrogate(self, station: int) -> None:
        refused = await self._activate(INTERROGATION, station, 0, bytes((STATION,)))
        if not refused:
            self._refused.discard(station)
            return
        self._refused.add(station)
        self._missing(station)
        if self._refused >= {one for one, _ in self._places}:
            raise SourceError(
                both(
                    f"the outstation refuses the general interrogation of station {station}: {refused}; "
                    "check CA, or write interrogate = false",
                    f"子站拒绝对公共地址 {station} 的总召唤：{refused}；请检查公共地址，或设 interrogate = false",
                ),
                slow=True,
            )

    async def _obey(self, order: Order) -> None:
        """One write, answered in any case. Raises SourceError where the link is over."""
        output, command = order.output, order.command
        address: Address = output.point.key
        accepted = False
        try:
            if order.done.done():
                return
            spelled = ORDERS[address.order]
            element = spelled.encode((command.value - output.offset) / output.scale)
            for step in (selecting(element), element) if address.select else (element,):
                refused = await self._activate(spelled.kind, address.station, address.target, step)
                if refused:
                    order.end(ReadBack(False, error=refused))
                    return
            accepted = True
            order.end(ReadBack(True, await self._read(output) if command.read_back else NAN))
        except Unwritable as error:
            order.end(ReadBack(False, error=str(error)))
        except SourceError as error:
            order.end(ReadBack(accepted, error=str(error)))
            raise
        finally:
            order.end(ReadBack(accepted, error=both("no answer from the outstation", "子站无应答")))

    async def _activate(self, kind: int, station: int, address: int, element: bytes) -> str:
        """Send an activation; empty where it was confirmed, else the refusal. Raises SourceError where nothing came: the link is over."""
        self._waiting = (kind, station, address)
        self._answer = asyncio.get_running_loop().create_future()
        ms = self._given.timeout_ms
        try:
            async with asyncio.timeout(ms / 1000):
                await self._link.send(activation(kind, station, address, element, originator=self._given.originator))
                return await self._answer
        except TimeoutError:
            # It may still be obeyed: only the end of the link takes it back.
            self._link.fail(both(f"the outstation did not confirm within {ms} ms", f"子站在 {ms} ms 内没有确认命令"))
            raise self._link.error or SourceError("") from None
        finally:
            self._answer = None

    async def _read(self, output: PlannedTag) -> float:
        """What the monitored point tells after a write, in the tag's unit; NaN where it is not GOOD. Raises SourceError.

        The outstation is asked for it; one that cannot be asked may report it by itself. If neither, what it told last.
        """
        key = (output.point.key.station, output.point.key.point)
        reading: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._reading = (key, reading)
        report: Report | None
        try:
            async with asyncio.timeout(self._given.read_back_ms / 1000):
                await self._link.send(activation(READ, *key, b"", originator=self._given.originator, cause=REQUEST))
                report = await reading
        except TimeoutError:
            report = self._latest[key]
        finally:
            self._reading = None
        value, quality, _ = judged(report, output) if report is not None else (NAN, Quality.BAD, Cause.NEVER)
        return value if quality == Quality.GOOD else NAN


def _refusal(asdu: Asdu) -> str:
    """Empty where it confirms."""
    if asdu.cause in UNKNOWN:
        return both(*UNKNOWN[asdu.cause])
    return both("the outstation refuses it", "子站拒绝执行") if asdu.negative else ""
