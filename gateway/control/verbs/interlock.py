"""`interlock.*`: functions, why they are as they are, and putting them in and out of service.

The table holds the least role; the kernel asks again by the rule itself, and is the one that decides.
"""

from __future__ import annotations

from gateway.control.messages import ROLES, Request, Role, Texts
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, whole
from gateway.control.views import InterlockView, StatisticsView, TruthView, Views

_REASON = (Argument("reason", required=True),)
_MAY_SAY_WHY = (Argument("reason"),)


def named(views: Views, request: Request) -> InterlockView:
    """The interlock that `request` is about. Raises Refusal (4)."""
    for interlock in views.interlocks():
        if interlock.name == request.target:
            return interlock
    raise Refusal(4, "interlock.none", target=request.target[:80])


def exists(views: Views, request: Request) -> None:
    """Raises Refusal (4) where there is no such interlock."""
    named(views, request)


def _list(views: Views, _facts: Facts, _request: Request) -> list[InterlockView]:
    return views.interlocks()


def _show(views: Views, _facts: Facts, request: Request) -> InterlockView:
    return named(views, request)


def _explain(views: Views, _facts: Facts, request: Request) -> TruthView:
    try:
        return views.explain(request.target)
    except KeyError:
        raise Refusal(4, "interlock.none", target=request.target[:80]) from None


def _bundle(views: Views, facts: Facts, request: Request) -> dict[str, str]:
    file = facts.last_bundle(named(views, request).name)
    if not file:
        raise Refusal(4, "interlock.no-bundle", target=request.target)
    return {"function": request.target, "file": file}


def _stats(views: Views, _facts: Facts, _request: Request) -> list[StatisticsView]:
    return views.statistics()


def _reset_role(views: Views, request: Request) -> Role | None:
    asked = named(views, request).reset_role
    return next((role for role in ROLES if role == asked), None)


def _missing(views: Views, request: Request) -> tuple[Texts, ...]:
    return named(views, request).missing


VERBS = (
    Verb("interlock.list", read=_list, target=False),
    Verb("interlock.show", read=_show),
    Verb("interlock.explain", read=_explain),
    Verb("interlock.bundle", read=_bundle),
    Verb("interlock.stats", read=_stats, target=False),
    Verb("interlock.shadow", "engineer", check=exists, arguments=_MAY_SAY_WHY),
    Verb("interlock.trip", "operator", check=exists, arguments=_MAY_SAY_WHY, open=True),
    Verb("interlock.clear", "engineer", check=exists, arguments=_MAY_SAY_WHY),
    Verb(
        "interlock.arm",
        "supervisor",
        check=exists,
        missing=_missing,
        arguments=(*_REASON, Argument("version", check=whole(1, 999_999))),
        dangerous=True,
        effect={
            "en": "Puts interlock {target} in service. It comes up TRIPPED; only a reset gives permission.",
            "zh-CN": "将联锁 {target} 投用。投用后处于已联锁状态，复位后才给出允许。",
        },
    ),
    Verb(
        "group.reset",
        "operator",
        arguments=_REASON,
        dangerous=True,
        effect={
            "en": "Resets every interlock of group {target} that waits for it, all of them or none.",
            "zh-CN": "对联锁组 {target} 中所有待复位的联锁整组复位，任一条件不满足则全部不复位。",
        },
    ),
    Verb(
        "interlock.disarm",
        "supervisor",
        check=exists,
        arguments=_REASON,
        dangerous=True,
        effect={
            "en": "Takes interlock {target} out of service and drives its outputs safe. It no longer protects.",
            "zh-CN": "将联锁 {target} 退出投用，并使其输出回到安全位。此后该联锁不再起保护作用。",
        },
    ),
    Verb(
        "interlock.reset",
        "operator",
        check=exists,
        role=_reset_role,
        missing=_missing,
        arguments=_REASON,
        dangerous=True,
        effect={
            "en": "Resets interlock {target}: it gives permission again. It starts nothing; that is done at the PLC.",
            "zh-CN": "复位联锁 {target}：重新给出允许。复位不会启动设备，启动须在 PLC 侧操作。",
        },
    ),
)
