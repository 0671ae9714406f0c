"""Serves /metrics to Prometheus; GET only, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from gateway.control.views import Views
from gateway.metrics.collector import Counters, Gauges


def registry(views: Views, counters: Callable[[], Counters]) -> CollectorRegistry:
    """A registry of its own (the library's global one stays empty) with the gateway's figures and those of its process."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Gauges(views, counters))
    ProcessCollector(registry=made)
    return made


class Metrics:
    """The metrics edge. `port` 0 takes a free one; `port` holds the real one once `started` is set."""

    def __init__(self, views: Views, host: str, port: int, counters: Callable[[], Counters] = Counters) -> None:
        self._views = views
        self._counters = counters
        self._host = host
        self.port = port
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError when the address cannot be had."""
        figures = registry(self._views, self._counters)

        async def scrape(_request: web.Request) -> web.Response:
            return web.Response(body=generate_latest(figures), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

        app = web.Application(client_max_size=1024)
        app.router.add_get("/metrics", scrape)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port, backlog=16).start()
            self.port = runner.addresses[0][1]
            self.started.set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
