"""IEC 104 beyond the contract: addresses, time tags, quality, commands, and the frames of the link to the byte."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from drivers import iec104
from drivers.base import PointSpec, ReadBack, WriteCommand
from drivers.base_talk import Malformed
from drivers.iec104_link import Link
from drivers.iec104_session import Address, Session
from drivers.iec104_wire import ORDERS, asdu_of, i_frame, reports, s_frame, selecting, u_frame, utc_ns
from gateway.core.errors import AddressError
from gateway.core.samples import Alive, Few
from gateway.core.tags import Cause, Quality
from tests.contract.case_iec104 import driver, outstation
from tests.contract.listener import listening, until
from tests.fuzz.wire import Nowhere
from tests.peers.build import PeerMissing, absent
from tests.peers.lines import LinePeer
from tests.peers.relay import Relay

SETTINGS = iec104.Settings(url="tcp://127.0.0.1")
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
GOOD, UNCERTAIN, BAD = int(Quality.GOOD), int(Quality.UNCERTAIN), int(Quality.BAD)


def address(text: str, kind: str = "", **more: Any) -> Address:
    found = iec104.parse(SETTINGS, PointSpec("t", text, kind, **more)).key
    assert isinstance(found, Address)
    return found


@contextmanager
def station(*points: str) -> Iterator[LinePeer]:
    try:
        with outstation(points) as server:
            yield server
    except PeerMissing as missing:
        absent(str(missing))


# -- addresses and settings ---------------------------------------------------------------------------------------------


def test_an_address_names_station_and_point_and_the_command_of_an_output() -> None:
    assert address("1:1001") == Address(1, 1001)
    assert address(" 65534:16777215 ") == Address(65534, 16777215)
    assert address("1:1001 sc:5001", "bool", writable=True) == Address(1, 1001, "sc", 5001)
    assert address("1:1001  DC:5001 select", "bool", writable=True) == Address(1, 1001, "dc", 5001, True)
    assert address("1:2001 nc:6001", writable=True) == Address(1, 2001, "nc", 6001)
    assert iec104.parse(SETTINGS, PointSpec("beat", "1:9 nb:8", "", writable=True, hidden=True)).group == "write"


@pytest.mark.parametrize(
    "text", ["", "1001", "1:", "0:5", "65535:5", "1:0", "1:16777216", "1:5 xx:6", "1:5 sc:0", "1:5 sc:6 now", "１:5"]
)
def test_a_wrong_address_says_what_would_be_right(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(text, "bool", writable="sc" in text)
    assert "1:1001 sc:5001" in caught.value.en
    assert "应写成" in caught.value.zh


@pytest.mark.parametrize(
    ("text", "kind", "writable", "says"),
    [
        ("1:5", "float32", False, "type"),
        ("1:5", "bool", True, "names its command"),
        ("1:5 sc:6", "bool", False, "names its command"),
        ("1:5 sc:6", "", True, "sc and dc are for type bool"),
        ("1:5 nb:6", "bool", True, "sc and dc are for type bool"),
    ],
)
def test_type_and_command_must_fit(text: str, kind: str, writable: bool, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        address(text, kind, writable=writable)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"url": "tcp://"}, "is not the address of an outstation"),
        ({"timezone": "Mars/Olympus"}, "is no time zone"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"ack_ms": 15_000}, r"must be less than t1_ms"),
    ],
)
def test_wrong_settings_say_what_would_be_right(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        iec104.Settings(**{"url": "tcp://127.0.0.1", **wrong})


# -- time tags ----------------------------------------------------------------------------------------------------------


def tag(
    when: datetime,
    *,
    summer: bool = False,
    invalid: bool = False,
    day: int | None = None,
    milliseconds: int | None = None,
) -> bytes:
    return struct.pack(
        "<HBBBBB",
        milliseconds if milliseconds is not None else when.second * 1000 + when.microsecond // 1000,
        when.minute | (0x80 if invalid else 0),
        when.hour | (0x80 if summer else 0),
        when.day | when.isoweekday() << 5 if day is None else day,
        when.month,
        when.year % 100,
    )


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc,arg-type]


def test_a_time_tag_is_read_on_the_clock_of_the_outstation() -> None:
    noon = datetime(2026, 11, 24, 12, 0, 5, 250_000)
    assert utc_ns(tag(noon), SHANGHAI) == ns(2026, 11, 24, 4, 0, 5) + 250_000_000
    assert utc_ns(tag(noon), ZoneInfo("UTC")) == ns(2026, 11, 24, 12, 0, 5) + 250_000_000
    assert utc_ns(tag(datetime(2026, 7, 1, 12), summer=True), BERLIN) == ns(2026, 7, 1, 10)


def test_the_hour_that_comes_twice_is_told_apart_by_the_summer_time_bit() -> None:
    twice = datetime(2026, 10, 25, 2, 30)
    assert utc_ns(tag(twice, summer=True), BERLIN) == ns(2026, 10, 25, 0, 30)
    assert utc_ns(tag(twice), BERLIN) == ns(2026, 10, 25, 1, 30)


def test_no_such_time_is_no_time_and_the_value_stays() -> None:
    noon = datetime(2026, 11, 24, 12)
    assert utc_ns(tag(noon, invalid=True), SHANGHAI) == 0
    assert utc_ns(tag(noon, day=0), SHANGHAI) == 0
    assert utc_ns(tag(noon, day=31), SHANGHAI) == 0  # of November
    assert utc_ns(tag(noon, milliseconds=60_000), SHANGHAI) == 0
    assert utc_ns(bytes(7), SHANGHAI) == 0
    data = bytes.fromhex("1e 01 03 00 0100 e90300 01") + bytes(7)
    (found,) = reports(asdu_of(data), SHANGHAI)
    assert (found.raw, found.stamp_ns) == (1.0, 0)


# -- ASDUs --------------------------------------------------------------------------------------------------------------


def test_a_sequence_counts_its_addresses_up_and_a_list_names_each() -> None:
    counted = asdu_of(bytes.fromhex("0b 83 03 00 0100 e80300 0100 00 ffff 00 0080 01"))
    assert [(one.address, one.raw, one.quality) for one in reports(counted, SHANGHAI)] == [
        (1000, 1.0, 0),
        (1001, -1.0, 0),
        (1002, -32768.0, 1),
    ]
    named = asdu_of(bytes.fromhex("03 02 03 00 0100 e80300 02 05ff00 03"))
    assert [(one.address, one.raw) for one in reports(named, SHANGHAI)] == [(1000, 1.0), (65285, 0.0)]
    bits = asdu_of(bytes.fromhex("21 01 03 00 0100 e80300 01000180 40") + tag(datetime(2026, 1, 1)))
    assert [(one.raw, one.quality) for one in reports(bits, ZoneInfo("UTC"))] == [(2147549185.0, 0x40)]
    bare = asdu_of(bytes.fromhex("15 01 03 00 0100 e80300 0040"))
    assert [(one.raw, one.quality) for one in reports(bare, SHANGHAI)] == [(0.5, 0)]


@pytest.mark.parametrize(
    "data",
    [
        "0b 82 03 00 0100 e80300 0100 00",  # one object too few
        "0b 01 03 00 0100 e80300 0100 00 00",  # a byte too many
        "0b 00 03 00 0100 e80300",  # no object
        "0b 01 03 00 0100",
    ],
)
def test_a_count_that_does_not_fit_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        list(reports(asdu_of(bytes.fromhex(data)), SHANGHAI))


@pytest.mark.parametrize("cause", ["83", "43", "07", "0a", "2d"])
def test_a_test_a_refusal_and_what_is_no_report_give_no_value(cause: str) -> None:
    assert not list(reports(asdu_of(bytes.fromhex(f"0b 01 {cause} 00 0100 e80300 0100 00")), SHANGHAI))


@pytest.mark.parametrize(
    ("order", "raw", "element"),
    [
        ("sc", 1.0, "01"),
        ("sc", 0.0, "00"),
        ("dc", 1.0, "02"),
        ("dc", 0.0, "01"),
        ("na", -1.0, "008000"),
        ("na", 1.0, "ff7f00"),
        ("nb", -300.4, "d4fe00"),
        ("nc", 12.5, "0000484100"),
    ],
)
def test_a_command_to_the_byte(order: str, raw: float, element: str) -> None:
    assert ORDERS[order].encode(raw) == bytes.fromhex(element)
    assert selecting(ORDERS[order].encode(raw))[-1] == bytes.fromhex(element)[-1] | 0x80


@pytest.mark.parametrize(
    ("order", "raw"), [("sc", 2.0), ("dc", 0.5), ("na", 1.01), ("nb", 32768.0), ("nb", -32769.0), ("nc", 1e39)]
)
def test_a_value_that_does_not_fit_is_not_written(order: str, raw: float) -> None:
    with pytest.raises(ValueError, match=r"neither|between|fit"):
        ORDERS[order].encode(raw)


# -- the link -----------------------------------------------------------------------------------------------------------


class Wired:
    """A link whose frames go nowhere."""

    def __init__(self, **times: Any) -> None:
        self.link = Link(**{"k": 12, "w": 8, "t1_s": 60.0, "t2_s": 30.0, "t3_s": 30.0, "u_s": 60.0, **times})
        self.out = Nowhere()
        self.link.connection_made(self.out)

    async def started(self) -> Wired:
        starting = asyncio.ensure_future(self.link.start())
        await asyncio.sleep(0)
        self.link.data_received(u_frame(0x0B))
        await starting
        self.taken()
        return self

    def taken(self) -> str:
        """What was sent since the last call."""
        sent, self.out.sent = self.out.sent.hex(), b""
        return sent


REPORT = bytes.fromhex("01 01 03 00 0100 e90300 01")


def test_the_window_w_and_the_timer_t2_acknowledge() -> None:
    async def dialogue() -> None:
        wired = await Wired(w=3, t2_s=0.03).started()
        for number in range(3):
            assert not wired.taken()
            wired.link.data_received(i_frame(number, 0, REPORT))
        assert wired.taken() == s_frame(3).hex()
        wired.link.data_received(i_frame(3, 0, REPORT))
        assert not wired.taken()
        await until(lambda: bool(wired.out.sent), 1.0)
        assert wired.taken() == s_frame(4).hex()
        wired.link.close()

    asyncio.run(dialogue())


def test_the_window_k_holds_back_until_it_is_acknowledged() -> None:
    async def dialogue() -> None:
        wired = await Wired(k=2).started()
        for _ in range(2):
            await wired.link.send(REPORT)
        third = asyncio.ensure_future(wired.link.send(REPORT))
        await asyncio.sleep(0.01)
        assert not third.done()
        assert wired.taken() == (i_frame(0, 0, REPORT) + i_frame(1, 0, REPORT)).hex()
        wired.link.data_received(s_frame(1))
        await third
        assert wired.taken() == i_frame(2, 0, REPORT).hex()
        wired.link.close()

    asyncio.run(dialogue())


def test_numbers_go_round_after_32767() -> None:
    async def dialogue() -> None:
        wired = await Wired(w=32767).started()
        wired.link._next = wired.link._received = 32767
        await wired.link.send(REPORT)
        wired.link.data_received(i_frame(32767, 0, REPORT) + i_frame(0, 0, REPORT))
        await wired.link.send(REPORT)
        assert wired.link.error is None
        assert wired.taken() == (i_frame(32767, 32767, REPORT) + i_frame(0, 1, REPORT)).hex()
        wired.link.close()

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    "frame",
    [
        i_frame(1, 0, REPORT),  # a number left out
        i_frame(0, 1, REPORT),  # acknowledges what was not sent
        s_frame(1),
        u_frame(0x83),  # confirms a test that was not asked for
        u_frame(0x0B),
        u_frame(0x07),  # a controlled station does not start us
        u_frame(0x03),
        bytes.fromhex("68050100000000"),
        b"\x69\x04",
        b"\x68\x03",
        b"\x68\xfe",
    ],
)
def test_what_breaks_the_rules_ends_the_link_before_its_value_is_taken(frame: bytes) -> None:
    async def dialogue() -> None:
        wired = await Wired().started()
        heard: list[Any] = []
        wired.link.on_asdu = lambda asdu: bool(heard.append(asdu))
        wired.link.data_received(frame)
        assert wired.link.error is not None
        assert "应答" in str(wired.link.error)
        assert wired.out.aborted
        assert not heard

    asyncio.run(dialogue())


def test_a_test_is_answered_and_an_unanswered_one_ends_the_link() -> None:
    async def dialogue() -> None:
        wired = await Wired(t3_s=0.02, u_s=0.05).started()
        wired.link.data_received(u_frame(0x43))
        assert wired.taken() == u_frame(0x83).hex()
        told: list[int] = []
        wired.link.on_test = lambda: told.append(1)
        await until(lambda: bool(wired.out.sent), 1.0)
        assert wired.taken() == u_frame(0x43).hex()
        wired.link.data_received(u_frame(0x83))
        assert told == [1]
        await until(lambda: wired.link.error is not None, 1.0)
        assert "50 ms" in str(wired.link.error)

    asyncio.run(dialogue())


def test_a_frame_that_is_not_acknowledged_within_t1_ends_the_link() -> None:
    async def dialogue() -> None:
        wired = await Wired(t1_s=0.03).started()
        await wired.link.send(REPORT)
        await until(lambda: wired.link.error is not None, 1.0)
        assert "did not confirm what we sent" in str(wired.link.error)

    asyncio.run(dialogue())


# -- against the outstation ---------------------------------------------------------------------------------------------


def test_without_being_asked_for_nothing_is_interrogated() -> None:
    async def dialogue(server: LinePeer) -> None:
        with Relay(server.port) as relay:
            driven, plan = driver(relay.port, [PointSpec("a", "1:11", "")], interrogate=False)
            async with listening(driven, plan) as (listener, _):
                await until(lambda: listener.blocks > 5)
                assert listener.latest["a"][1:] == (BAD, Cause.NEVER)
                assert not any(b"\x64\x01\x06" in one for one in relay.sent)
                server.ask("set 1 11 7.5")
                await until(lambda: listener.value("a") == 7.5)
                alive = listener.alive
                await until(lambda: listener.alive > alive + 2)  # nothing changes, and the link says so

    with station("1:11:M_ME_NC_1:1.5") as server:
        asyncio.run(dialogue(server))


@pytest.mark.parametrize(
    ("kind", "value", "bits", "told"),
    [
        ("M_ME_NC_1", 5.0, 0x80, (math.nan, BAD, Cause.DEVICE)),
        ("M_ME_TF_1", 5.0, 0x40, (math.nan, BAD, Cause.STALE)),
        ("M_ME_NB_1", 5.0, 0x10, (math.nan, BAD, Cause.STALE)),
        ("M_ME_NB_1", 5.0, 0x20, (5.0, UNCERTAIN, Cause.MAINTENANCE)),
        ("M_ME_NB_1", 32767.0, 0x01, (32767.0, BAD, Cause.ABOVE_RANGE)),
        ("M_ME_TD_1", -1.0, 0x01, (-1.0, BAD, Cause.BELOW_RANGE)),
        ("M_ME_NC_1", 0.0, 0x01, (0.0, BAD, Cause.DEVICE)),
        ("M_SP_TB_1", 1.0, 0x20, (1.0, UNCERTAIN, Cause.MAINTENANCE)),
        ("M_DP_NA_1", 2.0, 0, (math.nan, BAD, Cause.DEVICE)),
        ("M_DP_TB_1", 3.0, 0, (math.nan, BAD, Cause.DEVICE)),
        ("M_BO_TB_1", 65537.0, 0, (65537.0, GOOD, Cause.NONE)),
        ("M_IT_NA_1", -70000.0, 0, (-70000.0, GOOD, Cause.NONE)),
        ("M_IT_TB_1", 12.0, 0, (12.0, GOOD, Cause.NONE)),
        ("M_IT_TB_1", 12.0, 0x80, (math.nan, BAD, Cause.DEVICE)),
        ("M_ME_ND_1", 0.125, 0, (0.125, GOOD, Cause.NONE)),
    ],
)
def test_the_quality_of_the_outstation_is_kept(
    kind: str, value: float, bits: int, told: tuple[float, int, int]
) -> None:
    async def dialogue(server: LinePeer) -> None:
        driven, plan = driver(server.port, [PointSpec("a", "1:11", "")], interrogate=False)
        async with listening(driven, plan) as (listener, _):
            await until(lambda: listener.blocks > 1)
            server.ask(f"set 1 11 {value} {bits}")
            await until(lambda: listener.latest["a"][2] != Cause.NEVER)
            assert str(listener.latest["a"]) == str((told[0], int(told[1]), int(told[2])))

    with station(f"1:11:{kind}") as server:
        asyncio.run(dialogue(server))


def test_a_time_tag_is_the_source_time_of_its_block() -> None:
    when = ns(2026, 3, 4, 5, 6, 7) + 89_000_000

    async def dialogue(server: LinePeer) -> None:
        driven, _ = driver(server.port, [PointSpec("a", "1:11", "")], interrogate=False)
        blocks: list[Few] = []
        task = asyncio.create_task(driven.run(lambda one: blocks.append(one) if isinstance(one, Few) else None))
        await until(lambda: driven.up)
        server.ask(f"set 1 11 3 0 {when}")
        await until(lambda: any(one.qualities == [GOOD] for one in blocks))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        found = next(one for one in blocks if one.qualities == [GOOD])
        assert (found.values, found.source_ns, found.clock) == ([3.0], when, "device")

    with station("1:11:M_ME_TE_1") as server:
        asyncio.run(dialogue(server))


ORDERED = [
    PointSpec("sc", "1:11 sc:51", "bool", writable=True),
    PointSpec("dc", "1:12 dc:52 select", "bool", writable=True),
    PointSpec("na", "1:13 na:53", "", writable=True),
    PointSpec("nb", "1:14 nb:54", "", scale=0.1, writable=True),
    PointSpec("nc", "1:15 nc:55 select", "", writable=True),
    PointSpec("nobody", "1:11 sc:99", "bool", writable=True),
    PointSpec("direct", "1:12 dc:52", "bool", writable=True),
]


def test_every_command_is_confirmed_and_read_back_and_what_is_refused_says_so() -> None:
    async def dialogue(server: LinePeer) -> None:
        driven, plan = driver(server.port, ORDERED)
        numbers = {one.tag.name: one.tag.number for tags in plan.tags for one in tags}

        async def write(name: str, value: float) -> ReadBack:
            return await driven.write(WriteCommand(numbers[name], value))

        async with listening(driven, plan) as (listener, task):
            await until(lambda: listener.value("nc") == 0.0)
            for name, value in (("sc", 1.0), ("dc", 1.0), ("dc", 0.0), ("na", -0.5), ("nb", -12.5), ("nc", 7.25)):
                told = await write(name, value)
                # c104 clears a used selection late, and with it one that was made meanwhile.
                if "refuses" in told.error:
                    told = await write(name, value)
                assert told == ReadBack(True, value), name
                await until(lambda name=name, value=value: listener.value(name) == value)  # type: ignore[misc]
            for name, value, says in (
                ("nobody", 1.0, "refuses"),
                ("nb", 1e6, "does not fit"),
                ("direct", 1.0, "refuses"),  # the point wants to be selected first
            ):
                refused = await write(name, value)
                assert not refused.ok
                assert says in refused.error
                assert " / " in refused.error
            server.ask("refuse yes")
            assert not (await write("dc", 1.0)).ok
            assert listener.value("dc") == 0.0
            assert not task.done()

    with station(
        "1:11:M_SP_NA_1", "1:12:M_DP_NA_1", "1:13:M_ME_NA_1", "1:14:M_ME_NB_1", "1:15:M_ME_NC_1", "1:51:C_SC_NA_1>11",
        "1:52:C_DC_NA_1>12:select", "1:53:C_SE_NA_1>13", "1:54:C_SE_NB_1>14", "1:55:C_SE_NC_1>15:select",
    ) as server:  # fmt: skip
        asyncio.run(dialogue(server))


def test_a_station_that_is_not_there_is_said_or_set_aside() -> None:
    async def alone(server: LinePeer) -> None:
        driven, plan = driver(server.port, [PointSpec("a", "9:11", "")])
        async with listening(driven, plan) as (listener, task):
            await asyncio.wait({task}, timeout=2.0)
        assert "station 9" in str(listener.error)
        assert "总召唤" in str(listener.error)

    async def beside(server: LinePeer) -> None:
        driven, plan = driver(server.port, [PointSpec("a", "9:11", ""), PointSpec("b", "1:11", "")])
        async with listening(driven, plan) as (listener, task):
            await until(lambda: listener.value("b") == 1.5 and listener.latest["a"][2] == Cause.DEVICE)
            assert not task.done()

    with station("1:11:M_ME_NC_1:1.5") as server:
        asyncio.run(alone(server))
        asyncio.run(beside(server))


# -- what c104 does not do ----------------------------------------------------------------------------------------------


class Scripted(Wired):
    """A started session whose outstation is this test."""

    def __init__(self, rows: list[PointSpec], **more: Any) -> None:
        super().__init__()
        self.driven, self.plan = driver(1, rows, **more)
        self.blocks: list[Any] = []
        self.session = Session(self.driven, self.driven.settings, self.link, self.blocks.append)
        self.number = 0

    def say(self, asdu: str) -> None:
        self.link.data_received(i_frame(self.number, self.link._next, bytes.fromhex(asdu)))
        self.number += 1


def test_points_of_one_frame_are_one_block_unless_time_or_point_comes_again() -> None:
    rows = [PointSpec("a", "1:1001", ""), PointSpec("b", "1:1002", ""), PointSpec("again", "1:1001", "")]

    async def dialogue() -> None:
        wired = Scripted(rows, interrogate=False)
        await wired.started()
        wired.say("0b 03 03 00 0100 e90300 0100 00 ea0300 0200 00 e90300 0300 00")
        assert [(one.tags, one.values) for one in wired.blocks] == [([0, 1, 2], [1.0, 1.0, 2.0]), ([0, 1], [3.0, 3.0])]
        wired.blocks.clear()
        late, later = (tag(datetime(2026, 1, 1, 0, 0, second)).hex() for second in (1, 2))
        wired.say(f"23 02 03 00 0100 ea0300 0500 00 {late} ea0300 0600 00 {later}")
        assert [(one.values, one.source_ns) for one in wired.blocks] == [
            ([5.0], ns(2026, 1, 1, 0, 0, 1)),
            ([6.0], ns(2026, 1, 1, 0, 0, 2)),
        ]
        wired.link.close()

    asyncio.run(dialogue())


def test_only_points_of_ours_and_a_confirmed_test_confirm_the_link() -> None:
    async def dialogue() -> None:
        wired = Scripted([PointSpec("a", "1:1001", "")], interrogate=False)
        await wired.started()
        wired.link._confirmed_s = 0.0
        wired.say("0b 01 03 00 0100 f90300 0100 00")  # another point
        wired.say("0b 01 03 00 0200 e90300 0100 00")  # the same of another station
        wired.say("2d 01 07 00 0100 8a1300 01")
        assert not wired.blocks
        assert wired.link._confirmed_s == 0.0
        wired.say("0b 01 03 00 0100 e90300 0100 00")
        assert wired.link._confirmed_s > 0.0
        wired.session.confirmed()
        assert isinstance(wired.blocks[-1], Alive)
        wired.say("0b 01 03 00 0100 e90300 0100 40")
        wired.session.confirmed()
        assert not isinstance(wired.blocks[-1], Alive), "nothing confirms what is not GOOD"
        wired.link.close()

    asyncio.run(dialogue())


def test_a_restarted_outstation_is_interrogated_again() -> None:
    async def dialogue() -> None:
        wired = Scripted([PointSpec("a", "1:1001", "")])
        await wired.started()
        running = asyncio.ensure_future(wired.session.run())
        asked = 0
        for _ in range(2):
            await until(lambda: "6401060001000000001" in wired.taken(), 1.0)
            asked += 1
            wired.say("64 01 07 00 0100 000000 14")
            wired.say("64 01 0a 00 0100 000000 14")
            wired.say("46 01 04 00 0100 000000 00")
        wired.link.fail("over")
        await asyncio.gather(running, return_exceptions=True)
        assert asked == 2

    asyncio.run(dialogue())


def test_an_outstation_that_cannot_be_read_reports_or_keeps_what_it_said_last() -> None:
    rows = [PointSpec("a", "1:1001 sc:5002", "bool", writable=True)]

    async def dialogue() -> None:
        wired = Scripted(rows, interrogate=False, read_back_ms=40)
        await wired.started()
        running = asyncio.ensure_future(wired.session.run())
        wired.driven.up = True
        wired.say("01 01 03 00 0100 e90300 00")
        for told, expected in (("01 01 0b 00 0100 e90300 01", 1.0), ("", 1.0)):
            writing = asyncio.ensure_future(wired.driven.write(WriteCommand(0, 1.0)))
            await until(lambda: "2d01060001008a130001" in wired.taken(), 1.0)
            wired.say("2d 01 07 00 0100 8a1300 01")
            await until(lambda: "660105000100e90300" in wired.taken(), 1.0)
            wired.say("66 01 6d 00 0100 e90300")  # unknown cause
            if told:
                wired.say(told)
            assert await writing == ReadBack(True, expected)
        wired.link.fail("over")
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("2d 01 6f 00 0100 8a1300 01", "unknown information object"),
        ("2d 01 2e 00 0100 8a1300 01", "公共地址未知"),
        ("2d 01 47 00 0100 8a1300 01", "refuses"),
    ],
)
def test_a_refusal_names_its_reason_and_an_answer_to_another_point_is_none(answer: str, says: str) -> None:
    async def dialogue() -> None:
        wired = Scripted([PointSpec("a", "1:1001 sc:5002", "bool", writable=True)], interrogate=False)
        await wired.started()
        running = asyncio.ensure_future(wired.session.run())
        wired.driven.up = True
        writing = asyncio.ensure_future(wired.driven.write(WriteCommand(0, 1.0)))
        await until(lambda: bool(wired.out.sent), 1.0)
        wired.say("2d 01 07 00 0100 8b1300 01")
        wired.say("2e 01 07 00 0100 8a1300 01")
        await asyncio.sleep(0.01)
        assert not writing.done()
        wired.say(answer)
        refused = await writing
        assert not refused.ok
        assert says in refused.error
        wired.link.fail("over")
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(dialogue())
