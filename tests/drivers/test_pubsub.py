"""OPC UA PubSub beyond the contract: frames of other stacks, sequence windows, validity, signatures, and what a site must say."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import math
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from pydantic import ValidationError

from drivers import pubsub, pubsub_uadp
from drivers.base import PointSpec
from drivers.base_ua import Malformed
from drivers.pubsub_message import WriterKey
from drivers.pubsub_security import Keys, Opener, Refused, decrypted
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import Alive, Block
from gateway.core.tags import Cause, Quality
from gateway.demo.broker import Broker, mosquitto
from tests.contract.case import plan_of
from tests.contract.listener import Listener, listening, until
from tests.contract.listening import free_port

WAIVER = {"reason": "loopback of a test", "expires": "2099-12-31"}
# Captured from open62541: publisher 2234, group 100, writer 62541, a key frame with one DateTime.
CAPTURED = bytes.fromhex("f101ba08016400014df4e1101054c2949f3ad701b4205f69841e5f6901000d7657c2949f3ad701")


def uadp(
    *values: float, kind: int = 0, sequence: int = 1, flags: int = 0, writer: int = 1, publisher: str = "01ba08"
) -> bytes:
    """One data set message of doubles as variants; built by hand from Part 14."""
    head = bytes.fromhex(f"f1{publisher}016400" + "01") + struct.pack("<H", writer)
    body = struct.pack("<BBH", 0x89 ^ flags, kind, sequence)
    if kind == 0:
        body += struct.pack("<H", len(values)) + b"".join(struct.pack("<Bd", 11, one) for one in values)
    elif kind == 1:
        body += struct.pack("<H", 1) + struct.pack("<HBd", int(values[0]), 11, values[1])
    return head + body


def made(*addresses: str, **more: Any) -> tuple[pubsub.Driver, Listener]:
    settings = pubsub.Settings.model_validate({"url": "opc.udp://127.0.0.1:4840", "unsigned": WAIVER, **more})
    plan = plan_of(pubsub, settings, [PointSpec(one, one, "") for one in addresses])
    return pubsub.Driver(settings, plan), Listener(plan)


def test_the_captured_frame_is_read_header_by_header() -> None:
    key = WriterKey("2234", "100", 62541)
    (found,) = pubsub_uadp.network(CAPTURED, {key: pubsub_uadp.Layout()}).sets
    assert (found.kind, found.valid, found.version) == (0, True, (1767841972, 1767841412))
    assert found.stamp // 10**9 == 1619443510, "2021-04-26"
    assert found.fields is not None
    assert len(found.fields.values) == 1
    assert math.isnan(found.fields.values[0]), "a time is no number"
    for cut in range(len(CAPTURED)):
        try:
            assert not pubsub_uadp.network(CAPTURED[:cut], {key: pubsub_uadp.Layout()}).sets
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("bytes_", "name"),
    [
        ("00ba", "186"),
        ("01ba08", "2234"),
        ("02ba080000", "2234"),
        ("03ba08000000000080", str((1 << 63) + 2234)),
        ("0404000000706c6334", "plc4"),
    ],
)
def test_publisher_ids_of_every_type(bytes_: str, name: str) -> None:
    driver, listener = made(f"{name}/100/1/0")
    driver.hear(uadp(1.5, publisher=bytes_), listener)
    assert listener.value(f"{name}/100/1/0") == 1.5


def test_an_invalid_message_and_a_bad_status_are_bad() -> None:
    driver, listener = made("2234/100/1/0", "2234/100/1/1")
    driver.hear(uadp(1.5, 2.5), listener)
    assert listener.value("2234/100/1/1") == 2.5
    driver.hear(uadp(1.5, 2.5, sequence=2, flags=1), listener)  # Valid = 0
    assert {one[1:] for one in listener.latest.values()} == {(Quality.BAD, Cause.DEVICE)}
    bad_field = uadp(1.5, 2.5, sequence=3)[:-9] + b"\x13" + struct.pack("<I", 0x80AB0000)
    driver.hear(bad_field, listener)
    assert listener.value("2234/100/1/0") == 1.5
    assert listener.latest["2234/100/1/1"][1:] == (Quality.BAD, Cause.DEVICE)


def test_what_was_said_before_is_dropped_and_counted() -> None:
    driver, listener = made("2234/100/1/0", "2234/100/2/0")
    for sequence, value in ((65534, 1.0), (65535, 2.0), (0, 3.0), (65535, 9.0), (0, 9.0), (1, 4.0)):
        driver.hear(uadp(value, sequence=sequence), listener)
    assert [value for _, value in listener.good] == [1.0, 2.0, 3.0, 4.0]
    assert (driver.counts.repeated, driver.counts.lost) == (2, 0)
    driver.hear(uadp(7.0, sequence=60_000, writer=2), listener)
    assert listener.value("2234/100/2/0") == 7.0, "a window for each writer"


def test_after_a_silence_a_publisher_may_begin_again() -> None:
    driver, listener = made("2234/100/1/0")
    driver.hear(uadp(1.0, sequence=500), listener)
    (writer,) = driver.writers[WriterKey("2234", "100", 1)]
    writer.heard_s -= 1.1  # the group's freshness limit is one second
    driver.hear(uadp(2.0, sequence=1), listener)
    assert listener.value("2234/100/1/0") == 2.0


def test_a_gap_leaves_what_is_not_repeated_in_doubt() -> None:
    driver, listener = made("2234/100/1/0", "2234/100/1/1")
    driver.hear(uadp(1.0, 2.0, sequence=1), listener)
    driver.hear(uadp(1, 2.5, kind=1, sequence=2), listener)
    assert listener.holds({"2234/100/1/0": 1.0, "2234/100/1/1": 2.5})
    driver.hear(uadp(1, 2.75, kind=1, sequence=4), listener)
    assert listener.value("2234/100/1/1") == 2.75
    assert listener.latest["2234/100/1/0"][1:] == (Quality.UNCERTAIN, Cause.COMMS)
    assert driver.counts.lost == 1
    driver.hear(uadp(1.0, 2.0, sequence=5), listener)
    assert listener.holds({"2234/100/1/0": 1.0, "2234/100/1/1": 2.0})


def test_a_keep_alive_confirms_its_writer_and_no_other() -> None:
    driver, _ = made("2234/100/1/0", "2234/100/2/0")
    blocks: list[Block] = []
    driver.hear(uadp(1.0, sequence=1), blocks.append)
    driver.hear(uadp(kind=3, sequence=2), blocks.append)
    assert blocks[1:] == [Alive(0)]
    driver.hear(uadp(kind=3, sequence=2, writer=2), blocks.append)
    assert not isinstance(blocks[-1], Alive), "what was never told is not confirmed"
    driver.hear(uadp(1.5, sequence=2), blocks.append)
    assert driver.counts.repeated == 0, "a keep-alive tells the next number and has none of its own"


def test_another_version_of_the_data_set_is_no_value() -> None:
    driver, listener = made("2234/100/62541/t", writers=[{"id": "2234/100/62541", "fields": ["t"], "major": 5}])
    driver.hear(CAPTURED, listener)
    assert driver.counts.mismatched == 1
    assert listener.latest["2234/100/62541/t"][1:] == (Quality.BAD, Cause.DECODE)


# -- signatures -----------------------------------------------------------------------------------------------------


def secured(payload: bytes, count: int, keys: Keys, token: int = 1, flags: int = 3) -> bytes:
    nonce = b"\x01\x02\x03\x04" + struct.pack("<I", count)
    body = bytes.fromhex("f111ba08016400010100") + struct.pack("<BIB", flags, token, 8) + nonce
    body += decrypted(keys, nonce, payload) if flags & 2 else payload
    return body + hmac.digest(keys.signing, body, hashlib.sha256)


@pytest.mark.parametrize(("policy", "size"), [("PubSub-Aes128-CTR", 16), ("PubSub-Aes256-CTR", 32)])
def test_signed_messages_are_read_once_and_nobody_elses(tmp_path: Path, policy: str, size: int) -> None:
    data = bytes(range(32 + size + 4))
    (tmp_path / "keys").write_text(f'[[key]]\ntoken = 1\ndata = "{data.hex()}"\n')
    keys = Keys(data[:32], data[32 : 32 + size], data[-4:])
    driver, listener = made("2234/100/1/0", security=policy, keys=str(tmp_path / "keys"), unsigned=None)
    driver.opener = Opener(pubsub.read_keys(tmp_path / "keys", policy), encrypted=True)
    first, second = (secured(uadp(value, sequence=at)[10:], at, keys) for at, value in ((1, 1.5), (2, 2.5)))
    driver.hear(first, listener)
    driver.hear(second, listener)
    assert [value for _, value in listener.good] == [1.5, 2.5]
    other = Keys(bytes(32), keys.encrypting, keys.nonce)
    for forged in (
        first,
        uadp(9.0, sequence=3),
        secured(uadp(9.0, sequence=3)[10:], 3, other),
        secured(uadp(9.0, sequence=3)[10:], 3, keys, token=2),
        secured(uadp(9.0, sequence=3)[10:], 3, keys, flags=1),
    ):
        driver.hear(forged, listener)
    assert driver.counts.refused == 5
    assert [value for _, value in listener.good] == [1.5, 2.5]


def test_the_cipher_is_the_one_of_openssl() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    keys, nonce, clear = Keys(bytes(range(32)), bytes(range(40, 56)), b"\xaa\xbb\xcc\xdd"), bytes(range(8)), bytes(100)
    block = (keys.nonce + nonce + b"\0\0\0\1").hex()
    command = ["openssl", "enc", "-aes-128-ctr", "-K", keys.encrypting.hex(), "-iv", block]
    theirs = subprocess.run(command, input=clear, capture_output=True, check=True).stdout
    assert decrypted(keys, nonce, theirs) == clear
    body = bytes.fromhex("f111ba08016400010100" + "03" + "01000000" + "08") + nonce + theirs
    mac = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{keys.signing.hex()}", "-binary"]
    signature = subprocess.run(mac, input=body, capture_output=True, check=True).stdout
    opened, begin, end = Opener({1: keys}, encrypted=True).open(body + signature, 10, True, ("2234", "100"))
    assert opened[begin:end] == clear
    with pytest.raises(Refused):
        Opener({1: keys}, encrypted=True).open(body + signature[:-1] + b"\0", 10, True, ("2234", "100"))


def test_a_key_file_that_does_not_fit_says_what_would(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text('[[key]]\ntoken = 1\ndata = "00ff"\n')
    with pytest.raises(SourceError, match=r"2 bytes, the policy wants 52.*SigningKey"):
        pubsub.read_keys(tmp_path / "keys", "PubSub-Aes128-CTR")


# -- JSON -----------------------------------------------------------------------------------------------------------


def document(payload: dict[str, Any], **more: Any) -> bytes:
    """As recorded from open62541 over MQTT."""
    inner = {
        "DataSetWriterId": 62541,
        "SequenceNumber": 1,
        "MetaDataVersion": {"MajorVersion": 1767841972, "MinorVersion": 0},
        "Timestamp": "2026-11-24T08:14:07.412345Z",
        "Status": 0,
        "MessageType": "ua-keyframe",
        "Payload": payload,
        **more,
    }
    return json.dumps(
        {"MessageId": None, "MessageType": "ua-data", "PublisherId": "2234", "Messages": [inner]}
    ).encode()


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({"UaType": 11, "Value": 1.5}, 1.5),
        ({"Type": 11, "Body": 1.5}, 1.5),
        (1.5, 1.5),
        (True, 1.0),
        ({"UaType": 9, "Value": "18446744073709551615"}, 18446744073709551615.0),
        ({"Value": {"Type": 6, "Body": -3}, "SourceTimestamp": "2026-11-24T08:14:07Z"}, -3.0),
        ({"Value": 2.5, "Status": {"Code": 0x80340000}}, None),
        ({"Value": {"UaType": 10, "Value": 0.5}, "Status": 0x40000000}, None),
        ({"UaType": 19, "Value": 0x80340000}, None),
        ({"UaType": 12, "Value": "1.5"}, None),
        ({"UaType": 11, "Value": "1.5"}, None),
        ({"UaType": 1, "Value": 1}, None),
        ({"UaType": 11, "Value": True}, None),
        (10**400, None),
        ("1.5", None),
        (None, None),
        ([1.5], None),
    ],
)
def test_every_form_of_a_json_value(told: Any, value: float | None) -> None:
    driver, listener = made("2234/*/62541/T", url="mqtt://h", topics=["a"], unsigned=None)
    driver.hear(document({"T": told}), listener)
    assert driver.counts.malformed == 0
    assert listener.value("2234/*/62541/T") == value


@pytest.mark.parametrize(
    "payload",
    [b"", b"[1]", b"[" * 100_000, b'{"Messages": [{"DataSetWriterId": "x"}]}', document({}, SequenceNumber=-7)],
)
def test_json_that_is_no_such_message_gives_nothing(payload: bytes) -> None:
    driver, listener = made("2234/*/62541/T", url="mqtt://h", topics=["a"], unsigned=None)
    driver.hear(payload, listener)
    assert driver.counts.malformed == 1
    assert not listener.blocks


def test_json_and_uadp_over_a_broker(tmp_path: Path) -> None:
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed")

    async def dialogue() -> None:
        async with Broker(tmp_path) as broker, aiomqtt.Client("127.0.0.1", broker.port) as peer:
            for encoding, payload, address in (
                ("json", document({"T": {"UaType": 11, "Value": 1.5}}), "2234/*/62541/T"),
                ("uadp", uadp(1.5), "2234/100/1/0"),
            ):
                await peer.publish("ua/data", payload, qos=1, retain=True)
                driver, listener = made(address, url=broker.url, topics=["ua/data"], encoding=encoding, unsigned=None)
                async with listening(driver, driver.plan) as (heard, _):
                    await until(
                        lambda at=broker: at.log().count("SUBSCRIBE") or at.log().count("New client connected") >= 2
                    )
                    await asyncio.sleep(0.2)
                    assert not heard.blocks, "what a broker remembers is not what a publisher says"
                    await peer.publish("ua/data", payload, qos=1)
                    await until(lambda name=address, at=heard: at.value(name) == 1.5)
                assert not listener.blocks

    asyncio.run(dialogue())


# -- datagrams ------------------------------------------------------------------------------------------------------


def test_a_multicast_group_is_joined_and_others_at_its_port_stay_out() -> None:
    """Over loopback: what is sent to another group of the same port, or to this box itself, is not heard."""

    async def dialogue() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            port = free_port(socket.SOCK_DGRAM)
            driver, _ = made("2234/100/1/0", url=f"opc.udp://239.255.48.40:{port}", interface="127.0.0.1")
            async with listening(driver, driver.plan) as (heard, task):
                await asyncio.sleep(0.05)
                sender.sendto(uadp(7.0, sequence=1), ("239.255.48.41", port))
                sender.sendto(uadp(8.0, sequence=2), ("127.0.0.1", port))
                sender.sendto(uadp(1.5, sequence=3), ("239.255.48.40", port))
                await until(lambda: heard.value("2234/100/1/0") == 1.5)
                assert heard.good == [("2234/100/1/0", 1.5)]
                assert not task.done()

    asyncio.run(dialogue())


# -- what a site must say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ({"url": "opc.udp://239.0.0.1"}, "unsigned = {"),
        ({"url": "opc.udp://press4:4840", "unsigned": WAIVER}, "opc.udp://239.0.0.1:4840"),
        ({"url": "mqtt://h"}, "topics = "),
        ({"url": "opc.udp://0.0.0.0", "security": "PubSub-Aes128-CTR"}, "keys = "),
        ({"url": "opc.udp://0.0.0.0", "unsigned": WAIVER, "encoding": "json"}, 'encoding = "uadp"'),
        (
            {"url": "opc.udp://0.0.0.0", "unsigned": WAIVER, "writers": [{"id": "1/2", "fields": ["a"]}]},
            "2234/100/62541",
        ),
        (
            {"url": "opc.udp://0.0.0.0", "unsigned": WAIVER, "writers": [{"id": "1/2/3", "fields": ["a:Doubl"]}]},
            "level:Double",
        ),
    ],
)
def test_a_wrong_section_says_what_would_be_right_in_both_languages(section: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        pubsub.Settings.model_validate(section)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert hint in error.en
    assert any("\u4e00" <= one <= "\u9fff" for one in error.zh)


def test_a_waiver_that_is_over_ends_the_source() -> None:
    driver, listener = made("2234/100/1/0", unsigned={"reason": "until the new firmware", "expires": "2020-01-31"})
    with pytest.raises(SourceError, match="until 2020-01-31") as caught:
        asyncio.run(driver.run(listener))
    assert caught.value.slow


@pytest.mark.parametrize(
    "address", ["", "2234", "2234/100/1", "2234/100/x/0", "2234/100/70000/0", "2234/100/1/name", "a//1/0"]
)
def test_a_wrong_address_says_what_would_be_right(address: str) -> None:
    settings = pubsub.Settings.model_validate({"url": "opc.udp://0.0.0.0", "unsigned": WAIVER})
    with pytest.raises(AddressError, match=r"2234/100/62541/0|fields = ") as caught:
        pubsub.parse(settings, PointSpec("a", address, ""))
    assert any("\u4e00" <= one <= "\u9fff" for one in caught.value.zh)
    with pytest.raises(AddressError, match="opcua"):
        pubsub.parse(settings, PointSpec("a", "1/2/3/0", "", writable=True))
