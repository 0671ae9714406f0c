"""The routes that know people: the kiosk's proof, signing in and out, nonces, and the verbs of control with their roles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from gateway.access.pins import PIN_DIGITS
from gateway.access.sessions import Person, Session
from gateway.access.signin import Answer
from gateway.control.answer import Caller
from gateway.control.messages import LANGUAGES, Reply, Request
from gateway.control.texts import say
from gateway.control.verbs import VERBS
from gateway.page.visitor import KIOSK_COOKIE, SESSION_COOKIE, VISITOR, Access

NONCE_HEADER = "X-Gatehouse-Nonce"
BODY_S = 10.0  # a body that trickles in for longer is dropped
BODY_MAX_BYTES = 16_384
KIOSK_COOKIE_S = 400 * 86_400
KIOSK_NAME = "kiosk"  # who acted at the screen without a login, in the journal
STATUS = {0: 200, 2: 400, 4: 404, 5: 403, 6: 409, 7: 428, 8: 504}
SIGN_IN_STATUS = {"ok": 200, "wrong": 401, "locked": 429, "busy": 503, "damaged": 503, "weak": 400}

_encode = msgspec.json.Encoder().encode
_T = TypeVar("_T")
PersonId = Annotated[str, msgspec.Meta(max_length=64)]  # a lock-out keeps the name, whoever invented it


class Token(msgspec.Struct, forbid_unknown_fields=True):
    """The kiosk's proof."""

    token: str


class Secret(msgspec.Struct, forbid_unknown_fields=True):
    """Signing in: a PIN at the kiosk, a passphrase from the network."""

    person: PersonId
    secret: str


class NewPin(msgspec.Struct, forbid_unknown_fields=True):
    """A person chooses another PIN."""

    person: PersonId
    old: str
    new: str


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """A verb of control. `plan` only says what it would do and returns the token that a dangerous one needs."""

    verb: str
    target: str = ""
    args: dict[str, str] = {}
    language: str = "en"
    plan: bool = False
    token: str = ""


def answer(data: Any, status: int = 200) -> web.Response:
    """`data` as JSON."""
    return web.Response(body=_encode(data), status=status, content_type="application/json")


def replied(reply: Reply) -> web.Response:
    """A reply of control: its code decides the status, its body says it again."""
    body = {"code": reply.code, "message": reply.message, "data": reply.data}
    return answer(body, STATUS.get(reply.code, 500 if reply.code == 1 else 409))


async def body_of(request: web.Request, kind: type[_T]) -> _T:
    """The body as `kind`. Raises HTTPBadRequest, HTTPRequestTimeout, HTTPRequestEntityTooLarge."""
    try:
        async with asyncio.timeout(BODY_S):
            data = await request.read()
        return msgspec.json.decode(data, type=kind)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=f"not what is expected: {error}") from None


class Doors:
    """The routes. Each answers JSON; nothing here raises for what a browser sent."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def posts(self) -> dict[str, Callable[[web.Request], Any]]:
        """The only paths that take a POST, with what answers them."""
        base = "/api/v1"
        return {
            f"{base}/kiosk": self.kiosk,
            f"{base}/signin": self.sign_in,
            f"{base}/signout": self.sign_out,
            f"{base}/pin": self.change_pin,
            f"{base}/act": self.act,
        }

    def gets(self) -> dict[str, Callable[[web.Request], Any]]:
        """What is read here."""
        return {"/api/v1/session": self.session, "/api/v1/nonce": self.nonce, "/api/v1/ask/{verb}": self.ask}

    # --- who is here ---

    async def kiosk(self, request: web.Request) -> web.Response:
        """Take the token of the Unix socket for the cookie of the kiosk. Only from this machine."""
        given = await body_of(request, Token)
        cookie = self._access.kiosk.cookie(given.token) if request[VISITOR].place != "remote" else ""
        if not cookie:
            return answer({"error": "no such token"}, 403)
        response = answer({"place": "kiosk"})
        self._set(response, KIOSK_COOKIE, cookie, request, KIOSK_COOKIE_S)
        return response

    async def session(self, request: web.Request) -> web.Response:
        """Who this browser is now; `?active=1` says that a person has just touched it."""
        visitor = request[VISITOR]
        session, cookie = visitor.session, ""
        if session is None and visitor.place == "kiosk":
            cookie, session = self._access.sessions.open(kiosk=True)
        standing = visitor.standing
        if session is not None and request.query.get("active"):
            session.active(self._access.sessions.now_ns())
            standing = session.standing(self._access.sessions.now_ns())
        people = await asyncio.to_thread(self._access.sign_in.people) if visitor.place == "kiosk" else {}
        response = answer({
            "place": visitor.place, "secure": visitor.secure, "may_read": visitor.may_read,
            "acts": visitor.may_act(remote_acts=self._access.remote_acts),
            "person": standing.person, "roles": standing.roles, "left_s": standing.left_s,
            "people": [{"id": each.id, "name": each.name, "name_en": each.name_en} for each in people.values()],
            "open": [name for name, verb in VERBS.items() if verb.open],
            "nouns": sorted({name.partition(".")[0] for name in VERBS}),
        })  # fmt: skip
        if cookie:
            self._set(response, SESSION_COOKIE, cookie, request)
        return response

    async def nonce(self, request: web.Request) -> web.Response:
        """One nonce for one action of this session."""
        session = request[VISITOR].session
        if session is None:
            return answer({"error": "no session"}, 401)
        return answer({"nonce": session.nonce(self._access.sessions.now_ns())})

    async def sign_in(self, request: web.Request) -> web.Response:
        """A PIN at the kiosk, a passphrase over TLS from the network, nothing anywhere else."""
        given, visitor = await body_of(request, Secret), request[VISITOR]
        if visitor.place == "kiosk" and len(given.secret) == PIN_DIGITS:
            found = await self._access.sign_in.by_pin(given.person, given.secret)
        elif visitor.place == "remote" and visitor.secure:
            found = await self._access.sign_in.by_passphrase(given.person, given.secret)
        else:
            return answer({"error": "not here"}, 403)
        response = self._said(found)
        if found.person is not None and not found.fresh:
            self._enter(request, response, visitor.session, found.person)
        return response

    async def change_pin(self, request: web.Request) -> web.Response:
        """Another PIN for oneself, at the kiosk; it signs in as well."""
        given, visitor = await body_of(request, NewPin), request[VISITOR]
        if visitor.place != "kiosk":
            return answer({"error": "not here"}, 403)
        found = await self._access.sign_in.change_pin(given.person, given.old, given.new)
        response = self._said(found)
        if found.person is not None:
            self._access.sessions.ended(found.person.id)
            self._enter(request, response, visitor.session, found.person)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session of this browser."""
        await body_of(request, dict[str, str])
        self._access.sessions.close(request.cookies.get(SESSION_COOKIE, ""))
        response = answer({"place": request[VISITOR].place})
        response.del_cookie(SESSION_COOKIE, path="/")
        return response

    def _said(self, found: Answer) -> web.Response:
        return answer(
            {
                "why": found.why,
                "left_s": found.left_s,
                "fresh": found.fresh,
                "detail": found.detail if found.why == "weak" else "",
            },
            SIGN_IN_STATUS[found.why],
        )

    def _enter(self, request: web.Request, response: web.Response, session: Session | None, person: Person) -> None:
        """`person` is here now. The cookie is a new one: whoever knew the old one stays outside."""
        self._access.sessions.close(request.cookies.get(SESSION_COOKIE, ""))
        cookie, fresh = self._access.sessions.open(kiosk=request[VISITOR].place == "kiosk")
        if session is not None:  # whoever is on shift stays so under somebody above them
            fresh.shift, fresh.shift_until_ns = session.shift, session.shift_until_ns
        fresh.sign_in(person, self._access.sessions.now_ns())
        self._set(response, SESSION_COOKIE, cookie, request)

    def _set(
        self, response: web.Response, name: str, value: str, request: web.Request, seconds: int | None = None
    ) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", httponly=True, samesite="Strict", secure=request[VISITOR].secure
        )

    # --- the verbs ---

    async def ask(self, request: web.Request) -> web.Response:
        """A verb that only reads, as the command line would ask it; `target` and `language` beside its arguments."""
        name = request.match_info["verb"]
        verb = VERBS.get(name)
        if verb is None or verb.read is None:
            return replied(Reply(4, say("verb.unknown", _language(request.query.get("language", "")), verb=name[:40])))
        given = dict(request.query)
        language = _language(given.pop("language", ""))
        asked = Request(name, given.pop("target", ""), given, language=language)
        return replied(await self._access.answering.answer(self._caller(request, open_=False), asked))

    async def act(self, request: web.Request) -> web.Response:
        """A verb that acts. Needs a nonce, and a place and a person that may."""
        given, visitor = await body_of(request, Act), request[VISITOR]
        language = _language(given.language)
        session, now_ns = visitor.session, self._access.sessions.now_ns()
        if session is None or not session.redeem(request.headers.get(NONCE_HEADER, ""), now_ns):
            return replied(Reply(7, say("page.nonce", language)))
        verb = VERBS.get(given.verb)
        if not visitor.may_act(remote_acts=self._access.remote_acts):
            return replied(Reply(5, say("page.read-only", language)))
        if verb is not None and verb.socket_only:
            return replied(Reply(5, say("page.socket-only", language, verb=verb.name)))
        open_ = verb is not None and verb.open
        if visitor.standing.person is None and not open_:
            return answer({"code": 5, "message": say("page.sign-in", language), "data": None}, 401)
        person = visitor.standing.person
        if person is not None and await self._gone(person):
            return answer({"code": 5, "message": say("page.sign-in", language), "data": None}, 401)
        session.active(now_ns)
        asked = Request(given.verb, given.target, given.args, language=language, plan=given.plan, token=given.token)
        return replied(await self._access.answering.answer(self._caller(request, open_=open_), asked))

    async def _gone(self, person: Person) -> bool:
        """Whether the site has changed `person` or does not know them any more; then they are signed out everywhere."""
        now = (await asyncio.to_thread(self._access.sign_in.people)).get(person.id)
        if now == person:
            return False
        self._access.sessions.ended(person.id)
        return True

    def _caller(self, request: web.Request, *, open_: bool) -> Caller:
        standing, place = request[VISITOR].standing, request[VISITOR].place
        if standing.person is None:
            return Caller.signed_in(KIOSK_NAME if place == "kiosk" else "", ("operator",) if open_ else ())
        roles = standing.roles
        return Caller.signed_in(standing.person.id, (*roles, "operator") if open_ else roles)


def _language(asked: str) -> str:
    return asked if asked in LANGUAGES else "en"
