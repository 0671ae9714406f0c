"""Where the key-encryption key is: TPM 2.0, else systemd-creds, else a key file. Two slots, so that one can follow the other.

All of it may block: call it in the vault's thread. Only a TPM destroys for certain; `promise` says what the others cannot.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

from gateway.people.files import durable, sync_folder
from gateway.people.tpm import Tpm, TpmError

Kind = Literal["tpm2", "systemd-creds", "key-file"]
KEY_BYTES = 32
INDEXES = (0x01C14A00, 0x01C14A01)  # of the range that TCG leaves to owners
CREDS_S = 10.0

PROMISES: dict[Kind, dict[str, str]] = {
    "tpm2": {
        "en": "The old key-encryption key was deleted inside the TPM; no copy of the disk, no backup and no remnant on flash"
        " holds it.",
        "zh-CN": "旧的密钥加密密钥已在 TPM 内部删除；磁盘副本、备份及闪存残留中均不含该密钥。",
    },
    "systemd-creds": {
        "en": "The old key-encryption key was overwritten and deleted as a file that only this machine can decrypt. Flash"
        " wear levelling may keep a remnant of that file: it is of use only together with this machine's own secret.",
        "zh-CN": "旧的密钥加密密钥以仅本机可解密的文件保存，现已覆写并删除。闪存磨损均衡可能留有残留，"
        "但必须同时取得本机密钥才能利用。",
    },
    "key-file": {
        "en": "The old key-encryption key was overwritten and deleted as a plain file. Flash wear levelling may keep a remnant"
        " of it that a laboratory could read; no software can promise otherwise. A machine with a TPM can.",
        "zh-CN": "旧的密钥加密密钥为普通文件，现已覆写并删除。闪存磨损均衡可能留有残留，专业实验室有可能读出，"
        "软件无法排除；带 TPM 的设备可以排除。",
    },
}


class KeyStoreError(OSError):
    """The key store is there and cannot be used now. What it keeps is not lost."""


class KeyStore(Protocol):
    """Keeps key-encryption keys. Raises KeyStoreError."""

    @property
    def kind(self) -> Kind: ...
    def kept(self) -> list[bytes]:
        """Every key that is kept: one, or two after a crash in the middle of a change."""

    def add(self, key: bytes) -> None: ...
    def destroy(self, key: bytes) -> None: ...


def key_id(key: bytes) -> str:
    """The name of a key, which tells nothing of it."""
    return sha256(b"gatehouse key id" + key).hexdigest()[:16]


class TpmStore:
    """Keys in NV indexes of a TPM 2.0."""

    kind: Kind = "tpm2"

    def __init__(self, place: str) -> None:
        self._tpm = Tpm(place)

    def kept(self) -> list[bytes]:
        return [key for _, key in self._slots() if key]

    def _slots(self) -> list[tuple[int, bytes | None]]:
        try:
            return [(index, self._tpm.read(index, KEY_BYTES)) for index in INDEXES]
        except TpmError as error:
            raise KeyStoreError(str(error)) from error

    def add(self, key: bytes) -> None:
        free = [index for index, kept in self._slots() if kept is None]
        if not free:
            raise KeyStoreError("both slots of the TPM are taken")
        try:
            self._tpm.write(free[0], key)
        except TpmError as error:
            raise KeyStoreError(str(error)) from error

    def destroy(self, key: bytes) -> None:
        try:
            for index, kept in self._slots():
                if kept == key:
                    self._tpm.destroy(index)
        except TpmError as error:
            raise KeyStoreError(str(error)) from error


class FileStore:
    """Keys as files (0600) in a folder of their own, which no backup of the state folder takes along."""

    kind: Kind = "key-file"
    suffix = ".key"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self) -> list[bytes]:
        try:
            found = sorted(self._folder.glob(f"*{self.suffix}"))
            return [key for key in (self._decode(path) for path in found) if len(key) == KEY_BYTES]
        except OSError as error:
            raise KeyStoreError(str(error)) from error

    def add(self, key: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            durable(self._path(key), self._encode(key))
        except OSError as error:
            raise KeyStoreError(str(error)) from error

    def destroy(self, key: bytes) -> None:
        path = self._path(key)
        try:
            with path.open("r+b") as file:
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_folder(self._folder)
        except OSError as error:
            raise KeyStoreError(str(error)) from error

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key_id(key)}{self.suffix}"

    def _encode(self, key: bytes) -> bytes:
        return key

    def _decode(self, path: Path) -> bytes:
        return path.read_bytes()


class CredsStore(FileStore):
    """As files that systemd-creds has encrypted with the secret of this machine."""

    kind: Kind = "systemd-creds"
    suffix = ".cred"

    def _encode(self, key: bytes) -> bytes:
        return _creds("encrypt", key, "-")

    def _decode(self, path: Path) -> bytes:
        return _creds("decrypt", b"", str(path))


def _creds(verb: str, given: bytes, source: str) -> bytes:
    command = ["systemd-creds", verb, "--name=gatehouse-kek", source, "-"]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=CREDS_S, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise KeyStoreError(f"systemd-creds: {error}") from error
    return done.stdout


FILES: tuple[tuple[Kind, str], ...] = (("systemd-creds", CredsStore.suffix), ("key-file", FileStore.suffix))
BETTER: tuple[Kind, ...] = ("tpm2", "systemd-creds")


def choose(folder: Path, tpm: str, wanted: Kind | None = None) -> KeyStore:
    """The store that holds a key already, else the best that works: TPM 2.0, systemd-creds, key file.

    A box whose TPM does not answer today is not moved to a lesser store behind people's backs: with `wanted`, or with a
    key file or credential in the folder, that one is meant. Raises KeyStoreError where `wanted` does not work.
    """
    makers: dict[Kind, Callable[[], KeyStore]] = {
        "tpm2": lambda: TpmStore(tpm),
        "systemd-creds": lambda: CredsStore(folder),
        "key-file": lambda: FileStore(folder),
    }
    if wanted is not None:
        return makers[wanted]()
    for kind, suffix in FILES:
        if any(folder.glob(f"*{suffix}")):
            return makers[kind]()
    for kind in BETTER:
        if _works(makers[kind](), kind):
            return makers[kind]()
    return makers["key-file"]()


def _works(store: KeyStore, kind: Kind) -> bool:
    """Whether it can keep something: a store that only reads is none."""
    try:
        if kind == "systemd-creds":
            _creds("encrypt", b"trial", "-")
        else:
            store.kept()
    except KeyStoreError:
        return False
    return True


class Late:
    """A store that is chosen at its first use, in the vault's thread: a TPM that hangs must not hold up a start."""

    def __init__(self, choice: Callable[[], KeyStore]) -> None:
        self._choice = choice
        self._chosen: KeyStore | None = None

    def _store(self) -> KeyStore:
        if self._chosen is None:
            self._chosen = self._choice()
        return self._chosen

    @property
    def kind(self) -> Kind:
        """What was chosen; chooses if nothing was."""
        return self._store().kind

    def kept(self) -> list[bytes]:
        return self._store().kept()

    def add(self, key: bytes) -> None:
        self._store().add(key)

    def destroy(self, key: bytes) -> None:
        self._store().destroy(key)
