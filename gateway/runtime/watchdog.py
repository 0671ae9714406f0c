"""Tells systemd that the daemon is ready and alive; fed by finished steps, never by a timer of its own."""

from __future__ import annotations

import os
import socket
import time


class Watchdog:
    """`sd_notify` over the socket systemd gives; silent where there is none."""

    def __init__(self) -> None:
        self._path = os.environ.get("NOTIFY_SOCKET", "")
        period_us = int(os.environ.get("WATCHDOG_USEC", "0") or 0)
        self._every_s = period_us / 1e6 / 4 if period_us else 0.0
        self._next_s = 0.0

    def ready(self) -> None:
        """Start-up is over."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def fed(self) -> None:
        """A step has finished; passed on at most four times per watchdog period."""
        if self._every_s and (now_s := time.monotonic()) >= self._next_s:
            self._next_s = now_s + self._every_s
            self._tell("WATCHDOG=1")

    def _tell(self, line: str) -> None:
        if not self._path:
            return
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            notify.sendto(line.encode(), address)
