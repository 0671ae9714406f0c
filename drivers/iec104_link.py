"""The link of IEC 60870-5-104: numbered frames in both directions, windows k and w, the timers T1 to T3. No meaning of ASDUs.

T3 here is stricter than the standard's: the link is tested when nothing was *confirmed* for that long, so an outstation that
sends only what we do not listen to is tested, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from drivers.base_talk import Connected, Malformed, both, not_an_answer
from drivers.iec104_wire import (
    FRAME_MAX,
    FRAME_MIN,
    HEAD,
    MODULUS,
    START,
    STARTDT,
    STARTDT_CON,
    TESTFR,
    TESTFR_CON,
    U_FRAMES,
    Asdu,
    asdu_of,
    i_frame,
    s_frame,
    u_frame,
)
from gateway.core.errors import SourceError


class Link(Connected):
    """One connection. `on_asdu` says whether an ASDU confirmed something; `on_test` hears that a test was confirmed. Times in s.

    T1 is two: `u_s` for STARTDT and TESTFR, which are confirmed at once, and `t1_s` for numbered frames, which an outstation
    may leave unacknowledged for all of its own T2 (10 s where nobody changed it).
    """

    other = ("the outstation", "子站")

    def __init__(self, k: int, w: int, t1_s: float, t2_s: float, t3_s: float, u_s: float) -> None:
        super().__init__()
        self.k, self.w, self.t1_s, self.t2_s, self.t3_s, self.u_s = k, w, t1_s, t2_s, t3_s, u_s
        self.error: SourceError | None = None
        self.on_asdu: Callable[[Asdu], bool] = lambda asdu: False
        self.on_test: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._next = 0  # number of the next frame we send
        self._sent: deque[float] = deque()  # when the frames were sent that are not acknowledged, the oldest first
        self._received = 0  # number of the next frame that we get
        self._owed = 0  # frames that we did not acknowledge yet
        self._owed_s = 0.0  # since when
        self._asked: int = 0  # the unnumbered frame that waits for its confirmation
        self._asked_s = 0.0
        self._confirmed_s = 0.0
        self._room = asyncio.Event()
        self._timer: asyncio.Handle | None = None
        self._wakes_s = 0.0  # when it fires; uvloop's handle of a time that has passed cannot say

    # -- what a driver calls ----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Ask for data transfer. Raises SourceError where that is not confirmed within `u_s`."""
        self._ask(STARTDT)
        await self._started

    async def send(self, asdu: bytes) -> None:
        """A numbered frame, as soon as the window has room. Raises SourceError."""
        while self.error is None and len(self._sent) >= self.k:
            self._room.clear()
            await self._room.wait()
        if self.error is not None:
            raise self.error
        self._write(i_frame(self._next, self._received, asdu))
        self._owed = 0
        self._next = (self._next + 1) % MODULUS
        self._sent.append(self._loop.time())
        self._arm()

    def fail(self, message: str) -> None:
        """End the connection as an operating error."""
        if self.error is not None:
            return
        self.error = SourceError(message)
        if not self._started.done():
            self._started.set_exception(self.error)
            self._started.exception()  # seen, also where nobody waits for the start any more
        self._room.set()
        self.close()
        self.on_loss()

    def close(self) -> None:
        """End it now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().close()

    # -- what asyncio calls -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._held += data
        try:
            while self.error is None and (size := self._size()):
                frame = bytes(self._held[:size])
                del self._held[:size]
                self._frame(frame)
        except Malformed as error:
            self.fail(not_an_answer(error))
        if self.error is None:
            self._arm()
        else:
            self._held.clear()

    # -- frames -----------------------------------------------------------------------------------------------------

    def _size(self) -> int:
        """Bytes of the first frame that is held, 0 = not yet whole. Raises Malformed."""
        held = self._held
        if held and held[0] != START:
            raise Malformed(f"a frame begins with {held[0]:02x}, not 68")
        if len(held) < 2:
            return 0
        if not FRAME_MIN <= held[1] <= FRAME_MAX:
            raise Malformed(f"a frame of length {held[1]}")
        return held[1] + 2 if len(held) >= held[1] + 2 else 0

    def _frame(self, frame: bytes) -> None:
        sent, received = int.from_bytes(frame[2:4], "little"), int.from_bytes(frame[4:6], "little")
        if sent & 1 == 0:
            self._numbered(sent >> 1, received, frame[HEAD:])
        elif len(frame) != HEAD:
            raise Malformed("a frame without data that has some")
        elif sent == 1:
            self._acknowledged(received)
        elif sent in U_FRAMES and not received:
            self._unnumbered(sent)
        else:
            raise Malformed(f"control field {frame[2:6].hex()}")

    def _numbered(self, number: int, received: int, data: bytes) -> None:
        if not self._started.done():
            raise Malformed("data before the start was confirmed")
        if number != self._received:
            raise Malformed(f"frame {number} instead of {self._received}")
        self._acknowledged(received)
        asdu = asdu_of(data)
        self._received = (number + 1) % MODULUS
        if not self._owed:
            self._owed_s = self._loop.time()
        self._owed += 1
        if self.on_asdu(asdu):
            self._confirmed_s = self._loop.time()
        if self._owed >= self.w:
            self._acknowledge()

    def _acknowledged(self, received: int) -> None:
        """The other end has everything before this number. Raises Malformed for one that we did not send."""
        if received & 1:
            raise Malformed("an odd receive number")
        waiting = (self._next - (received >> 1)) % MODULUS
        if waiting > len(self._sent):
            raise Malformed(f"frame {(received >> 1) - 1} is acknowledged, which is not on its way")
        while len(self._sent) > waiting:
            self._sent.popleft()
        if len(self._sent) < self.k:
            self._room.set()

    def _unnumbered(self, function: int) -> None:
        if function == TESTFR:
            self._write(u_frame(TESTFR_CON))
        elif function == STARTDT_CON and self._asked == STARTDT:
            self._asked, self._confirmed_s = 0, self._loop.time()
            self._started.set_result(None)
        elif function == TESTFR_CON and self._asked == TESTFR:
            self._asked, self._confirmed_s = 0, self._loop.time()
            self.on_test()
        else:
            raise Malformed(f"unnumbered frame {function:02x} that nobody asked for")

    # -- timers -----------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Wake up at the earliest of what is due."""
        due = self._due()
        if self._timer is not None:
            if self._wakes_s <= due:
                return
            self._timer.cancel()
        self._timer, self._wakes_s = self._loop.call_at(due, self._tick), due

    def _due(self) -> float:
        due = [self._sent[0] + self.t1_s] if self._sent else []
        if self._owed:
            due.append(self._owed_s + self.t2_s)
        due.append(self._asked_s + self.u_s if self._asked else self._confirmed_s + self.t3_s)
        return min(due)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        late = self._asked and now >= self._asked_s + self.u_s
        if late or (self._sent and now >= self._sent[0] + self.t1_s):
            ms = round((self.u_s if late else self.t1_s) * 1000)
            what = {STARTDT: ("the start of data transfer", "启动数据传输"), TESTFR: ("a test of the link", "链路测试")}
            en, zh = what[self._asked] if late else ("what we sent", "已发送的报文")
            self.fail(both(f"the outstation did not confirm {en} within {ms} ms", f"子站在 {ms} ms 内没有确认{zh}"))
            return
        if self._owed and now >= self._owed_s + self.t2_s:
            self._acknowledge()
        if not self._asked and self._started.done() and now >= self._confirmed_s + self.t3_s:
            self._ask(TESTFR)
        self._arm()

    def _acknowledge(self) -> None:
        self._owed = 0
        self._write(s_frame(self._received))

    def _ask(self, function: int) -> None:
        if self.error is not None:
            return
        self._asked, self._asked_s = function, self._loop.time()
        self._write(u_frame(function))
        self._arm()

    def _write(self, frame: bytes) -> None:
        if self._transport is not None:
            self._send(frame)
