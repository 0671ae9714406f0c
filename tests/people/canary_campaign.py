"""Canaries in every stream of a wearable: `python -m tests.people.canary_campaign [seconds [tree]]`. Results: docs/results/people.md.

`tree` is where the support bundle is made, this tree without it.

The whole daemon on the demo site, a real broker, a worker who consents over the control socket, and frames in which every
number was drawn for this run and never comes twice. Then it is killed so that it would leave a core. Looked for, as text and as
bytes, in: everything on the broker but the wearable's own topics, log, metrics, page, every reading verb of every role socket,
and the raw image of the block device that the state folder is on (a loop device; without root, every byte under the folder),
before the worker takes their consent back and afterwards. The image of before is then mounted and opened with the keys of
afterwards. The key is outside the state folder and is not looked at; that the worker gets the canaries back is asked first, so
that a campaign that planted none cannot pass.
"""

from __future__ import annotations

import io
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.control.messages import ROLES
from gateway.control.verbs import VERBS
from gateway.people import trail
from gateway.people.keystore import choose
from gateway.people.vault import Vault
from tests.daemon.capture import Ear
from tests.daemon.rig import Rig, until
from tests.people import disk

PATIENCE_S = 240.0  # a busy machine
_NUMBER = re.compile(rb"\d{1,2}\.\d{7,8}")
ME = pwd.getpwuid(os.getuid()).pw_name
DEVICE = "band-9"
NAME = "Canary-Zhao-Xiaoming-7731"
SOURCE = """
[source.worn]
driver = "wearable"
url = "mqtts://127.0.0.1:{port}"
protocol = "3.1.1"
ca = "certs/ca.pem"
certificate = "certs/gateway.pem"
key = "certs/gateway.key"
"""
TAGS = """
worn.fatigue,worn,any/fatigue,,,,,0,1,60000,,,,yard,疲劳,Fatigue,,personal
phone,worn,any/event/phone,bool,,,,,,60000,,,,yard,看手机,Phone,,personal
phone.event,worn,any/event/phone/number,,,,,,,60000,,,,yard,看手机流水号,Phone number,,personal
phone.worker,worn,any/event/phone/worker,,,,,,,60000,,,,yard,看手机人员,Phone worker,,personal
bay.occupied,worn,zone/bay/occupied,bool,,,,,,60000,,,,yard,作业区有人,Bay occupied,,
bay.worker,worn,zone/bay/worker,bool,,,,,,60000,,,,yard,作业区人员,Bay worker,,personal
"""
RULES = """
alarm CANARY_TIRED "疲劳 | Tired"
  when worn.fatigue > 0.01
  then alarm
  priority P1
end
alarm CANARY_PHONE "看手机 | Phone"
  when consecutive(phone, 2, by = worker)
  then alarm
  priority P2
end
alarm CANARY_BAY "有人 | Bay"
  when bay.occupied = 1
  then alarm
  priority P1
end
"""
PEOPLE = """
[purpose.all]
streams = ["ppg", "ecg", "motion", "heart_rate", "skin_temperature", "position", "behaviour"]
zh = "仅用于本次试验：采集全部数据流，试验结束后删除。"
en = "For this trial alone: every stream is collected and erased afterwards."
[behaviour.phone]
number = 1
zh = "看手机"
en = "Phone"
[worker.w9]
user = "{me}"
number = 73190557
devices = ["{device}"]
[zone.bay]
corners = [[0, 0], [10, 0], [10, 10], [0, 10]]
"""


class Planted:
    """Numbers that were never there before, and how they look as text and bytes."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self.values: list[float] = []

    def draw(self, low: float, high: float) -> float:
        value = round(self._dice.uniform(low, high), 9)
        self.values.append(value)
        return value

    def wave(self, count: int) -> list[float]:
        return [self.draw(0.0, 1.0) for _ in range(count)]

    def found(self, where: bytes) -> int:
        """How often one of them stands in `where`: as text of nine digits, as a double either way, or as a name of the worker."""
        texts = {f"{value:.9f}"[:10].encode() for value in self.values}
        hits = sum(match[0][:10] in texts for match in _NUMBER.finditer(where))
        values = np.array(self.values)
        for order in "<>":
            for shift in range(8):
                part = where[shift : shift + (len(where) - shift) // 8 * 8]
                read = np.frombuffer(part, f"{order}f8")
                hits += int(np.isin(read[(read > 0.0) & (read < 100.0)], values).sum())
        return hits + sum(where.count(name) for name in (NAME.encode(), b"73190557", DEVICE.encode()))


def frame(planted: Planted, n: int) -> dict[str, Any]:
    wave = {"hz": 25.0, "v": planted.wave(25)}
    return {
        "t": time.time_ns() // 1_000_000,
        "ppg": wave,
        "ecg": {"hz": 25.0, "v": planted.wave(25)},
        "motion": {"hz": 25.0, **{axis: planted.wave(5) for axis in "xyz"}},
        "skin_temperature": planted.draw(33.0, 34.0),
        "position": {"x": planted.draw(4.0, 6.0), "y": planted.draw(4.0, 6.0), "error_m": planted.draw(0.1, 0.2)},
        "events": [{"kind": "phone", "n": n}],
    }


def extend(rig: Rig) -> None:
    """People on the demo site."""
    site = rig.site
    with (site / "site.toml").open("a", encoding="utf-8") as file:
        file.write(SOURCE.format(port=rig.to_broker.port))
    with (site / "tags.csv").open("a", encoding="utf-8") as file:
        file.write(TAGS.lstrip("\n"))
    (site / "rules" / "95-people.rules").write_text(RULES, "utf-8")
    (site / "people.toml").write_text(PEOPLE.format(me=ME, device=DEVICE), "utf-8")
    with (site / "users.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[user.{ME}]\nname = "{NAME}"\nroles = ["worker", "maintainer"]\n')


def publisher(rig: Rig) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="band", protocol=paho.MQTTv311)
    certs = rig.certs
    client.tls_set(str(certs / "ca.pem"), str(certs / "receiver.pem"), str(certs / "receiver.key"))
    client.connect("127.0.0.1", rig.broker.port)
    client.loop_start()
    return client


def shown(rig: Rig) -> bytes:
    """What the page, metrics and every reading verb of every role socket answer."""
    parts = []
    for path in ("", "api/v1/overview", "api/v1/alarms", "api/v1/interlocks", "api/v1/tags", "api/v1/session"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{rig.page}/{path}", timeout=60) as answer:
                parts.append(answer.read())
        except OSError as error:
            parts.append(str(error).encode())
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.metrics}/metrics", timeout=60) as answer:
        parts.append(answer.read())
    for role in ROLES:
        for name, verb in VERBS.items():
            if verb.read is None:
                continue
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(60)
                link.connect(str(rig.state / "control" / f"{role}.sock"))
                target = "CANARY_TIRED" if verb.target else ""
                link.sendall(json.dumps({"verb": name, "target": target}).encode() + b"\n")
                parts.append(link.makefile("rb").readline())
    return b"\n".join(parts)


def support(rig: Rig, tree: str) -> bytes | None:
    """The support bundle unpacked, None where this version makes none."""
    command = [sys.executable, "-m", "gateway.cli.main", "support", "bundle", "-", "--site", str(rig.site)]
    done = subprocess.run(command, cwd=tree, capture_output=True, timeout=400, check=False)
    if done.returncode == 2:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        parts = [tar.extractfile(member) for member in tar.getmembers() if member.isfile()]
        return b"\n".join(part.read() for part in parts if part is not None)


def exported(rig: Rig) -> bytes:
    """What the worker gets back, page by page."""
    at, parts = 0, list[bytes]()
    while True:
        page = rig.call("person.export", "", {"from_utc_ms": str(at)})
        parts.append(json.dumps(page["rows"]).encode())
        at = page["next_utc_ms"]
        if not at:
            return b"".join(parts)


def begun(rig: Rig) -> None:
    """The gateway runs, however busy the machine is."""
    with suppress(AssertionError):
        rig.start()
    until(rig.answers, PATIENCE_S, "the control socket answers")


def files(rig: Rig) -> bytes:
    """Every byte of every file under the state folder."""
    return b"".join(path.read_bytes() for path in rig.state.rglob("*") if path.is_file())


def withdrawal_ms(rig: Rig) -> float:
    """From the request to the answer: collection has stopped and the key is gone by then."""
    began = time.monotonic()
    rig.call("person.withdraw", "", {"purpose": "all"})
    return (time.monotonic() - began) * 1000.0


def reopened(image: Path, folder: Path, keys: Path) -> str:
    """What a thief has: the disk of before the erasure and the folder of keys. "open", or why not."""
    with disk.mounted(image, folder):
        vault = Vault(folder / "people", choose(keys, "/nonexistent/tpm"))
        vault.open()
        return f"{vault.state} {vault.why}".strip()


def campaign(seconds: float, tree: str) -> dict[str, object]:
    """The figures."""
    planted = Planted(int(time.time()))
    with ExitStack() as stack:
        rig = stack.enter_context(Rig(sensors=False))
        image, before = rig.folder / "disk.img", rig.folder / "before.img"
        kept_keys = rig.folder / "keys.before"
        block_device = disk.possible()
        mount = stack.enter_context(ExitStack())
        if block_device:
            disk.make(image)
            mount.enter_context(disk.mounted(image, rig.state))
        extend(rig)
        begun(rig)
        ear, band = Ear(rig.broker.port, rig.certs), publisher(rig)
        purposes = until(lambda: rig.call("person.purposes"), PATIENCE_S, "the vault is open")
        consent = {"purpose": "all", "text_sha256": purposes[0]["text_sha256"]["en"]}
        until(lambda: rig.call("person.consent", "", consent) is None, PATIENCE_S, "consent is kept")
        time.sleep(1.5)  # half a second later the driver has subscribed
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += 1
            band.publish(f"wearable/{DEVICE}", json.dumps(frame(planted, n)), 1).wait_for_publish(60)
            time.sleep(0.2)
        until(lambda: rig.alarm("CANARY_BAY")["state"] != "NORMAL", PATIENCE_S, "the zone raised its alarm")
        own = json.dumps(rig.call("person.see")).encode() + exported(rig)
        others, bundle = shown(rig), support(rig, tree)
        status = rig.call("person.status")
        archive = rig.call("person.backup", "", {"file": "b.tar"}) if status["vault"] == "open" else None
        time.sleep(6)
        disk_before = files(rig)
        if block_device:
            disk.kept(image, before)
            shutil.copytree(rig.site / "keys", kept_keys)
        took_ms = withdrawal_ms(rig)
        late = planted.draw(33.0, 34.0)
        band.publish(f"wearable/{DEVICE}", json.dumps({"t": 1, "skin_temperature": late}), 1).wait_for_publish(60)
        time.sleep(6)
        disk_after = files(rig)
        heard = b"\n".join(
            topic.encode() + b" " + body for topic, body in ear.heard if not topic.startswith("wearable/")
        )
        band.loop_stop()
        ear.close()
        rig.signal(signal.SIGABRT)
        assert rig.gateway is not None
        rig.gateway.wait(120)
        cores = [
            path for folder in (Path.cwd(), rig.folder, rig.site) for path in folder.glob("core*") if path.is_file()
        ]
        verified = trail.verify(rig.state / "people")
        images: dict[str, object] = {}
        if block_device:
            mount.close()
            for name, one in (("before the erasure", before), ("after it and SIGABRT", image)):
                hits, used = disk.searched(one, planted.found)
                images |= {f"in the raw image {name}": hits, f"MB of it searched, {name}": round(used / 1e6)}
                images[f"the gateway's own name in it, {name}"] = disk.searched(
                    one, lambda part: part.count(b"gw-demo-01")
                )[0]
            for name, keys in (("before", kept_keys), ("afterwards", rig.site / "keys")):
                images[f"the image of before with the keys of {name}"] = reopened(before, rig.folder / "thief", keys)
        return {
            "frames": n,
            "canaries": len(planted.values),
            "key store": status["key_store"],
            "given back to the worker": planted.found(own),
            "at the broker, off the wearable's topics": planted.found(heard),
            "messages of the gateway at the broker": sum(not topic.startswith("wearable/") for topic, _ in ear.heard),
            "in the log": planted.found(rig.said().encode()),
            "page, metrics, verbs of other roles": planted.found(others),
            "bytes of the support bundle": None if bundle is None else len(bundle),
            "in the support bundle": None if bundle is None else planted.found(bundle),
            "bytes under state": len(disk_before),
            "under state, file by file": planted.found(disk_before) + planted.found(disk_after),
            **images,
            "swap of this machine": len(Path("/proc/swaps").read_text().splitlines()) - 1,
            "core files": len(cores),
            "trail": verified or "verifies",
            "withdrawal, ms": round(took_ms, 1),
            "backup": archive,
        }


def main() -> int:
    tree = sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).parents[2])
    found = campaign(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0, tree)
    for name, value in found.items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
