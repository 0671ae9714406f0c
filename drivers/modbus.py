"""Modbus TCP, RTU and RTU over TCP: merged and pipelined reads, ordered writes with read-back.

Specification: MODBUS Application Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b, MODBUS over Serial Line V1.02. Library:
none (pyserial for the settings of a port); an own protocol with callbacks, because a request then costs about what it costs in
C (tests/bench/bench_modbus.py). Functions used: 1, 2, 3, 4 to read, 5, 6, 16 to write. Not supported: ASCII, file records, FIFO,
writing single bits of registers. 64-bit integers above 2**53 lose their last bits, because a value in the gateway is a float64.

url: `tcp://192.168.1.20:502`, `rtu+tcp://192.168.1.21:4001` (RTU through a serial server), `rtu:///dev/ttyUSB0?baud=19200&parity=E`.
Several sources with one line and different units share it: one owner opens it and gives turns.

name: Modbus TCP, RTU and RTU over TCP | Modbus TCP、RTU 与 RTU over TCP
done: coils, discrete inputs, holding and input registers, single bits of registers | 线圈、离散输入、保持寄存器、输入寄存器及寄存器的单个位
done: 16, 32 and 64 bit integers and floats in the four orders abcd, cdab, badc, dcba
  | 16/32/64 位整数与浮点数，四种字节序 abcd、cdab、badc、dcba
done: merged reads, several requests on their way (`depth`) | 合并读取，可同时发出多个请求（`depth`）
done: a refused address is isolated, its neighbours flow | 被拒绝的地址单独隔离，不影响相邻点
done: writes of coils and whole registers, in order, read back | 按顺序写线圈和整个寄存器，并回读
done: heartbeat to the PLC and back | 与 PLC 的双向心跳
done: RTU on a serial port and through a serial server: CRC, silence between frames, several units share a line, late answers
  are nobody's, a read is asked again once | 串口与串口服务器上的 RTU：CRC、帧间静默、多从站共用一条线、迟到应答作废、读取重试一次
done: profiles of twelve brands with their word order and limits (`gatehouse commission profiles`)
  | 十二个品牌的设备模板，含字节序与限制（`gatehouse commission profiles`）
exempt: identification (43) on a serial line: a device that does not know it may fall silent for all
  | 串行线路上的设备识别（43）：不支持的设备可能使整条线无应答
exempt: broadcast (unit 0): nobody answers, so nothing can be read back | 广播（从站 0）：无应答，无法回读
exempt: ASCII: no device offers it alone | ASCII：没有只支持它的设备
exempt: file records (20, 21) and FIFO queues (24): no plant asked for them | 文件记录（20、21）与 FIFO 队列（24）：无现场需求
exempt: writing single bits of registers (22): a device that lacks the function would need read and write, which races
  | 写寄存器的单个位（22）：不支持该功能的设备只能先读后写，存在竞争
peer: libmodbus 3.1.6 (server, TCP and RTU on a pty) | libmodbus 3.1.6（服务端，TCP 及伪终端上的 RTU）
peer: npm modbus-serial (server) | npm modbus-serial（服务端）
"""

from __future__ import annotations

import asyncio
import math
import struct

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_talk import Unwritable, both, dial
from drivers.modbus_address import TABLES, Address, decode, encode, parse_address
from drivers.modbus_poll import Poller
from drivers.modbus_reads import Item, Limits, read_of
from drivers.modbus_rtu import Line, join
from drivers.modbus_serial import SerialPort
from drivers.modbus_url import Endpoint, endpoint
from drivers.modbus_wire import Lane, Link, exception_text
from gateway.core.errors import AddressError

_NAN = float("nan")


class Heartbeat(BaseModel):
    """The counter that the PLC watches; the site makes a hidden output of it."""

    model_config = ConfigDict(extra="forbid")

    address: str
    period_ms: int = Field(default=250, ge=50, le=10_000)


class ReverseHeartbeat(BaseModel):
    """The counter of the PLC that we watch; the site makes a hidden tag of it."""

    model_config = ConfigDict(extra="forbid")

    address: str
    stale_ms: int = Field(default=1000, ge=100, le=60_000)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "modbus"`."""

    model_config = ConfigDict(extra="forbid")

    url: str
    unit: int = Field(default=1, ge=0, le=255)
    period_ms: int = Field(default=100, ge=0, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    depth: int = Field(default=1, ge=1, le=16)  # requests on their way at once; many devices take only one
    max_registers: int = Field(default=125, ge=4, le=125)  # a 64-bit value has four and is never split
    max_bits: int = Field(default=2000, ge=1, le=2000)
    max_gap: int = Field(default=16, ge=0, le=124)  # registers nobody asked for, read along to save a request
    heartbeat: Heartbeat | None = None
    reverse_heartbeat: ReverseHeartbeat | None = None

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url

    @model_validator(mode="after")
    def _of_a_line(self) -> Settings:
        if endpoint(self.url).kind != "tcp":
            if not 1 <= self.unit <= 247:
                raise AddressError(
                    f"unit {self.unit}: on a serial line the units are 1 to 247 (0 is for all, and nobody answers)",
                    f"从站号 {self.unit}：串行线路上的从站号为 1 到 247（0 为广播，无应答）",
                )
            if self.depth != 1:
                raise AddressError(
                    "depth: a serial line takes one request at a time; leave it out",
                    "depth：串行线路一次只能有一个请求；请删去此项",
                )
        return self


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list: all tags of a device form the group "poll", a hidden output the group "write"."""
    address, note = parse_address(spec)
    if address.bits is False and address.count > settings.max_registers:
        raise AddressError(
            f"{spec.address}: {address.type} needs {address.count} registers in one request",
            f"{spec.address}：{address.type} 需要在一次请求中读取 {address.count} 个寄存器",
        )
    group = "write" if spec.hidden and spec.writable else "poll"
    order = (TABLES.index(address.table), address.start, address.bit)
    return Point(group, order, address.type == "bool", address, note)


class Driver:
    """One Modbus device over one connection."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings = settings
        self._plan = plan
        self._outputs = {one.tag.number: one for tags in plan.tags for one in tags if one.tag.writable}
        self._link: Lane | None = None
        self._poller: Poller | None = None

    @property
    def skipped(self) -> int:
        """Ticks of the poll grid that this connection skipped because a cycle took longer than the period."""
        return self._poller.skipped if self._poller is not None else 0

    @property
    def requests_per_cycle(self) -> int:
        """Requests of one poll cycle, after merging; 0 before the first connection."""
        return self._poller.requests if self._poller is not None else 0

    async def run(self, emit: Emit) -> None:
        """Connect, poll and emit until cancelled. Raises SourceError."""
        settings = self._settings
        link = await self._connect()
        poller = self._poll_group(link)
        self._link, self._poller = link, poller
        try:
            if poller is not None:
                poller.start(emit, settings.period_ms)
            await link.failed
        finally:
            self._link = None
            if poller is not None:
                poller.stop()
            link.close()
            await link.gone

    async def write(self, command: WriteCommand) -> ReadBack:
        """One ordered write and its read-back; never raises for what the device does."""
        link, output = self._link, self._outputs.get(command.output)
        if output is None:
            return ReadBack(False, error=both("not a declared output", "未声明为输出"))
        if link is None:
            return ReadBack(False, error=both("the device is not connected", "设备未连接"))
        try:
            step = _Write(self, self._settings.unit, output, command)
        except Unwritable as error:
            return ReadBack(False, error=str(error))
        if not link.write(step, urgent=command.urgent):
            return ReadBack(False, error=both("too many writes wait for this device", "等待写入该设备的命令过多"))
        try:
            return await step.result
        finally:
            link.forget(step)

    def read_back(self, output: PlannedTag, value: float) -> None:
        """The device holds `value` in this output now."""
        if self._poller is not None and output.point.group == "poll":
            self._poller.wrote(output.tag.number, value)

    async def _connect(self) -> Lane:
        settings, where = self._settings, endpoint(self._settings.url)
        if where.kind == "tcp":
            link = Link(settings.unit, settings.depth, settings.timeout_ms)
            await self._dial(where, link)
            return link

        async def open_line(line: Line) -> None:
            if where.kind == "rtu":
                SerialPort(where, line)
            else:
                await self._dial(where, line)

        character_s = where.bit_count / where.baud if where.kind == "rtu" else 0.0
        return await join(where.line, character_s, settings.unit, settings.timeout_ms, open_line)

    async def _dial(self, where: Endpoint, protocol: asyncio.Protocol) -> None:
        what = "Modbus server", "设备的 Modbus 服务"
        await dial(protocol, self._settings.timeout_ms, where.host, where.port, what)

    def _poll_group(self, link: Lane) -> Poller | None:
        settings = self._settings
        limits = Limits(settings.max_registers, settings.max_bits, settings.max_gap)
        for group, tags in zip(self._plan.groups, self._plan.tags, strict=True):
            if tags and tags[0].point.group == "poll":
                return Poller(link, settings.unit, limits, group, tags)
        return None


class _Write:
    """First step of a write: the value goes out, and the device must echo it."""

    usual: bytes | None = None

    def __init__(self, driver: Driver, unit: int, output: PlannedTag, command: WriteCommand) -> None:
        address = output.point.key
        assert isinstance(address, Address)
        wire = encode(address, (command.value - output.offset) / output.scale)
        self.driver, self.unit, self.output, self.address, self.command = driver, unit, output, address, command
        if address.bits or address.count == 1:
            self.function = 5 if address.bits else 6
            pdu = self._echo = struct.pack(">H", address.start) + wire
        else:
            self.function = 16
            self._echo = struct.pack(">HH", address.start, address.count)
            pdu = self._echo + bytes([len(wire)]) + wire
        self.tail = struct.pack(">HHBB", 0, len(pdu) + 2, unit, self.function) + pdu
        self.result: asyncio.Future[ReadBack] = asyncio.get_running_loop().create_future()

    def answered(self, link: Lane, body: bytes) -> None:
        right = body == self._echo
        error = "" if right else both("the device acknowledged something else", "设备确认的地址或数值与命令不符")
        if self.command.read_back:
            link.read_back(_ReadBack(self, ReadBack(right, error=error)), urgent=self.command.urgent)
        else:
            self.end(ReadBack(right, error=error))

    def declined(self, link: Lane, code: int) -> None:
        self.end(ReadBack(False, error=exception_text(code)))

    def lost(self, message: str) -> None:
        self.end(ReadBack(False, error=message))

    def end(self, result: ReadBack) -> None:
        """Answer the caller, unless it no longer waits."""
        if not self.result.done():
            self.result.set_result(result)


class _ReadBack:
    """Second step of a write: read the same address."""

    usual: bytes | None = None

    def __init__(self, write: _Write, sofar: ReadBack) -> None:
        read = read_of(write.unit, [Item(0, write.address)])
        self._write, self._sofar, self._size = write, sofar, read.size
        self.function, self.tail = read.function, read.tail

    def answered(self, link: Lane, body: bytes) -> None:
        write = self._write
        if len(body) != self._size + 1 or body[0] != self._size:
            self.lost(both("the device answered with a wrong length", "设备应答长度错误"))
            link.fail(both("the device answered with a wrong length", "设备应答长度错误"))
            return
        value = decode(write.address, body[1:]) * write.output.scale + write.output.offset
        if math.isfinite(value):
            write.driver.read_back(write.output, value)
        write.end(ReadBack(self._sofar.ok, value, self._sofar.error))

    def declined(self, link: Lane, code: int) -> None:
        write = self._write
        write.end(ReadBack(self._sofar.ok, _NAN, self._sofar.error or exception_text(code)))

    def lost(self, message: str) -> None:
        self._write.end(ReadBack(self._sofar.ok, _NAN, self._sofar.error or message))
