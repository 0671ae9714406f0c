"""Erasing and exporting at full size: `python -m tests.people.erase_campaign [hours]`. Results: docs/results/people.md.

500 workers; one of them with 72 h of pulse and motion at 25 Hz. Timed: everything of that worker as JSON lines (the door's own
pages), then twenty erasures. Before the last one the folder is copied as a disk image and a backup is made: afterwards every
block of the image is tried under every key that any key store still gives, and under the image's own keyring.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from gateway.people import trail
from gateway.people.backup import backup, restore
from gateway.people.door import Door
from gateway.people.dossier import STREAMS, Consent, Dossier
from gateway.people.keeping import Keeping
from gateway.people.keystore import FileStore, KeyStore, TpmStore
from gateway.people.roster import Roster, Worker
from gateway.people.segments import HOUR_MS
from gateway.people.vault import Batch, Record, Vault
from tests.people.test_vault import software_tpm

WORKERS = 500


def filled(folder: Path, store: KeyStore, hours: int, now_ms: int) -> Vault:
    """500 workers, the first with data."""
    vault = Vault(folder, store)
    vault.open()
    keyring = vault._opened().keyring
    for number in range(1, WORKERS + 1):
        keyring._numbers[f"w{number}"] = os.urandom(16)
        keyring._keys[keyring._numbers[f"w{number}"]] = os.urandom(32)
    keyring._write()
    consent = Consent("all", STREAMS, now_ms - 10 * HOUR_MS, now_ms + 1000 * HOUR_MS, "", "")
    vault.put_dossier("w1", Dossier(consents=[consent]))
    rng, sequence = np.random.default_rng(1), 0
    for second in range(0, hours * 3600, 5):
        at_ms = now_ms - hours * HOUR_MS + second * 1000
        records: dict[str, list[Record]] = {"ppg": [], "motion": []}
        for each in range(5):
            wave = rng.standard_normal(25).astype(np.float32).tobytes()
            for stream, data in (
                ("ppg", {"hz": 25.0, "v": wave}),
                ("motion", {"hz": 25.0, "x": wave, "y": wave, "z": wave}),
            ):
                records[stream].append(Record(at_ms + each * 1000, msgspec.Raw(msgspec.msgpack.encode(data))))
        vault.seal("raw", {("w1", stream): Batch(sequence, at_ms, rows) for stream, rows in records.items()})
        sequence += 5
    return vault


async def exported(vault: Vault, now_ms: int) -> tuple[int, float, float]:
    """Rows, seconds for all of them as JSON, and seconds to see."""
    keeping = Keeping(Roster({"w1": Worker("w1", "u1", 1, ("band-1",))}), vault, lambda: now_ms)
    door = Door(keeping, "gw-1", lambda: (_ for _ in ()).throw(OSError("no key")))
    running = asyncio.ensure_future(keeping.run())
    await keeping.opened.wait()
    began = time.perf_counter()
    await door.ask("u1", "person.see", "", {})
    seen_s = time.perf_counter() - began
    began, rows, at = time.perf_counter(), 0, 0
    while True:
        page = (await door.ask("u1", "person.export", "", {"from_utc_ms": str(at)})).data
        rows += len(page["rows"])
        msgspec.json.encode(page)
        at = page["next_utc_ms"]
        if not at:
            break
    took_s = time.perf_counter() - began
    running.cancel()
    await asyncio.wait({running})
    return rows, took_s, seen_s


def stores(folder: Path) -> Iterator[tuple[str, KeyStore]]:
    """The stores there are on this machine."""
    yield "key-file", FileStore(folder / "keys")
    if shutil.which("swtpm") is not None:
        with software_tpm(folder / "tpm") as place:
            yield "tpm2 (swtpm)", TpmStore(place)


def campaign(name: str, store: KeyStore, folder: Path, hours: int) -> dict[str, object]:
    """The figures with one store."""
    now_ms = time.time_ns() // 1_000_000
    vault = filled(folder / "people", store, hours, now_ms)
    size = sum(path.stat().st_size for path in (folder / "people").rglob("*") if path.is_file())
    rows, export_s, see_s = asyncio.run(exported(vault, now_ms))
    vault.open()
    took = [vault.erase(f"w{number}", now_ms).took_ms for number in range(2, 21)]
    shutil.copytree(vault.folder, folder / "image")
    backup(vault.folder, folder / "backup.tar")
    took.append(vault.erase("w1", now_ms).took_ms)
    image = Vault(folder / "image", store)
    image.open()
    readable = 0
    with contextlib.suppress(Exception):
        readable = sum(1 for _ in image.read("w1", "raw"))
    restore(vault, folder / "backup.tar", now_ms)
    readable += sum(1 for _ in vault.read("w1", "raw"))
    return {
        "store": name, "MB of ciphertext": round(size / 1e6), "rows": rows, "see_s": round(see_s, 2),
        "export_s": round(export_s, 1), "erase_p50_ms": round(float(np.median(took)), 1),
        "erase_max_ms": round(max(took), 1), "image opens": image.state, "records read after": readable,
        "others kept": len(vault.workers()), "trail": trail.verify(vault.folder) or "verifies",
    }  # fmt: skip


def main() -> None:
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 71
    with tempfile.TemporaryDirectory() as base:
        for name, store in stores(Path(base)):
            folder = Path(base) / name.split()[0]
            folder.mkdir()
            print(campaign(name, store, folder, hours), flush=True)


if __name__ == "__main__":
    main()
