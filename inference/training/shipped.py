"""Runs an exported graph over an album, as the gateway would."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference.training.cache import Album
from inference.training.evaluate import SCORE_MIN, suppressed
from inference.training.labels import Boxes


def open_graph(file: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def picked(output: NDArray[np.float32]) -> Boxes:
    """Boxes [n, 6] of one output [4 + classes, A]."""
    kinds, cells = np.nonzero(output[4:] > SCORE_MIN)
    centre, half = output[:2, cells].T, output[2:4, cells].T / 2
    scores = output[4 + kinds, cells][:, None]
    return suppressed(np.concatenate((centre - half, centre + half, scores, kinds[:, None]), axis=1, dtype=np.float32))


def boxes(session: onnxruntime.InferenceSession, album: Album) -> list[Boxes]:
    """Boxes of every page, in its pixels."""
    name = session.get_inputs()[0].name
    return [picked(session.run(None, {name: page[None]})[0][0]) for page in album.pages]
