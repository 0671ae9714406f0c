"""The route of a camera's clip: the file as it lies on this box, to a signed-in person who may see pictures, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from gateway.control.cameras import ClipView
from gateway.page.visitor import VISITOR

MAY = ("operator", "supervisor", "engineer", "maintainer")  # as for a picture (`camera.picture`)


class Clips:
    """The route. `clips` names what there is; a name of a request is compared with it and never becomes a path."""

    def __init__(self, clips: Callable[[], Sequence[ClipView]]) -> None:
        self._clips = clips

    def add(self, app: web.Application) -> None:
        """Put it into `app`."""
        app.router.add_get("/api/v1/clip/{camera}/{file}", self._clip)

    async def _clip(self, request: web.Request) -> web.StreamResponse:
        if not set(MAY) & set(request[VISITOR].standing.roles):
            return web.json_response({"error": "sign in as operator"}, status=403)
        camera, file = request.match_info["camera"], request.match_info["file"]
        path = next((one.path for one in self._clips() if (one.camera, one.file) == (camera, file)), None)
        if path is None or not Path(path).is_file():  # noqa: ASYNC240 - one look at a local file
            return web.json_response({"error": "no such clip"}, status=404)
        return web.FileResponse(path, headers={"Content-Type": "video/mp4"})
