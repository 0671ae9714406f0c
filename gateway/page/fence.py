"""What stands between the page and a browser: methods, host names and headers. Nothing here knows what the page shows."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from gateway.page.visitor import VISITOR, Access, visitor_of

METHODS = ("GET", "HEAD")
SIGN_IN = ("/api/v1/session", "/api/v1/signin", "/api/v1/signout")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "gatehouse",
}


class NoRubbish(logging.Filter):
    """Keeps what is no HTTP out of the log: anybody in the network could fill the disk with one traceback for each line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


OWN = ("Content-Security-Policy", "X-Frame-Options")  # of a printable report: its own style, no script, framed by us

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


def middleware(hosts: HostList, posts: Collection[str], access: Access | None) -> Middleware:
    """Refuse unknown hosts (421), what could change something (405, 403), and who may not look, before any route sees it."""

    @web.middleware
    async def check(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not hosts.allows(request.host):
            return web.json_response({"error": "unknown host"}, status=421)
        if request.method == "POST" and request.path in posts:
            if not _from_our_page(request):
                return web.json_response({"error": "not from this page"}, status=403)
        elif request.method not in METHODS:
            return web.json_response({"error": "read-only"}, status=405, headers={"Allow": ", ".join(METHODS)})
        visitor = request[VISITOR] = await visitor_of(request, access)
        if visitor.place == "remote" and not visitor.secure:
            return web.json_response({"error": "from the network only over TLS: see docs/operator.md"}, status=403)
        if not visitor.may_read and not _open_to_all(request.path):
            return web.json_response({"error": "sign in"}, status=401)
        return await handler(request)

    return check


def _open_to_all(path: str) -> bool:
    """What a remote browser needs to sign in: the page without its data."""
    return path in ("/", *SIGN_IN) or path.startswith("/static/")


def _from_our_page(request: web.Request) -> bool:
    """JSON from our own origin: a foreign page cannot send that here without being asked first (CORS)."""
    ours = f"{'https' if request.secure else 'http'}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return (
        request.headers.get("Origin") == ours and site == "same-origin" and request.content_type == "application/json"
    )


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put `HEADERS` on every response, errors and streams included."""
    own = {name: response.headers[name] for name in OWN if name in response.headers}
    response.headers.update(HEADERS | own)
