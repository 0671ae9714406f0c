"""The fusion network as it runs: admitted by its card and golden batch, asked once a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.leak.decide import MODES, Limits, Mode
from inference.leak.layout import BANDS, HEIGHT, MAPS, MASK, SLOTS, WIDTH, Floats
from inference.leak.quality import QUALITIES
from inference.models import card as cards
from inference.runtime.session import Session, open_session

SHAPES = {"sound": (2, BANDS, SLOTS), "maps": (MAPS, HEIGHT, WIDTH), "quality": (len(QUALITIES),)}
DISTANCES_M = (3.0, 6.0, 10.0, 14.0, 20.0)  # middle of each bin
MASSES_KG_S = (0.0015, 0.005, 0.017, 0.05, 0.17)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one second: logits by mode, the likeliest distance and mass flow with their bins, the plume mask as probabilities, gates."""

    logits: dict[Mode, float]
    metres: float
    distance_bin: int
    kg_s: float
    mass_bin: int
    mask: Floats
    gates: tuple[float, float]
    ms: float


class Model:
    """A network that passed its admission."""

    def __init__(self, path: Path, providers: Sequence[str] | str = "auto", threads: int = 1) -> None:
        """Load and admit. Raises SourceError: no card, another file than the card's, other inputs, or other answers than it must give."""
        try:
            card = cards.read(path)
        except cards.CardError as error:
            raise SourceError(f"{error.en} | {error.zh}", Cause.DEVICE, slow=True) from None
        if card is None or card.golden is None:
            raise refused(f"{path.name} has no card with a golden batch", f"{path.name} 没有带基准样本的模型卡")
        self.card = card
        self.limits = limits_of(card)
        self._session: Session = open_session(
            path, providers=list(providers) if not isinstance(providers, str) else providers, threads=threads
        )
        self.provider = self._session.provider
        shapes = {port.name: port.shape[1:] for port in self._session.inputs}
        if shapes != SHAPES:
            raise refused(
                f"{path.name} takes {shapes}, a leak model takes {SHAPES}",
                f"{path.name} 的输入为 {shapes}，泄漏模型应为 {SHAPES}",
            )
        self._names = [port.name for port in self._session.outputs]
        self._admit(path)

    def _admit(self, path: Path) -> None:
        """The golden batch, second by second, on this device and provider."""
        assert self.card.golden is not None
        file = path.with_name(Path(self.card.golden.file).name)
        if not file.exists() or cards.digest(file) != self.card.golden.sha256:
            raise refused(f"{file.name} is not the golden batch of the card", f"{file.name} 不是模型卡所指的基准样本")
        with np.load(file, allow_pickle=False) as golden:
            said = [self._run(*row) for row in zip(golden["sound"], golden["maps"], golden["quality"], strict=True)]
            for name in ("logits", "distance", "mass", "mask"):
                expected = golden[name]
                away = float(np.abs(np.concatenate([one[name] for one in said]) - expected).max())
                allowed = self.card.golden.tolerance * float(np.abs(expected).max())
                if not away <= allowed:
                    raise refused(
                        f"{path.name} on {self.provider} gives a {name} that is off by {away:.3g}, allowed are {allowed:.3g}",
                        f"{path.name} 在 {self.provider} 上的 {name} 偏差 {away:.3g}，允许 {allowed:.3g}",
                    )

    def _run(self, *row: NDArray[Any]) -> dict[str, NDArray[Any]]:
        arrays = [np.ascontiguousarray(one, np.float32)[None] for one in row]
        return dict(zip(self._names, self._session.run(*arrays), strict=True))

    def second(self, sound: Floats, maps: Floats, quality: Floats) -> Answer:
        """One second's features; what a missing sensor would give is zeros."""
        begun = time.perf_counter()
        said = self._run(sound, maps, quality)
        ms = (time.perf_counter() - begun) * 1e3
        logits = said["logits"][0].tolist()
        far, much = softmax(said["distance"][0]), softmax(said["mass"][0])
        return Answer(
            dict(zip(MODES, logits, strict=True)), float(np.exp(far @ np.log(DISTANCES_M))), int(far.argmax()),
            float(np.exp(much @ np.log(MASSES_KG_S))), int(much.argmax()),
            (1.0 / (1.0 + np.exp(-said["mask"][0]))).reshape(MASK).astype(np.float32),
            (float(said["gates"][0, 0]), float(said["gates"][0, 1])), ms,
        )  # fmt: skip


def limits_of(card: cards.Card) -> dict[Mode, Limits]:
    """The decision's limits of the card, by mode."""
    found: dict[Mode, Limits] = {}
    for mode in MODES:
        drift, threshold = card.thresholds.get(f"{mode}.drift"), card.thresholds.get(f"{mode}.threshold")
        if drift is None or threshold is None or threshold <= 0.0:
            raise refused(f"the card has no limits for {mode}", f"模型卡没有 {mode} 模式的判据")
        found[mode] = Limits(drift, threshold)
    return found


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities."""
    raised = np.exp(logits.astype(np.float64) - logits.max())
    found: NDArray[np.float64] = raised / raised.sum()
    return found


def refused(en: str, zh: str) -> SourceError:
    """A model that is not admitted: slow, because trying again is of no use."""
    return SourceError(f"{en} | {zh}", Cause.DEVICE, slow=True)
