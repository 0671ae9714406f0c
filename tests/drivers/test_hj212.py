"""HJ 212 beyond the contract: the vector of the standard, flags, acknowledgements, old messages, who is let in, and slow callers."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import base_serve, hj212, hj212_wire
from drivers.base import PointSpec
from drivers.base_serve import BAD_COST, JUNK_MAX, Caller, Door
from drivers.base_talk import Malformed
from gateway.core.errors import AddressError
from gateway.core.samples import Few
from gateway.core.tags import Cause, Quality
from tests.contract.case import plan_of
from tests.contract.listener import Listener, listening, until
from tests.contract.listening import free_port

VECTOR = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
STATIONS = [{"mn": "A1", "pw": "123456"}, {"mn": "B2", "pw": "654321"}]
WORN = ["F", "M", "S", "D", "C", "T", "B", "x"]


def now(back_s: float = 0.0) -> str:
    """The time of a station in China."""
    return (datetime.now(UTC) + timedelta(hours=8, seconds=-back_s)).strftime("%Y%m%d%H%M%S")


def made(*addresses: str, **more: Any) -> tuple[hj212.Driver, Listener]:
    given = {"url": "tcp://127.0.0.1:9003", "stations": STATIONS, **more}
    settings = hj212.Settings.model_validate(given)
    plan = plan_of(hj212, settings, [PointSpec(one, one, "") for one in addresses])
    return hj212.Driver(settings, plan), Listener(plan)


def said(
    values: str, *, command: int = 2011, at: str = "", station: str = "A1", flag: int = 5, pw: str = "123456"
) -> bytes:
    time = f"DataTime={at};" if at else ""
    text = f"QN={now()}000;ST=32;CN={command};PW={pw};MN={station};Flag={flag};CP=&&{time}{values}&&"
    return hj212_wire.framed(text.encode())


def hear(driver: hj212.Driver, listener: Any, values: str, **more: Any) -> None:
    driver.hear(hj212_wire.message(hj212_wire.segment(said(values, **more))), listener)


def test_the_vector_of_the_standard() -> None:
    frame = b"##0101" + VECTOR + b"1C80\r\n"
    assert hj212_wire.framed(VECTOR) == frame
    assert hj212_wire.segment(frame) == VECTOR
    found = hj212_wire.message(VECTOR)
    assert (found.command, found.station, found.password, found.flag) == (1062, "010000A8900016F000169DC0", "100000", 5)
    for cut in range(6, len(frame)):
        with pytest.raises(Malformed):
            hj212_wire.segment(frame[:cut])


def test_an_acknowledgement_repeats_the_number_and_keeps_the_version() -> None:
    heard = hj212_wire.message(b"QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A1;Flag=7;PNUM=2;PNO=1;CP=&&&&")
    expected = b"QN=20160801085857223;ST=91;CN=9014;PW=1;MN=A1;Flag=4;CP=&&&&"
    assert hj212_wire.segment(hj212_wire.answer(heard)) == expected
    notice = hj212_wire.message(b"QN=20160801085857223;ST=32;CN=1013;PW=1;MN=A1;Flag=5;CP=&&&&")
    assert b"CN=9013" in hj212_wire.answer(notice)


def test_a_segment_whose_head_runs_into_its_values_is_refused() -> None:
    """Found by the fuzz target: its sum was right."""
    with pytest.raises(Malformed):
        hj212_wire.message(b"QN=20160801085857223;ST=32;CN=2021;PW=1;MN=A1CP=&&SB1-RS=1&&")


def test_times_are_those_of_the_stations_clock() -> None:
    expected = int(datetime(2016, 8, 1, 0, 58, 57, tzinfo=UTC).timestamp()) * 10**9 + 223_000_000
    assert hj212_wire.utc_ns("20160801085857223", 8) == expected
    assert hj212_wire.utc_ns("", 8) == 0
    for wrong in ("20161301085857", "2016", "20160801085857²²³", "99991231235959999999"):
        with pytest.raises(Malformed):
            hj212_wire.utc_ns(wrong, 8)


def test_the_flag_becomes_the_quality() -> None:
    driver, listener = made("A1/w01018-Rtd")
    hear(driver, listener, "w01018-Rtd=12.5,w01018-Flag=N", at=now(20))
    assert listener.latest["A1/w01018-Rtd"] == (12.5, Quality.GOOD, Cause.NONE)
    causes = []
    for back, flag in zip(range(19, 0, -1), WORN, strict=False):
        hear(driver, listener, f"w01018-Rtd=12.5,w01018-Flag={flag}", at=now(back))
        value, quality, cause = listener.latest["A1/w01018-Rtd"]
        assert quality == Quality.BAD
        assert value != value
        causes.append(Cause(cause).name)
    assert causes == ["STOPPED", "MAINTENANCE", "DEVICE", "DEVICE", "MAINTENANCE", "ABOVE_RANGE", "COMMS", "DECODE"]


@pytest.mark.parametrize(("how", "quality"), [("uncertain", Quality.UNCERTAIN), ("good", Quality.GOOD)])
def test_a_value_without_a_flag_is_what_the_site_says(how: str, quality: Quality) -> None:
    driver, listener = made("A1/LA-Rtd", "A1/2021/SB1-RS", unflagged=how)
    hear(driver, listener, "LA-Rtd=55.1", at=now())
    hear(driver, listener, "SB1-RS=1", at=now(), command=2021)
    assert listener.latest["A1/LA-Rtd"][:2] == (55.1, quality)
    assert listener.value("A1/2021/SB1-RS") == 1.0, "a state has no flag in the standard"


@pytest.mark.parametrize("text", ["", "-", "nan", "inf", "1_0", "0x10", "1e999", "1e9999", "12,5", "１２"])
def test_what_is_no_number_is_bad(text: str) -> None:
    driver, listener = made("A1/w01018-Rtd")
    driver.hear(hj212_wire.Message("", 2011, "", "A1", 4, "", {"w01018": {"Rtd": text, "Flag": "N"}}), listener)
    assert listener.latest["A1/w01018-Rtd"][1] == Quality.BAD


def test_the_same_field_of_another_command_or_station_is_another_value() -> None:
    driver, listener = made("A1/w01018-Rtd", "A1/2051/w01018-Avg", "A1/2061/w01018-Avg", "B2/w01018-Rtd")
    hear(driver, listener, "w01018-Min=1,w01018-Avg=2,w01018-Max=3,w01018-Flag=N", command=2051, at=now(600))
    assert {name for name in listener.latest if listener.value(name) is not None} == {"A1/2051/w01018-Avg"}
    hear(driver, listener, "w01018-Avg=4,w01018-Flag=N", command=2061, at=now(3700))
    hear(driver, listener, "w01018-Rtd=5,w01018-Flag=N", station="B2", at=now())
    assert listener.holds({"A1/2051/w01018-Avg": 2.0, "A1/2061/w01018-Avg": 4.0, "B2/w01018-Rtd": 5.0})
    assert listener.value("A1/w01018-Rtd") is None


def test_what_was_sent_again_or_late_confirms_nothing() -> None:
    driver, _ = made("A1/w01018-Rtd")
    blocks: list[Any] = []
    stamp = now(10)
    for at, value in ((stamp, 1), (stamp, 1), (now(60), 2), (now(4000), 3), (now(-4000), 4), (now(5), 5)):
        hear(driver, blocks.append, f"w01018-Rtd={value},w01018-Flag=N", at=at)
    assert [one.values for one in blocks] == [[1.0], [5.0]]
    assert (driver.counts.repeated, driver.counts.late) == (2, 2)
    first = blocks[0]
    assert isinstance(first, Few)
    assert (first.source_ns, first.clock) == (hj212_wire.utc_ns(stamp, 8), "device")


def test_a_station_whose_clock_is_wrong_is_shown_and_not_believed() -> None:
    driver, listener = made("A1/w01018-Rtd")
    hear(driver, listener, "w01018-Rtd=1,w01018-Flag=N", at="20000101000000")
    assert listener.latest["A1/w01018-Rtd"][1:] == (Quality.BAD, Cause.STALE)


def test_after_a_silence_a_clock_may_have_been_set_back() -> None:
    driver, listener = made("A1/w01018-Rtd")
    hear(driver, listener, "w01018-Rtd=1,w01018-Flag=N", at=now())
    (factor,) = driver.factors["A1", 2011, "w01018"]
    factor.heard_s -= 1.1  # the freshness limit of the group is a second
    hear(driver, listener, "w01018-Rtd=2,w01018-Flag=N", at=now(100))
    assert listener.value("A1/w01018-Rtd") == 2.0


@pytest.mark.parametrize(
    "text",
    [
        "ST=32;CN=2011;PW=1;MN=A1;Flag=5;CP=&&w1-Rtd=1,w1-Rtd=2&&",
        "ST=32;CN=2011;CN=2061;PW=1;MN=A1;Flag=5;CP=&&&&",
        "ST=32;CN=2011;PW=1;MN=A1;Flag=5;CP=&&DataTime=20160801085857;DataTime=20160801085858&&",
        "ST=32;CN=2011;PW=1;MN=A1;Flag=999;CP=&&&&",
        "ST=32;CN=20;PW=1;MN=A1;Flag=5;CP=&&&&",
        "ST=32;CN=2011;PW=1;Flag=5;CP=&&&&",
        "ST=32;CN=2011;PW=1;MN=A1;Flag=5;CP=&&",
        "ST=32;CN=2011;PW=1;MN=A1;Flag=5",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        hj212_wire.message(text.encode())


@pytest.mark.parametrize(
    "address", ["", "A1", "A1/w01018", "A1/w01018-Flag", "A1/9014/w01018-Rtd", "C3/w01018-Rtd", "A1/2011/x/y-Rtd"]
)
def test_a_wrong_address_says_what_would_be_right(address: str) -> None:
    with pytest.raises(AddressError) as caught:
        made(address)
    assert caught.value.en
    assert any("\u4e00" <= c <= "\u9fff" for c in caught.value.zh)


def test_outputs_and_word_types_are_refused() -> None:
    settings = hj212.Settings.model_validate({"url": "tcp://0.0.0.0:9003", "stations": STATIONS})
    with pytest.raises(AddressError, match="read back"):
        hj212.parse(settings, PointSpec("t", "A1/w01018-Rtd", "", writable=True))
    with pytest.raises(AddressError, match="decimal"):
        hj212.parse(settings, PointSpec("t", "A1/w01018-Rtd", "uint16"))


@pytest.mark.parametrize(
    "given", [{"url": "tcp://0.0.0.0"}, {"url": "udp://0.0.0.0:9003"}, {"stations": []}, {"stations": STATIONS * 2}]
)
def test_a_wrong_setting_says_what_would_be_right(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        hj212.Settings.model_validate({"url": "tcp://0.0.0.0:9003", "stations": STATIONS, **given})


async def answered(port: int, data: bytes, pieces: int = 1) -> bytes:
    """What comes back until CR LF, or b"" where the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    step = -(-len(data) // pieces)
    try:
        for at in range(0, len(data), step):
            writer.write(data[at : at + step])
            await asyncio.sleep(0)
        return await asyncio.wait_for(reader.readuntil(b"\r\n"), 3)
    except (asyncio.IncompleteReadError, OSError):
        return b""
    finally:
        writer.close()


def test_who_is_let_in_and_what_is_acknowledged() -> None:
    async def dialogue() -> None:
        port = free_port(socket.SOCK_STREAM)
        driver, _ = made("A1/w01018-Rtd", url=f"tcp://127.0.0.1:{port}")
        async with listening(driver, driver.plan) as (listener, _):
            await asyncio.sleep(0.05)
            good = said("w01018-Rtd=1.5,w01018-Flag=N", at=now(9))
            assert await answered(port, said("w01018-Rtd=9,w01018-Flag=N", pw="000000")) == b""
            assert await answered(port, said("w01018-Rtd=9,w01018-Flag=N", station="C3")) == b""
            assert driver.counts.refused == 2
            assert not listener.good
            assert b"CN=9014" in await answered(port, b"+DTU 8675309 online\r\n#" + good, pieces=len(good))
            assert listener.holds({"A1/w01018-Rtd": 1.5})
            spoiled = good.replace(b"=1.5", b"=7.5")
            later = said("w01018-Rtd=2.5,w01018-Flag=N", at=now(3))
            assert b"CN=9014" in await answered(port, spoiled + later), "one spoiled frame costs itself only"
            assert [value for _, value in listener.good] == [1.5, 2.5]
            assert driver.counts.malformed == 1

    asyncio.run(dialogue())


def test_a_message_in_several_packets_is_taken_and_acknowledged_packet_by_packet() -> None:
    """HJ 212-2017, 6.3: bit 1 of Flag, PNUM packets of which this is PNO; the factors of one time are spread over them."""

    async def dialogue() -> None:
        port, at = free_port(socket.SOCK_STREAM), now(1)
        driver, _ = made("A1/w01018-Rtd", "A1/w01001-Rtd", url=f"tcp://127.0.0.1:{port}")
        async with listening(driver, driver.plan) as (listener, _):
            await asyncio.sleep(0.05)
            for number, values in ((1, "w01018-Rtd=1.5,w01018-Flag=N"), (2, "w01001-Rtd=7.5,w01001-Flag=N")):
                whole = hj212_wire.segment(said(values, at=at, flag=7)).replace(b";CP", b";PNUM=2;PNO=%d;CP" % number)
                answer = await answered(port, hj212_wire.framed(whole))
                assert b"CN=9014" in answer
                assert b"Flag=4;" in answer, "it has no packets of its own"
            assert listener.holds({"A1/w01018-Rtd": 1.5, "A1/w01001-Rtd": 7.5})

    asyncio.run(dialogue())


class Mute(Caller):
    """Frames of two bytes, 'ok'."""

    mark = b"ok"

    def size(self, held: bytearray) -> int:
        return 2

    def hear(self, frame: bytes) -> str:
        return "device"


async def served(door: Door, dialogue: Any) -> None:
    port = free_port(socket.SOCK_STREAM)
    serving = asyncio.create_task(door.serve(lambda: Mute(door), "127.0.0.1", port))
    await asyncio.sleep(0.05)
    try:
        await dialogue(port)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert not door.callers


def test_slow_and_silent_callers_are_ended_and_the_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_serve, "HELLO_S", 0.2)
    door = Door(4, 0.3)

    async def dialogue(port: int) -> None:
        slow = [(await asyncio.open_connection("127.0.0.1", port)) for _ in range(10)]
        await until(lambda: door.turned_away == 6)
        assert len(door.callers) == 4
        _, known = await asyncio.open_connection("127.0.0.1", port)
        known.write(b"ok")
        await until(lambda: any(one.names for one in door.callers))
        for _ in range(8):  # a byte now and then does not prolong a caller's time
            for _, writer in slow:
                writer.write(b"o")
            await asyncio.sleep(0.05)
        await until(lambda: not door.callers, 2.0)
        for _, writer in [*slow, (None, known)]:
            writer.close()

    asyncio.run(served(door, dialogue))


def test_a_device_that_calls_again_ends_its_oldest_connection() -> None:
    door = Door(6, 9.0)

    async def dialogue(port: int) -> None:
        readers, writers = [], []
        for count in range(4):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            readers.append(reader)
            writer.write(b"ok")
            writers.append(writer)
            await until(lambda count=count: len([one for one in door.callers if one.names]) == min(count + 1, 2))
        async with asyncio.timeout(2.0):
            assert [await reader.read() for reader in readers[:2]] == [b"", b""], "the two oldest are hung up on"
        assert not any(reader.at_eof() for reader in readers[2:])
        for writer in writers:
            writer.close()

    asyncio.run(served(door, dialogue))


def test_rubbish_is_bounded_in_bytes_and_in_frames() -> None:
    async def dialogue() -> None:
        for piece, most in ((b"x" * 100, JUNK_MAX // 100 + 1), (b"##0000ffff\r\n", JUNK_MAX // BAD_COST + 1)):
            driver, _ = made("A1/w01018-Rtd")
            door = Door(4, 9.0)
            line = hj212.Line(driver, door, lambda _: None)
            count = 0
            while not line.over:
                line.data_received(piece)
                count += 1
                assert count <= most + 1
            assert len(line._held) == 0

    asyncio.run(dialogue())
