"""OPC UA beyond the contract: the decoder against bytes of another encoder, hostile bytes, and whom the session trusts."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import random
import socket
import struct
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import opcua, opcua_wire
from drivers.base import Listed, Point, PointSpec
from drivers.base_ua import Malformed
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause, Quality
from tests.contract.case import plan_of
from tests.contract.case_opcua import WAIVER, serving
from tests.contract.listener import Listener, listening, until
from tests.peers.build import PeerMissing, absent

STAMP = datetime.datetime(2026, 11, 24, 8, 14, 7, 412000, datetime.UTC)
STAMP_NS = 1795508047412000000
VARIANTS = [
    (ua.Variant(1.5, ua.VariantType.Double), 1.5),
    (ua.Variant(-0.25, ua.VariantType.Float), -0.25),
    (ua.Variant(True, ua.VariantType.Boolean), 1.0),
    (ua.Variant(-300, ua.VariantType.Int16), -300.0),
    (ua.Variant(4_000_000_000, ua.VariantType.UInt32), 4e9),
    (ua.Variant("text", ua.VariantType.String), None),
    (ua.Variant([1.0, 2.0], ua.VariantType.Double), None),
    (ua.Variant(STAMP, ua.VariantType.DateTime), None),
    (ua.Variant(ua.LocalizedText("a", "en"), ua.VariantType.LocalizedText), None),
    (ua.Variant(ua.NodeId("x", 3), ua.VariantType.NodeId), None),
    (ua.Variant(None, ua.VariantType.Null), None),
]


def response(items: list[ua.MonitoredItemNotification]) -> bytes:
    """A publish response as the library encodes one."""
    made = ua.PublishResponse()
    made.Parameters.SubscriptionId = 7
    made.Parameters.AvailableSequenceNumbers = [41, 42]
    made.Parameters.NotificationMessage.SequenceNumber = 42
    made.Parameters.NotificationMessage.PublishTime = STAMP
    made.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=items)]
    return bytes(struct_to_binary(made))


def item(handle: int, variant: ua.Variant, status: int = 0, *, stamped: bool = True) -> ua.MonitoredItemNotification:
    value = ua.DataValue(variant, ua.StatusCode(status), STAMP if stamped else None)
    return ua.MonitoredItemNotification(ClientHandle=handle, Value=value)


def same(found: float, expected: float | None) -> bool:
    return found != found if expected is None else found == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10), st.sampled_from([0, 0x40000000, 0x80340000]), st.booleans()), max_size=60)
)
def test_what_another_encoder_writes_is_read_value_for_value(chosen: list[tuple[int, int, bool]]) -> None:
    items = [item(at, VARIANTS[kind][0], status, stamped=stamp) for at, (kind, status, stamp) in enumerate(chosen)]
    result, found = opcua_wire.published(response(items))
    assert (result, found.subscription, found.sequence, found.notified) == (0, 7, 42, True)
    values = opcua_wire.Values.join(found.changes)
    assert values.handles.tolist() == list(range(len(chosen)))
    assert values.statuses.tolist() == [status for _, status, _ in chosen]
    assert values.stamps.tolist() == [STAMP_NS if stamp else 0 for _, _, stamp in chosen]
    assert all(
        same(value, VARIANTS[kind][1]) for value, (kind, _, _) in zip(values.values.tolist(), chosen, strict=True)
    )


def test_a_run_of_one_layout_gives_what_single_items_give() -> None:
    many = [item(at, ua.Variant(at / 3, ua.VariantType.Double)) for at in range(200)]
    mixed = [*many[:150], item(150, VARIANTS[5][0]), *many[151:]]
    for items in (many, mixed):
        values = opcua_wire.Values.join(opcua_wire.published(response(items))[1].changes)
        assert values.handles.tolist() == list(range(200))
        assert all(
            same(v, None if at == 150 and items is mixed else at / 3) for at, v in enumerate(values.values.tolist())
        )


def test_spoiled_bytes_are_malformed_or_values_and_nothing_else() -> None:
    rng = random.Random(2607)
    whole = response([item(at, VARIANTS[at % len(VARIANTS)][0]) for at in range(40)])
    refused = 0
    for _ in range(3000):
        spoiled = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        data = bytes(spoiled[: rng.randint(1, len(spoiled))] if rng.random() < 0.3 else spoiled)
        try:
            opcua_wire.published(data)
        except Malformed:
            refused += 1
    assert refused > 500
    with pytest.raises(Malformed):
        opcua_wire.published(whole + b"\0")


def test_nesting_is_bounded() -> None:
    deep = b"\x01" + b"\x18" * 100_000 + b"\x00"
    head = response([])[: -4 - 4]  # without results and diagnostics
    with pytest.raises(Malformed):
        opcua_wire.read(
            b"\x01\x00" + struct.pack("<H", opcua_wire.READ_RESPONSE) + head[4:28] + struct.pack("<i", 1) + deep
        )


@pytest.mark.parametrize("address", ["", "ns=2", "ns=x;s=a", "ns=2;q=a", "nsu=;s=a", "ns=2;i=level"])
def test_a_wrong_address_says_what_would_be_right(address: str) -> None:
    with pytest.raises(AddressError) as caught:
        opcua.parse(opcua.Settings(url="opc.tcp://h", security="none", waiver=WAIVER), PointSpec("a", address, ""))
    assert "ns=2;s=Tank1.Level" in str(caught.value)


def test_a_server_tells_its_numbers_and_bits_by_path_with_unit_and_range(tmp_path: Path) -> None:
    variables = {
        "pump.on": {"type": "Boolean", "value": True},
        "name": {"type": "String", "value": "no number"},
        "bath": {"type": "Double", "value": 62.5, "range": [0, 120]},
        **{f"n{at}": {"type": "Int16", "value": at} for at in range(250)},
    }
    with serving(tmp_path, variables, "None") as server:
        given = opcua.Settings(url=f"opc.tcp://127.0.0.1:{server.port}", security="none", waiver=WAIVER)
        found = {one.name: one for one in asyncio.run(opcua.browse(given))}
        assert found.keys() == {"pump.on", "Line 1.bath", *(f"n{at}" for at in range(250))}
        own = "nsu=urn:gatehouse:test:server"
        assert found["pump.on"] == Listed("pump.on", f"{own};s=pump.on", "bool")
        bath = found["Line 1.bath"]
        assert bath == Listed("Line 1.bath", f"{own};s=bath", "", "°C", 0.0, 120.0, "槽液温度")
        assert isinstance(opcua.parse(given, PointSpec("bath", bath.address, "")), Point)
    with pytest.raises(SourceError):
        asyncio.run(opcua.browse(given))


def test_a_waiver_that_is_over_ends_the_source_before_it_connects() -> None:
    over = {"reason": "until the new firmware", "expires": "2020-01-31"}
    given = opcua.Settings.model_validate({"url": "opc.tcp://127.0.0.1:1", "security": "none", "waiver": over})
    plan = plan_of(opcua, given, [PointSpec("a", "ns=2;s=a", "")])
    with pytest.raises(SourceError, match="until 2020-01-31") as caught:
        asyncio.run(opcua.Driver(given, plan).run(Listener(plan)))
    assert caught.value.slow
    assert caught.value.cause is Cause.REFUSED


def test_a_port_with_nothing_behind_it_is_told_as_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = opcua.Settings(url=f"opc.tcp://127.0.0.1:{port}", security="none", waiver=WAIVER)
    driver = opcua.Driver(given, plan_of(opcua, given, [PointSpec("t", "ns=1;s=v", "")]))
    with pytest.raises(SourceError, match=rf"127.0.0.1 is there but refuses port {port}: .*OPC UA 服务器"):
        asyncio.run(driver.run(Listener(driver.plan)))


def test_a_session_in_clear_must_be_asked_for() -> None:
    with pytest.raises(ValueError, match="waiver"):
        opcua.Settings(url="opc.tcp://h:4840", security="none")
    with pytest.raises(ValueError, match="certificate, key and trust"):
        opcua.Settings(url="opc.tcp://h:4840")


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """A client certificate with an application URI, as OPC UA asks for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gatehouse")])
    uri = x509.UniformResourceIdentifier("urn:gatehouse:test:client")
    names = x509.SubjectAlternativeName([uri, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, True, True, True, False, False, False, False, False), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, secret = folder / "own.pem", folder / "own.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


def test_a_secured_session_trusts_only_whom_it_knows(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(certificate.read_bytes())
    variables = {"level": {"type": "Double", "value": 30.2}, "text": {"type": "String", "value": "pump"}}
    try:
        server = serving(tmp_path, variables, "Basic256Sha256")
        server.__enter__()
    except PeerMissing as missing:
        absent(str(missing))
        return

    def driver(trust: Path, **more: str) -> tuple[opcua.Driver, object]:
        given = opcua.Settings(
            url=f"opc.tcp://127.0.0.1:{server.port}",
            certificate=certificate,
            key=key,
            trust=trust,
            period_ms=20,
            **more,
        )  # type: ignore[arg-type]
        plan = plan_of(opcua, given, [PointSpec("level", "ns=1;s=level", ""), PointSpec("text", "ns=1;s=text", "")])
        return opcua.Driver(given, plan), plan

    async def refused(trust: Path) -> SourceError:
        made, _ = driver(trust)
        with pytest.raises(SourceError) as caught:
            await made.run(lambda block: None)
        return caught.value

    async def dialogue() -> None:
        error = await refused(stranger)
        assert error.cause is Cause.REFUSED
        assert error.slow
        assert "SHA-256" in str(error)
        theirs = next((tmp_path / "pki" / "own" / "certs").glob("*.pem"))
        made, plan = driver(theirs)
        async with listening(made, plan) as (listener, task):  # type: ignore[arg-type]
            await until(lambda: listener.value("level") == 30.2 or task.done())
            assert not task.done(), task.exception()
            assert listener.latest["text"][1] == Quality.BAD, "a string is no value"
        with pytest.raises(SourceError) as caught:
            await driver(theirs, mode="sign", security="Aes256Sha256RsaPss")[0].run(lambda block: None)
        assert "does not offer" in str(caught.value)

    try:
        asyncio.run(dialogue())
    finally:
        server.__exit__(None, None, None)


def test_values_of_one_item_in_one_message_are_blocks_one_after_the_other() -> None:
    given = opcua.Settings(url="opc.tcp://h", security="none", waiver=WAIVER)
    plan = plan_of(opcua, given, [PointSpec("a", "ns=1;s=a", ""), PointSpec("b", "ns=1;s=b", "bool")])
    made, listener = opcua.Driver(given, plan), Listener(plan)
    made._watched[7] = opcua.Watched(plan.groups[0], plan.tags[0])
    pulse = [item(0, VARIANTS[0][0]), item(1, VARIANTS[2][0]), item(1, ua.Variant(False, ua.VariantType.Boolean))]
    seen: list[float] = []

    def emit(block: object) -> None:
        listener(block)  # type: ignore[arg-type]
        seen.append(listener.latest["b"][0])

    made._notified(opcua_wire.published(response(pulse))[1], emit)
    assert seen == [1.0, 0.0], "a pulse shorter than the publishing interval is not lost"
    late = opcua_wire.published(response(pulse))[1]
    late.sequence = 45
    with pytest.raises(SourceError, match="were lost"):
        made._notified(late, emit)
