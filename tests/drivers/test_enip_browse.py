"""The tag list of a Logix controller: what pycomm3 finds in a list made for the tests, our driver finds; hostile lists end."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from drivers import enip, enip_browse
from drivers.base import Listed, PointSpec
from gateway.core.errors import SourceError
from tests.peers.build import PeerMissing, absent, python_peer
from tests.peers.logix_list import (
    ARRAY,
    BOOL,
    DINT,
    DWORD,
    INT,
    MORE,
    REAL,
    SINT,
    STRUCTURE,
    SYSTEM,
    Controller,
    Tag,
    Template,
)

TEMPLATES = {
    0x201: Template(
        "Motor",
        [
            ("ZZZZZZZZZZMotor0", 0, SINT),
            ("Running", 0, BOOL),
            ("Fault", 1, BOOL),
            ("Speed", 0, REAL),
            ("Hours", 3, DINT | ARRAY),
            ("Drive", 0, STRUCTURE | 0x202),
            ("Name", 0, STRUCTURE | 0x203),
        ],
    ),
    0x202: Template("Drive", [("Current", 0, REAL), ("Word", 0, INT)]),
    0x2FF: Template("AB:1756_IF8:I:0", [("Fault", 0, DINT)]),
    0x203: Template("STRING", [("LEN", 0, DINT), ("DATA", 82, SINT | ARRAY)]),
}
TAGS = [
    Tag("", "Program:Main", 0x68),
    Tag("", "TankLevel", REAL),
    Tag("", "Pump7_Running", BOOL),
    Tag("", "Local:1:I", STRUCTURE | 0x2FF),
    Tag("", "__hidden", DINT),
    Tag("", "System", DINT | SYSTEM),
    Tag("", "Tank", REAL | ARRAY, (3, 0, 0)),
    Tag("", "Recipe", INT | ARRAY, (1000, 0, 0)),
    Tag("", "Flags", DWORD | ARRAY, (2, 0, 0)),
    Tag("", "Motor1", STRUCTURE | 0x201),
    Tag("Program:Main", "Step", DINT),
    Tag("Program:Main", "Message", STRUCTURE | 0x203),
    Tag("Program:Main", "Setpoint", REAL),
]


T = TypeVar("T")


def serving(controller: Controller, what: Callable[[int], Awaitable[T]]) -> T:
    """What `what` makes of the controller at its port."""

    async def run() -> T:
        server = await asyncio.start_server(controller.client, "127.0.0.1", 0)
        async with server:
            return await what(server.sockets[0].getsockname()[1])

    return asyncio.run(run())


def listed(controller: Controller) -> list[Listed]:
    return serving(controller, lambda port: enip.browse(enip.Settings(url=f"tcp://127.0.0.1:{port}", slot=0)))


def test_numbers_and_bits_of_all_scopes_are_told_by_the_names_that_read_them() -> None:
    found = listed(Controller(TAGS, TEMPLATES))
    assert [(one.address, one.type) for one in found] == [
        ("TankLevel", ""),
        ("Pump7_Running", "bool"),
        ("Tank[0]", ""),
        ("Tank[1]", ""),
        ("Tank[2]", ""),
        ("Recipe[0]", ""),
        ("Flags[0]", ""),
        ("Flags[1]", ""),
        ("Motor1.Running", "bool"),
        ("Motor1.Fault", "bool"),
        ("Motor1.Speed", ""),
        ("Motor1.Hours[0]", ""),
        ("Motor1.Hours[1]", ""),
        ("Motor1.Hours[2]", ""),
        ("Motor1.Drive.Current", ""),
        ("Motor1.Drive.Word", ""),
        ("Program:Main.Step", ""),
        ("Program:Main.Setpoint", ""),
    ]
    assert [one.text for one in found if one.text] == ["[0] of 1000"]
    assert found[-1].name == "Main.Setpoint"
    settings = enip.Settings(url="tcp://127.0.0.1")
    for one in found:
        enip.parse(settings, PointSpec(one.name, one.address, one.type))


def test_a_foreign_client_finds_the_same() -> None:
    """The controller was made for these tests; pycomm3, which was not, must read its list as our driver does."""
    try:
        command = python_peer("logix_client.py", "pycomm3")
    except PeerMissing as missing:
        absent(str(missing))

    async def asked(port: int) -> bytes:
        client = await asyncio.create_subprocess_exec(*command, str(port), stdout=asyncio.subprocess.PIPE)
        return (await client.communicate())[0]

    theirs = [
        (name, kind, lengths)
        for name, kind, lengths in json.loads(serving(Controller(TAGS, TEMPLATES), asked))
        if not name.startswith("Local:") and ".Name" not in name and "Message" not in name
    ]
    ours = listed(Controller(TAGS, TEMPLATES))
    assert {name for name, _, _ in theirs} == {one.address.partition("[")[0] for one in ours}
    bits = {name for name, kind, _ in theirs if kind == "BOOL"}
    assert bits == {one.address for one in ours if one.type == "bool"}
    for name, _, lengths in theirs:
        elements = [one for one in ours if one.address.startswith(f"{name}[")]
        assert len(elements) == (0 if not lengths else 1 if lengths[0] > 64 else lengths[0])


def test_only_services_that_read_are_asked() -> None:
    controller = Controller(TAGS, TEMPLATES)
    listed(controller)
    assert set(controller.asked) == {0x55, 0x03, 0x4C}


class Endless(Controller):
    """Says again and again that there is more."""

    def _listed(self, scope: str, first: int, attributes: list[int]) -> tuple[int, bytes]:
        return MORE, super()._listed(scope, 0, attributes)[1]


@pytest.mark.parametrize(
    ("controller", "words"),
    [
        (Endless(TAGS, {}), "order"),
        (type("Empty", (Controller,), {"_listed": lambda *_: (MORE, b"")})(TAGS, {}), "without end"),
        (type("Cut", (Controller,), {"_listed": lambda *_: (0, bytes(9))})(TAGS, {}), "too early"),
        (type("Refusing", (Controller,), {"_listed": lambda *_: (0x0F, b"")})(TAGS, {}), "no permission"),
    ],
)
def test_a_list_that_cannot_be_one_ends_the_import(controller: Controller, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        listed(controller)


def test_a_controller_of_thousands_of_tags_is_read_to_its_end() -> None:
    """As many as a large machine has, in a hundred answers and more."""
    many = [Tag("", f"Conveyor_{number:05d}_Speed", REAL) for number in range(3_000)]
    assert len(listed(Controller(many, {}))) == len(many)


class Slow(Controller):
    """One more tag with every answer, for ever."""

    def _listed(self, scope: str, first: int, attributes: list[int]) -> tuple[int, bytes]:
        return MORE, struct.pack("<IH", first, 1) + b"A" + struct.pack("<H3I", REAL, 0, 0, 0)


def test_a_list_that_comes_for_ever_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enip_browse, "BROWSE_S", 0.2)
    monkeypatch.setattr(enip_browse, "SYMBOLS_MAX", sys.maxsize)  # or a quick machine is there first
    with pytest.raises(SourceError, match="did not end within"):
        listed(Slow(TAGS, {}))


def test_a_structure_that_holds_itself_or_is_kept_secret_ends() -> None:
    inner = Template("Loop", [("Level", 0, REAL), ("Inner", 0, STRUCTURE | 0x201)])
    tags = [Tag("", "A", STRUCTURE | 0x201), Tag("", "B", STRUCTURE | 0x2EE), Tag("", "C", REAL)]
    found = [one.address for one in listed(Controller(tags, {0x201: inner}))]
    assert found[-1] == "C"
    assert found[0] == "A.Level"
    assert len(found) == 9
