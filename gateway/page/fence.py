"""What stands between the page and a browser: methods, host names and headers. Nothing here knows what the page shows."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

METHODS = ("GET", "HEAD")
SILENCE = "/api/v1/silence"  # the one thing that a page may do without a login, and only at the box itself

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "gatehouse",
}

_WILDCARDS = ("0.0.0.0", "::", "")


def _bare(host: str) -> str:
    """`[::1]:8080` and `box:8080` without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class HostList:
    """Which Host headers are answered.

    The list stops DNS rebinding: a foreign web site that lets its own name point to this box. Such a request carries a
    name, never a bare address, so a page that listens everywhere answers to any address but only to its own names.
    """

    def __init__(self, listen: str, identity: str) -> None:
        own = identity.lower()
        self._names = {"localhost", "127.0.0.1", "::1", listen.lower(), own, f"{own}.local"} - set(_WILDCARDS)
        self._any_address = listen in _WILDCARDS

    def allows(self, host: str) -> bool:
        """Whether a request with this Host header is answered."""
        bare = _bare(host)
        return bare in self._names or (self._any_address and _is_address(bare))


def middleware(hosts: HostList) -> Middleware:
    """Refuse unknown hosts (421) and every method that could change something (405) before any route sees the request."""

    @web.middleware
    async def check(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not hosts.allows(request.host):
            return web.json_response({"error": "unknown host"}, status=421)
        if request.path == SILENCE and request.method == "POST":
            return (
                await handler(request) if _at_the_box(request) else web.json_response({"error": "not here"}, status=403)
            )
        if request.method not in METHODS:
            return web.json_response({"error": "read-only"}, status=405, headers={"Allow": ", ".join(METHODS)})
        return await handler(request)

    return check


def _at_the_box(request: web.Request) -> bool:
    """From this machine, and from our own page: a foreign one cannot send JSON here without being asked first (CORS)."""
    try:
        local = ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
    origin = request.headers.get("Origin", "")
    ours = origin.partition("://")[2] == request.host
    return local and ours and request.content_type == "application/json"


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put `HEADERS` on every response, errors and streams included."""
    response.headers.update(HEADERS)
