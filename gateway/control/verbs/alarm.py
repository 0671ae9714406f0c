"""`alarm.*`: the list, and what people do with one alarm. Acknowledging is always of one shown occurrence."""

from __future__ import annotations

from gateway.control.messages import AlarmView, Request, Views
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, one_of


def _named(views: Views, request: Request) -> AlarmView:
    for alarm in views.alarms():
        if alarm.name == request.target:
            return alarm
    raise Refusal(4, "alarm.none", target=request.target[:80])


def _exists(views: Views, request: Request) -> None:
    _named(views, request)


def _list(views: Views, _facts: Facts, request: Request) -> list[AlarmView]:
    return views.alarms(active_only=request.args.get("active", "yes") == "yes")


def _show(views: Views, _facts: Facts, request: Request) -> AlarmView:
    return _named(views, request)


VERBS = (
    Verb("alarm.list", read=_list, target=False, arguments=(Argument("active", check=one_of("yes", "no")),)),
    Verb("alarm.show", read=_show),
    Verb("alarm.ack", "operator", check=_exists, arguments=(Argument("occurrence", required=True),)),
    Verb("alarm.silence", "operator", target=False),
    Verb(
        "alarm.reset",
        "operator",
        check=_exists,
        arguments=(Argument("reason", required=True),),
        dangerous=True,
        effect={
            "en": "Resets the latched alarm {target}.",
            "zh-CN": "复位已锁存的报警 {target}。",
        },
    ),
)
