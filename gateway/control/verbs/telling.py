"""`telling.*`: what rules tell people, and the answer to an escalation."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Refusal, Verb
from gateway.control.views import TellingView, Views


def _list(views: Views, _facts: Facts, _request: Request) -> list[TellingView]:
    return views.tellings()


def _exists(views: Views, request: Request) -> None:
    if all(telling.name != request.target for telling in views.tellings()):
        raise Refusal(4, "telling.none", target=request.target[:80])


VERBS = (
    Verb("telling.list", read=_list, target=False),
    Verb("telling.answer", "operator", check=_exists),
)
