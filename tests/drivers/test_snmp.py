"""SNMP beyond the contract: known answers of the standards, versions and users over UDP, and who is not believed."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import snmp, snmp_ber, snmp_usm, snmp_wire
from drivers.base import PointSpec
from drivers.base_talk import Malformed
from drivers.snmp_usm import User
from drivers.snmp_wire import SnmpTalk
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause, Quality
from tests.contract.case import plan_of
from tests.contract.case_snmp import BASE, CASE, LOAD_FLOAT, LOAD_TEXT, USERS, Agent, agent, made, secrets
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Agent]:
    try:
        with agent(tmp_path) as one:
            yield one
    except PeerMissing as missing:
        absent(str(missing))


def test_keys_are_those_of_the_standard() -> None:
    """RFC 3414, A.3.2."""
    engine = bytes.fromhex("000000000000000000000002")
    assert snmp_usm.localized("sha", b"maplesyrup", engine).hex() == "6695febc9288e36282235fc7151f128497b38f3f"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("1.3.6.1.2.1.1.3.0", "2b06010201010300"),
        ("2.999.3", "883703"),
        ("1.3.6.1.4.1.4294967295", "2b060104018fffffff7f"),
    ],
)
def test_object_identifiers(text: str, content: str) -> None:
    assert snmp_ber.oid(text).hex() == content


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0201d6", -42.0), ("020800ffffffffffffff", float((1 << 56) - 1)), ("4205 00ee6b2800", 4e9), ("4100", math.nan),
        ("460900ffffffffffffffff", float((1 << 64) - 1)), ("4303057e40", 360000.0), ("44079f780442f70000", 123.5),
        ("440b9f79083ff8000000000000", 1.5), ("44079f78047f800000", math.nan), ("440100", math.nan), ("0404" + b"12.5".hex(), 12.5),
        ("0403" + b"nan".hex(), math.nan), ("0403" + b"1_0".hex(), math.nan), ("0400", math.nan), ("0500", math.nan), ("0200", math.nan),
    ],
)  # fmt: skip
def test_values_of_every_type(value: str, found: float) -> None:
    assert repr(snmp_ber.number(bytes.fromhex(value))) == repr(found)


def test_integers_take_as_few_bytes_as_can_be() -> None:
    for value, content in (
        (0, "00"),
        (127, "7f"),
        (128, "0080"),
        (-128, "80"),
        (-129, "ff7f"),
        (-(1 << 31), "80000000"),
    ):
        assert snmp_ber.integer(value).hex()[4:] == content
        assert snmp_ber.Reader(snmp_ber.integer(value)).integer() == value


async def assert_holds(url: str, files: dict[str, Path], **more: Any) -> None:
    driver, plan = made(url, files, period_ms=50, **more)
    async with listening(driver, plan) as (listener, task):
        await until(lambda: listener.holds(CASE.known))
        assert {listener.latest[name][1:] for name in ("missing", "nothing")} == {(Quality.BAD, Cause.DEVICE)}
        assert not task.done()


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_foreign_agent_is_read_as_every_user_and_with_the_community(
    running: Agent, tmp_path: Path, kind: str
) -> None:
    files = secrets(tmp_path)
    signed = {key: file for key, file in files.items() if key != "priv_file"}

    async def dialogue() -> None:
        url = f"{kind}://127.0.0.1:{running.port}"
        await assert_holds(url, files)
        await assert_holds(url, {}, user="open")
        for name in USERS if kind == "udp" else ["sha512"]:
            await assert_holds(url, files, user=name, auth=name)
            await assert_holds(url, signed, user=name, auth=name)

    asyncio.run(dialogue())


def test_the_load_average_as_text_and_as_opaque_float_is_the_same(running: Agent, tmp_path: Path) -> None:
    settings = snmp.Settings(url=f"udp://127.0.0.1:{running.port}", community_file=secrets(tmp_path)["community_file"])
    plan = plan_of(snmp, settings, [PointSpec("text", LOAD_TEXT, ""), PointSpec("float", LOAD_FLOAT, "")])

    async def dialogue() -> None:
        async with listening(snmp.Driver(settings, plan), plan) as (listener, _):
            await until(lambda: listener.value("float") is not None)
            text, number = listener.value("text"), listener.value("float")
            assert text is not None
            assert number is not None
            assert abs(text - number) < 0.011

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"user": "sha256", "auth": "sha512"}, "refuses the pass phrase"),
        ({"user": "stranger"}, "does not know the user"),
        ({"user": "sha256", "priv_file": "auth_file"}, ""),
        ({"wrong": True}, "wrong community"),
    ],
)
def test_who_is_not_let_in_is_told_why(running: Agent, tmp_path: Path, more: dict[str, Any], word: str) -> None:
    files = secrets(tmp_path)
    if more.pop("wrong", False):
        files["community_file"].write_text("another")
    if "priv_file" in more:
        more["priv_file"] = files["auth_file"]

    async def dialogue() -> None:
        driver, plan = made(f"udp://127.0.0.1:{running.port}", files, **{"timeout_ms": 150, **more})
        async with listening(driver, plan) as (listener, task):
            await asyncio.wait({task}, timeout=5)
            error = task.exception()
            assert isinstance(error, SourceError)
            assert word in str(error)
            assert any("\u4e00" <= c <= "\u9fff" for c in str(error))
            assert not listener.good

    asyncio.run(dialogue())


def test_nobody_at_udp_is_a_lost_device(tmp_path: Path) -> None:
    async def dialogue() -> None:
        driver, plan = made("udp://127.0.0.1:9", secrets(tmp_path), timeout_ms=50)
        async with listening(driver, plan) as (_, task):
            await asyncio.wait({task}, timeout=3)
            assert isinstance(task.exception(), SourceError)

    asyncio.run(dialogue())


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test of what lives on a loop."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:
        asyncio.run(test(*given, **named))

    return run


def known(user: User) -> SnmpTalk:
    """A talk that has met an agent."""
    talk = SnmpTalk(100, b"", user, stream=False)
    talk._engine, talk._boots, talk._time = b"engine", 3, 1000
    talk._time_s = snmp_wire.monotonic()
    return talk


def answered(user: User, *, boots: int = 3, time_s: int = 1000, tag: int = 0xA2) -> tuple[SnmpTalk, bytes]:
    """A talk whose question is out, and an agent's answer to it made with the same code from the other side."""
    talk = known(user)
    talk.wrap(b"")
    other = known(user)
    other._boots, other._time, other._number = boots, time_s, talk._number
    pdu = snmp_ber.tlv(tag, snmp_ber.integer(talk._number) + snmp_ber.integer(0) * 2 + snmp_ber.tlv(0x30, b""))
    return talk, other._wrap3(user, pdu)


USER = User("u", "sha256", b"auth phrase", b"priv phrase")


@on_loop
async def test_only_the_agents_own_fresh_and_whole_answer_is_taken() -> None:
    talk, frame = answered(USER)
    assert talk.unwrap(frame)[0] == 0xA2
    for at in range(len(frame)):
        spoiled = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        with pytest.raises(Malformed):
            talk.unwrap(spoiled)
    for boots, time_s in ((2, 1000), (3, 800)):
        talk, frame = answered(USER, boots=boots, time_s=time_s)
        with pytest.raises(Malformed, match="another time"):
            talk.unwrap(frame)
    talk, frame = answered(USER, boots=4, time_s=1)
    talk.unwrap(frame)
    assert (talk._boots, talk._time) == (4, 1), "it has started again"


@pytest.mark.parametrize("weaker", [User("u"), User("u", "sha256", b"auth phrase")])
@on_loop
async def test_an_answer_with_less_security_than_the_question_is_nobodys(weaker: User) -> None:
    talk, frame = answered(weaker)
    talk._user = USER
    with pytest.raises(Malformed):
        talk.unwrap(frame)


class Genial(asyncio.DatagramProtocol):
    """An agent that fails a whole request because of its second object."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.asked: list[int] = []

    def datagram_received(self, data: bytes, address: object) -> None:
        message = snmp_ber.Reader(data).inner(0x30)
        message.integer()
        message.octets()
        pdu = message.inner(0xA0)
        number = pdu.integer()
        pdu.integer()
        pdu.integer()
        names = [name for name, _ in snmp_wire.pairs(pdu.octets(0x30))]
        self.asked.append(len(names))
        bad = snmp_ber.oid(f"{BASE}.2.0")
        at = names.index(bad) + 1 if bad in names else 0
        value = snmp_ber.integer(5) if not at else snmp_ber.tlv(5, b"")
        body = b"".join(snmp_ber.tlv(0x30, snmp_ber.tlv(6, name) + value) for name in names)
        answer = (
            snmp_ber.integer(number)
            + snmp_ber.integer(5 if at else 0)
            + snmp_ber.integer(at)
            + snmp_ber.tlv(0x30, body)
        )
        whole = snmp_ber.integer(1) + snmp_ber.tlv(4, b"c") + snmp_ber.tlv(0xA2, answer)
        self.transport.sendto(snmp_ber.tlv(0x30, whole), address)  # type: ignore[attr-defined]


def test_an_agent_that_fails_all_because_of_one_is_asked_for_the_others(tmp_path: Path) -> None:
    file = tmp_path / "c"
    file.write_text("c\n")

    async def dialogue() -> None:
        transport, one = await asyncio.get_running_loop().create_datagram_endpoint(Genial, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        settings = snmp.Settings(url=f"udp://127.0.0.1:{port}", community_file=file, period_ms=20)
        plan = plan_of(snmp, settings, [PointSpec(f"o{at}", f"{BASE}.{at}.0", "") for at in (1, 2, 3)])
        async with listening(snmp.Driver(settings, plan), plan) as (listener, _):
            await until(lambda: listener.holds({"o1": 5.0, "o3": 5.0}))
            assert listener.latest["o2"][1:] == (Quality.BAD, Cause.DEVICE)
            await until(lambda: len(one.asked) > 4)
        assert one.asked[:2] == [3, 2]
        assert set(one.asked[2:]) == {2}, "set aside, and not asked in every cycle"
        transport.close()

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    "address", ["", "sysUpTime.0", "1", "1.3..6", "3.1.2", "1.40.1", "1.3.6.x", "1.3.6=on", "1.3.4294967296"]
)
def test_a_wrong_address_says_what_would_be_right(address: str, tmp_path: Path) -> None:
    settings = snmp.Settings(url="udp://h", user="u")
    with pytest.raises(AddressError) as caught:
        snmp.parse(settings, PointSpec("t", address, ""))
    assert any("\u4e00" <= c <= "\u9fff" for c in caught.value.zh)


def test_nothing_is_set_and_no_type_is_given() -> None:
    settings = snmp.Settings(url="udp://h", user="u")
    with pytest.raises(AddressError, match="read back"):
        snmp.parse(settings, PointSpec("t", "1.3.6.1", "", writable=True))
    with pytest.raises(AddressError, match="agent tells"):
        snmp.parse(settings, PointSpec("t", "1.3.6.1", "uint16"))


@pytest.mark.parametrize(
    "given",
    [
        {"url": "udp://h"},
        {"url": "udp://h", "user": "u", "community_file": "c"},
        {"url": "udp://h", "user": "u", "priv_file": "p"},
        {"url": "udp://h", "community_file": "c", "auth_file": "a"},
        {"url": "http://h", "user": "u"},
        {"url": "udp://h", "user": "u", "auth": "md5"},
    ],
)
def test_a_wrong_setting_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        snmp.Settings.model_validate(given)


@on_loop
async def test_only_a_get_can_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snmp_wire.secrets, "randbits", lambda bits: 0x01020304)
    frame = SnmpTalk(100, b"public", None, stream=False).wrap(snmp_wire.asked(snmp_ber.oid("1.3.6.1.2.1.1.3.0")))
    expected = "3029 020101 0406 7075626c6963 a01c 0204 01020304 020100 020100 300e 300c 0608 2b06010201010300 0500"
    assert frame == bytes.fromhex(expected)
