"""A trip bundle: cut from the history, witnessed by a replay, signed, and replayed again from nothing but itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.kernel import Kernel
from gateway.core.samples import Input, Stamp
from gateway.history import reader
from gateway.history.codec import Encoder
from gateway.history.reader import SnapshotInfo
from gateway.offline import setting as settings
from gateway.offline.archive import Opened, TamperedError, sign
from gateway.offline.evidence import AFTER_NS, BEFORE_NS, MS, Story, Trip, Witness
from gateway.offline.setting import Setting

SUFFIX = ".trip.zip"
SETTING, SNAPSHOT, INPUTS = "setting.msgpack.z", "snapshot.msgpack.z", "inputs.ghh.z"
DECISIONS, STORY, RULE, PROGRAM = "decisions.jsonl", "trip.json", "rule.json", "program.json"
INFLATED_MAX = 1 << 30  # 60 to 120 s of inputs: 10,000 tags that all change at 10 Hz make 200 MB

Rows = Callable[[int, int, int], Iterable[bytes]]  # boot, first and last counter -> lines of the live journal


class NothingRecordedError(LookupError):
    """Of this trip no snapshot or no input is kept."""


class NotYetError(Exception):
    """The 30 s after the trip are not recorded yet."""


class Cut(msgspec.Struct, frozen=True):
    """What history has of a trip: a kernel to begin with and the inputs since."""

    state: bytes
    seq: int
    utc_ns: int
    late: bool  # the snapshot is younger than T - 30 s: nothing older of this boot is kept
    items: list[tuple[Stamp, Input]]
    whole: bool  # an input behind T + 30 s was recorded


class Replayed(msgspec.Struct, frozen=True):
    """What the replay of a bundle found: decisions of the live journal, and how many of them it made again byte for byte."""

    id: str
    function: str
    decisions: int
    equal: int
    identical: bool
    tripped: bool  # the trip itself is among them
    inputs: int
    differing: tuple[str, ...]


def cut(history: Path, trip: Trip, *, running: bool) -> Cut:
    """The part of the history that belongs to a trip. Raises NothingRecordedError, NotYetError, OSError."""
    found = [info for info in reader.snapshots(history, boot=trip.boot) if info.admit_ns < trip.at_ns]
    if not found:
        raise NothingRecordedError(trip.id)
    old = [info for info in found if info.admit_ns <= trip.at_ns - BEFORE_NS]
    start: SnapshotInfo = max(old, key=lambda info: info.seq) if old else min(found, key=lambda info: info.seq)
    items, whole = [], False
    for stamp, item in reader.inputs(history, boot=trip.boot, from_seq=start.seq + 1):
        if stamp.admit_ns > trip.at_ns + AFTER_NS:
            whole = True
            break
        items.append((stamp, item))
    if not whole and running:
        raise NotYetError(trip.id)
    if not items or items[-1][0].admit_ns < trip.at_ns:
        raise NothingRecordedError(trip.id)
    return Cut(start.read(), start.seq, start.utc_ns, not old, items, whole)


def collect(
    trip: Trip, part: Cut, setting: Setting, rows: Rows, key: Ed25519PrivateKey, clips: tuple[str, ...] = ()
) -> bytes:
    """The signed bundle of a trip. Raises NothingRecordedError where the inputs do not lead to it."""
    state = part.state  # nothing personal is in what history was given
    kernel = _restored(setting, state)
    before = _restored(setting, state).count()
    witness = Witness(kernel, trip)
    witness.watch(part.items)
    if not witness.seen:
        raise NothingRecordedError(trip.id)
    live = list(rows(trip.boot, before, kernel.count() - 1))
    story = witness.story(setting.formulas.get(trip.function, ""))
    notes = [
        *(["begins-late"] if part.late else []),
        *(["ended-by-restart"] if not part.whole else []),
        *(["inputs-missing"] if witness.missing else []),
        *(["replay-differs"] if live != witness.lines else []),
    ]
    members = {
        DECISIONS: b"".join(live),
        INPUTS: zlib.compress(encode_inputs(part.items), 6),
        PROGRAM: setting.program,
        RULE: msgspec.json.format(msgspec.json.encode(kernel.functions[trip.function].rule), indent=1),
        SETTING: zlib.compress(settings.encode(setting), 6),
        SNAPSHOT: zlib.compress(state, 6),
        STORY: msgspec.json.format(msgspec.json.encode(story), indent=0),
    }
    last = part.items[-1][0]
    return sign(
        members, key, id=trip.id, gateway=setting.gateway, site=setting.site, site_hash=setting.site_hash,
        function=trip.function, rule_hash=story.rule_hash, program_hash=setting.program_hash,
        versions={"gatehouse": setting.version}, trip_utc_ms=trip.utc_ms, from_utc_ms=part.utc_ns // MS,
        to_utc_ms=last.utc_ns // MS, complete=not notes, notes=tuple(notes), clips=clips,
    )  # fmt: skip


def replay(opened: Opened) -> Replayed:
    """Step the kernel of the bundle through its inputs and compare every decision with the live one, byte for byte.

    Raises TamperedError where a checked bundle is of another make: nothing in it is trusted to be well formed.
    """
    manifest, members = opened.manifest, opened.members
    try:
        setting = settings.decode(_inflate(members[SETTING]))
        kernel = _restored(setting, _inflate(members[SNAPSHOT]))
        story = msgspec.json.decode(members[STORY], type=Story)
        items = list(reader.decoded(_inflate(members[INPUTS])))
        live = members[DECISIONS].splitlines(keepends=True)
    except (LookupError, TypeError, ValueError, zlib.error, msgspec.MsgspecError) as error:
        # The state of a kernel belongs to its version: another one cannot always take it up.
        raise TamperedError(
            "content", ", ".join(f"{name} {value}" for name, value in manifest.versions.items())
        ) from error
    boot, counter = manifest.id.split("-")
    at_ns = _trip_ns(live, int(boot, 16), int(counter))
    witness = Witness(kernel, Trip(int(boot, 16), int(counter), at_ns, manifest.trip_utc_ms, story.function))
    witness.watch(items)
    made = witness.lines
    differing = [f"{a.decode().strip()} != {b.decode().strip()}" for a, b in zip(live, made, strict=False) if a != b]
    return Replayed(
        manifest.id,
        story.function,
        len(live),
        sum(a == b for a, b in zip(live, made, strict=False)),
        live == made,
        witness.seen,
        len(items),
        tuple(differing[:5]),
    )


def story_of(opened: Opened) -> Story:
    """What the bundle tells. Raises TamperedError."""
    try:
        return msgspec.json.decode(opened.members[STORY], type=Story)
    except (KeyError, msgspec.MsgspecError) as error:
        raise TamperedError("content", STORY) from error


def file_name(trip: Trip) -> str:
    """The name of a trip's bundle: it sorts by time."""
    when = datetime.fromtimestamp(trip.utc_ms / 1000, UTC)
    return f"{when:%Y%m%dT%H%M%SZ}-{trip.function}-{trip.id}{SUFFIX}"


def encode_inputs(items: Iterable[tuple[Stamp, Input]]) -> bytes:
    """Inputs as history writes them. Raises TypeError for personal ones, which are of a type that no writer takes."""
    encoder = Encoder()
    parts: list[bytes] = []
    for stamp, item in items:
        if not parts:
            parts.append(encoder.key(stamp))
        parts.append(encoder.encode(stamp, item))
    return b"".join(parts)


def _restored(setting: Setting, state: bytes) -> Kernel:
    kernel = setting.kernel()
    kernel.restore(state)
    return kernel


def _trip_ns(lines: list[bytes], boot: int, counter: int) -> int:
    for row in lines:
        told = msgspec.json.decode(row)
        if told[:2] == [boot, counter]:
            return int(told[2])
    raise TamperedError("content", DECISIONS)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    out = inflater.decompress(data, INFLATED_MAX)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("compressed data is not whole")
    return out
