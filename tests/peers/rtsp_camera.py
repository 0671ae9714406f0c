"""A camera as a process of its own: RTSP 1.0 over TCP (RFC 2326), H.264 in RTP (RFC 6184), pictures made here. Ours, for tests.

    python rtsp_camera.py --fps 10 [--size 640x360] [--gop 10] [--password PW] [--noise 2]

Prints "port N". Commands on stdin, one a line:

    person X Y W H     a magenta figure stands there from the next picture on ("away" takes it off)
    machine X Y W H    a cyan one; "machine away"
    stall | go         stop and resume sending; freeze | thaw: send the same picture again and again
    drop               close every connection; cover | uncover, blur | sharp, dark | light, turn | back
    quit

For every change of what is seen it prints "shown NAME NS": CLOCK_MONOTONIC at which the first picture with it was made.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import secrets
import socket
import struct
import sys
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

CLOCK = 90_000
CHUNK = 1_400  # bytes of one RTP payload
SHADES = 24  # pictures of noise made beforehand
PERSON, MACHINE = (255, 0, 255), (255, 255, 0)


def hall(width: int, height: int) -> NDArray[np.uint8]:
    """A still hall."""
    random = np.random.default_rng(5)
    picture = np.full((height, width, 3), 90, np.uint8)
    for _ in range(140):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        w, h = int(random.integers(width // 40, width // 8)), int(random.integers(height // 40, height // 6))
        cv2.rectangle(picture, (x, y), (x + w, y + h), [int(one) for one in random.integers(60, 180, 3)], -1)
    return picture


class Scene:
    """What the camera sees; changed by commands, asked by the thread that makes pictures."""

    def __init__(self, width: int, height: int, noise: float) -> None:
        self.hall = hall(width, height)
        random = np.random.default_rng(3)
        self.noise = [random.normal(0, noise, (height, width, 1)).astype(np.int8) for _ in range(SHADES)]
        self.figures: dict[str, tuple[int, int, int, int]] = {}
        self.modes: set[str] = set()
        self.changes: list[str] = []
        self.held: NDArray[np.uint8] | None = None
        self.lock = threading.Lock()

    def picture(self, number: int) -> tuple[NDArray[np.uint8], list[str]]:
        with self.lock:
            figures, modes, changes = dict(self.figures), set(self.modes), self.changes
            self.changes = []
        if "freeze" in modes and self.held is not None:
            return self.held, changes
        picture = np.roll(self.hall, 60, axis=1) if "turn" in modes else self.hall.copy()
        for name, (x, y, w, h) in figures.items():
            cv2.rectangle(picture, (x, y), (x + w, y + h), PERSON if name == "person" else MACHINE, -1)
        if "cover" in modes:
            picture = np.full_like(picture, 120)
        if "blur" in modes:
            picture = cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 60).astype(np.uint8)
        if "dark" in modes:
            picture = picture // 20
        noisy = picture.astype(np.int16) + self.noise[number % SHADES]
        self.held = noisy.clip(0, 255).astype(np.uint8)
        return self.held, changes


class Feed:
    """Encodes the scene and hands its packets to whoever is connected."""

    def __init__(self, scene: Scene, size: tuple[int, int], fps: float, gop: int, bitrate: int) -> None:
        self.scene, self.fps = scene, fps
        self.clients: list[Client] = []
        self.lock = threading.Lock()
        self.stalled = False
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.time_base = Fraction(1, CLOCK)
        context.framerate = Fraction(fps).limit_denominator(1000)
        context.gop_size, context.bit_rate = gop, bitrate
        context.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
        self.context = context

    def run(self) -> None:
        begun, number = time.monotonic(), 0
        while True:
            if self.stalled:
                time.sleep(0.01)
                begun, number = begun + 0.01, number
                continue
            due = begun + number / self.fps
            time.sleep(max(0.0, due - time.monotonic()))
            made_ns = time.monotonic_ns()
            pixels, changes = self.scene.picture(number)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts, frame.time_base = int(number * CLOCK / self.fps), Fraction(1, CLOCK)
            for packet in self.context.encode(frame):
                self.send(bytes(packet), packet.is_keyframe, int(packet.pts or 0))
            for change in changes:
                print(f"shown {change} {made_ns}", flush=True)
            number += 1

    def send(self, data: bytes, key: bool, stamp: int) -> None:
        nals = [nal for nal in split(data) if nal]
        with self.lock:
            for client in self.clients:
                client.picture(nals, key, stamp & 0xFFFFFFFF)


def split(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B picture."""
    parts = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


class Client:
    """One connection that plays."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.lock = connection, threading.Lock()
        self.sequence, self.source = secrets.randbelow(60_000), secrets.randbits(32)
        self.begun = self.gone = False

    def picture(self, nals: list[bytes], key: bool, stamp: int) -> None:
        self.begun = self.begun or key
        if self.gone or not self.begun:
            return
        out = bytearray()
        for at, nal in enumerate(nals):
            last = at + 1 == len(nals)
            if len(nal) <= CHUNK:
                out += self.rtp(nal, last, stamp)
                continue
            body, first = nal[1:], 0x80
            while body:
                chunk, body = body[:CHUNK], body[CHUNK:]
                flags = first | (0 if body else 0x40) | (nal[0] & 0x1F)
                out += self.rtp(bytes([(nal[0] & 0xE0) | 28, flags]) + chunk, last and not body, stamp)
                first = 0
        try:
            with self.lock:
                self.connection.sendall(out)
        except OSError:
            self.gone = True

    def rtp(self, payload: bytes, marker: bool, stamp: int) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFFFF
        head = struct.pack(">BBHII", 0x80, 96 | (0x80 if marker else 0), self.sequence, stamp, self.source)
        return struct.pack(">BBH", 0x24, 0, len(head) + len(payload)) + head + payload


class Door:
    """Answers RTSP."""

    def __init__(self, feed: Feed, password: str) -> None:
        self.feed, self.password, self.nonce = feed, password, secrets.token_hex(8)
        self.connections: list[socket.socket] = []

    def serve(self, connection: socket.socket) -> None:
        self.connections.append(connection)
        client, session = Client(connection), secrets.token_hex(4)
        reader = connection.makefile("rb")
        try:
            while (head := self.request(reader)) is not None:
                method, url, headers = head
                status, more, body = self.answer(method, url, headers, client, session)
                lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more]
                if body:
                    lines.append(f"Content-Length: {len(body)}")
                with client.lock:
                    connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
                if method == "PLAY" and status.startswith("200"):
                    with self.feed.lock:
                        self.feed.clients.append(client)
                if method == "TEARDOWN":
                    return
        except (OSError, ValueError):
            return
        finally:
            client.gone = True
            with self.feed.lock:
                self.feed.clients = [one for one in self.feed.clients if one is not client]
            connection.close()

    def request(self, reader: object) -> tuple[str, str, dict[str, str]] | None:
        """One request; interleaved RTCP of the receiver is passed over."""
        while True:
            first = reader.read(1)  # type: ignore[attr-defined]
            if not first:
                return None
            if first == b"$":
                _, size = struct.unpack(">BH", reader.read(3))  # type: ignore[attr-defined]
                reader.read(size)  # type: ignore[attr-defined]
                continue
            line = first + reader.readline(4_096)  # type: ignore[attr-defined]
            method, url, _ = line.decode().split(" ", 2)
            headers: dict[str, str] = {}
            while (one := reader.readline(4_096).decode().strip()) and len(headers) < 50:  # type: ignore[attr-defined]
                name, _, value = one.partition(":")
                headers[name.strip().lower()] = value.strip()
            reader.read(int(headers.get("content-length", "0")))  # type: ignore[attr-defined]
            return method, url, headers

    def answer(
        self, method: str, url: str, headers: dict[str, str], client: Client, session: str
    ) -> tuple[str, list[str], str]:
        if method == "OPTIONS":
            return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"], ""
        if self.password and not self.known(method, headers.get("authorization", "")):
            return "401 Unauthorized", [f'WWW-Authenticate: Digest realm="camera", nonce="{self.nonce}"'], ""
        if not url.split("?")[0].rstrip("/").partition("/live")[1]:
            return "404 Not Found", [], ""
        if method == "DESCRIBE":
            return "200 OK", ["Content-Type: application/sdp", f"Content-Base: {url}/"], self.sdp()
        if method == "SETUP":
            if "TCP" not in headers.get("transport", ""):
                return "461 Unsupported Transport", [], ""
            return "200 OK", [f"Session: {session};timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"], ""
        if method in ("PLAY", "GET_PARAMETER", "TEARDOWN", "PAUSE"):
            return "200 OK", [f"Session: {session}"], ""
        return "501 Not Implemented", [], ""

    def known(self, method: str, given: str) -> bool:
        """Digest of RFC 2617 without qop, as cameras have it."""
        parts = dict(one.strip().split("=", 1) for one in given.removeprefix("Digest ").split(",") if "=" in one)
        parts = {key: value.strip('"') for key, value in parts.items()}

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first = md5(f"{parts.get('username', '')}:camera:{self.password}")
        second = md5(f"{method}:{parts.get('uri', '')}")
        return parts.get("response") == md5(f"{first}:{self.nonce}:{second}")

    def sdp(self) -> str:
        sets = [nal for nal in split(bytes(self.feed.context.extradata or b"")) if nal[0] & 0x1F in (7, 8)]
        sprop = ",".join(base64.b64encode(nal).decode() for nal in sets)
        fmtp = f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}\r\n" if sets else ""
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nc=IN IP4 0.0.0.0\r\n"
            f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/{CLOCK}\r\n{fmtp}a=control:track1\r\n"
        )


UNDO = {"go": "stall", "thaw": "freeze", "uncover": "cover", "sharp": "blur", "light": "dark", "back": "turn"}


def obey(line: str, scene: Scene, feed: Feed, door: Door) -> None:
    words = line.split()
    if not words:
        return
    with scene.lock:
        if words[0] in ("person", "machine"):
            if words[1] == "away":
                scene.figures.pop(words[0], None)
            else:
                x, y, w, h = (int(word) for word in words[1:5])
                scene.figures[words[0]] = x, y, w, h
            scene.changes.append(words[0] + ("-away" if words[1] == "away" else ""))
        elif words[0] in ("freeze", "cover", "blur", "dark", "turn"):
            scene.modes.add(words[0])
            scene.changes.append(words[0])
        elif words[0] in UNDO and words[0] != "go":
            scene.modes.discard(UNDO[words[0]])
    if words[0] in ("stall", "go"):
        feed.stalled = words[0] == "stall"
        print(f"shown {words[0]} {time.monotonic_ns()}", flush=True)
    if words[0] == "drop":
        for connection in door.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        door.connections.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--gop", type=int, default=10)
    parser.add_argument("--bitrate", type=int, default=800_000)
    parser.add_argument("--noise", type=float, default=2.0)
    parser.add_argument("--password", default="")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    scene = Scene(width, height, given.noise)
    feed = Feed(scene, (width, height), given.fps, given.gop, given.bitrate)
    door = Door(feed, given.password)
    listener = socket.create_server(("127.0.0.1", given.port))
    threading.Thread(target=feed.run, daemon=True).start()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=door.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"port {listener.getsockname()[1]}", flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        obey(line, scene, feed, door)


if __name__ == "__main__":
    main()
