"""Sound over UDP: RTP (RFC 3550) with uncompressed L16 or L24 samples (RFC 3551, 3190), as ffmpeg, GStreamer and AES67 devices send it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DATAGRAM_MAX = 65_535
GAP_MAX = 64  # lost packets that are filled with silence; more is a new stream
WIDTHS = {"L16": 2, "L24": 3}


@dataclass(slots=True)
class Stream:
    """Puts packets of one sender in order. `channels` interleaved samples; one channel is kept."""

    coding: str
    channels: int = 1
    channel: int = 0
    source: int | None = None
    expected: int | None = None
    lost: int = 0
    refused: int = 0

    def packet(self, data: bytes) -> NDArray[np.float32] | None:
        """The samples of a packet, −1 to 1, with silence for those lost before it; None where it is not one of this stream."""
        body = payload(data)
        frame = WIDTHS[self.coding] * self.channels
        if body is None or not body or len(body) % frame:
            self.refused += 1
            return None
        sequence, source = int.from_bytes(data[2:4], "big"), int.from_bytes(data[8:12], "big")
        if source != self.source:
            self.source, self.expected = source, sequence
        assert self.expected is not None
        gap = (sequence - self.expected) % 65_536
        if gap >= 32_768:  # late or twice
            return None
        samples = decoded(body, self.coding, self.channels)[:, self.channel]
        self.expected = (sequence + 1) % 65_536
        if gap == 0:
            return samples
        self.lost += gap
        return np.concatenate((np.zeros(min(gap, GAP_MAX) * len(samples), np.float32), samples))


def payload(data: bytes) -> bytes | None:
    """The body of an RTP packet without header, extension and padding; None where it is none."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    start = 12 + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data)
    if data[0] & 0x20:
        end -= data[-1] or len(data)
    return data[start:end] if start <= end else None


def decoded(body: bytes, coding: str, channels: int) -> NDArray[np.float32]:
    """Big-endian samples as floats −1 to 1 [frames, channels]."""
    if coding == "L16":
        found = np.frombuffer(body, ">i2").astype(np.float32) / np.float32(32_768.0)
    else:
        three = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = three[:, 0] << 24 | three[:, 1] << 16 | three[:, 2] << 8
        found = whole.astype(np.float32) / np.float32(2_147_483_648.0)
    return found.reshape(-1, channels)
