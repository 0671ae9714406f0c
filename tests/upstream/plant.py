"""A throw-away CA, a real mosquitto over mutual TLS, a TCP proxy that can fall silent, a gateway of two rooms."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.core.summary import Active, AlarmSummary, Health, Period, Status
from gateway.journal.journal import Journal
from gateway.upstream.encode import Encoder, Names
from gateway.upstream.link import Address, UpstreamError
from gateway.upstream.outbox import Outbox
from gateway.upstream.session import Session, Settings

TEXTS = {"PKL_LSLL": {"zh-CN": "酸洗槽液位低低,已请求停泵", "en": "Pickling tank level low-low, pump stop requested"}}
ROOT = "gatehouse/v1/wuhan-2/gw-kiln-07"


def missing(peer: str) -> None:
    """A foreign peer that is not installed: a visible skip locally, a failure in CI."""
    text = f"{peer} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Authority:
    """A CA in a folder; `issue` gives (certificate, key) paths."""

    def __init__(self, folder: Path, name: str = "test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._build(self._name, self._key.public_key(), ca=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, days: float = 2) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(subject, key.public_key(), ca=False, days=days)
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        files[1].chmod(0o644)
        return files

    def _build(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, days: float = 40
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        found = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=2))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                    key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )  # fmt: skip
        if not ca:
            names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            found = found.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return found.sign(self._key, hashes.SHA256())


class Broker:
    """A real mosquitto: mutual TLS on `port` for the gateway, plain loopback on `plain_port` for the observer."""

    def __init__(self, folder: Path, acl: str = "", *, saves: bool = True, queued: int = 100_000) -> None:
        self._program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        if self._program is None:
            missing("mosquitto")
        self.folder = folder
        self.ca = Authority(folder / "ca")
        self.port, self.plain_port = free_port(), free_port()
        server, key = self.ca.issue("server")
        self.client = self.ca.issue("gw-kiln-07")
        acl_line = ""
        if acl:
            (folder / "acl").write_text(acl)
            (folder / "acl").chmod(0o600)
            acl_line = f"acl_file {folder}/acl\n"
        user = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(
            f"{user}per_listener_settings true\npersistence {str(saves).lower()}\npersistence_location {folder}/\n"
            f"autosave_interval 1\nautosave_on_changes true\nmax_queued_messages {queued}\n"
            f"listener {self.port} 127.0.0.1\ncafile {self.ca.path}\ncertfile {server}\nkeyfile {key}\n"
            f"require_certificate true\nuse_identity_as_username true\n{acl_line}"
            f"listener {self.plain_port} 127.0.0.1\nallow_anonymous true\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._program is not None
        with (self.folder / "broker.log").open("ab") as log:
            arguments = [self._program, "-c", str(self.folder / "mosquitto.conf")]
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)
        end = time.monotonic() + 10
        for port in (self.port, self.plain_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end, (self.folder / "broker.log").read_text()
                    time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None

    def address(self, port: int = 0) -> Address:
        certificate, key = self.client
        return Address("127.0.0.1", port or self.port, str(self.ca.path), str(certificate), str(key))


class Observer:
    """An outside subscriber on a thread of its own, with a session that outlives the broker."""

    def __init__(self, port: int, name: str = "observer") -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.retained: dict[str, bytes] = {}
        self.properties: dict[str, object] = {}
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv311, clean_session=False
        )
        self._client.on_connect = lambda client, *_: client.subscribe("gatehouse/#", 1)
        self._client.on_message = self._message
        self._client.reconnect_delay_set(0.2, 0.5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.retain or message.topic.rsplit("/", 1)[-1] in ("status", "schema", "active", "summary", "health"):
            self.retained[message.topic] = bytes(message.payload)
        else:
            self.seen.append((message.topic, bytes(message.payload)))

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, 1)

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Proxy:
    """A TCP proxy that can stop forwarding while both sockets stay open: a cable cut that nobody is told of."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(self._accept, host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def black_hole(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        """New connections work again; those that hung in the hole are gone for good."""
        for task in self._tasks:
            task.cancel()
        self._open.set()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        there: asyncio.StreamWriter | None = None
        try:
            await self._open.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, there))
                both.create_task(self._pump(back, writer))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            if there is not None:
                there.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        raise EOFError


class Feeds:
    """State of a plant where nothing happens."""

    version = "0.1.0"

    def status(self) -> Status:
        return Status(utc_ms=1, online=True, version="0.1.0", boot=1, last_seq=0, state="NORMAL")

    def active(self) -> Active:
        return Active(utc_ms=1, alarms=())

    def period(self) -> Period:
        return Period(
            utc_ms=1, from_ms=0, produced=0, by_priority={}, by_state={}, by_area={}, top=(), first_seq=0, last_seq=0
        )

    def health(self) -> Health:
        return Health(
            utc_ms=1, sources_good=1, sources_bad=(), step_p99_us=1, lag_max_ms=1, disk_free_bytes=1, queued=0, lost=0,
            bypasses=0, time_quality="none", state="NORMAL",
        )  # fmt: skip


@dataclass
class Gateway:
    """Journal, outbox and a session that is restarted as the supervisor would, at a test's pace."""

    folder: Path
    settings: Settings
    pause_s: float = 0.1
    errors: list[UpstreamError] = field(default_factory=list)
    first_lost_at: float = 0.0
    unbalanced: int = 0

    async def __aenter__(self) -> Gateway:
        self.encoder = Encoder(Names("wuhan-2", "gw-kiln-07", 1), TEXTS)
        self.outbox = Outbox(
            self.folder / "journal.db",
            self.encoder,
            proof="receipt" if self.settings.receipt else "broker",
            resend=self.settings.resend,
        )
        self.journal = Journal(self.folder, self.outbox)
        self.boot = self.journal.open().boot
        self.session = Session(self.settings, self.outbox, Feeds())
        self.given = 0
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self.journal.close()

    async def _supervise(self) -> None:
        while True:
            try:
                await self.session.run()
            except UpstreamError as error:
                self.errors.append(error)
                self.first_lost_at = self.first_lost_at or time.monotonic()
            await asyncio.sleep(self.pause_s)

    async def _watch(self) -> None:
        while True:
            self.unbalanced += not self.outbox.counts().balanced
            await asyncio.sleep(0.005)

    def alarm(self, priority: int = 2, area: str = "pickling") -> None:
        self.given += 1
        n, ms = (self.boot, self.given), time.time_ns() // 1_000_000
        summary = AlarmSummary(
            utc_ms=ms, id=n, occurrence=n, alarm="PKL_LSLL", area=area, event="raise", state="UNACK",
            priority=priority, category="interlock", source="tank1.level", value=27.4, unit="cm", limit=30.0,
        )  # fmt: skip
        record = Record(n, time.monotonic_ns(), ms, "alarm.raise", "PKL_LSLL", {"value": 27.4})
        self.journal.append(Effect(record, summary))

    async def until(self, check: object, seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not check():  # type: ignore[operator]
            assert time.monotonic() < end, (self.outbox.counts(), self.session.view, [str(e) for e in self.errors])
            await asyncio.sleep(0.01)

    async def delivered(self, seconds: float = 15.0) -> None:
        """All that was given, and what the journal says by itself (an anchor a minute), is confirmed."""

        def all_of_it() -> bool:
            now = self.outbox.counts()
            return now.produced >= self.given and now.confirmed == now.produced

        await self.until(all_of_it, seconds)
