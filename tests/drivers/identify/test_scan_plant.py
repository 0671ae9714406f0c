"""`gatehouse device scan` as in a plant: seven makers' servers, each behind a cable of its own, at the usual ports, asked in one run.
The BACnet device answers Who-Is to everybody.

What was on the cables is recorded beside the scanner, and compared with its log.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.identify.probes import PROTOCOLS
from tests.drivers.identify.asking import packets
from tests.drivers.identify.plant import Plant, Seen
from tests.drivers.identify.test_scan_peers import PEERS, SNAP7, command, python_peers
from tests.peers.build import absent, compiled, node_script, python_peer

# device -> protocol, brand and model where it tells one
EXPECTED = {
    "libmodbus": ("modbus_tcp", "", ""),
    "snap7": ("s7comm", "Siemens", "CPU 315-2 PN/DP"),
    "cpppo": ("ethernet_ip", "Rockwell Automation", "1756-L61/B LOGIX5561"),
    "node-opcua": ("opcua_binary", "", "NodeOPCUA-Server"),
    "bacpypes": ("bacnet_ip", "Plant Air", "AHC-200"),
    "snmpd": ("snmp", "", "Cabinet 4 switch"),
    "mosquitto": ("mqtt", "", ""),
}
PORTS = {one.id: one.port for one in PROTOCOLS}
OVER = {one.id: one.over for one in PROTOCOLS}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plant, dict[str, Any], list[Seen], Path]]:
    """The plant, the scanner's answer, what was on the cables, and its log."""
    folder = tmp_path_factory.mktemp("plant")
    with Plant(list(EXPECTED)) as plant:
        _servers(plant, folder)
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        approvals = "".join(
            f'[[target]]\nname = "{name}"\naddress = "{plant.address(name)}"\nuntil = {until}\nby = "Li Wei"\n'
            f'outputs = false\nprotocols = ["{protocol}"]\ncommunity = "{"plantread" if protocol == "snmp" else ""}"\n'
            for name, (protocol, _, _) in EXPECTED.items()
        )
        request = {
            "approve": base64.b64encode(approvals.encode()).decode(),
            "names": list(EXPECTED),
            "log": str(folder / "log.pcap"),
        }
        out, seen = plant.run([sys.executable, "-m", "drivers.identify.scan"], json.dumps(request).encode())
        yield plant, json.loads(out), seen, folder / "log.pcap"


def _servers(plant: Plant, folder: Path) -> None:
    """The foreign servers, the slowest to start last, so that the others start meanwhile."""
    snmpd, mosquitto = Path("/usr/sbin/snmpd"), shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
    if not snmpd.exists() or mosquitto is None:
        absent("snmpd or mosquitto is missing: apt install snmpd mosquitto")
    (folder / "snmpd.conf").write_text("rocommunity plantread\nsysDescr Cabinet 4 switch\nagentaddress udp:161\n")
    (folder / "mosquitto.conf").write_text("listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n")
    plant.start("snmpd", [str(snmpd), "-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lo"], udp=161)
    plant.start("mosquitto", [str(mosquitto), "-c", str(folder / "mosquitto.conf")], tcp=1883)
    plant.start("snap7", [python_peers(), "-c", SNAP7 % 102], tcp=102)
    logix = ["-m", "cpppo.server.enip", "--address", f"{plant.address('cpppo')}:44818", "SCADA=INT[10]"]
    plant.start("cpppo", [str(PEERS), *logix], tcp=44818)
    modbus = command(lambda: [str(compiled("modbus_server"))], "502", plant.address("libmodbus"))
    plant.start("libmodbus", modbus, told=True)
    bacnet = command(
        lambda: python_peer("bacnet_server.py", "bacpypes3"), f"{plant.address('bacpypes')}/30", "47808", "all"
    )
    plant.start("bacpypes", bacnet, told=True)
    words = (str(folder), json.dumps({"level": {"type": "Double", "value": 1}}), "None", "4840")
    plant.start("node-opcua", command(lambda: node_script("opcua_server.js", "node-opcua-server"), *words), told=True)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_server_is_identified_with_its_model(name: str, scanned: tuple[Plant, dict[str, Any], Any, Any]) -> None:
    (device,) = [one for one in scanned[1]["devices"] if one["target"] == name]
    (row,) = device["findings"]
    assert (row["protocol"], row["brand"], row["model"]) == EXPECTED[name]
    assert row["confidence"] == "confirmed"
    assert device["stopped"] == ""


def test_nobody_else_is_asked_and_nobody_more_than_once_a_second(
    scanned: tuple[Plant, dict[str, Any], list[Seen], Path],
) -> None:
    plant, answer, seen, _ = scanned
    assert answer["broken"] == ""
    asked = [one for one in seen if one.source.endswith(".1")]
    assert {one.target for one in asked} == {plant.address(name) for name in EXPECTED}
    for device in answer["devices"]:
        times = [one.at_s for one in asked if one.target == device["address"]]
        assert len(times) == device["asked"]
        assert all(later - sooner >= 0.95 for sooner, later in itertools.pairwise(times))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_log_holds_every_byte_that_was_on_the_cable(
    name: str, scanned: tuple[Plant, dict[str, Any], list[Seen], Path]
) -> None:
    plant, _, seen, log = scanned
    protocol, address = EXPECTED[name][0], plant.address(name)
    for outward in (True, False):
        cable = [one for one in seen if (one.target if outward else one.source) == address]
        assert {(one.tcp, one.port) for one in cable} == {(OVER[protocol] == "tcp", PORTS[protocol])}
        kept = [one.content for one in packets(log, PORTS[protocol]) if (one.outward, one.device) == (outward, address)]
        assert b"".join(kept) == b"".join(one.payload for one in cable) != b""
