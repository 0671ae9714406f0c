"""SNMP on the wire: one GET of several objects is out at a time, as v2c with a community or as v3 with a user.

Specification: RFC 3416 (operations), RFC 1901 (v2c), RFC 3412 and 3414 (v3), RFC 3430 (over TCP). Only GET can be built.
An answer must echo the number of the request and every object in its order. With v3 it must carry the user's sum
and the agent's own time, so that neither a forged nor a repeated message gives a value.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from time import monotonic

from drivers.base_polled import Dialect, Item, Question, Span
from drivers.base_talk import Malformed, Talk, both
from drivers.snmp_ber import MISSING, NULL, OCTETS, OID, SEQUENCE, Reader, extent, integer, number, oid, tlv
from drivers.snmp_usm import User
from gateway.core.errors import SourceError
from gateway.core.tags import Cause

GET, RESPONSE, REPORT = 0xA0, 0xA2, 0xA8
TOO_BIG = 1
REPORTABLE = 4
USM = 3
WINDOW_S = 150  # how far an agent's message may be from its own time (RFC 3414, 2.2.3)
MESSAGE_MAX = 65_507
NOTHING = tlv(0x81, b"")  # noSuchInstance
REPORTS = {  # the last arc but one of 1.3.6.1.6.3.15.1.1
    1: ("the agent does not offer this user signing and encryption as set", "代理不支持该用户所设的认证与加密级别"),
    2: ("the agent's time moved away from ours", "代理时间与本机记录不一致"),
    3: ("the agent does not know the user", "代理没有该用户"),
    4: ("the agent has another engine id than before", "代理的引擎标识已改变"),
    5: ("the agent refuses the pass phrase of auth", "代理拒绝认证口令"),
    6: ("the agent cannot decrypt: is the pass phrase of priv right?", "代理无法解密：加密口令是否正确？"),
}
TIME_IS_OFF = 2
ABSENT = both("the agent has no such object, or does not show it to us", "代理没有该对象，或未对本机开放")
_STATS = oid("1.3.6.1.6.3.15.1.1")


def asked(name: bytes) -> bytes:
    """What asks for an object in a GET."""
    return tlv(SEQUENCE, tlv(OID, name) + tlv(NULL, b""))


def pairs(data: bytes) -> list[tuple[bytes, bytes]]:
    """Object identifiers with their whole values. Raises Malformed."""
    through, found = Reader(data), []
    while through.at < through.end:
        one = through.inner(SEQUENCE)
        name, at = one.octets(OID), one.at
        one.next()
        one.done()
        found.append((name, data[at : one.end]))
    return found


class SnmpTalk(Talk):
    """One agent. `user` None = v2c. `ask` takes what `asked` made, joined, and answers with the pairs in the same order."""

    def __init__(
        self, timeout_ms: int, community: bytes, user: User | None, context: str = "", *, stream: bool
    ) -> None:
        super().__init__(timeout_ms)
        self._community = community
        self._user = user
        self._context = context.encode()
        self._stream = stream
        self._number = 0
        self._heard = False
        self._engine = b""
        self._boots = self._time = 0
        self._time_s = 0.0  # our clock when the agent's was `_time`
        self._salt = secrets.randbits(64)

    async def hello(self) -> None:
        """Ask an agent of v3 who it is, and when. Raises SourceError, Malformed."""
        if self._user is not None:
            pdu = await self._one(b"")
            if pdu[0] != REPORT or not self._engine:
                raise Malformed("no report of the engine id")

    async def ask(self, request: bytes) -> bytes:
        names = [name for name, _ in pairs(request)]
        refused: set[int] = set()
        while True:
            left = [at for at in range(len(names)) if at not in refused]
            if not left:
                return b"".join(tlv(SEQUENCE, tlv(OID, name) + NOTHING) for name in names)
            status, index, body = await self._get(b"".join(asked(names[at]) for at in left))
            if status:  # the agent answers nothing because of one object: ask for the others
                if status == TOO_BIG or not 1 <= index <= len(left):
                    self._give_up(status)
                refused.add(left[index - 1])
                continue
            found = pairs(body)
            if [name for name, _ in found] != [names[at] for at in left]:
                raise Malformed("not the objects that were asked for")
            values = dict(zip(left, (value for _, value in found), strict=True))
            whole = ((name, values.get(at, NOTHING)) for at, name in enumerate(names))
            return b"".join(tlv(SEQUENCE, tlv(OID, name) + value) for name, value in whole)

    async def _get(self, request: bytes) -> tuple[int, int, bytes]:
        """Error status, index of the object to blame, and the pairs."""
        for _ in range(2):
            pdu = Reader(await self._one(request))
            tag, begin, end = pdu.next(RESPONSE, REPORT)
            inner = Reader(pdu.data, begin, end)
            inner.integer()
            status, index = inner.integer(), inner.integer()
            body = inner.octets(SEQUENCE)
            inner.done()
            if tag == RESPONSE:
                return status, index, body
            self._reported(body)
        raise SourceError(both(*REPORTS[TIME_IS_OFF]))

    async def _one(self, request: bytes) -> bytes:
        try:
            pdu = await super().ask(request)
        except SourceError as error:
            if self._heard or self.gone.done():
                raise
            en, _, zh = str(error).partition(" / ")
            raise SourceError(
                both(
                    f"{en} (an agent also keeps silent for a wrong community, and for an address that it does not let in)",
                    f"{zh}（团体名错误或本机地址未获准时，代理同样不应答）",
                )
            ) from error
        self._heard = True
        return pdu

    def _give_up(self, status: int) -> None:
        raise SourceError(
            both(
                f"the agent cannot answer (error status {status}): write a smaller max_objects",
                f"代理无法应答（错误状态 {status}）：请减小 max_objects",
            )
        )

    def _reported(self, body: bytes) -> None:
        """Raises SourceError, unless the agent told its time and can be asked again."""
        ((name, _),) = pairs(body)[:1] or [(b"", b"")]
        if name[: len(_STATS)] != _STATS or len(name) < len(_STATS) + 2:
            raise Malformed("a report of something else")
        what = name[len(_STATS)]
        if what != TIME_IS_OFF:
            text = REPORTS.get(what, ("the agent refuses", "代理拒绝"))
            raise SourceError(both(*text), Cause.REFUSED, slow=True)

    # -- frames -----------------------------------------------------------------------------------------------------

    def size(self, data: bytes | bytearray) -> int:
        if not self._stream:
            return len(data)
        if data and data[0] != SEQUENCE:
            raise Malformed("no SNMP")
        end = extent(data)[1]
        if end > MESSAGE_MAX:
            raise Malformed(f"a message of {end} bytes")
        return end

    def wrap(self, request: bytes) -> bytes:
        self._number = secrets.randbits(31)
        pdu = tlv(GET, integer(self._number) + integer(0) + integer(0) + tlv(SEQUENCE, request))
        if self._user is None:
            return tlv(SEQUENCE, integer(1) + tlv(OCTETS, self._community) + pdu)
        return self._wrap3(self._user if self._engine else User(""), pdu)

    def _wrap3(self, user: User, pdu: bytes) -> bytes:
        now_s = self._time + int(monotonic() - self._time_s) if self._engine else 0
        scoped = tlv(SEQUENCE, tlv(OCTETS, self._engine) + tlv(OCTETS, self._context) + pdu)
        salt = b""
        if user.priv:
            self._salt = (self._salt + 1) & 0xFFFF_FFFF_FFFF_FFFF
            salt = self._salt.to_bytes(8, "big")
            scoped = tlv(OCTETS, user.crypt(self._engine, self._boots, now_s, salt, scoped))
        flags = bytes([user.flags | REPORTABLE])
        head = tlv(SEQUENCE, integer(self._number) + integer(MESSAGE_MAX) + tlv(OCTETS, flags) + integer(USM))
        front = tlv(OCTETS, self._engine) + integer(self._boots) + integer(now_s) + tlv(OCTETS, user.name.encode())

        def whole(signature: bytes) -> bytes:
            security = tlv(SEQUENCE, front + tlv(OCTETS, signature) + tlv(OCTETS, salt))
            return tlv(SEQUENCE, integer(3) + head + tlv(OCTETS, security) + scoped)

        zeroed = whole(bytes(user.size))
        return whole(user.signature(self._engine, zeroed)) if user.auth else zeroed

    def unwrap(self, frame: bytes) -> bytes:
        outer = Reader(frame)
        message = outer.inner(SEQUENCE)
        outer.done()
        version = message.integer()
        if self._user is None:
            if version != 1 or message.octets() != self._community:
                raise Malformed("another version or community")
            return self._pdu(message, (RESPONSE,))
        if version != 3:
            raise Malformed("another version")
        return self._unwrap3(self._user, message)

    def _pdu(self, through: Reader, tags: tuple[int, ...]) -> bytes:
        """The answer to this request and nothing else."""
        at = through.at
        tag, begin, end = through.next(*tags)
        through.done()
        said = Reader(through.data, begin, end).integer()
        if said != self._number and tag != REPORT:  # a report may not know the number of what it could not read
            raise Malformed("the answer to another request")
        return through.data[at:end]

    def _unwrap3(self, user: User, message: Reader) -> bytes:
        frame = message.data
        head = message.inner(SEQUENCE)
        said, _, flags, model = head.integer(), head.integer(), head.octets(), head.integer()
        if said != self._number or len(flags) != 1 or model != USM:
            raise Malformed("the answer to another request")
        _, begin, end = message.next(OCTETS)
        security = Reader(frame, begin, end).inner(SEQUENCE)
        engine, boots, time_s, name = security.octets(), security.integer(), security.integer(), security.octets()
        _, at, stop = security.next(OCTETS)
        salt = security.octets()
        if not 0 <= boots < 1 << 31 or not 0 <= time_s < 1 << 31 or not 5 <= len(engine) <= 32:
            raise Malformed("no engine, or no time")
        signed = bool(flags[0] & 1)
        if signed:
            self._verify(user, frame, at, stop, engine, name)
            self._moment(boots, time_s)
        data = self._scoped(user, message, flags[0], (boots, time_s, salt))
        scoped = Reader(data).inner(SEQUENCE)
        scoped.octets()
        scoped.octets()
        pdu = self._pdu(scoped, (RESPONSE, REPORT))
        if pdu[0] == RESPONSE and (flags[0] & 3 != user.flags or engine != self._engine or name != user.name.encode()):
            raise Malformed("an answer without the security of the request")
        if pdu[0] == REPORT and not self._engine:
            self._engine, self._boots, self._time, self._time_s = engine, boots, time_s, monotonic()
        return pdu

    def _verify(self, user: User, frame: bytes, at: int, stop: int, engine: bytes, name: bytes) -> None:
        zeroed = frame[:at] + bytes(stop - at) + frame[stop:]
        if not user.auth or stop - at != user.size or engine != self._engine or name != user.name.encode():
            raise Malformed("signed by somebody else")
        if not hmac.compare_digest(user.signature(engine, zeroed), frame[at:stop]):
            raise Malformed("a wrong signature")

    def _moment(self, boots: int, time_s: int) -> None:
        """A signed message tells the agent's time; an older one is a repetition."""
        expected = self._time + monotonic() - self._time_s
        if boots < self._boots or (boots == self._boots and time_s < expected - WINDOW_S):
            raise Malformed("a message of another time")
        self._boots, self._time, self._time_s = boots, time_s, monotonic()

    def _scoped(self, user: User, message: Reader, flags: int, moment: tuple[int, int, bytes]) -> bytes:
        """The inner part in clear."""
        at = message.at
        _, begin, end = message.next(OCTETS if flags & 2 else SEQUENCE)
        message.done()
        if not flags & 2:
            return message.data[at:end]
        boots, time_s, salt = moment
        if not user.priv or not flags & 1 or len(salt) != 8:
            raise Malformed("encrypted for somebody else")
        return user.crypt(self._engine, boots, time_s, salt, message.data[begin:end], back=True)


class Snmp(Dialect):
    """An object is an area of its own."""

    def __init__(self, most: int) -> None:
        self._most = most

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        chosen = [spans[at : at + self._most] for at in range(0, len(spans), self._most)]
        return [Question(some, b"".join(asked(span.area) for span in some)) for some in chosen]

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        return [ABSENT if value[0] in MISSING else value for _, value in pairs(answer)]

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        found = number(span.data)
        if item.address.equals is not None and found == found:
            return float(found == item.address.equals)
        return float("nan") if item.address.boolean and found not in (0.0, 1.0) else found
