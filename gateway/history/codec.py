"""Binary codec of every admitted input; `Personal` has no form here and is refused by type.

A `Columns` is stored as what differs bitwise from the last one of its group since the KEY record (bitmap, index list or
whole, whichever is smallest); a group starts as zeros. Decoding gives back equal bits, NaN payloads and -0.0 included.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core import samples as s
from gateway.core.tags import Cause
from gateway.history import layout as f
from gateway.history.layout import Kind

_CLOCK_CODE = {name: code for code, name in enumerate(f.CLOCKS)}
_FEW_HEAD = struct.Struct("<BIiIHqqB")  # input head, group, count, source_ns, uncertainty_ns, clock
_few_structs: dict[int, struct.Struct] = {}  # by count; at most FEW_MAX entries in practice
_pack = msgspec.msgpack.Encoder().encode
_BOOL = msgspec.msgpack.Decoder(bool)
_OVERRUN = msgspec.msgpack.Decoder(tuple[Literal["step", "lag"], int])
_TEXT = msgspec.msgpack.Decoder(str)
_BOOL_TEXT = msgspec.msgpack.Decoder(tuple[bool, str])
_DOWN = msgspec.msgpack.Decoder(tuple[str, int])
_RESULT = msgspec.msgpack.Decoder(tuple[int, bool, float, str])
_COMMAND = msgspec.msgpack.Decoder(tuple[int, str, str, str, str, dict[str, str]])
_DURABLE = msgspec.msgpack.Decoder(tuple[int, bool])

NONSENSE = (ValueError, IndexError, struct.error, msgspec.MsgspecError)


@dataclass(slots=True)
class _Last:
    """Bytes last stored of a group; the arrays are views of the bytes."""

    values: bytes
    qualities: bytes
    causes: bytes
    source: bytes | int = 0
    uncertainty_ns: int = 0
    clock: str = "none"


@dataclass(frozen=True, slots=True)
class Withheld:
    """A personal input had this number."""

    stamp: s.Stamp


@dataclass(frozen=True, slots=True)
class Key:
    """A chunk begins; the next input has this stamp."""

    stamp: s.Stamp


@dataclass(frozen=True, slots=True)
class Hole:
    """Inputs that are not there; `reason` is one of layout.HOLE_REASONS."""

    first: int
    last: int
    reason: str
    first_utc_ns: int = 0
    last_utc_ns: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of the kernel after input `seq`."""

    seq: int
    admit_ns: int
    utc_ns: int
    data: bytes


Item = tuple[s.Stamp, s.Input] | Withheld | Key | Hole | Snapshot


def _few_struct(count: int) -> struct.Struct:
    form = _few_structs.get(count)
    if form is None:
        form = _few_structs[count] = struct.Struct(f"{_FEW_HEAD.format}{count}I{count}d{count}B{count}B")
    return form


def _as(array: NDArray[Any], kind: type[np.generic]) -> bytes:
    return array.tobytes() if array.dtype == kind else array.astype(kind).tobytes()


def _difference(new: bytes, old: bytes, width: int) -> tuple[int, bytes]:
    """(mode, bytes) that turn `old` into `new`, both arrays of `width`-byte words of equal length."""
    if new == old:
        return f.SAME, b""
    kind = np.uint64 if width == 8 else np.uint8
    words: NDArray[Any] = np.frombuffer(new, kind)
    mask = words != np.frombuffer(old, kind)
    changed = int(np.count_nonzero(mask))
    index = np.uint16 if len(words) <= 0x1_0000 else np.uint32
    whole, by_map = len(new), (len(words) + 7) // 8 + changed * width
    by_index = 4 + changed * (width + np.dtype(index).itemsize)
    if whole <= by_map and whole <= by_index:
        return f.FULL, new
    if by_map <= by_index:
        return f.BITMAP, np.packbits(mask).tobytes() + words[mask].tobytes()
    at = np.flatnonzero(mask)
    return f.INDEX, f.COUNT.pack(changed) + at.astype(index).tobytes() + words[at].tobytes()


class Encoder:
    """Turns stamped inputs into records; one per writer of a stream."""

    __slots__ = ("_admit_ns", "_groups", "_seq", "_utc_ns", "_writers")

    def __init__(self) -> None:
        self._seq = self._admit_ns = self._utc_ns = 0
        self._groups: dict[int, _Last] = {}
        self._writers: dict[type, Callable[[int, int, Any], bytes]] = {
            s.Columns: self._columns,
            s.Few: _few,
            s.Alive: _alive,
            s.SourceDown: _source_down,
            s.WriteResult: _write_result,
            s.Command: _command,
            s.Durable: _durable,
            s.SelfCheck: _self_check,
            s.Overrun: _overrun,
            s.Shift: _shift,
            s.TimeBound: _time_bound,
            s.Stop: _stop,
            Withheld: _withheld,
        }

    def key(self, stamp: s.Stamp) -> bytes:
        """Begin a chunk whose first input will be `stamp`: what follows can be decoded without what was before."""
        self._groups.clear()
        self._seq, self._admit_ns, self._utc_ns = stamp.seq - 1, stamp.admit_ns, stamp.utc_ns
        return f.frame(f.KEY.pack(f.KEY_MARK, stamp.seq, stamp.admit_ns, stamp.utc_ns))

    def encode(self, stamp: s.Stamp, item: s.Input | Withheld) -> bytes:
        """Records of one input. Raises TypeError for `Personal` and for what is no input."""
        writer = self._writers.get(type(item))
        if writer is None:
            raise TypeError(f"history does not accept {type(item).__name__}")
        admit = stamp.admit_ns - self._admit_ns
        drift = stamp.utc_ns - self._utc_ns - admit
        if stamp.seq == self._seq + 1 and 0 <= admit <= f.DADMIT_MAX and -f.DRIFT_MAX <= drift <= f.DRIFT_MAX:
            data = f.frame(writer(admit, drift, item))
        else:
            base = f.frame(f.BASE.pack(Kind.BASE, stamp.seq, stamp.admit_ns, stamp.utc_ns))
            data = base + f.frame(writer(0, 0, item))
        self._seq, self._admit_ns, self._utc_ns = stamp.seq, stamp.admit_ns, stamp.utc_ns
        return data

    def _columns(self, admit: int, drift: int, block: s.Columns) -> bytes:
        values, qualities = _as(block.values, np.float64), _as(block.qualities, np.uint8)
        causes = _as(block.causes, np.uint8)
        count = len(qualities)
        if len(values) != 8 * count or len(causes) != count:
            raise ValueError(f"arrays of group {block.group} differ in length")
        last = self._groups.get(block.group)
        flags, meta = 0, b""
        if (
            last is None
            or len(last.qualities) != count
            or last.uncertainty_ns != block.uncertainty_ns
            or last.clock != block.clock
        ):
            if last is None or len(last.qualities) != count:
                last = _Last(bytes(8 * count), bytes(count), bytes(count))
            meta = f.META.pack(count, block.uncertainty_ns, _CLOCK_CODE[block.clock])
            flags = f.META_FOLLOWS
        mode_v, bytes_v = _difference(values, last.values, 8)
        mode_q, bytes_q = _difference(qualities, last.qualities, 1)
        mode_c, bytes_c = _difference(causes, last.causes, 1)
        mode_s, bytes_s, source = _source(block, last, count)
        flags |= mode_v | mode_q << f.QUALITIES_SHIFT | mode_c << f.CAUSES_SHIFT | mode_s
        head = f.COLUMNS.pack(Kind.COLUMNS, admit, drift, block.group, flags)
        self._groups[block.group] = _Last(values, qualities, causes, source, block.uncertainty_ns, block.clock)
        return b"".join((head, meta, bytes_v, bytes_q, bytes_c, bytes_s))


def _source(block: s.Columns, last: _Last, count: int) -> tuple[int, bytes, bytes | int]:
    """(flags, bytes, what to remember) of the source times: one number, or an array like the values."""
    times = block.source_ns
    if isinstance(times, np.ndarray):
        source = _as(times, np.int64)
        if len(source) != 8 * count:
            raise ValueError(f"source times of group {block.group} differ in length from its values")
        mode, data = _difference(source, last.source if isinstance(last.source, bytes) else bytes(8 * count), 8)
        return mode << f.SOURCE_SHIFT | f.SOURCE_ARRAY, data, source
    if times == last.source:
        return 0, b"", times
    return f.FULL << f.SOURCE_SHIFT, f.NUMBER.pack(times), int(times)


def _few(admit: int, drift: int, b: s.Few) -> bytes:
    n = len(b.tags)
    clock = _CLOCK_CODE[b.clock]
    if n == 1:  # the usual case of a subscription, without the cost of unpacking lists
        return _ONE.pack(
            Kind.FEW, admit, drift, b.group, 1, b.source_ns, b.uncertainty_ns, clock,
            b.tags[0], b.values[0], b.qualities[0], b.causes[0],
        )  # fmt: skip
    return _few_struct(n).pack(
        Kind.FEW, admit, drift, b.group, n, b.source_ns, b.uncertainty_ns, clock,
        *b.tags, *b.values, *b.qualities, *b.causes,
    )  # fmt: skip


def _alive(admit: int, drift: int, item: s.Alive) -> bytes:
    return f.ALIVE.pack(Kind.ALIVE, admit, drift, item.group)


def _source_down(admit: int, drift: int, item: s.SourceDown) -> bytes:
    return f.INPUT.pack(Kind.SOURCE_DOWN, admit, drift) + _pack((item.source, int(item.cause)))


def _write_result(admit: int, drift: int, item: s.WriteResult) -> bytes:
    return f.INPUT.pack(Kind.WRITE_RESULT, admit, drift) + _pack((item.id, item.ok, float(item.value), item.error))


def _command(admit: int, drift: int, item: s.Command) -> bytes:
    body = (item.id, item.person, item.role, item.verb, item.target, item.args)
    return f.INPUT.pack(Kind.COMMAND, admit, drift) + _pack(body)


def _durable(admit: int, drift: int, item: s.Durable) -> bytes:
    return f.INPUT.pack(Kind.DURABLE, admit, drift) + _pack((item.id, item.ok))


def _self_check(admit: int, drift: int, item: s.SelfCheck) -> bytes:
    return f.INPUT.pack(Kind.SELF_CHECK, admit, drift) + _pack((item.ok, item.what))


def _overrun(admit: int, drift: int, item: s.Overrun) -> bytes:
    return f.INPUT.pack(Kind.OVERRUN, admit, drift) + _pack((item.what, item.took_ns))


def _shift(admit: int, drift: int, item: s.Shift) -> bytes:
    return f.INPUT.pack(Kind.SHIFT, admit, drift) + _pack(item.name)


def _time_bound(admit: int, drift: int, item: s.TimeBound) -> bytes:
    return f.INPUT.pack(Kind.TIME_BOUND, admit, drift) + _pack(item.uncertain)


def _stop(admit: int, drift: int, item: s.Stop) -> bytes:
    return f.INPUT.pack(Kind.STOP, admit, drift)


def _withheld(admit: int, drift: int, item: Withheld) -> bytes:
    return f.INPUT.pack(Kind.WITHHELD, admit, drift)


_ONE = _few_struct(1)


@dataclass(slots=True)
class _Group:
    """Decoder's last arrays of a group."""

    values: NDArray[np.uint64]
    qualities: NDArray[np.uint8]
    causes: NDArray[np.uint8]
    source: NDArray[np.uint64] | int = 0
    uncertainty_ns: int = 0
    clock: int = 0


class _Cursor:
    """Reads a payload from front to back."""

    __slots__ = ("at", "data")

    def __init__(self, data: memoryview, at: int) -> None:
        self.data, self.at = data, at

    def array(self, kind: type[np.generic], count: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, kind, count, self.at) if count else np.empty(0, kind)
        self.at += found.nbytes
        return found

    def number(self, form: struct.Struct) -> int:
        self.at += form.size
        return cast(int, form.unpack_from(self.data, self.at - form.size)[0])

    def apply(self, mode: int, old: NDArray[Any]) -> NDArray[Any]:
        """The array that `mode` and the bytes at the cursor make of `old`."""
        if mode == f.SAME:
            return old
        kind = cast("type[np.generic]", old.dtype.type)
        if mode == f.FULL:
            return self.array(kind, len(old))
        new = old.copy()
        if mode == f.BITMAP:
            mask = np.unpackbits(self.array(np.uint8, (len(old) + 7) // 8), count=len(old)).astype(np.bool_)
            new[mask] = self.array(kind, int(np.count_nonzero(mask)))
        else:
            changed = self.number(f.COUNT)
            at = self.array(np.uint16 if len(old) <= 0x1_0000 else np.uint32, changed)
            new[at] = self.array(kind, changed)
        return new


@dataclass(slots=True)
class Decoder:
    """Turns payloads back into stamped inputs; feed them in order from a KEY record on."""

    _seq: int = 0
    _admit_ns: int = 0
    _utc_ns: int = 0
    _groups: dict[int, _Group] = field(default_factory=dict)

    def feed(self, payload: memoryview) -> Item | None:
        """What one payload says; None for a mere change of base. Raises one of NONSENSE if it says nothing we know."""
        kind = payload[0]
        if kind < Kind.KEY:
            stamp = self._stamp(payload)
            if kind == Kind.WITHHELD:
                return Withheld(stamp)
            return stamp, self._input(kind, payload)
        return self._mark(kind, payload)

    def stamp_only(self, payload: memoryview) -> s.Stamp | Withheld | Key | Hole | Snapshot | None:
        """Like `feed`, but of an input only the stamp: for those who count."""
        kind = payload[0]
        if kind >= Kind.KEY:
            return self._mark(kind, payload)
        stamp = self._stamp(payload)
        return Withheld(stamp) if kind == Kind.WITHHELD else stamp

    def _stamp(self, payload: memoryview) -> s.Stamp:
        _, admit, drift = f.INPUT.unpack_from(payload)
        self._seq += 1
        self._admit_ns += admit
        self._utc_ns += admit + drift
        return s.Stamp(self._seq, self._admit_ns, self._utc_ns)

    def _mark(self, kind: int, payload: memoryview) -> Key | Hole | Snapshot | None:
        if kind == Kind.KEY:
            _, seq, self._admit_ns, self._utc_ns = f.KEY.unpack(payload)
            self._seq = seq - 1
            self._groups.clear()
            return Key(s.Stamp(seq, self._admit_ns, self._utc_ns))
        if kind == Kind.BASE:
            _, seq, self._admit_ns, self._utc_ns = f.BASE.unpack(payload)
            self._seq = seq - 1
            return None
        if kind == Kind.HOLE:
            _, reason, first, last, first_utc, last_utc = f.HOLE.unpack(payload)
            return Hole(first, last, f.HOLE_REASONS[reason], first_utc, last_utc)
        if kind == Kind.SNAPSHOT:
            _, seq, admit_ns, utc_ns = f.SNAPSHOT.unpack_from(payload)
            return Snapshot(seq, admit_ns, utc_ns, bytes(payload[f.SNAPSHOT.size :]))
        raise ValueError(f"unknown record kind {kind}")

    def _input(self, kind: int, payload: memoryview) -> s.Input:
        if kind == Kind.COLUMNS:
            return self._columns(payload)
        if kind == Kind.ALIVE:
            return s.Alive(f.ALIVE.unpack(payload)[3])
        if kind == Kind.FEW:
            return _read_few(payload)
        return _read_event(kind, payload[f.INPUT.size :])

    def _columns(self, payload: memoryview) -> s.Columns:
        _, _, _, number, flags = f.COLUMNS.unpack_from(payload)
        cursor = _Cursor(payload, f.COLUMNS.size)
        group = self._groups.get(number)
        if flags & f.META_FOLLOWS:
            count, uncertainty, clock = f.META.unpack_from(payload, cursor.at)
            cursor.at += f.META.size
            if group is None or len(group.values) != count:
                zero = np.zeros(count, np.uint8)
                group = self._groups[number] = _Group(np.zeros(count, np.uint64), zero, zero)
            group.uncertainty_ns, group.clock = uncertainty, clock
        elif group is None:
            raise ValueError(f"group {number} has no beginning in this chunk")
        group.values = cursor.apply(flags & 3, group.values)
        group.qualities = cursor.apply(flags >> f.QUALITIES_SHIFT & 3, group.qualities)
        group.causes = cursor.apply(flags >> f.CAUSES_SHIFT & 3, group.causes)
        mode = flags >> f.SOURCE_SHIFT & 3
        source: NDArray[np.int64] | int
        if flags & f.SOURCE_ARRAY:
            old = group.source if isinstance(group.source, np.ndarray) else np.zeros(len(group.values), np.uint64)
            group.source = cursor.apply(mode, old)
            source = group.source.view(np.int64).copy()
        else:
            if mode == f.FULL:
                group.source = cursor.number(f.NUMBER)
            source = cast(int, group.source)
        return s.Columns(
            number,
            group.values.view(np.float64).copy(),  # copies: the receiver may keep them, and we need ours
            group.qualities.copy(),
            group.causes.copy(),
            source,
            group.uncertainty_ns,
            _clock(group.clock),
        )


def _clock(code: int) -> s.ClockClass:
    return f.CLOCKS[code]


def _read_few(payload: memoryview) -> s.Few:
    _, _, _, group, n, source_ns, uncertainty_ns, clock = _FEW_HEAD.unpack_from(payload)
    rest = _few_struct(n).unpack(payload)[8:]
    tags, values = list(rest[:n]), list(rest[n : 2 * n])
    qualities, causes = list(rest[2 * n : 3 * n]), list(rest[3 * n :])
    return s.Few(group, tags, values, qualities, causes, source_ns, uncertainty_ns, _clock(clock))


def _read_event(kind: int, body: memoryview) -> s.Input:
    if kind == Kind.SOURCE_DOWN:
        source, cause = _DOWN.decode(body)
        return s.SourceDown(source, Cause(cause))
    if kind == Kind.WRITE_RESULT:
        return s.WriteResult(*_RESULT.decode(body))
    if kind == Kind.COMMAND:
        return s.Command(*_COMMAND.decode(body))
    if kind == Kind.DURABLE:
        return s.Durable(*_DURABLE.decode(body))
    if kind == Kind.SELF_CHECK:
        return s.SelfCheck(*_BOOL_TEXT.decode(body))
    if kind == Kind.OVERRUN:
        return s.Overrun(*_OVERRUN.decode(body))
    if kind == Kind.SHIFT:
        return s.Shift(_TEXT.decode(body))
    if kind == Kind.TIME_BOUND:
        return s.TimeBound(_BOOL.decode(body))
    if kind == Kind.STOP:
        return s.Stop()
    raise ValueError(f"unknown input kind {kind}")
