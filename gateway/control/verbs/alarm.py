"""`alarm.*`: the list, and what people do with one alarm. Acknowledging is always of one shown occurrence."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, one_of, whole
from gateway.control.views import ActorView, AlarmView, KeyFiguresView, Views
from gateway.core.limits import BYPASS_REASON_MIN, KPI_DAYS, SHELVE_MAX_MIN


def _named(views: Views, request: Request) -> AlarmView:
    for alarm in views.alarms():
        if alarm.name == request.target:
            return alarm
    raise Refusal(4, "alarm.none", target=request.target[:80])


def _exists(views: Views, request: Request) -> None:
    _named(views, request)


def _list(views: Views, _facts: Facts, request: Request) -> list[AlarmView]:
    return views.alarms(active_only=request.args.get("active", "yes") == "yes")


def _shelved(views: Views, _facts: Facts, _request: Request) -> list[AlarmView]:
    return [alarm for alarm in views.alarms() if alarm.state in MASKED]


def _handover(views: Views, _facts: Facts, _request: Request) -> list[AlarmView]:
    """What the next shift must know: everything that is silent, unacknowledged or still there."""
    return [alarm for alarm in views.alarms() if alarm.state != "NORMAL"]


def _stats(views: Views, _facts: Facts, request: Request) -> KeyFiguresView:
    try:
        return views.key_figures(request.args.get("place", "box"), int(request.args.get("days", "30")))
    except KeyError:
        raise Refusal(4, "alarm.no-place", place=request.args.get("place", "")[:80]) from None


def _actors(views: Views, _facts: Facts, request: Request) -> list[ActorView]:
    try:
        return views.actors(request.args.get("place", "box"), int(request.args.get("days", "30")))
    except KeyError:
        raise Refusal(4, "alarm.no-place", place=request.args.get("place", "")[:80]) from None


def _show(views: Views, _facts: Facts, request: Request) -> AlarmView:
    return _named(views, request)


MASKED = ("SHELVED", "SUPPRESSED", "OUT_OF_SERVICE")
WINDOW = (Argument("place"), Argument("days", check=whole(1, KPI_DAYS)))
REASON = Argument("reason", required=True)

VERBS = (
    Verb("alarm.stats", read=_stats, target=False, arguments=WINDOW),
    Verb("alarm.actors", read=_actors, target=False, arguments=WINDOW),
    Verb("alarm.shelved", read=_shelved, target=False),
    Verb("alarm.handover", read=_handover, target=False),
    Verb(
        "alarm.shelve",
        "operator",
        check=_exists,
        arguments=(
            Argument("minutes", required=True, check=whole(1, max(SHELVE_MAX_MIN.values()))),
            Argument("kind", check=one_of("timed", "one-shot")),
            REASON,
        ),
        dangerous=True,
        reason_min=BYPASS_REASON_MIN,
        effect={
            "en": "Silences alarm {target} for {minutes} min; then it is back by itself.",
            "zh-CN": "搁置报警 {target} {minutes} 分钟，到时自动恢复。",
        },
    ),
    Verb(
        "alarm.dispose",
        "operator",
        check=_exists,
        arguments=(
            Argument("occurrence", required=True),
            Argument("code", required=True),
            Argument("action", required=True),
            Argument("order"),
        ),
    ),
    Verb(
        "alarm.judge",
        "supervisor",
        check=_exists,
        arguments=(
            Argument("at", required=True, check=whole(1, 1 << 53)),
            Argument("verdict", required=True, check=one_of("true", "false")),
        ),
    ),
    Verb("alarm.unshelve", "operator", check=_exists),
    Verb(
        "alarm.suppress",
        "engineer",
        check=_exists,
        arguments=(Argument("logic", required=True), REASON),
        dangerous=True,
        reason_min=BYPASS_REASON_MIN,
        effect={
            "en": "Silences alarm {target} by design whenever {logic} is certainly true.",
            "zh-CN": "{logic} 确认成立期间，按设计抑制报警 {target}。",
        },
    ),
    Verb("alarm.unsuppress", "operator", check=_exists),
    Verb(
        "alarm.oos",
        "supervisor",
        check=_exists,
        arguments=(Argument("moc", required=True), Argument("measure", required=True), REASON),
        dangerous=True,
        reason_min=BYPASS_REASON_MIN,
        effect={
            "en": "Takes alarm {target} out of service under change {moc}; it is reviewed every 24 h.",
            "zh-CN": "按变更 {moc} 停用报警 {target}，每 24 小时复核一次。",
        },
    ),
    Verb("alarm.in-service", "operator", check=_exists),
    Verb("alarm.list", read=_list, target=False, arguments=(Argument("active", check=one_of("yes", "no")),)),
    Verb("alarm.show", read=_show),
    Verb("alarm.ack", "operator", check=_exists, arguments=(Argument("occurrence", required=True),), open=True),
    Verb("alarm.silence", "operator", target=False, open=True),
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
