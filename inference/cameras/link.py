"""How the connection to a camera stands: a state machine without a clock. Times are CLOCK_MONOTONIC in ns.

WAITING --due--> OPENING --picture--> LIVE --1.5 s without one--> WAITING (stalled) ...
                    '--- failed ---> WAITING (why)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gateway.core.tags import Cause

SECOND = 1_000_000_000
STALL_NS = SECOND * 3 // 2  # spec/inference.md: own watchdog at 1.5 s
OPEN_NS = 8 * SECOND  # a camera that has not shown a picture by then is started over
FIRST_NS, LONGEST_NS, SLOW_NS = SECOND // 5, 15 * SECOND, 60 * SECOND
SETTLED_NS = 10 * SECOND  # live for so long, and the next loss starts from FIRST_NS again


class Reason(IntEnum):
    """Why there is no picture. The number is a value of its own: `reason` of a camera."""

    NONE = 0
    STARTING = 1
    REFUSED = 2  # nobody listens there, or the host is not reached
    PASSWORD = 3
    NOT_FOUND = 4  # the camera has no such stream; no such file or device
    SILENT = 5  # connected, and no picture for 1.5 s
    ENDED = 6  # the stream or the file is over
    UNDECODABLE = 7  # what comes is no video, or of a codec nobody here knows
    TOO_LARGE = 8


WORDS: dict[Reason, tuple[str, str]] = {
    Reason.NONE: ("pictures come", "图像正常"),
    Reason.STARTING: ("being connected", "正在连接"),
    Reason.REFUSED: ("cannot be reached: check address, cable and that the camera is on", "无法连接：请检查地址、网线以及摄像机是否通电"),
    Reason.PASSWORD: ("refuses user or password: check the url and password_file", "用户名或密码被拒绝：请检查 url 与 password_file"),
    Reason.NOT_FOUND: ("has no such stream: check the path in the url", "没有该码流：请检查 url 中的路径"),
    Reason.SILENT: ("connected, but no picture for 1.5 s", "已连接，但 1.5 秒内无图像"),
    Reason.ENDED: ("the stream has ended", "码流已结束"),
    Reason.UNDECODABLE: ("sends what cannot be decoded: set H.264 or H.265 at the camera", "码流无法解码：请在摄像机上设为 H.264 或 H.265"),
    Reason.TOO_LARGE: ("sends a picture that is too large: choose the sub-stream", "图像尺寸过大：请选用子码流"),
}  # fmt: skip
CAUSES = {Reason.PASSWORD: Cause.REFUSED, Reason.UNDECODABLE: Cause.DECODE, Reason.ENDED: Cause.STOPPED}
SLOW = (Reason.PASSWORD,)  # never hammer: cameras lock an account


class State(IntEnum):
    """What is under way."""

    WAITING = 0
    OPENING = 1
    LIVE = 2


def cause(reason: Reason) -> Cause:
    """Why the tags of a camera are BAD."""
    return CAUSES.get(reason, Cause.COMMS)


@dataclass(slots=True)
class Link:
    """One camera. `due(now)` says when to open; everything else tells what happened."""

    state: State = State.WAITING
    reason: Reason = Reason.STARTING
    attempts: int = 0
    losses: int = 0
    stall_ns: int = STALL_NS
    _wait_ns: int = FIRST_NS
    _due_ns: int = 0
    _since_ns: int = 0  # of the state
    _picture_ns: int = 0

    def due(self, now_ns: int) -> bool:
        """Whether to open now; the answer True is taken at its word."""
        if self.state is not State.WAITING or now_ns < self._due_ns:
            return False
        self.state, self._since_ns = State.OPENING, now_ns
        self.attempts += 1
        return True

    def picture(self, now_ns: int) -> None:
        """A picture was decoded."""
        if self.state is State.WAITING:
            return  # of a connection that was given up
        if self.state is State.OPENING:
            self.state, self._since_ns = State.LIVE, now_ns
        self._picture_ns, self.reason = now_ns, Reason.NONE

    def failed(self, reason: Reason, now_ns: int) -> None:
        """The connection could not be made or is over."""
        if self.state is State.WAITING:
            return
        if self.state is State.LIVE:
            self.losses += 1
            if now_ns - self._since_ns >= SETTLED_NS:
                self._wait_ns = FIRST_NS
        self.state, self.reason = State.WAITING, reason
        self._due_ns = now_ns + (SLOW_NS if reason in SLOW else self._wait_ns)
        self._wait_ns = min(self._wait_ns * 2, LONGEST_NS)

    def watch(self, now_ns: int) -> bool:
        """True once where the camera has stalled: its connection is to be thrown away."""
        limit_ns = self.stall_ns if self.state is State.LIVE else OPEN_NS
        since_ns = self._picture_ns if self.state is State.LIVE else self._since_ns
        if self.state is State.WAITING or now_ns - since_ns < limit_ns:
            return False
        self.failed(Reason.SILENT, now_ns)
        return True
