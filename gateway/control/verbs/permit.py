"""`permit.*` and `confirm.*`: the necessary condition as it is, what people note and confirm, permits issued and revoked."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, whole
from gateway.control.views import PermitView, Views
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


def _slip(views: Views, facts: Facts, request: Request) -> dict[str, str]:
    permit = _named(views, request)
    if not permit.number:
        raise Refusal(6, "permit.not-out", target=permit.name)
    return {"permit": permit.name, "number": permit.number, "text": _signed(facts.slip(permit))}


def _page(_views: Views, facts: Facts, request: Request) -> dict[str, str]:
    return {"html": _signed(facts.slip_page(request.args.get("others", "")))}


def _signed(text: str) -> str:
    if not text:
        raise Refusal(6, "permit.no-key")
    return text


VERBS = (
    Verb("permit.list", read=_list, target=False),
    Verb("permit.show", read=_show),
    Verb("permit.slip", read=_slip),
    Verb("permit.page", read=_page, target=False, arguments=(Argument("others"),)),
    Verb(
        "permit.issue",
        "supervisor",
        check=_exists,
        arguments=(
            Argument("place", required=True),
            Argument("minutes", check=whole(1, MINUTES_MAX)),
            Argument("workers"),
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
