"""SLMP beyond the contract: a foreign client at our PLC, addresses, refusals, and what is written."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import Any

import pytest

from drivers import slmp
from drivers.base import PointSpec
from drivers.base_polled import Span
from drivers.slmp_wire import Slmp, refusal
from gateway.core.errors import AddressError, SourceError
from tests.contract.case import plan_of
from tests.contract.case_fins import memory
from tests.contract.case_slmp import MEMORY
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent, python_peer

SETTINGS = slmp.Settings(url="tcp://127.0.0.1:5007")


def address(text: str, kind: str = "", **more: Any) -> slmp.Address:
    found = slmp.parse(SETTINGS, PointSpec("t", text, kind, **more)).key
    assert isinstance(found, slmp.Address)
    return found


def test_a_foreign_client_finds_at_our_plc_what_our_driver_finds() -> None:
    """The PLC of the contract was made for it; pymcprotocol, which was not, must agree with it on every byte it uses."""
    try:
        command = python_peer("slmp_client.py", "pymcprotocol")
    except PeerMissing as missing:
        absent(str(missing))
    with memory("slmp", MEMORY, (0xA8, 903)) as server:
        done = subprocess.run(
            [*command, str(server.port), *slmp.DEVICES], capture_output=True, text=True, timeout=20, check=True
        )
        wrote = [server.ask("get a8 300"), server.ask("get a8 301"), server.ask("get 90 20")]
    found = json.loads(done.stdout)
    codes = {name: [code, 16 if hexadecimal else 10] for name, (code, _, hexadecimal) in slmp.DEVICES.items()}
    codes["ZR"][1] = 16  # as an ASCII frame spells it; GX Works shows it in decimal, and a binary frame has no spelling
    assert found.pop("codes") == codes
    assert "0xC056" in found.pop("bad")
    assert found == {"words": [0, 0x42F7, 0x42F7, 0], "bits": [0, 1], "hexadecimal": [7], "input": [0, 1]}
    assert wrote == ["11", "22", "32"]


def test_devices_are_numbered_as_mitsubishi_numbers_them() -> None:
    assert address("D100", "int16") == slmp.Address((0xA8, False), 100, -1, "int16", "cdab")
    assert address("W1F", "uint16").start == 0x1F
    assert address("M37") == slmp.Address((0x90, True), 2, 5, "bool", "cdab")
    assert address("X1F") == slmp.Address((0x9C, True), 1, 15, "bool", "cdab")
    assert address("D100.C").bit == 12
    assert address("D100.12").bit == 12
    assert address("zr70000", "float32").count == 2


def test_an_iqf_counts_inputs_and_outputs_in_octal() -> None:
    fx5 = slmp.Settings(url="tcp://127.0.0.1:5007", xy="octal")
    assert slmp.parse(fx5, PointSpec("t", "X20", "")).key == slmp.Address((0x9C, True), 1, 0, "bool", "cdab")
    assert slmp.parse(fx5, PointSpec("t", "W20", "uint16")).key.start == 0x20
    with pytest.raises(AddressError, match="X7 is followed by X10"):
        slmp.parse(fx5, PointSpec("t", "Y8", "", writable=True))


def test_an_iqf_whose_inputs_would_be_read_as_others_is_refused() -> None:
    async def first(xy: str, address: str) -> str:
        given = slmp.Settings.model_validate({"url": f"tcp://127.0.0.1:{server.port}", "period_ms": 20, "xy": xy})
        plan = plan_of(slmp, given, [PointSpec("t", address, "")])
        async with listening(slmp.Driver(given, plan), plan) as (listener, task):
            await until(lambda: listener.blocks or task.done())
            if not task.done():
                return ""
            error = task.exception()
            assert isinstance(error, SourceError)
            assert error.slow
            return str(error)

    with memory("slmp", MEMORY, (0xA8, 903)) as server:
        assert asyncio.run(first("", "X1F")) == ""
        server.ask("model FX5U-32MT/ES")
        assert "octal" in asyncio.run(first("", "X10"))
        assert asyncio.run(first("octal", "X10")) == ""
        assert asyncio.run(first("hexadecimal", "X10")) == "", "somebody has written so"
        assert asyncio.run(first("", "M10")) == "", "nothing of it is counted in octal"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ""),
        ("D1F", "int16"),
        ("D100", ""),
        ("M37", "int16"),
        ("M37.1", ""),
        ("Q1", ""),
        ("D100", "bool"),
        ("D100.16", ""),
    ],
)
def test_a_wrong_address_says_what_would_be_right(text: str, kind: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(text, kind)
    assert caught.value.en
    assert any("\u4e00" <= c <= "\u9fff" for c in caught.value.zh)


@pytest.mark.parametrize("text", ["X1F", "SM400", "D100.3", "SD5", "SB1F", "TC3"])
def test_what_the_plc_owns_is_not_written(text: str) -> None:
    with pytest.raises(AddressError, match="cannot be written"):
        address(text, "" if text != "SD5" else "int16", writable=True)


@pytest.mark.parametrize("url", ["h:5007", "tcp://h", "udp://h:1", "tcp://h:5007/x"])
def test_a_wrong_url_says_what_would_be_right(url: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://192\.168\.10\.60:5007"):
        slmp.Settings(url=url)


def test_only_reads_and_ordered_writes_can_be_built() -> None:
    bits, words = address("M325", writable=True), address("D200", "float32", writable=True)
    assert Slmp().order(bits, 1.0) == bytes.fromhex("0114 0100 450100 90 0100 10")
    assert Slmp().order(words, 7.25) == bytes.fromhex("0114 0000 c80000 a8 0200 0000 e840"), "the low word first"
    (question,) = Slmp().pack([Span((), (0x90, True), 20, 21)])
    assert question.request == bytes.fromhex("0104 0000 400100 90 0100")
    with pytest.raises(ValueError, match="does not fit"):
        Slmp().order(address("D1", "int16", writable=True), 40000)
    assert "during RUN" in refusal(0x0055)
