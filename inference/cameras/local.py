"""Cameras that hand over pixels: USB through OpenCV, and a folder of pictures in the order of their names."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from inference.cameras.link import Reason
from inference.cameras.ring import Packet
from inference.cameras.shot import PIXELS_MAX, Lost, Over, Seed, Shot, Taker

SECOND = 1_000_000_000
PICTURES_MAX = 100_000  # of one folder
FILE_MAX = 32 << 20
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
KEEP_NS = SECOND // 5  # pixels are encoded for the ring, so no more than five a second are kept
JPEG_QUALITY = 80


class _Keeping:
    """Pixels as packets of the ring: each a picture of its own, so that a clip may begin with any."""

    def __init__(self, taker: Taker) -> None:
        self._taker, self._number, self._kept_ns, self._open = taker, 0, 0, False

    def take(self, pixels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]], at_ns: int) -> None:
        height, width = pixels.shape[:2]
        if height * width > PIXELS_MAX:
            raise Lost(Reason.TOO_LARGE, f"{width} x {height}")
        if at_ns - self._kept_ns >= KEEP_NS:
            self._kept_ns = at_ns
            ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if ok:
                self._packet(data.tobytes(), at_ns)
        self._taker.picture(Shot(at_ns, self._number, width, height, pixels))
        self._number += 1

    def _packet(self, data: bytes, at_ns: int) -> None:
        if not self._open:
            self._taker.opened(Seed("mjpeg", data))
            self._open = True
        self._taker.packet(Packet(data, at_ns, at_ns, at_ns, True))


def read_usb(device: str, taker: Taker, over: Over, size: tuple[int, int] = (0, 0)) -> None:
    """Read a camera of the box, "/dev/video0" or a number, until `over`. Raises Lost."""
    camera = cv2.VideoCapture(int(device) if device.isdigit() else device, cv2.CAP_V4L2)
    try:
        if not camera.isOpened():
            raise Lost(Reason.NOT_FOUND, device)
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if size[0]:
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        keeping = _Keeping(taker)
        while not over():
            ok, pixels = camera.read()
            if not ok:
                raise Lost(Reason.ENDED, device)
            keeping.take(pixels.astype(np.uint8, copy=False), time.monotonic_ns())
    finally:
        camera.release()
    raise Lost(Reason.ENDED)


def read_folder(folder: Path, fps: float, loop: bool, taker: Taker, over: Over) -> None:
    """Show the pictures of a folder, `fps` of them a second, until `over`. Raises Lost; a file that is no picture is passed by."""
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:PICTURES_MAX]
    except OSError as error:
        raise Lost(Reason.NOT_FOUND, error.strerror or "") from None
    if not names:
        raise Lost(Reason.NOT_FOUND, "no pictures in it")
    keeping, due_ns, shown = _Keeping(taker), time.monotonic_ns(), 0
    while not over():
        for path in names:
            if over():
                return
            data = path.read_bytes() if path.stat().st_size <= FILE_MAX else b""
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            if pixels is None:
                continue
            shown += 1
            keeping.take(pixels.astype(np.uint8, copy=False), time.monotonic_ns())
            due_ns += int(SECOND / fps)
            time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / SECOND))
        if not shown:
            raise Lost(Reason.UNDECODABLE, "no file of it is a picture")
        if not loop:
            raise Lost(Reason.ENDED)
