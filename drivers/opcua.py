"""OPC UA client: subscriptions over a secured session, values with the server's own status, writes with read-back.

Protocol: OPC UA Part 4 and Part 6, UA-TCP UA-SC UA-Binary. Library: asyncua (LGPL-3) for session and security. Tested against
node-opcua. Not supported: arrays, strings, structures, historical access, alarms and conditions, methods, reverse connect.

Address: a node id as OPC UA writes it, with the index or (better, because an index may change) the URI of its namespace:

    ns=2;s=Tank1.Level         nsu=urn:plant:plc7;s=Tank1.Level         ns=3;i=1042         ns=4;g=09087e75-8e5e-499b-954f-f2a9603db28a

A session without security is refused unless `waiver = { reason, expires }` answers for it. `trust` names a PEM or DER file
with the server's certificate or that of its issuer; any other server is refused, and the message tells its fingerprint.

name: OPC UA client | OPC UA 客户端
done: subscriptions, values with the server's status and time | 订阅，数值带服务器状态与时间
done: Basic256Sha256, Aes128Sha256RsaOaep, Aes256Sha256RsaPss, with a trust file and user name
  | Basic256Sha256、Aes128Sha256RsaOaep、Aes256Sha256RsaPss，带信任文件与用户名
done: own decoder of publish and read responses | 自有的发布与读取应答解码器
done: a bad node does not stop the others; a dropped value shows as OVERFLOW | 坏节点不影响其他节点；丢失的值标为 OVERFLOW
done: the tag list of the server: variables by path, with unit and range
  | 浏览服务器得到位号表：按路径命名，含单位与量程
done: writes with the node's own type, read back | 按节点自身类型写入，并回读
done: the offset of the server's clock, by its quickest answer | 以最快应答估计服务器时钟的偏差
todo: arrays and structures by index | 按下标读取数组与结构
exempt: historical access, alarms and conditions, methods: the gateway keeps its own | 历史访问、报警与条件、方法：由网关自身完成
exempt: reverse connect: a listening port that no plant asked for | 反向连接：需要监听端口，无现场需求
peer: npm node-opcua-server | npm node-opcua-server
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from asyncua import Client, ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import struct_from_binary
from pydantic import Field

from drivers import opcua_browse, opcua_wire
from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_clock import MS, DeviceClock
from drivers.base_held import Held
from drivers.base_talk import Unwritable, both
from drivers.base_told import Told
from drivers.base_ua import Malformed, store
from drivers.opcua_session import SessionSettings, close, connect, firmly, status_name, waived_s, why
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause, Group

PERSONAL = ("personal", "个人")  # the words of the tag list's privacy column; personal tags are a group of their own
PUBLISHERS = 2  # publish requests that wait at the server at any time
ITEMS_MAX = 1000  # monitored items created by one request
NAN = math.nan
OPERATING = (ua.UaError, ServiceError, OSError, TimeoutError, SourceError, Malformed)  # what a session may end with
TICK_NS = 1_000_000  # servers tell their time to the millisecond
_NOW = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

browse = opcua_browse.browse


class Settings(SessionSettings):
    """Keys of an OPC UA source."""

    period_ms: int = Field(default=100, ge=10, le=3_600_000)
    queue: int = Field(default=10, ge=1, le=1000)
    keep_alive_ms: int = Field(default=1000, ge=100, le=60_000)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: the node id's text without its namespace, and the namespace as an index or a URI."""

    identifier: str
    namespace: int | str


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    head, semicolon, identifier = spec.address.partition(";")
    word, _, space = head.partition("=")
    if word not in ("ns", "nsu"):
        word, space, identifier, semicolon = "ns", "0", spec.address, ";"
    if not semicolon or (word == "ns" and not space.isdecimal()) or not space:
        raise _wrong(spec)
    try:
        ua.NodeId.from_string(f"ns=0;{identifier}")
    except (ua.UaStringParsingError, ValueError) as error:
        raise _wrong(spec) from error
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply: the server tells the type of a node; leave it empty or write bool',
            f"类型“{spec.type}”不适用：节点类型由服务器给出；请留空或填 bool",
        )
    privacy = "personal" if spec.columns.get("privacy", "") in PERSONAL else ""
    return Point(privacy, (), spec.type == "bool", Address(identifier, int(space) if word == "ns" else space))


def _wrong(spec: PointSpec) -> AddressError:
    return AddressError(
        f'"{spec.address}" is no node id; write ns=2;s=Tank1.Level, nsu=URI;s=Tank1.Level or ns=3;i=1042',
        f"“{spec.address}”不是节点标识；应写作 ns=2;s=Tank1.Level、nsu=URI;s=Tank1.Level 或 ns=3;i=1042",
    )


class Watched(Held):
    """One group on its subscription: a client handle is the position in the group."""

    __slots__ = ("nodes", "sequence", "types")

    def __init__(self, group: Group, tags: Sequence[PlannedTag]) -> None:
        super().__init__(group, tags)
        self.nodes: list[ua.NodeId] = []
        self.types: dict[int, ua.VariantType] = {}  # position of a writable tag -> type of its node
        self.sequence = 0  # the next notification's number


class Driver:
    """One OPC UA session. No reconnect of its own: the supervisor starts `run` again."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.clock = DeviceClock(TICK_NS)  # of the server
        self.overflowed = 0  # values after which the server says that it dropped older ones
        self._client: Client | None = None
        self._watched: dict[int, Watched] = {}  # by subscription id
        self._late: asyncio.Future[None] | None = None  # fails when a write was not answered in time
        self._places = {
            entry.tag.number: (at, position) for at, tags in enumerate(plan.tags) for position, entry in enumerate(tags)
        }
        self._groups: list[Watched] = []

    async def run(self, emit: Emit) -> None:
        """Connect, subscribe and emit until cancelled. Raises SourceError."""
        await firmly(self._session(emit))

    async def _session(self, emit: Emit) -> None:
        try:
            await self._connected(emit)
        except OPERATING as error:
            raise why(self.settings.url, error) from error
        except ExceptionGroup as group:  # not `except*`: Python 3.11 before .4 wraps again what is raised there
            operating, bugs = group.split(OPERATING)
            if operating is None or bugs is not None:
                raise
            raise why(self.settings.url, operating.exceptions[0]) from operating.exceptions[0]

    async def _connected(self, emit: Emit) -> None:
        client = await connect(self.settings)
        try:
            await self._subscribe(client, emit)
            self._client, self._late = client, asyncio.get_running_loop().create_future()
            async with asyncio.TaskGroup() as publishing:
                for _ in range(PUBLISHERS):
                    publishing.create_task(self._publish(client, emit))
                publishing.create_task(self._ask_time(client))
                await asyncio.wait({self._late}, timeout=waived_s(self.settings))
                if not self._late.done():
                    waived_s(self.settings)
                self._late.result()
        finally:
            self._client = None
            if self._late is not None:
                self._late.cancel()  # nobody listens any more
            self._watched.clear()
            await close(client)

    # -- subscribing ------------------------------------------------------------------------------------------------

    async def _subscribe(self, client: Client, emit: Emit) -> None:
        spaces, told = await client.get_namespace_array(), Told(self.plan.source)
        self._groups = [Watched(group, tags) for group, tags in zip(self.plan.groups, self.plan.tags, strict=True)]
        for watched in self._groups:
            watched.nodes = [_node(entry.point.key, spaces) for entry in watched.tags]
            await self._types(client, watched)
            await self._items(client, watched, told, emit)

    async def _types(self, client: Client, watched: Watched) -> None:
        """What type the outputs have: a write must carry the node's own."""
        outputs = [at for at, entry in enumerate(watched.tags) if entry.tag.writable or entry.tag.hidden]
        if outputs:
            found = await client.uaclient.read_attributes([watched.nodes[at] for at in outputs], ua.AttributeIds.Value)
            for at, value in zip(outputs, found, strict=True):
                if value.Value is not None and value.Value.VariantType in _LIMITS:
                    watched.types[at] = value.Value.VariantType

    async def _items(self, client: Client, watched: Watched, told: Told, emit: Emit) -> None:
        given = self.settings
        asked = ua.CreateSubscriptionRequest()
        asked.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=float(given.period_ms),
            RequestedLifetimeCount=max(30, 3 * given.keep_alive_ms // given.period_ms + 3),
            RequestedMaxKeepAliveCount=max(1, given.keep_alive_ms // given.period_ms),
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
            Priority=0,
        )
        # Sent past `create_subscription`, which would start the library's own publish loop.
        made = struct_from_binary(ua.CreateSubscriptionResponse, await client.uaclient.session._send_request(asked))
        made.ResponseHeader.ServiceResult.check()
        number = made.Parameters.SubscriptionId
        self._watched[number] = watched
        for first in range(0, len(watched.nodes), ITEMS_MAX):
            items = [
                self._item(at, watched.nodes[at]) for at in range(first, min(first + ITEMS_MAX, len(watched.nodes)))
            ]
            parameters = ua.CreateMonitoredItemsParameters(
                SubscriptionId=number, TimestampsToReturn=ua.TimestampsToReturn.Both, ItemsToCreate=items
            )
            results = await client.uaclient.create_monitored_items(parameters)
            for at, result in enumerate(results, first):
                if not result.StatusCode.is_good():
                    watched.causes[at] = Cause.DEVICE
                    name = result.StatusCode.name
                    told.refused([watched.tags[at].tag.name], both(f"the server says: {name}", f"服务器应答：{name}"))
        watched.whole(emit)  # refused nodes are BAD at once; the others have no value yet

    def _item(self, handle: int, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=float(self.settings.period_ms),
                QueueSize=self.settings.queue,
                DiscardOldest=True,
            ),
        )

    # -- publishing -------------------------------------------------------------------------------------------------

    async def _publish(self, client: Client, emit: Emit) -> None:
        """Keep one publish request at the server, and hand on what it brings."""
        silence_s = (
            max(self.settings.keep_alive_ms, self.settings.period_ms) * PUBLISHERS + self.settings.timeout_ms
        ) / 1000.0
        acknowledge: list[ua.SubscriptionAcknowledgement] = []
        while True:
            request = ua.PublishRequest()
            request.Parameters.SubscriptionAcknowledgements = acknowledge
            async with asyncio.timeout(silence_s):
                data = await client.uaclient.session._send_request(request, timeout=0)
            result, found = opcua_wire.published(bytes(data))
            ua.StatusCode(result).check()
            acknowledge = self._notified(found, emit)

    def _notified(self, found: opcua_wire.Published, emit: Emit) -> list[ua.SubscriptionAcknowledgement]:
        """One answer to a publish request; returns what the next request acknowledges. Raises SourceError."""
        watched = self._watched.get(found.subscription)
        if watched is None:
            return []
        if not found.notified:
            watched.confirm(emit)
            return []
        if watched.sequence and found.sequence != watched.sequence:
            raise SourceError(
                both(
                    f"notifications from {watched.sequence} to {found.sequence - 1} were lost",
                    f"第 {watched.sequence} 至 {found.sequence - 1} 号通知丢失",
                )
            )
        watched.sequence = found.sequence % 0xFFFFFFFF + 1  # Part 4, 7.26: after the largest comes 1, not 0
        if found.ended:
            raise SourceError(
                both(
                    f"the server ended the subscription: {status_name(found.ended)}",
                    f"服务器结束了订阅：{status_name(found.ended)}",
                )
            )
        for changes in found.changes:
            self._changed(watched, changes, emit)
        return [ua.SubscriptionAcknowledgement(found.subscription, found.sequence)]

    def _changed(self, watched: Watched, changes: opcua_wire.Values, emit: Emit) -> None:
        """Successive values of one item are successive blocks: a pulse shorter than the period is not lost."""
        size, handles = len(watched.tags), changes.handles
        if len(handles) and int(handles.max()) >= size:
            raise SourceError(
                both(
                    f"the server names an item that was not asked for: {int(handles.max())}",
                    f"服务器返回了未订阅的项：{int(handles.max())}",
                )
            )
        first = 0
        while first < len(handles):
            rest = handles[first:]
            seen = np.full(size, -1)
            order = np.arange(len(rest))
            seen[rest[::-1]] = order[::-1]  # where each handle occurs first
            again = np.flatnonzero(seen[rest] != order)
            count = int(again[0]) if len(again) else len(rest)
            part = slice(first, first + count)
            self.overflowed += store(watched, handles[part], changes.values[part], changes.statuses[part])
            watched.tell(handles[part], changes.stamps[part], emit)
            first += count

    # -- the server's clock -----------------------------------------------------------------------------------------

    async def _ask_time(self, client: Client) -> None:
        """Keep the offset of the server's clock; one that does not tell its time is not asked again."""
        while True:
            asked_ns = time.monotonic_ns()
            (answer,) = await client.uaclient.read_attributes([_NOW], ua.AttributeIds.Value)
            came_ns = time.monotonic_ns()
            told = answer.Value.Value if answer.Value is not None else None
            if not isinstance(told, datetime):
                return
            past = (told if told.tzinfo else told.replace(tzinfo=UTC)) - _EPOCH
            self.clock.told(asked_ns, came_ns, (past.days * 86_400 + past.seconds) * 10**9 + past.microseconds * 1000)
            offset = self.clock.offset()
            assert offset is not None
            for watched in self._groups:
                watched.uncertainty_ns = round((abs(offset.ms) + offset.uncertainty_ms) * MS)
            await asyncio.sleep(self.clock.due_s)

    # -- writing ----------------------------------------------------------------------------------------------------

    async def write(self, command: WriteCommand) -> ReadBack:
        """Write the value with its node's own type, then read it back."""
        client, place = self._client, self._places.get(command.output)
        if client is None or self._late is None:
            return ReadBack(False, error=both("the server is not connected", "服务器未连接"))
        if place is None:
            return ReadBack(False, error=both("not a declared output", "未声明为输出"))
        watched, position = self._groups[place[0]], place[1]
        entry, node, kind = watched.tags[position], watched.nodes[position], watched.types.get(position)
        if kind is None:
            text = node.to_string()
            return ReadBack(False, error=both(f"{text} is no number or bit", f"{text} 不是数值或位"))
        raw = (command.value - entry.offset) / entry.scale
        low, high = _LIMITS[kind]
        if not low <= raw <= high:
            unfit = Unwritable(f"{raw:g} does not fit into {kind.name}", f"{raw:g} 超出 {kind.name} 的范围")
            return ReadBack(False, error=str(unfit))
        variant = ua.Variant(
            raw if kind in _FLOATS else bool(raw) if kind is ua.VariantType.Boolean else round(raw), kind
        )
        try:
            async with asyncio.timeout(self.settings.timeout_ms / 1000.0):
                return await self._write(client, entry, node, variant, command.read_back)
        except TimeoutError:
            # It may still happen: only the end of the session takes it back.
            if not self._late.done():
                self._late.set_exception(SourceError(both("a write was not answered in time", "写入命令未按时应答")))
            return ReadBack(False, error=both("no answer in time", "未按时应答"))
        except (ua.UaError, OSError, Malformed) as error:
            return ReadBack(False, error=str(error) or both("the connection ended", "连接已断开"))

    async def _write(
        self, client: Client, entry: PlannedTag, node: ua.NodeId, variant: ua.Variant, read_back: bool
    ) -> ReadBack:
        (status,) = await client.uaclient.write_attributes([node], [ua.DataValue(variant)], ua.AttributeIds.Value)
        if not status.is_good():
            return ReadBack(False, error=both(f"the server says: {status.name}", f"服务器应答：{status.name}"))
        if not read_back:
            return ReadBack(True)
        value, status, _ = (await self._read(client, [node]))[0]
        return ReadBack(True, value * entry.scale + entry.offset if status >> 30 == 0 else NAN)

    async def _read(self, client: Client, nodes: Sequence[ua.NodeId]) -> list[tuple[float, int, int]]:
        request = ua.ReadRequest()
        request.Parameters.NodesToRead = [
            ua.ReadValueId(NodeId=one, AttributeId=ua.AttributeIds.Value) for one in nodes
        ]
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
        result, found = opcua_wire.read(bytes(await client.uaclient.session._send_request(request)))
        ua.StatusCode(result).check()
        if len(found) != len(nodes):
            raise Malformed(f"{len(found)} values for {len(nodes)} nodes")
        return found


_FLOATS = (ua.VariantType.Float, ua.VariantType.Double)
_BITS = {"SByte": -8, "Byte": 8, "Int16": -16, "UInt16": 16, "Int32": -32, "UInt32": 32, "Int64": -64, "UInt64": 64}
_LIMITS: dict[ua.VariantType, tuple[float, float]] = {  # what a node of the type can hold
    ua.VariantType.Boolean: (0, 1),
    ua.VariantType.Float: (-3.4028235e38, 3.4028235e38),
    ua.VariantType.Double: (-1.7976931348623157e308, 1.7976931348623157e308),
    **{
        getattr(ua.VariantType, name): (-(2 ** (-bits - 1)), 2 ** (-bits - 1) - 1) if bits < 0 else (0, 2**bits - 1)
        for name, bits in _BITS.items()
    },
}


def _node(address: Address, spaces: Sequence[str]) -> ua.NodeId:
    """Raises SourceError where the server has no such namespace."""
    space = address.namespace
    if isinstance(space, str):
        if space not in spaces:
            raise SourceError(
                both(
                    f"the server has no namespace {space}; it has {', '.join(spaces)}",
                    f"服务器没有命名空间 {space}；现有 {'、'.join(spaces)}",
                ),
                slow=True,
            )
        space = spaces.index(space)
    return ua.NodeId.from_string(f"ns={space};{address.identifier}")
