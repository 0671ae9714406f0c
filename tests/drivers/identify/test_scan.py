"""Asking: only reads exist, only approved devices are asked, slowly, and every byte is in the log."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.identify import approvals
from drivers.identify.formats import recognise
from drivers.identify.probes import PROTOCOLS, Read, Values, encode
from drivers.identify.scanner import Log, Result, Scan, Target
from drivers.identify.source import batches
from tests.peers.build import absent

PEERS = Path(__file__).parents[2] / "peers" / ".venv" / "bin" / "python"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SNAP7 = "import time\nfrom snap7.server import Server\nserver = Server(False)\nserver.start(%d)\ntime.sleep(60)\n"

# --- only reads ---


def is_read(probe: bytes) -> bool:
    """Whether `probe` is one of the few requests that may be sent, judged without the encoder."""
    if probe[2:6] == b"\0\0\0\x05" and len(probe) == 11:
        return probe[7:] == b"\x2b\x0e\x01\x00"  # Modbus: Read Device Identification, nothing else
    if probe[:2] == b"\x03\x00":
        job = probe[7:9] == b"\x32\x01" and probe[17:18] == b"\xf0"
        list_read = probe[7:9] == b"\x32\x07" and probe[21:24] == b"\x11\x44\x01"
        return probe[5] == 0xE0 or job or list_read
    if probe[:4] in (b"HELF", b"OPNF"):
        return True
    if probe[:4] == b"MSGF":
        return probe[24:28] == b"\x01\x00\xac\x01"  # GetEndpoints
    if probe[:2] == b"\x81\x0a":
        return probe[6:] == b"\x10\x08" or probe[9:10] == b"\x0c"  # Who-Is, ReadProperty
    if probe[:1] == b"\x10":
        return probe[9] == 0x02  # CONNECT: clean, no will, no name, no password
    if probe[:2] == b"\x80\x00":
        return probe[10:12] == b"\x05\x01"
    if probe[:1] == b"\x30":
        return b"\xa0" in probe and not probe.count(b"\xa3", 0, 9)
    return probe[:2] == b"\x63\x00" and len(probe) == 24


numbers = st.integers(-(2**40), 2**40)


@given(st.sampled_from(list(Read)), numbers, numbers, numbers, numbers, numbers, st.text(max_size=200))
def test_nothing_but_a_read_can_be_encoded(
    read: Read, number: int, channel: int, token: int, instance: int, unit: int, community: str
) -> None:
    assert is_read(encode(read, Values(number, channel, token, instance, unit, community)))


def test_every_read_belongs_to_one_protocol() -> None:
    assert sorted(read.name for one in PROTOCOLS for read in one.reads) == sorted(read.name for read in Read)


# --- approvals ---


def file(until: str = "2026-05-02T00:00:00Z", more: str = "", outputs: str = "false") -> approvals.Approvals:
    text = (
        f'[[target]]\nname = "press"\naddress = "10.0.0.5"\nuntil = {until}\nby = "Li Wei"\noutputs = {outputs}\n{more}'
    )
    return approvals.read(text.encode())


def test_an_approved_device_is_planned() -> None:
    (target,) = approvals.chosen(file(), ["press"], NOW, tripped=False)
    assert "snmp" not in [row["protocol"] for row in approvals.plan([target])]  # no community was given


@pytest.mark.parametrize(
    ("given_file", "names", "reason"),
    [
        (file(), ["pump"], "unknown"),
        (file("2026-04-30T00:00:00Z"), ["press"], "expired"),
        (file("2027-05-02T00:00:00Z"), ["press"], "too-long"),
        (file(outputs="true"), ["press"], "outputs"),
        (file(more='[never]\n"10.0.0.5" = "safety controller"\n'), ["press"], "never"),
        (file(more='protocols = ["dnp3"]\n'), ["press"], "protocol"),
        (file(), ["press", "press"], "twice"),
    ],
)
def test_what_is_not_approved_is_refused(given_file: approvals.Approvals, names: list[str], reason: str) -> None:
    with pytest.raises(approvals.Refused) as refused:
        approvals.chosen(given_file, names, NOW, tripped=False)
    assert refused.value.reason == reason


def test_a_device_with_outputs_is_asked_only_tripped() -> None:
    assert approvals.chosen(file(outputs="true"), ["press"], NOW, tripped=True)


def test_a_file_that_does_not_say_whether_outputs_hang_on_it_is_refused() -> None:
    with pytest.raises(approvals.Refused, match="outputs"):
        approvals.read(b'[[target]]\nname = "a"\naddress = "10.0.0.5"\nuntil = 2026-05-02T00:00:00Z\nby = "Li"\n')


# --- real devices ---


@contextmanager
def running(*command: str) -> Iterator[None]:
    """A foreign server for a while."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            yield
        finally:
            peer.kill()


def asked(target: Target, log: Path, patience_s: float = 15) -> Result:
    """The result of one target, asked again while its server starts."""
    end = time.monotonic() + patience_s
    while True:
        log.unlink(missing_ok=True)
        writing = Log(log)
        (result,) = asyncio.run(Scan([target], writing).run())
        writing.close()
        if result.rows or time.monotonic() > end:
            return result
        time.sleep(0.5)


def sent_at_s(log: Path, port: int) -> list[float]:
    """When requests with content went out to `port`, by the log."""
    raw, at, out = log.read_bytes(), 24, []
    while at < len(raw):
        seconds, micro, size, _ = (int.from_bytes(raw[at + 4 * k : at + 4 * k + 4], "little") for k in range(4))
        packet = raw[at + 16 : at + 16 + size]
        content = packet[40:] if packet[9] == 6 else packet[28:]
        if int.from_bytes(packet[22:24], "big") == port and content:
            out.append(seconds + micro / 1e6)
        at += 16 + size
    return out


def python_peers() -> str:
    if not PEERS.exists():
        absent("the Python peers are missing: scripts/peers")
    return str(PEERS)


def test_snap7_tells_its_model_slowly(tmp_path: Path) -> None:
    with running(python_peers(), "-c", SNAP7 % 21102):
        result = asked(Target("plc", "127.0.0.1", ("s7comm",), (("s7comm", 21102),)), tmp_path / "log.pcap")
    (row,) = result.rows
    assert (row["confidence"], row["brand"], row["model"]) == ("confirmed", "Siemens", "CPU 315-2 PN/DP")
    times = sent_at_s(tmp_path / "log.pcap", 21102)
    assert len(times) == result.sent == 4
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.99


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
    with (tmp_path / "log.pcap").open("rb") as log:
        packets = [
            b.data[s : s + n].tobytes()
            for b in batches(log.read, recognise)
            for s, n in zip(b.start, b.size, strict=True)
        ]
    assert [packet[40:41] for packet in packets] == [b"", b"\x10", b"\x20"]  # opened, CONNECT, CONNACK


def test_snmpd_tells_its_description(tmp_path: Path) -> None:
    if not Path("/usr/sbin/snmpd").exists():
        absent("snmpd is missing: apt install snmpd")
    config = tmp_path / "snmpd.conf"
    config.write_text("rocommunity plantread\nsysDescr Gateway test box\nagentaddress udp:127.0.0.1:20161\n")
    with running("/usr/sbin/snmpd", "-f", "-C", "-c", str(config), "-Lo"):
        target = Target("switch", "127.0.0.1", ("snmp",), (("snmp", 20161),), "plantread")
        result = asked(target, tmp_path / "log.pcap")
    assert [(row["confidence"], row["model"]) for row in result.rows] == [("confirmed", "Gateway test box")]


def test_the_breaker_stops_everybody(tmp_path: Path) -> None:
    """A device that becomes slow ends the run for all; what was not asked yet is not asked any more."""

    async def slower(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for delay in (0.0, 0.4):
            if not await reader.read(1000):
                break
            await asyncio.sleep(delay)
            writer.write(bytes.fromhex("0300001611d00001000100c0010ac1020100c2020102"))
        writer.close()

    async def run() -> tuple[list[Result], str]:
        async with await asyncio.start_server(slower, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            targets = [Target("slow", "127.0.0.1", ("s7comm", "mqtt"), (("s7comm", port), ("mqtt", port)))]
            log = Log(tmp_path / "log.pcap")
            scan = Scan(targets, log)
            results = await scan.run()
            log.close()
            return results, scan.broken

    results, broken = asyncio.run(run())
    assert broken.startswith("slow: ")
    assert results[0].sent == 2
    assert results[0].stopped == broken
