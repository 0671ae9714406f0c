"""Connections that say nothing or say it too slowly are closed, so that nobody holds the page by holding sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

EVERY_S = 1.0
HEAD_S = 10.0  # for a whole request to arrive, from the connection or from the answer before it
KEEP_S = 30.0  # an idle browser is closed by aiohttp itself
CONNECTIONS_MAX = 160  # 64 streams and what browsers open beside them; beyond it the longest idle ones go


class Sweep:
    """Watches the connections of one server."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic, head_s: float = HEAD_S) -> None:
        self._now_s, self._head_s = now_s, head_s
        self._idle_since: dict[RequestHandler, float] = {}
        self._served: dict[RequestHandler, int] = {}  # requests that a connection carries now
        self.closed = 0

    @property
    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Marks connections that carry a request now."""

        @web.middleware
        async def mark(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            protocol = request.protocol
            self._served[protocol] = self._served.get(protocol, 0) + 1
            try:
                return await handler(request)
            finally:
                if protocol in self._served:
                    self._served[protocol] -= 1
                    self._idle_since[protocol] = self._now_s()

        return mark

    async def run(self, runner: web.BaseRunner) -> None:
        """Look every second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            if runner.server is not None:
                self.look([each for each in runner.server.connections if isinstance(each, RequestHandler)])

    def look(self, connections: list[RequestHandler]) -> None:
        """Close what has been idle too long, and the longest idle ones where there are too many."""
        now_s = self._now_s()
        for known in (self._idle_since, self._served):
            for gone in known.keys() - set(connections):
                del known[gone]
        idle = [each for each in connections if not self._served.get(each)]
        idle.sort(key=lambda each: self._idle_since.setdefault(each, now_s))
        too_many = max(len(connections) - CONNECTIONS_MAX, 0)
        for at, each in enumerate(idle):
            if at < too_many or now_s - self._idle_since[each] > self._limit_s(each):
                self.closed += 1
                if each.transport is not None:
                    each.transport.abort()

    def _limit_s(self, connection: RequestHandler) -> float:
        return KEEP_S if connection in self._served else self._head_s
