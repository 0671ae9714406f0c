"""The routes of a trip's evidence: which there are, the story, the page to print, and the very file that was signed."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp import web

from gateway.control.messages import LANGUAGES

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
OFFSET_MAX_MIN = 14 * 60


class Evidence(Protocol):
    """What the composition root knows of trips. Every call reads files: it is made in a thread, one at a time."""

    def list(self, function: str) -> bytes:
        """The bundles of a function as JSON, newest first."""

    def story(self, id: str) -> bytes | None:
        """What happened, as JSON; None where there is no such bundle or it is not what was signed."""

    def report(self, id: str, language: str, offset_min: int) -> str | None:
        """The page to print."""

    def bundle(self, id: str) -> tuple[str, bytes] | None:
        """The file's name and its bytes as they are on disk."""


class Trips:
    """The routes."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._one = asyncio.Lock()

    def add(self, app: web.Application) -> None:
        """Put them into `app`."""
        app.router.add_get("/api/v1/trips/{function}", self._list)
        app.router.add_get("/api/v1/trip/{id}", self._story)
        app.router.add_get("/api/v1/trip/{id}/report", self._report)
        app.router.add_get("/api/v1/trip/{id}/bundle", self._bundle)

    async def _list(self, request: web.Request) -> web.Response:
        async with self._one:
            found = await asyncio.to_thread(self._evidence.list, request.match_info["function"])
        return web.Response(body=found, content_type="application/json")

    async def _story(self, request: web.Request) -> web.Response:
        async with self._one:
            found = await asyncio.to_thread(self._evidence.story, request.match_info["id"])
        return _or_none(found, "application/json")

    async def _report(self, request: web.Request) -> web.Response:
        language, offset = request.query.get("language", "en"), request.query.get("offset", "0")
        if language not in LANGUAGES or not offset.removeprefix("-").isdecimal() or len(offset) > 4:
            raise web.HTTPBadRequest(text="language: en or zh-CN; offset: minutes from UTC")
        minutes = min(max(int(offset), -OFFSET_MAX_MIN), OFFSET_MAX_MIN)
        async with self._one:
            found = await asyncio.to_thread(self._evidence.report, request.match_info["id"], language, minutes)
        return sheet(found) if found is not None else _or_none(None, "")

    async def _bundle(self, request: web.Request) -> web.Response:
        async with self._one:
            found = await asyncio.to_thread(self._evidence.bundle, request.match_info["id"])
        if found is None:
            return _or_none(None, "")
        name, data = found
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=data, content_type="application/zip", headers=disposition)


def sheet(page: str) -> web.Response:
    """A page to read and print: its own style, no script, and no frame but one of ours (a kiosk has no second window)."""
    own = {"Content-Security-Policy": REPORT_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return web.Response(text=page, content_type="text/html", headers=own)


def _or_none(body: bytes | None, content_type: str) -> web.Response:
    if body is None:
        return web.json_response({"error": "no such trip"}, status=404)
    return web.Response(body=body, content_type=content_type)
