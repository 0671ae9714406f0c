"""What a replay needs beside the inputs: the tags, rules and names that were in force, kept beside the bundles at each start."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from gateway.core.annunciation import QUIET, AlarmPlan
from gateway.core.kernel import Kernel
from gateway.core.program import Program, load, rule_hash
from gateway.core.tags import TagTable

_SUFFIX = ".setting"


class Setting(msgspec.Struct, frozen=True):
    """One rule set of one boot. `program` is the canonical text that people signed; personal tags are named, never valued."""

    gateway: str
    site: str
    site_hash: str
    version: str
    language: str
    table: TagTable
    program: bytes
    formulas: dict[str, str] = {}
    plan: AlarmPlan = QUIET

    @property
    def program_hash(self) -> str:
        """The hash that every snapshot names."""
        return rule_hash(self.rules())

    def rules(self) -> Program:
        """The rules. Raises msgspec.ValidationError."""
        return load(self.program)

    def kernel(self, boot: int = 0) -> Kernel:
        """A kernel that knows nothing yet."""
        return Kernel(self.table, self.rules(), boot, plan=self.plan)


def encode(setting: Setting) -> bytes:
    """Bytes of a setting; msgpack, because a limit may be infinite."""
    return msgspec.msgpack.encode(setting)


def decode(data: bytes) -> Setting:
    """A setting from its bytes. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(data, type=Setting)


def keep(directory: Path, boot: int, setting: Setting) -> None:
    """Keep what is in force from now on in this boot. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{boot:08d}-{setting.program_hash[:12]}{_SUFFIX}"
    part = path.with_suffix(".part")
    part.write_bytes(encode(setting))
    os.replace(part, path)


def find(directory: Path, boot: int, program_hash: str) -> Setting:
    """The setting of a boot and a rule set. Raises FileNotFoundError, OSError, msgspec.DecodeError."""
    return decode((directory / f"{boot:08d}-{program_hash[:12]}{_SUFFIX}").read_bytes())


def of_snapshot(directory: Path, boot: int, state: bytes) -> Setting:
    """The setting that a kernel's snapshot belongs to. Raises as `find` does."""
    return find(directory, boot, msgspec.msgpack.decode(state)["program"])


def forget(directory: Path, oldest_boot: int) -> None:
    """Delete the settings of boots of which no history is left."""
    for path in directory.glob(f"*{_SUFFIX}"):
        if int(path.name.partition("-")[0]) < oldest_boot:
            path.unlink(missing_ok=True)
