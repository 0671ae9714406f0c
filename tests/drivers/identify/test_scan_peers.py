"""What real servers of other makers tell when they are asked; the log against what a recorder between both saw."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

from drivers.identify.scanner import Failure, Target
from tests.drivers.identify.asking import asked, packets, recorded, running
from tests.peers.build import PeerMissing, absent, compiled, free_port, node_script, python_peer
from tests.peers.lines import LinePeer

HERE = Path(__file__).parents[2] / "peers"
PEERS = HERE / ".venv" / "bin" / "python"
SNAP7 = "import time\nfrom snap7.server import Server\nserver = Server(False)\nserver.start(%d)\ntime.sleep(60)\n"


def python_peers() -> str:
    if not PEERS.exists():
        absent("the Python peers are missing: scripts/peers")
    return str(PEERS)


def command(make: object, *words: str) -> list[str]:
    """The command of a peer; skips where it is missing."""
    try:
        return [*make(), *words]  # type: ignore[operator]
    except PeerMissing as missing:
        absent(str(missing))
        raise


def test_snap7_tells_its_model_slowly(tmp_path: Path) -> None:
    with running(python_peers(), "-c", SNAP7 % 21102):
        result = asked(Target("plc", "127.0.0.1", ("s7comm",), (("s7comm", 21102),)), tmp_path / "log.pcap")
    (row,) = result.rows
    assert (row["confidence"], row["brand"], row["model"]) == ("confirmed", "Siemens", "CPU 315-2 PN/DP")
    sent = [one.at_s for one in packets(tmp_path / "log.pcap", 21102) if one.outward and one.content]
    assert len(sent) == result.sent == 4
    assert min(later - sooner for sooner, later in itertools.pairwise(sent)) >= 0.99


def test_cpppo_tells_its_model(tmp_path: Path) -> None:
    with running(python_peers(), "-m", "cpppo.server.enip", "--address", "127.0.0.1:24818", "SCADA=INT[10]"):
        result = asked(Target("logix", "127.0.0.1", ("ethernet_ip",), (("ethernet_ip", 24818),)), tmp_path / "log.pcap")
    (row,) = result.rows
    assert (row["confidence"], row["brand"], row["model"]) == (
        "confirmed",
        "Rockwell Automation",
        "1756-L61/B LOGIX5561",
    )


def test_mosquitto_and_the_log_holds_every_byte(tmp_path: Path) -> None:
    mosquitto = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if mosquitto is None:
        absent("mosquitto is missing: apt install mosquitto")
        return
    with running(mosquitto, "-p", "21883"):
        result = asked(Target("broker", "127.0.0.1", ("mqtt",), (("mqtt", 21883),)), tmp_path / "log.pcap")
    assert [(row["protocol"], row["confidence"]) for row in result.rows] == [("mqtt", "confirmed")]
    contents = [one.content[:1] for one in packets(tmp_path / "log.pcap", 21883)]
    assert contents == [b"", b"\x10", b"\x20"]  # opened, CONNECT, CONNACK


def test_snmpd_tells_its_description(tmp_path: Path) -> None:
    if not Path("/usr/sbin/snmpd").exists():
        absent("snmpd is missing: apt install snmpd")
    config = tmp_path / "snmpd.conf"
    config.write_text("rocommunity plantread\nsysDescr Gateway test box\nagentaddress udp:127.0.0.1:20161\n")
    with running("/usr/sbin/snmpd", "-f", "-C", "-c", str(config), "-Lo"):
        target = Target("switch", "127.0.0.1", ("snmp",), (("snmp", 20161),), "plantread")
        result = asked(target, tmp_path / "log.pcap")
    assert [(row["confidence"], row["model"]) for row in result.rows] == [("confirmed", "Gateway test box")]


def test_libmodbus_refuses_the_function_and_proves_the_protocol_by_that(tmp_path: Path) -> None:
    """It knows no function 43: an exception that echoes transaction, unit and function."""
    with LinePeer(command(lambda: [str(compiled("modbus_server"))])) as peer:
        result = recorded("modbus_tcp", ("127.0.0.1", peer.port), tmp_path / "log.pcap")
    (row,) = result.rows
    assert (row["protocol"], row["confidence"], row["model"]) == ("modbus_tcp", "confirmed", "")
    assert row["evidence"]["answer_hex"][-4:-2] == "ab"
    assert result.failed == []


def test_modbus_serial_tells_its_model(tmp_path: Path) -> None:
    memory = json.dumps({"holding": {}, "input": {}, "coil": {}, "discrete": {}})
    words = (memory, str(free_port()))
    with LinePeer(command(lambda: node_script("modbus_serial_server.js", "modbus-serial"), *words)) as peer:
        (row,) = recorded("modbus_tcp", ("127.0.0.1", peer.port), tmp_path / "log.pcap").rows
    assert (row["confidence"], row["brand"], row["model"], row["firmware"]) == (
        "confirmed",
        "Plant Controls",
        "PC-340",
        "V2.11",
    )


def test_node_opcua_tells_application_and_product(tmp_path: Path) -> None:
    words = (str(tmp_path), json.dumps({"level": {"type": "Double", "value": 1}}), "None", str(free_port()))
    with LinePeer(command(lambda: node_script("opcua_server.js", "node-opcua-server"), *words)) as peer:
        result = recorded("opcua_binary", ("127.0.0.1", peer.port), tmp_path / "log.pcap")
        sessions = peer.ask("sessions x")
    (row,) = result.rows
    assert (row["confidence"], row["model"]) == ("confirmed", "NodeOPCUA-Server")  # the product's URI
    assert row["facts"]["application"] == "urn:gatehouse:test:server"
    assert row["facts"]["name"] == "NodeOPCUA"
    assert sessions == "0"


def test_bacpypes_tells_its_model(tmp_path: Path) -> None:
    port = free_port()
    words = ("127.0.0.7/8", str(port))
    with LinePeer(command(lambda: python_peer("bacnet_server.py", "bacpypes3"), *words)):
        result = recorded("bacnet_ip", ("127.0.0.7", port), tmp_path / "log.pcap")
    (row,) = result.rows
    assert (row["confidence"], row["brand"], row["model"], row["firmware"]) == (
        "confirmed",
        "Plant Air",
        "AHC-200",
        "4.2",
    )
    assert row["facts"]["instance"] == "340012"
    assert row["facts"]["vendor_id"] == "999"


def test_a_device_that_answers_who_is_to_all_is_heard(tmp_path: Path) -> None:
    """It refuses a read of the wildcard instance: without its I-Am nothing of it would be known."""
    port = free_port()
    words = ("127.0.0.8/8", str(port), "all")
    with LinePeer(command(lambda: python_peer("bacnet_server.py", "bacpypes3"), *words)):
        target = Target("ahu", "127.0.0.8", ("bacnet_ip",), (("bacnet_ip", port),))
        result = asked(target, tmp_path / "log.pcap", patience_s=0)
    (row,) = result.rows
    assert (row["confidence"], row["brand"], row["model"]) == ("confirmed", "Plant Air", "AHC-200")
    assert row["facts"]["instance"] == "340012"
    assert result.failed == []
    assert [one.outward for one in packets(tmp_path / "log.pcap", port)] == [True, False] * 4


def test_a_fins_controller_tells_its_model(tmp_path: Path) -> None:
    with LinePeer([python_peers(), str(HERE / "word_server.py"), "fins", str(free_port())]) as peer:
        (row,) = recorded("omron_fins", ("127.0.0.1", peer.port), tmp_path / "log.pcap").rows
    assert (row["confidence"], row["brand"], row["model"], row["firmware"]) == (
        "confirmed",
        "Omron",
        "CJ2M-CPU33",
        "02.01",
    )


def test_where_nothing_listens_the_result_says_so(tmp_path: Path) -> None:
    tcp, udp = free_port(), free_port()
    target = Target("gone", "127.0.0.1", ("modbus_tcp", "snmp"), (("modbus_tcp", tcp), ("snmp", udp)), "plantread")
    result = asked(target, tmp_path / "log.pcap", patience_s=0)
    assert result.failed == [
        Failure("snmp", udp, "SNMP_SYSTEM", "refused"),
        Failure("modbus_tcp", tcp, "CONNECT", "refused"),
    ]
    assert result.sent == 1
