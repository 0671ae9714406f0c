"""Omron FINS (CS, CJ, CP, NJ and NX with memory areas): words and bits of memory, over TCP and UDP.

Specification: Omron W227, W421. Library: none, see docs/decisions/0012 (own codecs). Not supported: symbolic variables of
NJ and NX (use their EtherNet/IP or OPC UA), timers and counters, FINS over serial Host Link.

Addresses: D100, CIO10, W5, H7, A200, E0_100 (extended memory, bank 0) for words; D100.3, CIO10.05, W5.12 for bits 0 to 15. A value
of two words has its low word first (`/cdab`), as Omron stores it.

name: Omron FINS | 欧姆龙 FINS
done: DM, CIO, W, H, A and EM; words, bits, 32 and 64 bit values in every word order | DM、CIO、W、H、A、EM；字、位、32/64 位值及各种字序
done: over TCP with the node handshake, over UDP with the service number and repeated reads
  | TCP（节点握手）与 UDP（服务号匹配、读取可重试）
done: merged reads; a refused address is isolated | 合并读取；被拒绝的地址单独隔离
done: a PLC that says it has a fatal error is lost, however willingly it answers | PLC 应答中标明致命错误时按失联处理
done: writes of bits and whole values, read back | 写位和整个值，并回读
todo: timers and counters | 定时器与计数器
todo: more than one route (networks behind the PLC are addressed, not tested) | 多级网络（可寻址，未测试）
exempt: run, stop, program transfer, forced bits | 运行、停止、程序传送、强制位
exempt: symbolic variables of NJ/NX: use their EtherNet/IP or OPC UA | NJ/NX 的符号变量：请用其 EtherNet/IP 或 OPC UA
peer: a memory behind FINS made for the tests, held to npm omron-fins 0.5 (client, TCP and UDP); no PLC
  | 为测试编写的 FINS 服务端，经 npm omron-fins 0.5（客户端，TCP 与 UDP）核对；未接真实 PLC
"""

from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.base import Point, PointSpec
from drivers.base_polled import Item, Polled, grouped
from drivers.base_talk import Talk, datagrams, opened, where
from drivers.base_words import FORMATS, word_type
from drivers.fins_wire import Fins, FinsTalk
from gateway.core.errors import AddressError

PORT = 9600
AREAS = {"CIO": 0xB0, "W": 0xB1, "H": 0xB2, "A": 0xB3, "D": 0x82}
EM_BANK = 0xA0  # of bank 0; 13 banks follow each other
ORDER = "cdab"
UDP_RETRIES = 2
_ADDRESS = re.compile(r"(CIO|WR?|HR?|AR?|DM?|E[M]?([0-9A-C])_)(\d{1,5})(?:\.(\d{1,2}))?", re.ASCII | re.IGNORECASE)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "fins"`."""

    model_config = ConfigDict(extra="forbid")
    url: str
    network: int = Field(default=0, ge=0, le=127)
    node: int = Field(default=0, ge=0, le=254)  # of the PLC; 0 = from the handshake (TCP) or its address (UDP)
    unit: int = Field(default=0, ge=0, le=255)
    own_node: int = Field(default=0, ge=0, le=254)  # ours; 0 = from the handshake (TCP) or our address (UDP)
    period_ms: int = Field(default=100, ge=1, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    max_words: int = Field(default=400, ge=4, le=990)
    max_gap: int = Field(default=16, ge=0, le=200)  # words nobody asked for, read along to save a request

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url

    @model_validator(mode="after")
    def _routed(self) -> Settings:
        if self.network and not self.node:
            raise AddressError(
                f"network = {self.network} needs the node number that the PLC has there, for example node = 10",
                f"network = {self.network} 须写明 PLC 在该网络中的节点号，例如 node = 10",
            )
        return self


def endpoint(url: str) -> tuple[str, str, int]:
    """ "tcp" or "udp", host and port. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of an Omron PLC; write tcp://192.168.10.50 or udp://192.168.10.50 (port 9600)',
        f"“{url}”不是欧姆龙 PLC 地址；应写成 tcp://192.168.10.50 或 udp://192.168.10.50（端口 9600）",
    )
    return where(url, ("tcp", "udp"), PORT, wrong)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies: `area` is the code of its words, `bit` is -1 for a whole value."""

    area: int
    start: int
    bit: int
    type: str
    order: str

    @property
    def count(self) -> int:
        """Words."""
        return max(1, struct.calcsize(">" + FORMATS[self.type]) // 2)


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    match = _ADDRESS.fullmatch(spec.address.strip())
    if match is None or int(match[3]) > 65535 or (match[4] and int(match[4]) > 15):
        raise AddressError(
            f'"{spec.address}" is not an address of an Omron PLC; write D100, CIO10, W5, H7, A200 or E0_100, a bit as CIO10.05',
            f"“{spec.address}”不是欧姆龙地址；应写成 D100、CIO10、W5、H7、A200 或 E0_100，位写成 CIO10.05",
        )
    word = match[1].upper()
    area = EM_BANK + int(match[2], 16) if match[2] else AREAS["CIO" if word == "CIO" else word[0]]
    bit = int(match[4]) if match[4] else -1
    kind, order = word_type(spec, bit=bit >= 0, default=ORDER)
    if spec.writable and area == AREAS["A"]:
        raise AddressError(
            f"{spec.address} lies in the auxiliary area and cannot be written; an output lies in D, W, H, CIO or E",
            f"{spec.address} 位于辅助区，不可写；输出应位于 D、W、H、CIO 或 E",
        )
    address = Address(area, int(match[3]), bit, kind, order)
    if address.start + address.count > 65536:
        raise AddressError(f"{spec.address}: the last word is 65535", f"{spec.address}：最后一个字为 65535")
    return grouped(spec, kind == "bool", (area, address.start, bit), address)


class Driver(Polled):
    """One PLC over one connection, or over datagrams."""

    def item(self, position: int, address: Any) -> Item:
        return Item(position, address.area, address.start, address.start + address.count, address)

    async def connect(self) -> tuple[Talk, Fins]:
        given = self.settings
        kind, host, port = endpoint(given.url)
        self.most, self.gap = given.max_words, given.max_gap
        numbers = {name: getattr(given, name) for name in ("network", "node", "unit", "own_node")}
        talk = FinsTalk(given.timeout_ms, stream=kind == "tcp", **numbers)
        if kind == "udp":
            talk.retries = UDP_RETRIES

            async def nodes() -> None:
                talk.nodes(_last(talk.address("sockname")), _last(talk.address("peername")))

            await datagrams(talk, host, port, nodes)
        else:
            await opened(talk, host, port, ("FINS/TCP", "FINS/TCP"), talk.shake)
        return talk, Fins()


def _last(address: str) -> int:
    """The node number that an IPv4 address stands for; 0 where it is none."""
    try:
        return int(ipaddress.IPv4Address(address)) & 0xFF
    except ValueError:
        return 0
