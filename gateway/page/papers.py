"""The routes of reports: pages made by a process of their own on demand, and kept for a minute so that nobody makes them in a row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from gateway.control.messages import LANGUAGES
from gateway.page.trips import sheet

KEEP_S = 60.0


class Papers(Protocol):
    """What the composition root knows of reports."""

    kinds: tuple[str, ...]

    async def page(self, kind: str, language: str) -> str | None:
        """The page of a report of `kinds`, None where it could not be made. Takes seconds, and no time of the line."""


class Reports:
    """The route. One report is made at a time; whoever asks for the same one again within a minute gets that."""

    def __init__(self, papers: Papers, now_s: Callable[[], float] = time.monotonic) -> None:
        self._papers, self._now_s = papers, now_s
        self._one = asyncio.Lock()
        self._kept: dict[tuple[str, str], tuple[float, str]] = {}  # at most kinds × languages

    def add(self, app: web.Application) -> None:
        """Put it into `app`."""
        app.router.add_get("/api/v1/paper/{kind}", self._paper)

    async def _paper(self, request: web.Request) -> web.Response:
        kind, language = request.match_info["kind"], request.query.get("language", "en")
        if language not in LANGUAGES:
            raise web.HTTPBadRequest(text="language: en or zh-CN")
        if kind not in self._papers.kinds:
            return web.json_response({"error": "no such report"}, status=404)
        async with self._one:
            made = await self._made(kind, language)
        if made is None:
            return web.json_response({"error": "the report could not be made; see the log"}, status=409)
        return sheet(made)

    async def _made(self, kind: str, language: str) -> str | None:
        at_s, text = self._kept.get((kind, language), (0.0, ""))
        if text and self._now_s() - at_s < KEEP_S:
            return text
        made = await self._papers.page(kind, language)
        if made is not None:
            self._kept[kind, language] = (self._now_s(), made)
        return made
