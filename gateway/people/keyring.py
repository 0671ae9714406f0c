"""The data keys of the workers, each wrapped under one key-encryption key; destroying one re-wraps all others under a new one.

The file holds ciphertext only: who the workers are, and their keys. Its numbers for workers are drawn by chance and mean
nothing without it. May block: call it in the vault's thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.people.files import durable
from gateway.people.keystore import KeyStore, key_id
from gateway.people.sealing import KEY_BYTES, Unreadable, unwrap, wrap

FILE = "keyring"
ID_BYTES = 16


class Entry(msgspec.Struct, frozen=True):
    """One worker: a number drawn by chance, and `{worker id, data key}` wrapped."""

    number: bytes
    wrapped: bytes


class File(msgspec.Struct, frozen=True):
    """The keyring as it is on disk."""

    kek: str  # name of the key-encryption key
    generation: int
    entries: tuple[Entry, ...]


class Secret(msgspec.Struct, frozen=True):
    """What is wrapped."""

    worker: str
    key: bytes


class KeyLost(Exception):
    """There is a keyring, and its key-encryption key is nowhere: what it opened is lost."""


@dataclass(frozen=True, slots=True)
class Change:
    """A re-wrap: from which key to which, and how many data keys came along."""

    before: str
    after: str
    kept: int


class Keyring:
    """Open with `open()`. Data keys are in memory while the gateway runs, and on disk only wrapped."""

    def __init__(self, folder: Path, store: KeyStore) -> None:
        self._path = folder / FILE
        self._store = store
        self._kek = b""
        self._generation = 0
        self._untidy = False  # an old key-encryption key is still in the store
        self._numbers: dict[str, bytes] = {}  # worker -> number
        self._keys: dict[bytes, bytes] = {}  # number -> data key

    def open(self) -> None:
        """Read the keyring, or start one. Raises KeyLost, KeyStoreError, OSError, msgspec.DecodeError."""
        kept = self._store.kept()
        if not self._path.exists():
            self._kek = kept[0] if kept else self._fresh()
            self._write()
            self._drop_others(kept)
            return
        file = msgspec.msgpack.decode(self._path.read_bytes(), type=File)
        found = [key for key in kept if key_id(key) == file.kek]
        if not found:
            raise KeyLost(f"the key {file.kek} is not in the key store ({self._store.kind})")
        self._kek, self._generation = found[0], file.generation
        for entry in file.entries:
            secret = self._unwrapped(entry, file)
            self._numbers[secret.worker], self._keys[entry.number] = entry.number, secret.key
        self._drop_others(kept)

    def begin_anew(self) -> None:
        """After a loss that somebody has looked at: an empty keyring under a new key."""
        self._numbers, self._keys, self._generation = {}, {}, 0
        for key in self._store.kept():
            self._store.destroy(key)
        self._kek = self._fresh()
        self._write()

    def _unwrapped(self, entry: Entry, file: File) -> Secret:
        try:
            plain = unwrap(self._kek, entry.wrapped, _about(entry.number, file.generation))
        except Unreadable as error:
            raise KeyLost("an entry of the keyring was changed") from error
        return msgspec.msgpack.decode(plain, type=Secret)

    def _fresh(self) -> bytes:
        key = os.urandom(KEY_BYTES)
        self._store.add(key)
        return key

    def _drop_others(self, kept: list[bytes]) -> None:
        """A change that a power cut interrupted is finished: only the key of the keyring stays."""
        for key in kept:
            if key != self._kek:
                self._store.destroy(key)

    def tidy(self) -> None:
        """Destroy old key-encryption keys that a store could not destroy when it was asked to. Raises KeyStoreError."""
        if self._untidy:
            self._drop_others(self._store.kept())
            self._untidy = False

    def _write(self) -> None:
        entries = tuple(
            Entry(number, wrap(self._kek, _packed(worker, self._keys[number]), _about(number, self._generation)))
            for worker, number in self._numbers.items()
        )
        file = File(key_id(self._kek), self._generation, entries)
        durable(self._path, msgspec.msgpack.encode(file))

    @property
    def kek(self) -> str:
        """The name of the key-encryption key."""
        return key_id(self._kek)

    def workers(self) -> list[str]:
        """Everyone who has a key."""
        return sorted(self._numbers)

    def number(self, worker: str) -> bytes | None:
        """The number of a worker in files, None without a key."""
        return self._numbers.get(worker)

    def key(self, number: bytes) -> bytes | None:
        """The data key, None where it was destroyed."""
        return self._keys.get(number)

    def enrol(self, worker: str) -> bytes:
        """The number of a worker; a data key is made on first use."""
        number = self._numbers.get(worker)
        if number is None:
            number = self._numbers[worker] = os.urandom(ID_BYTES)
            self._keys[number] = os.urandom(KEY_BYTES)
            self._write()
        return number

    def destroy(self, worker: str) -> Change:
        """Forget the worker's data key and every key that ever wrapped it. Raises KeyError, KeyStoreError, OSError.

        In this order a power cut leaves either the old state or the new one: new key kept, keyring replaced, old key destroyed.
        """
        number, old = self._numbers[worker], self._kek
        self.tidy()  # a store with two places has none left for a third key
        new = self._fresh()
        del self._numbers[worker], self._keys[number]
        self._kek, self._generation = new, self._generation + 1
        self._write()
        self._untidy = True
        self._store.destroy(old)
        self._untidy = False
        return Change(key_id(old), key_id(new), len(self._keys))


def _packed(worker: str, key: bytes) -> bytes:
    return msgspec.msgpack.encode(Secret(worker, key))


def _about(number: bytes, generation: int) -> bytes:
    return number + generation.to_bytes(8, "big")
