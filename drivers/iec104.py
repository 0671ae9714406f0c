"""IEC 60870-5-104 controlling station: what an outstation (RTU, protection relay, substation gateway) reports by itself, and commands.

Specification: IEC 60870-5-104:2006 with the ASDUs of IEC 60870-5-101:2003. Library: none (own codecs, `iec104_wire`, `iec104_link`).

Address: `CA:IOA`, the common address of the station and the information object address, both decimal: `1:1001`. An output names the
point that tells its state, then its command, and `select` where the outstation wants it selected first:

    1:1001        1:1001 sc:5001        1:1001 dc:5001 select        1:2001 nc:6001

`sc` is C_SC_NA_1, `dc` C_DC_NA_1 (both for a bool), `na`, `nb`, `nc` are the set-points C_SE_NA_1, C_SE_NB_1, C_SE_NC_1. The type of
a point is told by the outstation; write `bool` for what is true or false (a double point is 1 = on, 0 = off, else BAD).

Freshness: an outstation speaks when something changes, so an unchanged value is silent for days. What confirms it is the link: data of
one of our points or the confirmed test of the link (TESTFR con) says that the outstation would have told a change, and a value that it
knows to be old it marks itself (NT, IV). The test is asked for whenever nothing was confirmed for `period_ms` (T3). What does not
confirm: acknowledgements, command confirmations, points nobody asked for. A new connection begins with every value BAD (NEVER): without
`interrogate = true` a point has a value only after its first change. A point that a complete interrogation did not bring is BAD (DEVICE).

Quality: IV is BAD (DEVICE); NT and BL are BAD (STALE); OV is BAD (ABOVE_RANGE or BELOW_RANGE by the sign of the value, which is demand on
that side); SB, a value typed in or calculated instead of measured, and a tap changer under way are UNCERTAIN (MAINTENANCE, DEVICE).
Time tags are the source time, on a clock of `timezone`; one that the outstation marks as invalid is none.

name: IEC 60870-5-104 | IEC 60870-5-104（远动规约）
done: STARTDT, I, S and U frames, windows k and w, T1 to T3 with TESTFR; a wrong sequence number ends the link
  | STARTDT、I/S/U 帧、窗口 k 与 w、T1 至 T3 及 TESTFR；序号错误即断开链路
done: single and double points, step positions, bit strings, normalised, scaled and short measured values, integrated totals, each
  without and with CP56Time2a | 单点、双点、步位置、位串、归一化/标度化/短浮点测量值、累计量，均支持不带与带 CP56Time2a 时标
done: quality bits IV, NT, SB, BL, OV; time tags in the outstation's time zone | 品质位 IV、NT、SB、BL、OV；按子站时区解释时标
done: general interrogation when asked for, again after the outstation restarted | 按配置进行总召唤，子站重启后再次召唤
done: single, double and set-point commands with confirmation, select before operate, read back from the monitored point
  | 单点、双点、设点命令及确认、选择后执行，由监视点回读
todo: single bits of a bit string | 位串中的单个位
todo: TLS (IEC 62351-3), redundant connections | TLS（IEC 62351-3）、冗余连接
todo: commands with a time tag (C_SC_TA_1 and others) | 带时标的命令（C_SC_TA_1 等）
todo: counter interrogation | 电能脉冲召唤
exempt: clock synchronisation, reset of a process, parameters, file transfer: the gateway does not manage outstations
  | 对时、进程复位、参数、文件传输：网关不管理子站
exempt: CP24Time2a time tags: belong to 101, not to 104 | CP24Time2a 时标：属于 101，不用于 104
peer: c104 2.2 (server, in a process of its own) | c104 2.2（服务端，独立进程）
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.base import Emit, Plan, Point, PointSpec
from drivers.base_orders import Ordered
from drivers.base_polled import grouped
from drivers.base_talk import dial, where
from drivers.iec104_link import Link
from drivers.iec104_session import Address, Session
from drivers.iec104_wire import ORDERS
from gateway.core.errors import AddressError

PORT = 2404
STATION_MAX, POINT_MAX = 0xFFFE, 0xFFFFFF  # 65535 is every station
_ADDRESS = re.compile(r"(\d{1,5}):(\d{1,8})(?:\s+(sc|dc|na|nb|nc):(\d{1,8})(\s+select)?)?", re.ASCII | re.IGNORECASE)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "iec104"`."""

    model_config = ConfigDict(extra="forbid")
    url: str
    interrogate: bool = False  # ask every station for all its points after connecting
    timezone: str = "UTC"  # of the outstation's clock, for example Asia/Shanghai
    originator: int = Field(default=0, ge=0, le=255)
    period_ms: int = Field(
        default=1000, ge=10, le=3_600_000
    )  # T3: the link is tested after this without a confirmation
    timeout_ms: int = Field(default=5000, ge=10, le=255_000)  # T0, and T1 of what is confirmed at once
    t1_ms: int = Field(default=15_000, ge=10, le=255_000)  # of numbered frames: above the outstation's T2
    ack_ms: int = Field(default=2000, ge=10, le=255_000)  # T2, less than T1
    read_back_ms: int = Field(default=1000, ge=10, le=60_000)  # how long a written point may take to tell its new state
    k: int = Field(default=12, ge=1, le=32767)
    w: int = Field(default=8, ge=1, le=32767)

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise AddressError(
                f'"{timezone}" is no time zone; write Asia/Shanghai, Europe/Berlin, UTC',
                f"“{timezone}”不是时区名；应写成 Asia/Shanghai、Europe/Berlin 或 UTC",
            ) from None
        return timezone

    @model_validator(mode="after")
    def _ordered(self) -> Settings:
        if self.ack_ms >= self.t1_ms:
            raise AddressError(
                f"ack_ms = {self.ack_ms} (T2) must be less than t1_ms = {self.t1_ms} (T1), for example 2000",
                f"ack_ms = {self.ack_ms}（T2）必须小于 t1_ms = {self.t1_ms}（T1），例如 2000",
            )
        return self


def endpoint(url: str) -> tuple[str, int]:
    """Host and port of `tcp://host[:port]`. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of an outstation; write tcp://192.168.10.60 (port 2404) or tcp://rtu.plant:2405',
        f"“{url}”不是子站地址；应写成 tcp://192.168.10.60（端口 2404）或 tcp://rtu.plant:2405",
    )
    return where(url, ("tcp",), PORT, wrong)[1:]


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    match = _ADDRESS.fullmatch(spec.address.strip())
    if match is None:
        raise _wrong(spec)
    station, point, target = int(match[1]), int(match[2]), int(match[4] or 0)
    order = (match[3] or "").lower()
    if not 1 <= station <= STATION_MAX or not 1 <= point <= POINT_MAX or not (not order or 1 <= target <= POINT_MAX):
        raise _wrong(spec)
    kind = spec.type.strip().lower()
    if kind not in ("", "bool"):
        raise AddressError(
            f'{spec.address}: type "{spec.type}" does not apply: the outstation tells it; leave it empty or write bool',
            f"{spec.address}：类型“{spec.type}”不适用：由子站给出；请留空或填 bool",
        )
    if spec.writable != bool(order):
        raise AddressError(
            f"{spec.address}: an output, and only an output, names its command: {station}:{point} sc:5001 (or dc, na, nb, nc)",
            f"{spec.address}：输出（且仅输出）须写明命令：{station}:{point} sc:5001（或 dc、na、nb、nc）",
        )
    if order and ORDERS[order].boolean != (kind == "bool"):
        raise AddressError(
            f"{spec.address}: sc and dc are for type bool, na, nb and nc for numbers (type empty)",
            f"{spec.address}：sc、dc 用于 bool 类型；na、nb、nc 用于数值（类型留空）",
        )
    key = Address(station, point, order, target, match[5] is not None)
    return grouped(spec, kind == "bool", (station, point, order, target), key)


def _wrong(spec: PointSpec) -> AddressError:
    return AddressError(
        f'"{spec.address}" is no point of an outstation; write CA:IOA as 1:1001 (CA 1 to {STATION_MAX}, IOA 1 to {POINT_MAX}), '
        "an output as 1:1001 sc:5001 or 1:1001 dc:5001 select",
        f"“{spec.address}”不是子站的点；应写成 公共地址:信息体地址，如 1:1001（公共地址 1 至 {STATION_MAX}，信息体地址 1 至 {POINT_MAX}），"
        "输出写成 1:1001 sc:5001 或 1:1001 dc:5001 select",
    )


class Driver(Ordered):
    """One outstation over one link."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        super().__init__(plan)
        self.settings = settings

    async def run(self, emit: Emit) -> None:
        """Connect, start data transfer and emit what is reported until cancelled. Raises SourceError."""
        given = self.settings
        host, port = endpoint(given.url)
        times_s = [ms / 1000 for ms in (given.t1_ms, given.ack_ms, given.period_ms, given.timeout_ms)]
        link = Link(given.k, given.w, *times_s)
        await dial(link, given.timeout_ms, host, port, ("IEC 104 outstation", "IEC 104 子站服务"))
        try:
            session = Session(self, given, link, emit)
            await link.start()
            self.up = True
            await session.run()
        finally:
            self.abandon()
            link.close()
            await link.gone
