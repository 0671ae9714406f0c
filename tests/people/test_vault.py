"""The vault on a real folder: what it gives back to whom, what is left after an erasure, a lost key, a restore, a torn write."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.people import trail
from gateway.people.backup import backup, restore
from gateway.people.certificate import certificate, genuine
from gateway.people.dossier import Consent, Dossier
from gateway.people.keystore import CredsStore, FileStore, KeyStore, KeyStoreError, TpmStore, choose
from gateway.people.sealing import DayKey, Unreadable
from gateway.people.segments import HEADER, HOUR_MS
from gateway.people.tpm import Tpm
from gateway.people.vault import Batch, Closed, Record, Vault

NOW = 1_790_000_000_000 // HOUR_MS * HOUR_MS
CANARY = b"canary-91c2-pulse"


@contextmanager
def software_tpm(state: Path) -> Iterator[str]:
    """A TPM 2.0 in software, with its state in a folder."""
    state.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, control = one.getsockname()[1], two.getsockname()[1]
    command = ["swtpm", "socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate", f"dir={state}"]
    command += ["--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={control}"]
    with subprocess.Popen(command) as process:
        place = f"tcp:127.0.0.1:{port}"
        for _ in range(200):
            try:
                Tpm(place).start()
                break
            except OSError:
                time.sleep(0.05)
        try:
            yield place
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("swtpm") is None:
        pytest.skip("swtpm is not installed: the TPM store is not tried on this machine")
    with software_tpm(tmp_path_factory.mktemp("tpm")) as place:
        yield place


@pytest.fixture(params=["key-file", "tpm2"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> KeyStore:
    if request.param == "key-file":
        return FileStore(tmp_path / "keys")
    store = TpmStore(request.getfixturevalue("tpm"))
    for key in store.kept():
        store.destroy(key)
    return store


def opened(tmp_path: Path, store: KeyStore) -> Vault:
    vault = Vault(tmp_path / "people", store)
    vault.open()
    assert (vault.state, vault.why) == ("open", "")
    return vault


def record(data: bytes, utc_ms: int = NOW) -> Record:
    return Record(utc_ms, msgspec.Raw(msgspec.msgpack.encode(data)))


def give(vault: Vault, worker: str, data: bytes = CANARY, sequence: int = 0, utc_ms: int = NOW) -> None:
    if worker not in vault.workers():
        vault.put_dossier(worker, Dossier())
    vault.seal("raw", {(worker, "ppg"): Batch(sequence, utc_ms, [record(data, utc_ms)])})


def taken(vault: Vault, worker: str) -> list[bytes]:
    return [msgspec.msgpack.decode(found.data) for found in vault.read(worker, "raw")]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_worker_gets_back_what_was_given_and_nobody_elses(tmp_path: Path, store: KeyStore) -> None:
    vault = opened(tmp_path, store)
    for number in range(3):
        give(vault, "w7", CANARY + b"%d" % number, number)
    give(vault, "w8", b"other")
    again = opened(tmp_path, store)
    assert taken(again, "w7") == [CANARY + b"0", CANARY + b"1", CANARY + b"2"]
    assert taken(again, "w8") == [b"other"]
    assert taken(again, "w9") == []
    assert CANARY not in everything(vault.folder)
    assert b"w7" not in everything(vault.folder)


def test_a_block_opens_only_as_what_it_was_written(tmp_path: Path) -> None:
    """Worker, stream, number and time are authenticated: a block that is moved is nobody's."""
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    give(vault, "w7")
    (path,) = vault.tiers["raw"].files()
    whole = path.read_bytes()
    for at in range(4, HEADER.size - 4):  # every byte of the header but magic and length
        edited = bytearray(whole)
        edited[at] ^= 1
        path.write_bytes(edited)
        assert CANARY not in b"".join(taken(vault, "w7")), at
    path.write_bytes(whole[:-1])
    assert taken(vault, "w7") == []  # torn by a power cut
    path.write_bytes(whole)
    assert taken(vault, "w7") == [CANARY]


def test_erased_is_erased_also_with_the_disk_of_yesterday(tmp_path: Path, store: KeyStore) -> None:
    vault = opened(tmp_path, store)
    give(vault, "w7")
    give(vault, "w8", b"stays")
    vault.note("read", "w7", NOW, {"who": "chen"})
    before = tmp_path / "image"
    shutil.copytree(vault.folder, before)  # the raw disk, with everything that flash may keep
    backup(vault.folder, tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    kept = (tmp_path / "backup.tar").read_bytes()
    with pytest.raises(FileExistsError):
        backup(vault.folder, tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").read_bytes() == kept, "what is there is never written over"
    erased = vault.erase("w7", NOW)
    assert erased.change.kept == 1
    assert vault.workers() == ["w8"]
    assert taken(vault, "w7") == []
    assert taken(vault, "w8") == [b"stays"]
    assert trail.verify(vault.folder) == ""
    with pytest.raises(KeyError):
        vault.erase("w7", NOW)
    old = Vault(before, store)
    old.open()
    assert old.state == "lost"
    with pytest.raises(Closed):
        old.workers()
    restore(vault, tmp_path / "backup.tar", NOW)
    assert vault.workers() == ["w8"]
    assert taken(vault, "w7") == []
    assert taken(vault, "w8") == [b"stays"]
    fresh = Vault(tmp_path / "fresh", store)
    restore(fresh, tmp_path / "backup.tar", NOW)
    assert fresh.state == "lost"  # the keyring of the backup knows w7, and nothing opens it


def test_a_power_cut_in_the_middle_of_an_erasure_leaves_one_of_two_states(tmp_path: Path) -> None:
    class Cut(FileStore):
        def destroy(self, key: bytes) -> None:
            raise KeyStoreError("power is gone")

    keys = tmp_path / "keys"
    vault = opened(tmp_path, Cut(keys))
    give(vault, "w7")
    give(vault, "w8", b"stays")
    with pytest.raises(KeyStoreError):
        vault.erase("w7", NOW)
    assert len(FileStore(keys).kept()) == 2
    again = opened(tmp_path, FileStore(keys))
    assert again.workers() == ["w8"]
    assert taken(again, "w8") == [b"stays"]
    assert len(FileStore(keys).kept()) == 1  # the erasure was finished by the next start


def test_a_lost_key_store_is_told_and_nothing_is_made_anew_by_itself(tmp_path: Path, store: KeyStore) -> None:
    vault = opened(tmp_path, store)
    give(vault, "w7")
    for key in store.kept():
        store.destroy(key)
    vault = Vault(vault.folder, store)
    vault.open()
    assert str(vault.state) == "lost"
    assert "key store" in vault.why
    with pytest.raises(Closed):
        give(vault, "w7")
    vault.begin_anew("wang-lei", NOW)
    assert vault.state == "open"
    assert vault.workers() == []
    assert vault.tiers["raw"].files() == []
    assert trail.verify(vault.folder) == ""


def test_a_key_store_that_is_away_costs_nothing_that_is_kept(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "people", TpmStore("tcp:127.0.0.1:9"))
    vault.open()
    assert vault.state == "unavailable"
    assert "127.0.0.1" in vault.why


def test_raw_records_live_72_hours_and_events_24(tmp_path: Path) -> None:
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    vault.put_dossier("w7", Dossier())
    for hours in range(80):
        at = NOW + hours * HOUR_MS + HOUR_MS - 1
        for tier in vault.tiers:
            vault.seal(tier, {("w7", "x"): Batch(hours, at, [record(b"%d" % hours, at)])})
        vault.keep_house(at + 1)
        for tier, most in (("raw", 72), ("event", 24)):
            ages = [(at + 1 - found.utc_ms) / HOUR_MS for found in vault.read("w7", tier)]
            assert len(ages) == min(hours + 1, most - 1)
            assert max(ages) <= most
    assert trail.verify(vault.folder) == ""


def test_the_oldest_hours_make_room(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "people", FileStore(tmp_path / "keys"), bytes_max=3_000)
    vault.open()
    for hour in range(10):
        give(vault, "w7", b"x" * 800, hour, NOW + hour * HOUR_MS)
    vault.keep_house(NOW + 9 * HOUR_MS)
    assert [found.sequence for found in vault.read("w7", "raw")] == [7, 8, 9]
    assert trail.verify(vault.folder) == ""


def test_the_trail_tells_what_was_changed(tmp_path: Path) -> None:
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    give(vault, "w7")
    vault.note("read", "w7", NOW, {"who": "chen-jing", "what": "events"})
    vault.keep_house(NOW + 2 * HOUR_MS)
    assert vault.trail_of("w7") == [(NOW, "read", {"who": "chen-jing", "what": "events"})]
    assert b"chen-jing" not in everything(vault.folder)
    path = vault.folder / trail.FILE
    whole = path.read_bytes()
    for edited in (whole.replace(b'"read"', b'"hour"'), b"".join(whole.splitlines(keepends=True)[1:]), b"x" + whole):
        path.write_bytes(edited)
        assert trail.verify(vault.folder)
    path.write_bytes(whole + b'{"torn')
    opened(tmp_path, vault.store)
    assert path.read_bytes() == whole
    assert trail.verify(vault.folder) == ""
    (segment,) = vault.tiers["raw"].files()
    segment.write_bytes(segment.read_bytes()[:-1] + b"?")
    assert "not the one that was closed" in trail.verify(vault.folder)


def test_a_full_disk_leaves_no_half_block_and_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    give(vault, "w7")
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
    with pytest.raises(OSError, match="space"):
        give(vault, "w7", b"lost", 1)
    with pytest.raises(OSError, match="space"):
        vault.note("read", "w7", NOW, {})
    monkeypatch.undo()
    give(vault, "w7", b"after", 2)
    vault.note("read", "w7", NOW, {})
    assert taken(vault, "w7") == [CANARY, b"after"]
    assert trail.verify(vault.folder) == ""


def test_an_old_key_that_could_not_be_destroyed_is_destroyed_later(tmp_path: Path) -> None:
    class Stuck(FileStore):
        works = False

        def destroy(self, key: bytes) -> None:
            if not self.works:
                raise KeyStoreError("busy")
            super().destroy(key)

    store = Stuck(tmp_path / "keys")
    vault = opened(tmp_path, store)
    give(vault, "w7")
    give(vault, "w8", b"stays")
    with pytest.raises(KeyStoreError):
        vault.erase("w7", NOW)
    assert vault.workers() == ["w8"]
    assert len(store.kept()) == 2
    store.works = True
    vault.keep_house(NOW)
    assert len(store.kept()) == 1
    assert taken(vault, "w8") == [b"stays"]
    assert trail.verify(vault.folder) == ""


def test_a_dossier_comes_back_and_forgets_the_oldest(tmp_path: Path) -> None:
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    consent = Consent("fatigue", ("ppg",), NOW, NOW + 1000, "ab" * 32, "paper:" + "cd" * 32)
    dossier = Dossier(consents=[consent])
    for month in range(40):
        dossier.count(f"{2000 + month // 12}-{month % 12 + 1:02d}", "phone", 1)
    vault.put_dossier("w7", dossier)
    again = opened(tmp_path, vault.store).dossier("w7")
    assert again.consents == [consent]
    assert (consent.holds(NOW), consent.holds(NOW + 1000)) == (True, False)
    assert again.rows == {"phone": 1}
    assert len(again.months) == 36


def test_five_hundred_workers_keep_their_keys_when_one_goes(tmp_path: Path) -> None:
    vault = opened(tmp_path, FileStore(tmp_path / "keys"))
    keyring = vault._opened().keyring
    keyring._write = lambda: None  # type: ignore[method-assign]  # enrolment writes once each; only the last counts here
    for number in range(500):
        keyring.enrol(f"w{number}")
    del keyring._write
    keyring._write()
    erased = vault.erase("w250", NOW)
    assert erased.change.kept == 499
    assert len(opened(tmp_path, vault.store).workers()) == 499


def test_the_certificate_is_signed_and_says_what_flash_cannot_promise(tmp_path: Path, store: KeyStore) -> None:
    vault = opened(tmp_path, store)
    give(vault, "w7")
    key = Ed25519PrivateKey.generate()
    given = certificate(key, "gw-1", vault.erase("w7", NOW), store.kind, vault.head, NOW)
    assert genuine(key.public_key(), given)
    assert not genuine(key.public_key(), msgspec.structs.replace(given, others_kept=9))
    words = given.promise["en"]
    assert ("TPM" in words) if store.kind == "tpm2" else ("remnant" in words)


def test_the_better_store_is_chosen_and_a_used_one_is_kept(tmp_path: Path, tpm: str) -> None:
    keys = tmp_path / "keys"
    assert choose(keys, tpm).kind == "tpm2"
    lesser = choose(keys, "/nonexistent/tpm")
    assert lesser.kind in ("systemd-creds", "key-file")
    FileStore(keys).add(os.urandom(32))
    assert choose(keys, tpm).kind == "key-file"  # what holds the key already stays in use
    assert choose(keys, tpm, "tpm2").kind == "tpm2"


def test_systemd_creds_keeps_a_key_that_is_not_in_its_file(tmp_path: Path) -> None:
    store, key = CredsStore(tmp_path / "keys"), os.urandom(32)
    try:
        store.add(key)
    except KeyStoreError as error:
        pytest.skip(f"systemd-creds cannot keep anything here: {error}")
    assert store.kept() == [key]
    assert key not in everything(tmp_path)
    store.destroy(key)
    assert store.kept() == []


def test_no_nonce_is_used_twice_and_a_key_has_an_end() -> None:
    key = DayKey(bytes(32), 1, 1)
    sealed = [key.seal(b"same", b"about") for _ in range(1000)]
    assert len({one[:12] for one in sealed}) == 1000
    with pytest.raises(Unreadable):
        key.open(sealed[0], b"other")
    key.left = 0
    with pytest.raises(AssertionError):
        key.seal(b"one more", b"")
