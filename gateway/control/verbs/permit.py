"""`permit.*` and `confirm.*`: the necessary condition as it is, what people note and confirm, permits issued and revoked."""

from __future__ import annotations

from gateway.control.messages import PermitView, Request, Views
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, whole
from gateway.core.limits import PERMIT_MAX_NS, SECOND

MINUTES_MAX = PERMIT_MAX_NS // (60 * SECOND)


def _named(views: Views, request: Request) -> PermitView:
    for permit in views.permits():
        if permit.name == request.target:
            return permit
    raise Refusal(4, "permit.none", target=request.target[:80])


def _exists(views: Views, request: Request) -> None:
    _named(views, request)


def _list(views: Views, _facts: Facts, _request: Request) -> list[PermitView]:
    return views.permits()


def _show(views: Views, _facts: Facts, request: Request) -> PermitView:
    return _named(views, request)


VERBS = (
    Verb("permit.list", read=_list, target=False),
    Verb("permit.show", read=_show),
    Verb(
        "permit.issue",
        "supervisor",
        check=_exists,
        arguments=(
            Argument("place", required=True),
            Argument("minutes", check=whole(1, MINUTES_MAX)),
            Argument("reason", required=True),
        ),
        dangerous=True,
        effect={
            "en": "Issues permit {target} for {place}. It ends by itself when a condition fails or its time is over.",
            "zh-CN": "签发作业许可 {target}，地点 {place}。条件不满足或到期时自动失效。",
        },
    ),
    Verb("permit.revoke", "operator", check=_exists, arguments=(Argument("reason"),)),
    Verb("permit.done", "operator", arguments=(Argument("note"),)),
    Verb("confirm.item", "operator", arguments=(Argument("item", required=True),)),
)
