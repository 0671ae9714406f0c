"""SNMPv3, signed and encrypted, over TCP against Net-SNMP's snmpd; over UDP see tests/drivers/test_snmp.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivers import snmp
from drivers.base import Plan, PointSpec
from drivers.snmp_ber import Reader, extent
from drivers.snmp_usm import User
from tests.contract.case import Peer, frames, named, plan_of
from tests.peers.build import HERE, PeerMissing, free_port

BASE = "1.3.6.1.4.1.8072.9999.9999"
LOAD_TEXT, LOAD_FLOAT = "1.3.6.1.4.1.2021.10.1.3.1", "1.3.6.1.4.1.2021.10.1.6.1"
OBJECTS = {
    "integer": ("1", "integer", "-42"),
    "gauge": ("2", "gauge", "4000000000"),
    "big": ("3", "counter64", "1099511627776"),
    "text": ("4", "string", "12.5"),
    "ticks": ("5", "timeticks", "360000"),
    "counter": ("6", "counter", "7"),
    "state": ("7", "integer", "1"),
    "after": ("9", "integer", "9"),
}
AUTH, PRIV, COMMUNITY = "auth phrase", "priv phrase", "readonly"
USERS = {"sha": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


class Agent:
    """snmpd with a configuration of its own."""

    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        self._file = directory / "values"
        self._held = dict(OBJECTS)
        self._write()

    def _write(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text("".join(" ".join(one) + "\n" for one in self._held.values()))
        fresh.rename(self._file)

    def change(self, name: str, value: float) -> None:
        arc, kind, _ = self._held[name]
        self._held[name] = (arc, kind, f"{value:g}")
        self._write()

    def connections(self) -> int | None:
        return None


@contextmanager
def agent(directory: Path) -> Iterator[Agent]:
    """The agent running, at the same port over TCP and UDP. Raises PeerMissing."""
    program = shutil.which("snmpd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        raise PeerMissing("snmpd is missing: apt install snmpd")
    made = Agent(directory, free_port())
    config = directory / "snmpd.conf"
    lines = [f"rocommunity {COMMUNITY} 127.0.0.1", "createUser open", "rouser open noauth"]
    for kind, name in USERS.items():
        lines += [f'createUser {kind} {name} "{AUTH}" AES "{PRIV}"', f"rouser {kind} auth"]
    lines.append(f"pass_persist .{BASE} {sys.executable} {HERE / 'snmp_values.py'} {directory / 'values'}")
    config.write_text("\n".join(lines) + "\n")
    where = f"udp:127.0.0.1:{made.port},tcp:127.0.0.1:{made.port}"
    command = [
        program,
        "-f",
        "-Lf",
        str(directory / "log"),
        "-C",
        "-c",
        str(config),
        "-r",
        "-p",
        str(directory / "pid"),
        where,
    ]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(directory / "kept"), "MIBS": ""}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, directory / "log")
            yield made
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 10
    while not log.exists() or "NET-SNMP version" not in log.read_text():
        assert process.poll() is None, log.read_text() if log.exists() else "snmpd ended"
        assert time.monotonic() < end, "snmpd does not begin"
        time.sleep(0.02)


def secrets(directory: Path) -> dict[str, Path]:
    """The files that a site would have."""
    found = {}
    for name, text in (("auth_file", AUTH), ("priv_file", PRIV), ("community_file", COMMUNITY)):
        found[name] = directory / name
        found[name].write_text(text + "\n")
    return found


ROWS = [PointSpec(name, f"{BASE}.{arc}.0", "") for name, (arc, _, _) in OBJECTS.items()]
ROWS += [
    PointSpec("up", f".{BASE}.7.0=1", "bool"),
    PointSpec("down", f"{BASE}.7.0=2", ""),
    PointSpec("scaled", f"{BASE}.5.0", "", scale=0.01),
    PointSpec("missing", f"{BASE}.8.0", ""),
    PointSpec("nothing", "1.3.6.1.2.1.1.3.9", ""),
]


def _pdu(message: Reader) -> bytes:
    """Of a message of v3, in clear."""
    message.integer()
    head = message.inner(0x30)
    head.integer()
    head.integer()
    flags = head.octets()[0]
    security = Reader(message.octets()).inner(0x30)
    engine, boots, time_s = security.octets(), security.integer(), security.integer()
    security.octets()
    security.octets()
    salt = security.octets()
    if flags & 2:
        user = User("sha256", "sha256", AUTH.encode(), PRIV.encode())
        scoped = Reader(user.crypt(engine, boots, time_s, salt, message.octets(), back=True)).inner(0x30)
    else:
        scoped = message.inner(0x30)
    scoped.octets()
    scoped.octets()
    return scoped.data[scoped.at : scoped.end]


class SnmpCase:
    """SNMPv3."""

    name = "snmp"
    known = {name: float(value) for name, (_, _, value) in OBJECTS.items()} | {"up": 1.0, "down": 0.0, "scaled": 3600.0}
    changing = ("integer", 12.0)
    bad = "missing"
    output = ("", 0.0)
    dials = 1
    loss_s = 1.0
    silence_s = 2.0
    garbage = (
        b"\x30\x82\xff\xff" + bytes(300),
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80\x02\x01\x03\x00\x00",
        bytes.fromhex("302902010104067075626c6963a21c0204000000000201000201003010300e060a2b060102010101020100020101"),
    )

    def __init__(self) -> None:
        self._directory = Path()

    harmless = frozenset(("a0",))  # GET
    ordered = ""

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 8, lambda data: extent(data)[1]):
            yield named(_pdu(Reader(frame).inner(0x30)), 1, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        self._directory = directory
        with agent(directory) as made:
            yield made

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[snmp.Driver, Plan]:
        files = secrets(self._directory) if self._directory.parts else {}
        return made(f"tcp://127.0.0.1:{port}", files, user="sha256", period_ms=period_ms)


def made(url: str, files: dict[str, Path], **more: Any) -> tuple[snmp.Driver, Plan]:
    """With the user of v3 where `more` has one, else with the community."""
    chosen = {key: file for key, file in files.items() if (key == "community_file") != ("user" in more)}
    settings = snmp.Settings.model_validate({"url": url, "timeout_ms": 500, "max_objects": 5, **chosen, **more})
    plan = plan_of(snmp, settings, ROWS)
    return snmp.Driver(settings, plan), plan


CASE = SnmpCase()
