"""`warn.*`: the early-warning groups: how far each stands from its limit, which tags say so, since when."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Refusal, Verb
from gateway.control.views import Views, WarningView


def _list(views: Views, _facts: Facts, _request: Request) -> list[WarningView]:
    return views.warnings()


def _show(views: Views, _facts: Facts, request: Request) -> WarningView:
    for warning in views.warnings():
        if warning.name == request.target:
            return warning
    raise Refusal(4, "warn.none", target=request.target[:80])


VERBS = (Verb("warn.list", read=_list, target=False), Verb("warn.show", read=_show))
