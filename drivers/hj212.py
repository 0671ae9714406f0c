"""HJ 212 (environmental monitoring): stations call us and send what they measure; one port serves many of them.

Specification: HJ 212-2017. Library: none, the codec is our own. We are the server. MN and PW of a station are checked against the
list of the site; both go over the line in clear, so the network must be the station's own or a VPN.

Address: MN/factor-Field for real-time data (command 2011), MN/command/factor-Field for the others: 2051 minutes, 2061 hours,
2031 days, 2021 and 2041 state and running time of equipment.

    010000A8900016F000169DC0/w01018-Rtd        010000A8900016F000169DC0/2061/w01018-Avg

Each factor of a station and command is a group of its own, because stations spread their factors over messages as they like.
A message that is older than the last one, or sent again, is acknowledged and confirms nothing.

name: HJ 212 environmental monitoring | HJ 212 环境在线监测
done: 2011, 2021, 2031, 2041, 2051, 2061 from many stations at one port, acknowledged with 9014 where asked (2017 form)
  | 同一端口接收多个现场机的 2011、2021、2031、2041、2051、2061，按要求以 9014 应答（2017 版格式）
done: data flags (N, F, M, S, D, C, T, B) become quality; DataTime or QN becomes the source time
  | 数据标记（N、F、M、S、D、C、T、B）转为质量；DataTime 或 QN 作为源时间
done: MN and PW checked; bounded connections; silence, rubbish and slow senders ended
  | 校验 MN 与 PW；连接数有上限；静默、乱码和慢速发送的连接会被断开
done: messages in several packets (PNUM, PNO), each for itself | 分包报文（PNUM、PNO），逐包处理
todo: flags of HJ/T 212-2005 as digits, SampleTime of a single factor, TLS | HJ/T 212-2005 的数字标记、单因子 SampleTime、TLS
exempt: commands to the station (set time, intervals, sampling): this is a gateway, not the authority's platform
  | 对现场机下达命令（校时、间隔、留样）：本网关不是监管平台
peer: the vector of the standard; stations made for the tests; no real station | 标准中的示例报文；为测试编写的现场机；未接真实现场机
"""

from __future__ import annotations

import hmac
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers import hj212_wire as wire
from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_held import Held
from drivers.base_serve import Caller, Door
from drivers.base_talk import READ_ONLY, Malformed, where
from gateway.core.errors import AddressError
from gateway.core.tags import Cause, Group, Quality

REAL_TIME = 2011
SPAN_S = {2051: 3600, 2061: 3600, 2031: 86_400, 2041: 86_400}  # DataTime is the beginning of what the values stand for
SPARE_CALLERS = 16  # beyond two connections of each station
PERSONAL = ("personal", "个人")
FLAGS = {  # HJ 212-2017, table of data flags
    "N": (Quality.GOOD, Cause.NONE),
    "F": (Quality.BAD, Cause.STOPPED),
    "M": (Quality.BAD, Cause.MAINTENANCE),
    "S": (Quality.BAD, Cause.DEVICE),  # typed in by hand: no measurement
    "D": (Quality.BAD, Cause.DEVICE),
    "C": (Quality.BAD, Cause.MAINTENANCE),
    "T": (Quality.BAD, Cause.ABOVE_RANGE),
    "B": (Quality.BAD, Cause.COMMS),
}
STATES = ("RS", "RT")  # of equipment: the standard gives them no flag
_ADDRESS = re.compile(r"([0-9A-Za-z]{1,24})/(?:(\d{4})/)?([0-9A-Za-z]{1,12})-([0-9A-Za-z]{1,12})", re.ASCII)


class Station(BaseModel):
    """A station that may call: its number (MN) and its access password (PW)."""

    model_config = ConfigDict(extra="forbid")
    mn: str = Field(pattern=r"^[0-9A-Za-z]{1,24}$")
    pw: str = Field(pattern=r"^[0-9A-Za-z]{1,24}$")


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "hj212"`. `late_s`: how far a station's time may be from ours."""

    model_config = ConfigDict(extra="forbid")
    url: str
    stations: list[Station] = Field(min_length=1, max_length=500)
    unflagged: Literal["uncertain", "good"] = "uncertain"
    utc_offset_h: float = Field(default=8.0, ge=-12, le=14)
    late_s: float = Field(default=300.0, ge=1, le=86_400)
    idle_s: float = Field(default=7200.0, ge=10, le=172_800)

    @field_validator("url")
    @classmethod
    def _listening(cls, url: str) -> str:
        endpoint(url)
        return url

    @field_validator("stations")
    @classmethod
    def _each_once(cls, stations: list[Station]) -> list[Station]:
        names = [one.mn for one in stations]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise AddressError(f"the station {twice} is listed twice", f"现场机 {twice} 重复列出")
        return stations


def endpoint(url: str) -> tuple[str, int]:
    """Where we listen. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is no address to listen at; write tcp://0.0.0.0:9003 with the port that the stations call',
        f"“{url}”不是监听地址；应写成 tcp://0.0.0.0:9003，端口为现场机所连端口",
    )
    _, host, port = where(url, ("tcp",), 0, wrong)
    return host, port


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed address."""

    station: str
    command: int
    factor: str
    field: str


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    match = _ADDRESS.fullmatch(spec.address.strip())
    command = int(match[2] or REAL_TIME) if match else 0
    if match is None or command not in wire.DATA or match[4] == "Flag":
        raise AddressError(
            f'"{spec.address}" is no value of a station; write MN/w01018-Rtd, or MN/2061/w01018-Avg '
            f"with one of {', '.join(map(str, wire.DATA))}",
            f"“{spec.address}”不是现场机数据；应写成 MN/w01018-Rtd，或 MN/2061/w01018-Avg，"
            f"命令编码为 {'、'.join(map(str, wire.DATA))} 之一",
        )
    if match[1] not in {one.mn for one in settings.stations}:
        raise AddressError(
            f'the station {match[1]} is not listed; add {{ mn = "{match[1]}", pw = "…" }} to stations',
            f'现场机 {match[1]} 未列出；请在 stations 中添加 {{ mn = "{match[1]}", pw = "…" }}',
        )
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply: a station sends decimal numbers; leave it empty or write bool',
            f"类型“{spec.type}”不适用：现场机发送十进制数；请留空或填 bool",
        )
    if spec.writable:
        raise AddressError(
            "nothing is written to a station; an output needs a device that is read back, such as modbus",
            "不向现场机写入；输出须接在可回读的设备上，例如 modbus",
        )
    personal = "#personal" if spec.columns.get("privacy", "") in PERSONAL else ""
    place = Place(match[1], command, match[3], match[4])
    group = f"{place.station}/{command}/{place.factor}{personal}"
    return Point(group, (place.field,), spec.type == "bool", place)


@dataclass(slots=True)
class Counts:
    """What did not become a value, since the driver started."""

    malformed: int = 0
    refused: int = 0  # unknown MN or wrong PW
    repeated: int = 0  # as old as the last message of the factor, or older
    late: int = 0  # further from our time than `late_s`


class Factor(Held):
    """The tags of one pollutant (or piece of equipment) of a station, in one kind of message."""

    __slots__ = ("fields", "heard_s", "newest_ns")

    def __init__(self, group: Group, tags: Sequence[PlannedTag]) -> None:
        super().__init__(group, tags)
        self.fields = [entry.point.key.field for entry in tags]
        self.newest_ns = 0
        self.heard_s = -math.inf

    def hear(self, said: dict[str, str], at_ns: int, unflagged: tuple[Quality, Cause], emit: Emit) -> None:
        """The fields of one message, all at `at_ns`."""
        flag = said.get("Flag")
        marked = unflagged if flag is None else FLAGS.get(flag, (Quality.BAD, Cause.DECODE))
        for at, (field, entry) in enumerate(zip(self.fields, self.tags, strict=True)):
            raw = wire.number(said.get(field, ""))
            wrong = math.isnan(raw) or (entry.tag.boolean and raw not in (0.0, 1.0))
            free = flag is None and field in STATES
            quality, cause = (Quality.GOOD, Cause.NONE) if free else marked
            if wrong and quality != Quality.BAD:
                quality, cause = Quality.BAD, Cause.DECODE
            bad = quality == Quality.BAD
            self.values[at] = math.nan if bad else raw * entry.scale + entry.offset
            self.qualities[at], self.causes[at] = quality, cause
        self.tell(self.places, at_ns, emit)

    def repeated(self, at_ns: int, now_s: float) -> bool:
        """Whether this time was told before; after a silence of the freshness limit a station may set its clock back."""
        silent = (now_s - self.heard_s) * 1000.0 > self.group.stale_ms
        if at_ns and not silent and at_ns <= self.newest_ns:
            return True
        self.newest_ns, self.heard_s = at_ns, now_s
        return False


class Driver:
    """One port that stations call."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.counts = Counts()
        self.passwords = {one.mn: one.pw.encode() for one in settings.stations}
        free = settings.unflagged == "good"
        self.unflagged = (Quality.GOOD, Cause.NONE) if free else (Quality.UNCERTAIN, Cause.DEVICE)
        self.factors: dict[tuple[str, int, str], list[Factor]] = {}
        self._start()

    def _start(self) -> None:
        """Nothing was heard yet."""
        self.factors.clear()
        for group, tags in zip(self.plan.groups, self.plan.tags, strict=True):
            key = tags[0].point.key
            self.factors.setdefault((key.station, key.command, key.factor), []).append(Factor(group, tags))

    async def run(self, emit: Emit) -> None:
        """Listen and emit until cancelled. Raises SourceError."""
        self._start()
        door = Door(2 * len(self.passwords) + SPARE_CALLERS, self.settings.idle_s)
        await door.serve(lambda: Line(self, door, emit), *endpoint(self.settings.url))

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: nothing is sent to a station but acknowledgements."""
        return ReadBack(False, error=READ_ONLY)

    def hear(self, said: wire.Message, emit: Emit) -> None:
        """What a station that was let in says. Raises Malformed for a time that is none."""
        if said.command not in wire.DATA:
            return
        at_ns = wire.utc_ns(said.time or said.number, self.settings.utc_offset_h)
        late = at_ns != 0 and self._late(at_ns, said.command)
        now_s = time.monotonic()
        for name, fields in said.factors.items():
            for factor in self.factors.get((said.station, said.command, name), ()):
                if late:
                    self._doubt(factor, now_s, emit)
                elif factor.repeated(at_ns, now_s):
                    self.counts.repeated += 1
                else:
                    factor.hear(fields, at_ns, self.unflagged, emit)

    def admits(self, said: wire.Message) -> bool:
        """Whether the site lists the station with this password."""
        password = self.passwords.get(said.station)
        return password is not None and hmac.compare_digest(password, said.password.encode("latin-1"))

    def _late(self, at_ns: int, command: int) -> bool:
        age_s = (time.time_ns() - at_ns) / 1e9
        return age_s < -self.settings.late_s or age_s > self.settings.late_s + 2 * SPAN_S.get(command, 0)

    def _doubt(self, factor: Factor, now_s: float, emit: Emit) -> None:
        """A value from another time: kept back while newer ones are fresh, else BAD so that somebody looks at the clock."""
        self.counts.late += 1
        if (now_s - factor.heard_s) * 1000.0 > factor.group.stale_ms:
            factor.spoil(Cause.STALE, emit)


class Line(Caller):
    """A station's connection."""

    mark = wire.MARK

    def __init__(self, driver: Driver, door: Door, emit: Emit) -> None:
        super().__init__(door)
        self._driver = driver
        self._emit = emit

    def size(self, held: bytearray) -> int:
        return wire.size(held)

    def hear(self, frame: bytes) -> str:
        driver = self._driver
        try:
            said = wire.message(wire.segment(frame))
            if not driver.admits(said):
                driver.counts.refused += 1
                self.end()
                return ""
            driver.hear(said, self._emit)
        except Malformed:
            driver.counts.malformed += 1
            return ""
        if said.flag & wire.ANSWER_WANTED and said.command < 9000:
            self.send(wire.answer(said))
        return said.station
