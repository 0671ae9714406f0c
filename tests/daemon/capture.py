"""Everything a demo run says to its broker, and the bytes of every connection to it, searched for a raw sample."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.upstream.payloads import PUBLISHED
from tests.daemon.rig import Rig

STILL = {  # tag -> around which value, within its range: no alarm of the demo reads it at this value
    "tank1.level_b": 181.0, "tank1.level_c": 182.0, "tank1.temperature": 44.0, "tank2.level": 121.0, "tank2.temperature": 46.0,
    "pump7.pressure": 3.0, "pump7.flow": 41.0, "vent1.flow": 903.0, "rx1.temp": 151.0, "ch4.a": 0.2, "o2.a": 20.8,
    "wind1": 5.0,
}  # fmt: skip
LEVEL = "tank1.level"
Given = dict[str, set[float]]  # tag -> every value that its transmitter ever showed
FLOATS = ("val", "lim")  # where an alarm has a measured value and its limit; `kpis` of a summary are counts and shares
SPOKEN = ("plant/voice/", "plant/notify/")  # words to helmets and phones of the site, by its own lane
DIGITS = 9  # characters of a canary that are looked for: "181.00370" of 181.0037078857422
TLS_RECORDS = (20, 21, 22, 23)  # change_cipher_spec, alert, handshake, application_data (RFC 8446, 5.1)
TLS_LENGTH_MAX = (1 << 14) + 2048


class Ear:
    """Subscribed to everything at the broker, where payloads are in the clear."""

    def __init__(self, port: int, certs: Path) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="ear", protocol=paho.MQTTv311)
        self._client.tls_set(str(certs / "ca.pem"), str(certs / "receiver.pem"), str(certs / "receiver.key"))
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Sweep:
    """A thread that gives each transmitter a value it never had before, about ten times a second."""

    def __init__(self, rig: Rig) -> None:
        self.level = 180.0
        self.given: Given = {name: set() for name in (*STILL, LEVEL)}
        self._rig, self._dice, self._over = rig, random.Random(5), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._around()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.15):
            self._around()

    def _around(self) -> None:
        for name, mean in (*STILL.items(), (LEVEL, self.level)):
            spread = min(0.02 * mean, 0.5)
            value = float(np.float32(mean + self._dice.uniform(-spread, spread)))  # as the PLC's register holds it
            self.given[name].add(value)
            self._rig.plant("force", name=name, value=value)


@dataclass(slots=True)
class Seen:
    """What was found in the messages of the gateway."""

    messages: int = 0
    kinds: set[str] = field(default_factory=set)
    values: list[tuple[str, float]] = field(default_factory=list)  # (tag, value) of annunciated alarms
    wrong: list[str] = field(default_factory=list)


def canaries(given: Given) -> Iterator[tuple[str, str]]:
    """(tag, the beginning of its text) of each value given."""
    for name, values in given.items():
        for value in values:
            yield name, repr(value)[:DIGITS]


def examine(heard: list[tuple[str, bytes]], given: Given, inputs: tuple[str, ...], secrets: list[str]) -> Seen:
    """`inputs`: topics that sensors publish to the gateway, which are its ears and not its mouth."""
    seen = Seen()
    marks = list(canaries(given))
    for topic, payload in heard:
        if topic.startswith(inputs):
            continue
        seen.messages += 1
        text = payload.decode()
        seen.wrong += [f"{topic}: {secret}" for secret in secrets if secret in text + topic]
        if topic.startswith(SPOKEN):
            rest = text
        else:
            rest = _without_values(topic, text, given, seen)
        seen.wrong += [f"{topic}: {tag} {canary}" for tag, canary in marks if canary in rest]
    return seen


def _without_values(topic: str, text: str, given: Given, seen: Seen) -> str:
    """The payload without the value and the limit of its alarm, which are checked here."""
    levels = topic.split("/")
    kind = levels[4] if levels[:4] == ["gatehouse", "v1", "demo", "gw-demo-01"] else ""
    if kind not in PUBLISHED or kind in ("receipt", "resend"):
        seen.wrong.append(f"{topic} is no topic of the gateway")
        return text
    seen.kinds.add(kind)
    msgspec.json.decode(text, type=PUBLISHED[kind], strict=True)
    fields: dict[str, Any] = json.loads(text)
    value, tag = fields.pop("val", None), fields.get("src", "")
    fields.pop("lim", None)
    if value is not None:
        seen.values.append((tag, value))
        if kind != "alarm" or (tag in given and value not in given[tag]):
            seen.wrong.append(f"{topic}: {tag} = {value}")
    if tag in STILL:
        seen.wrong.append(f"{topic}: an alarm of {tag}, which is calm")
    kpis = fields.pop("kpis", {})
    seen.wrong += [f"{topic}: {name} = {number}" for name, number in _floats(fields)]
    return json.dumps({**fields, "kpis": kpis})


def _floats(tree: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(tree, float):
        yield key, tree
    elif isinstance(tree, dict):
        for name, value in tree.items():
            yield from _floats(value, name)
    elif isinstance(tree, list):
        yield from itertools.chain.from_iterable(_floats(value, key) for value in tree)


def tls_only(stream: bytes) -> tuple[int, int]:
    """(records, of them application data) of one direction of a connection. Raises AssertionError at a byte that is not TLS."""
    at = records = sealed = 0
    while at + 5 <= len(stream):
        kind, version = stream[at], int.from_bytes(stream[at + 1 : at + 3], "big")
        length = int.from_bytes(stream[at + 3 : at + 5], "big")
        assert kind in TLS_RECORDS, f"no TLS record at byte {at}: {stream[at : at + 16]!r}"
        assert version in (0x0301, 0x0303), hex(version)
        assert 0 < length <= TLS_LENGTH_MAX
        records, sealed, at = records + 1, sealed + (kind == 23), at + 5 + length
    return records, sealed


def wait_for(heard: list[tuple[str, bytes]], part: str, within_s: float = 8) -> None:
    """Until a topic with `part` was heard. Raises AssertionError."""
    end = time.monotonic() + within_s
    while not any(part in topic for topic, _ in heard):
        assert time.monotonic() < end, f"{part} was not heard: {sorted({topic for topic, _ in heard})}"
        time.sleep(0.05)
