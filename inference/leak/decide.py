"""From evidence to alarm: a CUSUM of the network's logits that needs three seconds at least, with its delay and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["both", "sound", "picture"]  # which sensors have a say
MODES: tuple[Mode, ...] = ("both", "sound", "picture")  # in the order of the network's logits

LEAST_S = 3.0  # no alarm on less evidence, however strong it is
SATURATION = 2.0  # of the threshold: an alarm ends in bounded time after its leak
RELEASE = 0.5  # of the threshold: below it an alarm ends
SUSPECT = 0.3  # of the threshold: from here on floor and background do not learn


@dataclass(frozen=True, slots=True)
class Limits:
    """`drift`: logit that counts as no evidence; `threshold`: sum above which there is an alarm. Set for one false alarm a week."""

    drift: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """After one second: `share` of the threshold that is reached, `since_s` how long the evidence has been gathering."""

    alarm: bool
    share: float
    since_s: float
    suspect: bool
    delay_s: float  # from the first evidence to the alarm; NaN before one


class Decision:
    """The CUSUM of one place. When a sensor comes or goes its limits change with the mode, and the share of the threshold stays."""

    def __init__(self, limits: dict[Mode, Limits], factor: float = 1.0) -> None:
        self._limits, self._factor = limits, factor
        self._share = 0.0
        self._since_s = 0.0
        self._alarm = False
        self._delay_s = float("nan")

    def second(self, logit: float, mode: Mode, took_s: float = 1.0) -> Verdict:
        """Take one second's logit of the decision that `mode` stands for."""
        limits = self._limits[mode]
        step = (logit - limits.drift) * took_s / (limits.threshold * self._factor)
        self._share = min(max(self._share + min(step, took_s / LEAST_S), 0.0), SATURATION)
        self._since_s = self._since_s + took_s if self._share > 0.0 else 0.0
        before, self._alarm = self._alarm, self._share >= (RELEASE if self._alarm else 1.0 - 1e-9)
        if self._alarm and not before:
            self._delay_s = self._since_s
        elif not self._alarm:
            self._delay_s = float("nan")
        return Verdict(self._alarm, self._share, self._since_s, self._share > SUSPECT, self._delay_s)

    def unheard(self, took_s: float = 1.0) -> Verdict:
        """A second without any sensor: what was gathered fades within a minute and raises nothing."""
        self._share = max(self._share - took_s / 60.0, 0.0)
        self._alarm = self._alarm and self._share >= RELEASE
        return Verdict(self._alarm, self._share, self._since_s, self._share > SUSPECT, self._delay_s)
