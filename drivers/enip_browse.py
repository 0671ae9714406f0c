"""What a Logix controller tells of its own tags: numbers and bits of the controller and its programs, members of structures.

Specification: Logix 5000 Controllers Data Access (1756-PM020): the symbol object (class 0x6B) with "Get Instance Attribute List",
the template object (0x6C) for structures. Reads only. Tags of I/O modules (`Local:1:I`) and of the system are left out.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from drivers.base import Listed
from drivers.base_talk import Malformed, both, not_an_answer, opened
from drivers.enip_wire import READ, TYPES, EnipTalk, answered, path_of, refusal, routed, service
from gateway.core.errors import SourceError

GET_LIST, GET_ATTRIBUTES = 0x55, 0x03
SYMBOL, TEMPLATE = 0x6B, 0x6C
MORE = 0x06  # status of an answer that did not hold all
BROWSE_S = 600.0  # for all of it, however slowly the pieces come
SYMBOLS_MAX = 50_000  # looked at in all scopes
TAGS_MAX = 100_000  # told
ELEMENTS_MAX = 64  # of an array, told one by one; of a longer one the first is told, with its length
DEPTH_MAX = 8  # structures in structures
TEMPLATE_MAX = 65_536  # bytes of one definition
_STRUCTURE, _SYSTEM = 0x8000, 0x1000  # bits of a symbol's type
_BOOL = 0xC1
_PIECE = 400  # bytes of a definition in one answer


class Endpoint(Protocol):
    """The settings that a browse needs."""

    slot: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A tag, or a member of a structure: its name, its type's code and the lengths of its dimensions."""

    name: str
    kind: int
    dimensions: tuple[int, ...] = ()


async def browse(given: Endpoint, host: str, port: int) -> list[Listed]:
    """Every number and bit that a tag list can name, controller first, then program by program. Raises SourceError."""
    talk = EnipTalk(given.timeout_ms, given.slot)
    try:
        await opened(talk, host, port, ("EtherNet/IP server", "EtherNet/IP 服务"), talk.open)
        try:
            async with asyncio.timeout(BROWSE_S):
                return await _Browse(talk, given.slot).listed()
        finally:
            talk.close()
            await talk.gone
    except Malformed as error:
        raise SourceError(not_an_answer(error)) from error
    except TimeoutError as error:
        raise SourceError(
            both(f"the tag list did not end within {BROWSE_S:.0f} s", f"位号表在 {BROWSE_S:.0f} s 内未读完")
        ) from error


class _Browse:
    def __init__(self, talk: EnipTalk, slot: int) -> None:
        self._talk, self._slot = talk, slot
        self._templates: dict[int, list[Symbol]] = {}
        self._seen = 0

    async def listed(self) -> list[Listed]:
        found: list[Listed] = []
        controller = await self._symbols("")
        for program in ("", *sorted(one.name for one in controller if one.name.startswith("Program:"))):
            for symbol in await self._symbols(program) if program else controller:
                if symbol.kind & _SYSTEM or ":" in symbol.name or symbol.name.startswith("__"):
                    continue
                await self._tell(f"{program}.{symbol.name}" if program else symbol.name, symbol, found, 0)
        return found

    async def _tell(self, path: str, symbol: Symbol, found: list[Listed], depth: int) -> None:
        """The tag at `path`, element by element and member by member."""
        if symbol.kind & _STRUCTURE:
            members = await self._members(symbol.kind & 0xFFF, depth)
        elif symbol.kind & 0xFF in TYPES:
            members = []
        else:
            return
        for address, text in _elements(path, symbol.dimensions):
            if len(found) >= TAGS_MAX:
                raise SourceError(
                    both(
                        f"the controller has more than {TAGS_MAX:,} tags; import the export of its project instead",
                        f"控制器的标签超过 {TAGS_MAX:,} 个；请改为导入其工程导出文件",
                    )
                )
            if not symbol.kind & _STRUCTURE:
                kind = "bool" if symbol.kind & 0xFF == _BOOL else ""
                found.append(Listed(address.removeprefix("Program:"), address, kind, text=text))
            for member in members:
                await self._tell(f"{address}.{member.name}", member, found, depth + 1)

    async def _symbols(self, program: str) -> list[Symbol]:
        """All tags of one scope, however many answers that takes."""
        scope = path_of([(program, [])]) if program else b""
        found, first = list[Symbol](), 0
        while True:
            path = scope + _instance(SYMBOL, first)
            status, data = await self._ask(service(GET_LIST, path, struct.pack("<4H", 3, 1, 2, 8)), GET_LIST)
            if status not in (0, MORE):
                raise SourceError(refusal(status))
            last = first - 1
            for number, symbol in _listing(data):
                if number <= last:
                    raise Malformed("tags that do not come in their order")
                last = number
                found.append(symbol)
                self._seen += 1
            if status == 0:
                return found
            if last < first or self._seen > SYMBOLS_MAX:
                raise Malformed("a list of tags without end")
            first = last + 1

    async def _members(self, number: int, depth: int) -> list[Symbol]:
        """The members of a structure that people see; none of a text, and none too deep inside."""
        if depth >= DEPTH_MAX:
            return []
        if number not in self._templates:
            self._templates[number] = _visible(await self._definition(number))
        return self._templates[number]

    async def _definition(self, number: int) -> list[Symbol]:
        path = _instance(TEMPLATE, number)
        status, data = await self._ask(service(GET_ATTRIBUTES, path, struct.pack("<3H", 2, 4, 2)), GET_ATTRIBUTES)
        if status or len(data) != 16 or data[:6] != b"\x02\x00\x04\x00\x00\x00" or data[10:14] != b"\x02\x00\x00\x00":
            return []  # a structure whose definition is kept to the controller itself
        words, count = int.from_bytes(data[6:10], "little"), int.from_bytes(data[14:16], "little")
        size = min(4 * words - 23, TEMPLATE_MAX)  # as 1756-PM020 reckons it
        raw = b""
        while len(raw) < size:
            asked = struct.pack("<IH", len(raw), min(size - len(raw), _PIECE))
            status, data = await self._ask(service(READ, path, asked), READ)
            if status not in (0, MORE) or not data:
                break
            raw += data
        return list(_defined(raw, count))

    async def _ask(self, request: bytes, number: int) -> tuple[int, bytes]:
        answer = await self._talk.ask(request)
        routed(answer, self._slot)
        return answered(answer, number)


def _instance(kind: int, number: int) -> bytes:
    return bytes([0x20, kind, 0x25, 0]) + (number & 0xFFFF).to_bytes(2, "little")


def _listing(data: bytes) -> Iterator[tuple[int, Symbol]]:
    """Instance number, name, type and dimensions of each symbol. Raises Malformed."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 6], "little")
        if len(data) < at + 20 + size:
            raise Malformed("a tag that ends too early")
        number = int.from_bytes(data[at : at + 4], "little")
        name = data[at + 6 : at + 6 + size].decode("ascii", "replace")
        kind, *lengths = struct.unpack_from("<H3I", data, at + 6 + size)
        yield number, Symbol(name, kind, tuple(lengths[: kind >> 13 & 3]))
        at += 20 + size


def _defined(raw: bytes, count: int) -> Iterator[Symbol]:
    """Members of a template: `count` of 8 bytes each, then names that end with 0; the structure's own name comes first."""
    if len(raw) < 8 * count:
        return
    names = [name.decode("ascii", "replace") for name in raw[8 * count :].split(b"\0")]
    if names and (";" in names[0] or len(names) > count + 1):
        names = names[1:]
    for at, name in zip(range(count), names, strict=False):
        info, kind = struct.unpack_from("<HH", raw, 8 * at)
        array = (info and kind & 0xFF != _BOOL) or kind & 0x6000
        yield Symbol(name, kind, (info,) if array else ())


def _visible(members: list[Symbol]) -> list[Symbol]:
    """Without what the controller hides (the integers behind bits) and without a text's length and characters."""
    if [one.name for one in members][:2] == ["LEN", "DATA"]:
        return []
    return [one for one in members if one.name.isidentifier() and not one.name.startswith(("ZZZZZZZZZZ", "__"))]


def _elements(path: str, dimensions: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Addresses below `path`, each with a remark; of a long array only the first."""
    total = 1
    for length in dimensions:
        total *= length
    if not dimensions:
        yield path, ""
    elif total > ELEMENTS_MAX:
        yield f"{path}[{','.join('0' for _ in dimensions)}]", f"[0] of {total}"
    else:
        for places in product(*map(range, dimensions)):
            yield f"{path}[{','.join(map(str, places))}]", ""
