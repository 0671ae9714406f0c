"""The progress of a write on one line: phase, share, MB/s, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

WORDS = {
    "write": ("writing", "写入"),
    "sync": ("flushing", "刷新缓存"),
    "verify": ("reading back", "回读校验"),
}
EVERY_S = 0.2
WIDTH = 24


def line(phase: str, done: int, total: int, seconds: float, lang: str) -> str:
    """One line; `seconds` since the phase began."""
    share = done / total if total else 1.0
    bar = "█" * int(share * WIDTH)
    word = WORDS[phase][lang.startswith("zh")]
    if phase == "sync":
        return f"{word} …" if done < total else f"{word} ✓"
    rate = done / seconds if seconds > 0 else 0.0
    left = f"{(total - done) / rate:4.0f} s" if rate > 0 else "   –"
    return f"{word:<12} {bar:<{WIDTH}} {share:4.0%}  {rate / 1e6:6.1f} MB/s  {left}"


class Bar:
    """Shows progress on a terminal as it goes, elsewhere one line a phase."""

    def __init__(self, lang: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._lang, self._now_s = lang, now_s
        self._phase, self._began, self._shown = "", 0.0, 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Called after every range."""
        now = self._now_s()
        if phase != self._phase:
            self._phase, self._began, self._shown = phase, now, 0.0
        ended = done >= total
        if not ended and (now - self._shown < EVERY_S or not sys.stderr.isatty()):
            return
        self._shown = now
        start = "\r" if sys.stderr.isatty() else ""
        print(
            f"{start}{line(phase, done, total, now - self._began, self._lang)}",
            end="\n" if ended else "",
            file=sys.stderr,
            flush=True,
        )
