"""Who looks at the page, and from where: what a request may see and do follows from this and from nothing it claims."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from gateway.access.kiosk import Kiosk
from gateway.access.sessions import NOBODY, Session, Sessions, Standing
from gateway.access.signin import SignIn
from gateway.control.answer import Answering

Place = Literal["kiosk", "box", "remote"]
SESSION_COOKIE, KIOSK_COOKIE = "gatehouse_session", "gatehouse_kiosk"


@dataclass(frozen=True, slots=True)
class Access:
    """What lets people in and what they may then ask. `remote_acts`: the site lets accounts act from the network."""

    sign_in: SignIn
    sessions: Sessions
    kiosk: Kiosk
    answering: Answering
    remote_acts: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """The maker of one request. `token`: the name of an integrator's token, which only reads."""

    place: Place
    secure: bool
    session: Session | None = None
    standing: Standing = NOBODY
    token: str = ""

    @property
    def may_read(self) -> bool:
        """At the box anybody; from the network over TLS only somebody known."""
        return self.place != "remote" or (self.secure and (self.standing.person is not None or bool(self.token)))

    def may_act(self, *, remote_acts: bool) -> bool:
        """From the kiosk; from the network where the site lets accounts do so. Loopback alone is any local process."""
        if self.place == "kiosk":
            return True
        return self.place == "remote" and self.secure and remote_acts and self.standing.person is not None


VISITOR = web.RequestKey("visitor", Visitor)


def is_local(request: web.Request) -> bool:
    """From this machine."""
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def visitor_of(request: web.Request, access: Access | None) -> Visitor:
    """Who made `request`."""
    local, secure = is_local(request), request.secure
    if access is None:
        return Visitor("box" if local else "remote", secure)
    kiosk = local and access.kiosk.proves(request.cookies.get(KIOSK_COOKIE, ""))
    place: Place = "kiosk" if kiosk else "box" if local else "remote"
    session = access.sessions.find(request.cookies.get(SESSION_COOKIE, ""))
    if session is not None and session.kiosk != kiosk:  # a cookie that was carried elsewhere
        session = None
    standing = session.standing(access.sessions.now_ns()) if session is not None else NOBODY
    return Visitor(place, secure, session, standing, await _token(request, access, secure=secure))


async def _token(request: web.Request, access: Access, *, secure: bool) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not token or not (secure or is_local(request)):
        return ""
    return await access.sign_in.token_name(token[:200])
