"""Batches made ahead of the step that uses them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from inference.training.augment import Mixer, Sample
from inference.training.labels import Boxes

AHEAD = 2


class Batches:
    """Endless batches from a mixer, each seeded by its number: a resumed run goes on with the pictures it would have seen."""

    def __init__(self, mixer: Mixer, size: int, seed: int, start: int = 0) -> None:
        self.mixer, self.size, self.seed, self.start = mixer, size, seed, start

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        with ThreadPoolExecutor(1) as pool:
            waiting: list[Future[list[Sample]]] = []
            number = self.start
            while True:
                while len(waiting) < AHEAD:
                    waiting.append(pool.submit(self._make, number))
                    number += 1
                yield tensors(waiting.pop(0).result())

    def _make(self, number: int) -> list[Sample]:
        random: Generator = np.random.default_rng((self.seed, number))
        return [self.mixer.sample(random) for _ in range(self.size)]


def tensors(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """RGB 0…1 channels-last, found and unknown padded with class -1."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples])[..., ::-1].copy())
    images = pixels.permute(0, 3, 1, 2).float().div_(255.0)
    return images, padded([s.labels.found for s in samples]), padded([s.labels.unknown for s in samples])


def padded(tables: list[Boxes]) -> Tensor:
    """[B, longest, 5]."""
    out = torch.zeros(len(tables), max(max(map(len, tables)), 1), 5)
    out[..., 4] = -1
    for row, table in enumerate(tables):
        out[row, : len(table)] = torch.from_numpy(np.array(table))
    return out
