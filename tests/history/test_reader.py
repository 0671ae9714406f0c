"""Torn tails, damage and what coverage says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.core import samples as s
from gateway.history import layout, reader
from gateway.history.codec import Encoder
from gateway.history.segments import HOLES_MAX, Index, identity_digest, mend, scan, segment_name

STAMPS = [s.Stamp(n, n * 1000, n * 1000 + 77) for n in range(1, 13)]


def item(seq: int) -> s.Input:
    if seq % 3 == 0:
        return s.Alive(seq)
    if seq % 3 == 1:
        return s.Few(1, [4], [float(seq)], [0], [0])
    return s.Columns(2, np.arange(5.0) * seq, np.zeros(5, np.uint8), np.zeros(5, np.uint8))


def build(directory: Path, boot: int = 1) -> tuple[Path, list[int]]:
    """A segment of three chunks of four inputs without an index beside it; the offsets at which records end."""
    encoder = Encoder()
    data = layout.header(boot, 1, STAMPS[0].admit_ns, STAMPS[0].utc_ns, identity_digest(b""))
    ends = [len(data)]
    for stamp in STAMPS:
        if stamp.seq % 4 == 1:
            data += encoder.key(stamp)
            ends.append(len(data))
        data += encoder.encode(stamp, item(stamp.seq))
        ends.append(len(data))
    path = directory / segment_name(boot, 1, 0)
    path.write_bytes(data)
    return path, ends


def seqs(directory: Path) -> list[int]:
    return [stamp.seq for stamp, _ in reader.inputs(directory)]


@pytest.mark.parametrize("zeros", [0, 5000])
def test_a_tail_torn_at_any_byte_costs_only_the_torn_record(tmp_path: Path, zeros: int) -> None:
    path, ends = build(tmp_path)
    whole = path.read_bytes()
    assert seqs(tmp_path) == list(range(1, 13))
    for cut in range(ends[-8], len(whole)):
        there = whole[:cut] + bytes(zeros)
        path.write_bytes(there)
        left = [end for end in ends if there[:end] == whole[:end]]  # a record whose lost bytes were zeros is whole
        torn = len(there[left[-1] :].rstrip(b"\0"))
        index = scan(path)
        assert index.used_bytes == left[-1]
        assert index.torn_bytes == torn
        assert seqs(tmp_path) == list(range(1, index.last_seq + 1))
        assert index.inputs == index.last_seq == len(left) - 1 - len(index.keys)


def test_mending_cuts_the_tail_once_and_for_all(tmp_path: Path) -> None:
    path, ends = build(tmp_path)
    path.write_bytes(path.read_bytes()[:-3] + b"\xff" + bytes(100))
    (kept,) = mend(tmp_path)
    assert path.stat().st_size == kept.bytes == ends[-2]
    (info,) = reader.segments(tmp_path)
    assert info.closed
    assert info.index.torn_bytes > 0
    assert seqs(tmp_path) == list(range(1, 12))


def test_damage_in_the_middle_is_skipped_up_to_the_next_chunk_and_stated(tmp_path: Path) -> None:
    path, ends = build(tmp_path)
    data = bytearray(path.read_bytes())
    data[ends[7] + 12] ^= 0x40  # inside the first record after the second KEY and one input
    path.write_bytes(data)
    assert seqs(tmp_path) == [1, 2, 3, 4, 5, 9, 10, 11, 12]
    (boot,) = reader.coverage(tmp_path)
    assert boot.holes == ((6, 8, "missing"),)
    assert boot.torn_bytes > 0
    assert boot.inputs == 9


def test_every_single_flipped_bit_is_found_and_never_fatal(tmp_path: Path) -> None:
    path, ends = build(tmp_path)
    whole = path.read_bytes()
    good = [(stamp, type(each)) for stamp, each in reader.inputs(tmp_path)]
    for at in range(ends[0], len(whole), 7):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        found = [(stamp, type(each)) for stamp, each in reader.inputs(tmp_path)]
        assert len(found) < len(good) or found == good
        assert all(pair in good for pair in found)
        assert scan(path).torn_bytes > 0


def test_an_index_that_cannot_be_read_is_made_again_from_the_records(tmp_path: Path) -> None:
    path, _ = build(tmp_path)
    mend(tmp_path)
    path.with_suffix(".ghx").write_bytes(b"{")
    (info,) = reader.segments(tmp_path)
    assert not info.closed
    assert info.index.inputs == 12


def test_a_damaged_header_is_no_segment(tmp_path: Path) -> None:
    path, _ = build(tmp_path)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    assert reader.segments(tmp_path) == []
    with pytest.raises(layout.FormatError):
        scan(path)


def test_a_snapshot_that_is_damaged_says_so(tmp_path: Path) -> None:
    path, _ = build(tmp_path)
    data = layout.frame(layout.SNAPSHOT.pack(layout.Kind.SNAPSHOT, 12, 1, 2) + b"state")
    path.write_bytes(path.read_bytes() + data)
    (shot,) = reader.snapshots(tmp_path)
    assert shot.read() == b"state"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(layout.FormatError):
        shot.read()


def test_holes_merge_and_their_list_is_bounded() -> None:
    index = Index(1, "", 1, 1, 0, 0)
    index.add_hole(5, 9, "missing")
    index.add_hole(8, 12, "memory")
    assert [(h.first, h.last, h.reason) for h in index.holes] == [(5, 12, "memory")]
    for n in range(HOLES_MAX * 2):
        index.add_hole(100 + 10 * n, 101 + 10 * n, "missing")
    assert len(index.holes) == HOLES_MAX
