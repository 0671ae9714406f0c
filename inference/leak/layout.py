"""The shape of what the model sees: bands and slots of a second of sound, pixels and cells of the picture. Numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BANDS, SLOTS = 64, 16
EDGES_HZ = np.geomspace(2_000.0, 90_000.0, BANDS + 1)
CENTRES_HZ = np.sqrt(EDGES_HZ[1:] * EDGES_HZ[:-1])
REFERENCE_PA = 20e-6  # 0 dB of sound pressure
SILENCE_DB = -20.0  # below the self noise of every microphone; stands where a band lies above half the sample rate

HEIGHT, WIDTH = 120, 160
CELL = 8  # pixels of a cell of the plume mask
MASK = (HEIGHT // CELL, WIDTH // CELL)  # 15 × 20
MAPS = 4  # mean against the background, deviation, motion, temperature
