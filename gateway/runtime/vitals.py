"""How the gateway finds itself: steps and lags in their limits (I26), the program as it was loaded (I24).

Several things can be wrong at once; the kernel is told one level, which is up again only when nothing is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.kernel import Kernel
from gateway.core.limits import LAG_FAULT_NS, LAG_MAX_NS, STEP_MAX_NS
from gateway.core.samples import Input, Overrun, SelfCheck

OVERRUN_EVERY_NS = 1_000_000_000  # an overrun is told at most so often: telling of it is work too
PROGRAM_EVERY_S = 60.0  # every rule is hashed anew this often, a few at a time
SLICES = 60


class Vitals:
    """Judges the line and puts what it finds into the Inbox like any other input, so that a replay sees it too."""

    def __init__(self, put: Callable[[Input], None]) -> None:
        self._put = put
        self._wrong: dict[str, str] = {}
        self._slow = 0
        self._told_ns = -OVERRUN_EVERY_NS

    def report(self, what: str, wrong: str) -> None:
        """`what` is wrong in the words of `wrong`, or right ("")."""
        before = dict(self._wrong)
        self._wrong.pop(what, None)
        if wrong:
            self._wrong[what] = wrong
        if bool(before) != bool(self._wrong) or (wrong and what not in before):
            self._put(SelfCheck(not self._wrong, ", ".join(self._wrong.values()) or "the gateway is fit again"))

    def stepped(self, took_ns: int, lag_ns: int, now_ns: int) -> None:
        """An input was handled: two in a row that waited too long take the self-check down until the line keeps up."""
        self._slow = self._slow + 1 if lag_ns > LAG_FAULT_NS else 0
        if self._slow >= 2:
            self.report("line", self._wrong.get("line") or f"inputs waited {lag_ns // 1_000_000} ms")
        elif not self._slow and "line" in self._wrong:
            self.report("line", "")
        if (took_ns > STEP_MAX_NS or lag_ns > LAG_MAX_NS) and now_ns - self._told_ns >= OVERRUN_EVERY_NS:
            self._told_ns = now_ns
            self._put(Overrun("step", took_ns) if took_ns > STEP_MAX_NS else Overrun("lag", lag_ns))


async def watch_program(kernel: Kernel, vitals: Vitals, every_s: float = PROGRAM_EVERY_S) -> None:
    """Hash every rule anew once in `every_s`, in slices; what is not as it was loaded takes the self-check down."""
    while True:
        changed: list[str] = []
        for at in range(SLICES):
            await asyncio.sleep(every_s / SLICES)
            slice_ = range(at, len(kernel.rules), SLICES)
            changed += [kernel.rules[index].name for index in slice_ if not kernel.intact(index)]
            if changed:
                vitals.report("program", f"the program in memory has changed: {changed[0]}")
        if not changed:
            vitals.report("program", "")
