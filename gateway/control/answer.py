"""From a request to a reply: the checks every verb goes through, then the views or the desk."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.control.messages import ROLES, Desk, Plan, Reply, Request, Role, allows
from gateway.control.peers import Peer
from gateway.control.texts import known, role_word, say
from gateway.control.tokens import TOKEN_S, Tokens, binding
from gateway.control.verbs import VERBS, Facts, Refusal, Verb
from gateway.control.views import Views

ROWS_MAX = 500  # rows encoded at once: about half a millisecond of the daemon's loop

_log = logging.getLogger("gatehouse.control")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the person as the kernel names them, the role they came with ("" = none of the ladder).

    `also` are roles beside the ladder, of a person who signed in by name.
    """

    peer: Peer
    role: Role | Literal[""]
    also: tuple[str, ...] = ()

    @classmethod
    def signed_in(cls, person: str, roles: tuple[str, ...]) -> Caller:
        """A person who signed in on the page, with the highest of their roles."""
        ladder = [role for role in ROLES if role in roles]
        plant = [role for role in ladder if role != "maintainer"]
        role: Role | Literal[""] = plant[-1] if plant else ladder[-1] if ladder else ""
        return cls(Peer(person, -1, 0), role, tuple(each for each in roles if each != role))


@dataclass(slots=True)
class Answering:
    """Answers requests one at a time per caller. Never raises for what a caller sent."""

    views: Views
    desk: Desk
    facts: Facts
    tokens: Tokens

    async def answer(self, caller: Caller, request: Request) -> Reply:
        """The reply to `request`; `data` of a list is not yet cut into rows."""
        try:
            verb = self._permitted(caller, request)
            if request.stream and verb.read is None:
                raise Refusal(2, "verb.no-stream", verb=verb.name)
            if request.plan and not verb.dangerous:
                raise Refusal(2, "verb.no-plan", verb=verb.name)
            if verb.read is not None:
                return Reply(0, data=verb.read(self.views, self.facts, request))
            return await self._act(caller, verb, request)
        except Refusal as refusal:
            return Reply(refusal.code, say(refusal.key, request.language, **refusal.args_of_text))

    def _permitted(self, caller: Caller, request: Request) -> Verb:
        """The verb of `request`. Raises Refusal where it does not exist, is not permitted or is badly formed."""
        verb = VERBS.get(request.verb)
        if verb is None:
            raise Refusal(2, "verb.unknown", verb=request.verb[:40])
        self._need(caller, verb, verb.minimum, request)
        verb.check_form(request)
        verb.check(self.views, request)
        self._need(caller, verb, verb.role(self.views, request), request)
        return verb

    def _need(self, caller: Caller, verb: Verb, minimum: Role | None, request: Request) -> None:
        if minimum is not None and not allows(caller.role, minimum) and minimum not in caller.also:
            language = request.language
            needed, has = role_word(minimum, language), role_word(caller.role or "nobody", language)
            raise Refusal(5, "role.needed", verb=verb.name, needed=needed, role=has)

    async def _act(self, caller: Caller, verb: Verb, request: Request) -> Reply:
        person = caller.peer.person
        if verb.dangerous:
            bound = binding(verb.name, request.target, person, caller.role, request.args)
            if request.plan:
                return Reply(0, data=self._plan(caller, verb, request, bound))
            if not request.token:
                raise Refusal(7, "token.needed", verb=verb.name)
            if not self.tokens.redeem(request.token, bound):
                raise Refusal(7, "token.wrong", limit=TOKEN_S)
        if not verb.name.startswith("person."):  # who asks of themselves stands in the vault's own trail, and in no log
            _log.info("%s %s by %s (%s, pid %d)", verb.name, request.target, person, caller.role, caller.peer.pid)
        role = caller.role or (caller.also[0] if caller.also else "")
        reply = await self.desk.submit(person, role, verb.name, request.target, request.args)
        if reply.texts:
            message = reply.texts.get(known(request.language), reply.message)
            return Reply(reply.code, message, reply.data)
        return reply

    def _plan(self, caller: Caller, verb: Verb, request: Request, bound: tuple[str, ...]) -> Plan:
        words = {"target": request.target, **request.args}
        return Plan(
            token=self.tokens.issue(bound),
            left_s=TOKEN_S,
            verb=verb.name,
            target=request.target,
            person=caller.peer.person,
            role=caller.role,
            confirm=request.args[verb.confirm] if verb.confirm else request.target,
            effect={language: text.format_map(words) for language, text in verb.effect.items()},
            missing=verb.missing(self.views, request),
        )


_encoder = msgspec.json.Encoder()


def lines(reply: Reply) -> list[Reply]:
    """`reply` cut so that each line has at most ROWS_MAX rows; all but the last say `more`."""
    rows: Any = reply.data
    if not isinstance(rows, list) or len(rows) <= ROWS_MAX:
        return [reply]
    count = math.ceil(len(rows) / ROWS_MAX)
    return [
        Reply(reply.code, reply.message, rows[at * ROWS_MAX : (at + 1) * ROWS_MAX], more=at + 1 < count)
        for at in range(count)
    ]


def encode(reply: Reply) -> bytes:
    """One line of JSON."""
    return _encoder.encode(reply) + b"\n"
