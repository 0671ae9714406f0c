"""For which NVIDIA devices a library brings code: the heads of its CUDA fat binaries, read without anything of NVIDIA's.

The form is not published. These offsets were checked on libonnxruntime_providers_cuda.so of onnxruntime-gpu 1.31.1 for aarch64: 1,542
parts, all of them machine code for sm_89, sm_90, sm_120 and sm_121, which are the devices it was built for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAGIC = b"\x50\xed\x55\xba"
_HEAD = struct.Struct("<4sHHQ")  # magic, version, size of this head, size of what follows
_PART = struct.Struct("<HHIQ12xI")  # kind, –, size of this head, size of the code, minor, major and flags, sm
MACHINE_CODE = 2  # kind; 1 is PTX, which a device translates at every first load


def devices(library: bytes) -> set[int]:
    """Compute capabilities (87 = sm_87) for which there is machine code; empty where there is none."""
    return {sm for kind, sm in _parts(library) if kind == MACHINE_CODE}


def _parts(library: bytes) -> Iterator[tuple[int, int]]:
    at = library.find(MAGIC)
    while at >= 0:
        if at + _HEAD.size > len(library):
            return
        _magic, version, head, size = _HEAD.unpack_from(library, at)
        if (version, head) == (1, _HEAD.size):
            yield from _inside(library, at + head, min(at + head + size, len(library)))
        at = library.find(MAGIC, at + 1)


def _inside(library: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    while at + _PART.size <= end:
        kind, _, head, size, sm = _PART.unpack_from(library, at)
        if head < _PART.size:
            return
        yield kind, sm
        at += head + size
