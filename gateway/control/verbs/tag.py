"""`tag.*`: plant tags as they are now, and their last hours. Personal tags are not in the views."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, whole
from gateway.control.views import Series, TagView, Views


def _list(views: Views, _facts: Facts, request: Request) -> list[TagView]:
    return views.tags(request.args.get("prefix", ""))


def _show(views: Views, _facts: Facts, request: Request) -> TagView:
    for tag in views.tags(request.target):
        if tag.name == request.target:
            return tag
    raise Refusal(4, "tag.none", target=request.target[:80])


def _trend(views: Views, _facts: Facts, request: Request) -> Series:
    seconds = int(request.args.get("seconds", "600"))
    points = int(request.args.get("points", "300"))
    try:
        return views.trend(request.target, seconds, points)
    except KeyError:
        raise Refusal(4, "tag.none", target=request.target[:80]) from None


VERBS = (
    Verb("tag.list", read=_list, target=False, arguments=(Argument("prefix"),)),
    Verb("tag.show", read=_show),
    Verb(
        "tag.trend",
        read=_trend,
        arguments=(Argument("seconds", check=whole(1, 86_400)), Argument("points", check=whole(2, 2_000))),
    ),
)
