"""People: sealing a record of 1 KB, erasing one of 500 workers, and 200 wearables at 25 Hz from the broker's message to the vault.

References in the same run: OpenSSL's AES-256-GCM on the same bytes for sealing; writing and syncing one file of the keyring's size
for erasing; decoding the same messages with `json` alone for the wearables.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drivers import wearable
from drivers.base import Plan
from drivers.base_worn import Frame, Readings, Surroundings, sound, stripped
from gateway.demo.broker import Broker, mosquitto
from gateway.people.dossier import STREAMS, Consent, Dossier
from gateway.people.files import durable
from gateway.people.keeping import Keeping
from gateway.people.keystore import FileStore
from gateway.people.roster import Purpose, Roster, Worker
from gateway.people.sealing import DayKey, fingerprint
from gateway.people.vault import Vault
from tests.bench.figure import figure

WORKERS, HZ = 200, 25.0
BATCH = 64


def figures(quick: bool) -> list[dict[str, Any]]:
    """All figures."""
    found = [*_sealing(20_000 if quick else 200_000), _erasing()]
    for every_s in (1, 5):
        behind = _wearables(20 if quick else 120, every_s)
        before = asyncio.run(_over_mqtt(10 if quick else 60, every_s)) if mosquitto() else (0.0, 0)
        total = behind[0] + before[0]
        found.append(
            figure(
                f"{WORKERS} wearables at {HZ:g} Hz, a message each {every_s} s", total, "% of a core", "<= 5", total <= 5.0,
                behind[1], behind_mqtt=round(behind[0], 2), mqtt_and_driver=round(before[0], 2), frames=before[1],
            )
        )  # fmt: skip
    return found


def _sealing(records: int) -> list[dict[str, Any]]:
    """Time of the processor: one record by itself as the vault's flush seals them (many in one call), and as one block of many."""
    data, key, raw, about = (
        os.urandom(1024),
        DayKey(os.urandom(32), 1, 1),
        AESGCM(os.urandom(32)),
        b"number, stream, time",
    )
    alone, together = [data] * BATCH, [data * BATCH]
    found = []
    for name, blocks in (("seal 1 KB, each a block", alone), (f"seal 1 KB, {BATCH} in a block", together)):
        rounds = max(100, records // BATCH)
        abouts = [about] * len(blocks)
        value = _spent_us(lambda: key.seal_each(blocks, abouts), rounds) / BATCH  # noqa: B023
        bare, part, nonce = raw.encrypt, blocks[0], bytes(12)
        reference = _spent_us(lambda: bare(nonce, part, b""), rounds * len(blocks)) * len(blocks) / BATCH  # noqa: B023
        found.append(figure(name, value, "us", "<= 1", value <= 1.0, reference))
    return found


def _spent_us(work: Callable[[], object], rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - began) / rounds * 1e6


def _erasing() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder) / "people", FileStore(Path(folder) / "keys"))
        vault.open()
        keyring = vault._opened().keyring
        keyring._write = lambda: None  # type: ignore[method-assign]  # 500 enrolments are not what is measured
        for number in range(500):
            keyring.enrol(f"w{number}")
        del keyring._write
        keyring._write()
        vault.put_dossier("w250", Dossier())
        erased = vault.erase("w250", time.time_ns() // 1_000_000)
        size = (vault.folder / "keyring").stat().st_size
        began = time.perf_counter()
        durable(Path(folder) / "reference", bytes(size))
        reference = (time.perf_counter() - began) * 1000.0
        return figure("erase one of 500 workers", erased.took_ms, "ms", "<= 1000", erased.took_ms <= 1000.0, reference)


def _message(rng: np.random.Generator, t_ms: int, seconds: int) -> bytes:
    """Some seconds of a wearable: pulse and motion at 25 Hz, skin temperature."""
    at = np.arange(int(HZ) * seconds) / HZ + t_ms / 1000.0
    wave = np.exp(-((((at * 1.2) % 1.0 - 0.3) / 0.12) ** 2)) + 0.01 * rng.standard_normal(len(at))
    axes = {axis: rng.normal(0.0, 0.05, len(at)).round(4).tolist() for axis in "xyz"}
    data = {"t": t_ms, "ppg": {"hz": HZ, "v": wave.round(5).tolist()}, "motion": {"hz": HZ, **axes}}
    return json.dumps({**data, "skin_temperature": 33.5}).encode()


def _wearables(seconds: int, every_s: int) -> tuple[float, float]:
    """CPU of everything behind the MQTT library: decode, consent, beats, index, sealing, writing; and of json alone, in %."""
    rng, start_ms = np.random.default_rng(1), 1_795_000_000_000
    now = [start_ms]
    workers = {f"w{at}": Worker(f"w{at}", f"u{at}", at, (f"band-{at}",)) for at in range(1, WORKERS + 1)}
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder) / "people", FileStore(Path(folder) / "keys"))
        vault.open()
        purpose = Purpose("all", STREAMS, 12, {"en": "for a benchmark"})
        keeping = Keeping(Roster(workers, {"all": purpose}), vault, lambda: now[0])
        for name in workers:
            consent = Consent("all", STREAMS, start_ms, start_ms + 10**9, fingerprint(b"for a benchmark"), "")
            keeping._dossiers[name] = Dossier(consents=[consent])
            vault._opened().keyring._numbers[name] = os.urandom(16)
            vault._opened().keyring._keys[vault._opened().keyring._numbers[name]] = os.urandom(32)
        decode, spent, reference = msgspec.json.Decoder(Frame).decode, 0.0, 0.0
        for second in range(0, seconds, every_s):
            now[0] = start_ms + second * 1000
            messages = [
                _message(rng, now[0] + at * 3, every_s) for at in range(4)
            ]  # alike enough: what counts is their number
            began = time.process_time()
            for at, name in enumerate(workers):
                device = workers[name].devices[0]
                allowed = keeping.intake.allowed(device)
                frame = stripped(decode(messages[at % 4]), allowed)
                if sound(frame):
                    keeping.intake.hear(device, frame, allowed)
            keeping.intake.tick()
            if (second + every_s) % 5 == 0:
                keeping._write(*keeping._taken())
            spent += time.process_time() - began
            began = time.process_time()
            for at in range(WORKERS):
                json.loads(messages[at % 4])
            reference += time.process_time() - began
        assert all(any(True for _ in vault.read(worker, "raw")) for worker in ("w1", "w200")), "nothing was kept"
        return spent / seconds * 100.0, reference / seconds * 100.0


class _Heard:
    """A keeper that takes everything and keeps nothing: what is left is the driver and the MQTT library."""

    def __init__(self, devices: list[str]) -> None:
        self._devices, self.frames = devices, 0

    def devices(self) -> list[str]:
        return self._devices

    def allowed(self, _device: str) -> frozenset[str]:
        return frozenset(STREAMS)

    def hear(self, _device: str, _frame: Frame, _allowed: frozenset[str]) -> Readings:
        self.frames += 1
        return []

    def surroundings(self, _area: str, _said: Surroundings) -> Readings:
        return []

    def tick(self) -> Readings:
        return []


PUBLISH = """
import sys, time, paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
client = paho.Client(CallbackAPIVersion.VERSION2); client.connect("127.0.0.1", int(sys.argv[1])); client.loop_start()
body, end = sys.stdin.buffer.read(), time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    began, count = time.monotonic(), int(sys.argv[2])
    for at in range(count):  # spread over the second, as devices are that know nothing of each other
        client.publish(f"wearable/band-{at + 1}", body, 1)
        time.sleep(max(0.0, began + (at + 1) / count - time.monotonic()))
"""


async def _over_mqtt(seconds: int, every_s: int) -> tuple[float, int]:
    """CPU of the driver with the MQTT library in %, for QoS 1 messages of all wearables from a real broker; and how many came."""
    with tempfile.TemporaryDirectory() as folder:
        async with Broker(Path(folder), kind="mosquitto") as broker:
            settings = wearable.Settings(url=f"mqtt://127.0.0.1:{broker.port}")
            driver = wearable.Driver(settings, Plan("worn", [], []))
            driver.keeper = heard = _Heard([f"band-{at}" for at in range(1, WORKERS + 1)])
            running = asyncio.ensure_future(driver.run(lambda _block: None))
            await asyncio.sleep(1.0)
            words = [sys.executable, "-c", PUBLISH, str(broker.port), str(WORKERS // every_s), str(seconds)]
            sender = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
            assert sender.stdin is not None
            sender.stdin.write(_message(np.random.default_rng(1), 1_795_000_000_000, every_s))
            sender.stdin.close()
            began, began_s = time.process_time(), time.monotonic()
            await sender.wait()
            spent, took_s = time.process_time() - began, time.monotonic() - began_s
            running.cancel()
            await asyncio.wait({running})
    return spent / took_s * 100.0, heard.frames
