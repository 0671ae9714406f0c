"""The status page: static files, a JSON view of everything and a stream of changes, inside the daemon's loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from gateway.control.views import Views
from gateway.core.limits import KPI_DAYS
from gateway.page import openapi
from gateway.page.clips import Clips
from gateway.page.doors import BODY_MAX_BYTES, Doors
from gateway.page.fence import HostList, NoRubbish, add_headers, middleware
from gateway.page.papers import Papers, Reports
from gateway.page.stream import Audience, Client, Feed, shown_alarms
from gateway.page.sweep import KEEP_S, Sweep
from gateway.page.trips import Evidence, Trips
from gateway.page.visitor import Access

TICK_S = 0.25  # 4 Hz: a person sees a change at once, and 2 to 5 Hz is asked
TICK_MAX_S = 0.5
TICK_SHARE = 20  # a tick that cost x is followed by 20 x of rest, so that the page never takes over 5 % of the loop
WRITE_S = 5.0  # a client whose socket takes nothing for so long is gone
SEND_BUFFER = 131_072  # bounds what the operating system keeps for a client that does not read
TAGS_PER_REPLY = 2_000  # about 1.5 ms of encoding
TREND_SECONDS_MAX = 86_400
TREND_POINTS_MAX = 1_000

_log = logging.getLogger("gatehouse.page")
_log.addFilter(NoRubbish())
_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_encode = msgspec.json.Encoder().encode


def load_static(folder: Path = _STATIC) -> dict[str, tuple[bytes, str]]:
    """The files of the page by URL path, with their content type. In memory: 100 kB, and no path of a request meets the disk."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES]
    return {
        f"/static/{path.relative_to(folder).as_posix()}": (path.read_bytes(), _TYPES[path.suffix]) for path in files
    }


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=_encode(data), status=status, content_type="application/json")


def _number(request: web.Request, name: str, default: int, largest: int) -> int:
    """A whole number of the query, kept between 1 and `largest`. Raises HTTPBadRequest."""
    text = request.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise web.HTTPBadRequest(text=f"{name}: a whole number is needed")
    return min(max(int(text), 1), largest)


class Page:
    """The page of one gateway. `identity` is the gateway's id: the page also answers to that name and to `<id>.local`.

    `port` 0 takes a free one; `port` holds the real one once `started` is set.
    """

    def __init__(
        self,
        views: Views,
        host: str,
        port: int,
        identity: str,
        access: Access | None = None,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        evidence: Evidence | None = None,
        papers: Papers | None = None,
    ) -> None:
        self._more: list[Trips | Reports | Clips] = [Trips(evidence)] if evidence is not None else []
        if papers is not None:
            self._more.append(Reports(papers))
        if access is not None:
            self._more.append(Clips(access.answering.facts.cameras.clips))
        self._access = access
        self._doors = Doors(access) if access is not None else None
        self._tls = tls
        self._views = views
        self._host = host
        self._hosts = HostList(host, identity)
        self._feed = Feed(views)
        self._audience = Audience()
        self._files: dict[str, tuple[bytes, str]] = {}
        self.port = port
        self.started = asyncio.Event()
        self.runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError when the address cannot be had."""
        self._files = load_static()
        sweep = Sweep()
        runner = self.runner = web.AppRunner(
            self._application(sweep),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=1.0,
            keepalive_timeout=KEEP_S,
            logger=_log,
        )
        await runner.setup()
        try:
            context = await asyncio.to_thread(self._tls)
            site = web.TCPSite(runner, self._host, self.port, backlog=64, ssl_context=context)
            await site.start()
            self.port = runner.addresses[0][1]
            self.started.set()
            async with asyncio.TaskGroup() as both:
                both.create_task(sweep.run(runner))
                both.create_task(self._tick())
        finally:
            self._audience.end()
            await runner.cleanup()

    def counts(self) -> dict[str, int]:
        """Open pages now, and pages cut off since the start because they did not keep up."""
        return {"clients": len(self._audience), "cut_off": self._audience.cut_off}

    async def _tick(self) -> None:
        while True:
            await self._audience.present()
            begun = time.perf_counter()
            self._audience.publish(await self._feed.advance())
            spent = time.perf_counter() - begun
            await asyncio.sleep(min(max(TICK_S, spent * TICK_SHARE), TICK_MAX_S))

    def _application(self, sweep: Sweep) -> web.Application:
        posts = self._doors.posts() if self._doors is not None else {}
        gates = [sweep.middleware, middleware(self._hosts, posts, self._access)]
        app = web.Application(middlewares=gates, client_max_size=BODY_MAX_BYTES)
        for path, handler in posts.items():
            app.router.add_post(path, handler)
        for path, handler in (self._doors.gets() if self._doors is not None else {}).items():
            app.router.add_get(path, handler)
        app.on_response_prepare.append(add_headers)
        for routes in self._more:
            routes.add(app)
        views = self._views
        lists: dict[str, Callable[[], Any]] = {
            "overview": views.overview,
            "interlocks": views.interlocks,
            "alarms": lambda: shown_alarms(views.alarms(active_only=True)),
            "sources": views.sources,
            "bypasses": views.bypasses,
            "warnings": views.warnings,
        }
        for name, read in lists.items():
            app.router.add_get(f"/api/v1/{name}", _reader(read))
        app.router.add_get("/api/v1/tags", self._tags)
        app.router.add_get("/api/v1/kpis", self._kpis)
        app.router.add_get("/api/v1/explain/{function}", self._explain)
        app.router.add_get("/api/v1/trend/{tag}", self._trend)
        app.router.add_get("/events", self._events, allow_head=False)
        app.router.add_get("/api/v1/openapi.json", self._openapi)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/", self._static)
        app.router.add_get("/static/{path:.+}", self._static)
        return app

    async def _static(self, request: web.Request) -> web.Response:
        found = self._files.get("/static/index.html" if request.path == "/" else request.path)
        if found is None:
            return _json({"error": "not found"}, 404)
        body, content_type = found
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    async def _tags(self, request: web.Request) -> web.Response:
        found = self._views.tags(request.query.get("prefix", ""))
        return _json({"tags": found[:TAGS_PER_REPLY], "more": max(len(found) - TAGS_PER_REPLY, 0)})

    async def _kpis(self, request: web.Request) -> web.Response:
        place, days = request.query.get("place", "box"), _number(request, "days", 30, KPI_DAYS)
        try:
            return _json({"figures": self._views.key_figures(place, days), "actors": self._views.actors(place, days)})
        except KeyError:
            return _json({"error": "no such place"}, 404)

    async def _explain(self, request: web.Request) -> web.Response:
        try:
            return _json(self._views.explain(request.match_info["function"]))
        except KeyError:
            return _json({"error": "no such function"}, 404)

    async def _trend(self, request: web.Request) -> web.Response:
        seconds = _number(request, "seconds", 600, TREND_SECONDS_MAX)
        points = _number(request, "points", 300, TREND_POINTS_MAX)
        try:
            return _json(self._views.trend(request.match_info["tag"], seconds, points))
        except KeyError:
            return _json({"error": "no such tag"}, 404)

    async def _openapi(self, _request: web.Request) -> web.Response:
        body = await asyncio.to_thread(openapi.text)  # some milliseconds, and seldom asked
        return web.Response(body=body, content_type="application/json")

    async def _health(self, _request: web.Request) -> web.Response:
        overview = self._views.overview()
        return _json({"ok": True, "gateway": overview.gateway, "version": overview.version, "state": overview.state})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        client = Client(request.transport)
        first = len(self._audience) == 0
        if not self._audience.join(client):
            return web.json_response({"error": "too many pages are open"}, status=503, headers={"Retry-After": "10"})
        try:
            if first:
                await self._feed.advance()  # nothing was read while no page was open
            return await self._send(request, client, self._feed.since(request.headers.get("Last-Event-ID", "")))
        finally:
            self._audience.leave(client)

    async def _send(self, request: web.Request, client: Client, event: bytes | None) -> web.StreamResponse:
        """Write events until the client or the page ends. Raises ConnectionResetError or TimeoutError when it is gone."""
        connection = request.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        try:
            await response.write(b"retry: 1000\n\n")
            while event is not None:
                async with asyncio.timeout(WRITE_S):
                    await response.write(event)
                event = await client.next()
        except (ConnectionResetError, TimeoutError):
            client.cut()
        return response


def _reader(read: Callable[[], Any]) -> Callable[[web.Request], Any]:
    async def answer(_request: web.Request) -> web.Response:
        return _json(read())

    return answer
