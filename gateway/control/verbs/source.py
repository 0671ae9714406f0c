"""`source.*`: devices and feeds, and the guided proof that the PLC goes safe when the heartbeat stops (interlocks.md §7)."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, one_of
from gateway.control.views import SourceView, Views


def _named(views: Views, request: Request) -> SourceView:
    for source in views.sources():
        if source.name == request.target:
            return source
    raise Refusal(4, "source.none", target=request.target[:80])


def _list(views: Views, _facts: Facts, _request: Request) -> list[SourceView]:
    return views.sources()


def _show(views: Views, _facts: Facts, request: Request) -> SourceView:
    return _named(views, request)


def _exists(views: Views, request: Request) -> None:
    _named(views, request)


VERBS = (
    Verb("source.list", read=_list, target=False),
    Verb("source.show", read=_show),
    Verb(
        "source.watchdog",
        "supervisor",
        check=_exists,
        arguments=(Argument("state", required=True, check=one_of("begin", "proven", "failed")), Argument("reason")),
    ),
)
