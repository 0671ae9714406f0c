"""Our camera against an RTSP server that is not ours: `python -m tests.inference.cameras.campaign_server PROGRAM`.

PROGRAM is `rtsp-server` of aio-rtsp-toolkit 0.1.4 (Apache-2.0), which streams files over RTSP/TCP. Films in H.264 and H.265 are made,
read for some seconds each, and two clips are taken of each: as seen, and with people hidden. Prints a line for each stream.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from inference.cameras.evidence import Bounds, Evidence
from inference.cameras.intake import Intake
from inference.cameras.sidecar import Asked
from inference.cameras.sidecar import read as clips
from inference.cameras.stream import Address, read
from tests.inference.cameras.scene import hall, noisy

CODECS = {"h264": "libx264", "hevc": "libx265"}
FPS, SECONDS, LOOK_S = 10, 6, 9.0


def film(path: Path, codec: str) -> None:
    """Some seconds of a hall."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=FPS, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.gop_size = FPS
        for at in range(FPS * SECONDS):
            frame = av.VideoFrame.from_ndarray(noisy(hall(640, 360), at), format="bgr24")
            frame.pts = at
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def watch(url: str, folder: Path) -> str:
    """Read a stream, take two clips of it; what came of it."""
    address, evidence = Address(url), Evidence("film", folder, Bounds(1, 1, clear_for={"SEEN"}))
    evidence.prepare()
    intake = Intake("film", lambda taker, over: read(address, taker, over), evidence)
    ages, asked, end_s = [], False, time.monotonic() + LOOK_S
    while time.monotonic() < end_s:
        intake.watch(time.monotonic_ns())
        shot = intake.shots.take(0.05)
        if shot is not None:
            ages.append((time.monotonic_ns() - shot.captured_ns) / 1e6)
            evidence.people.found(np.zeros((0, 4), np.float32), (shot.width, shot.height), shot.captured_ns)
        if evidence.seconds > 1.5 and not asked:
            now = int(time.time() * 1000)
            asked = evidence.ask(Asked("SEEN", "alarm", "1", now), time.monotonic_ns())
            evidence.ask(Asked("HIDDEN", "alarm", "2", now), time.monotonic_ns())
        evidence.tend()
    intake.close()
    evidence.close(60.0)
    told = [f"{one.asked[0].rule} {one.codec} {one.pictures} pictures whole={one.whole}" for _, one in clips(folder)]
    return f"{len(ages)} pictures, oldest {max(ages, default=0):.0f} ms; clips: {'; '.join(told)}"


def main(program: str) -> None:
    with tempfile.TemporaryDirectory(prefix="films-") as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        media = folder / "media"
        media.mkdir()
        for codec, encoder in CODECS.items():
            film(media / f"{codec}.mp4", encoder)
        environment = os.environ | {"PYTHONPATH": str(Path(av.__file__).parents[1])}  # it decodes with the same library
        words = [program, "-d", str(media), "-H", "127.0.0.1", "-p", str(port), "-cp", str(port + 1)]
        with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                time.sleep(6.0)
                for codec in CODECS:
                    print(codec, watch(f"rtsp://127.0.0.1:{port}/{codec}.mp4", folder / codec), flush=True)
            finally:
                server.terminate()


if __name__ == "__main__":
    main(sys.argv[1])
