"""`update.*`: what an update asks the running gateway, and the supervisor's word that the plant is stopped."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb
from gateway.control.views import UpdateView, Views


def _show(_views: Views, facts: Facts, _request: Request) -> UpdateView:
    return facts.update()


def _this_box(views: Views, request: Request) -> None:
    """Raises Refusal (4): the name to type is that of the gateway whose plant is stopped."""
    if request.target != views.overview().gateway:
        raise Refusal(4, "update.other-gateway", target=request.target[:80], right=views.overview().gateway)


VERBS = (
    Verb("update.show", read=_show, target=False),
    Verb(
        "update.confirm",
        "supervisor",
        check=_this_box,
        arguments=(Argument("reason", required=True),),
        dangerous=True,
        effect={
            "en": "Says in your name that the plant behind {target} is stopped: for 15 minutes an update may trip it.",
            "zh-CN": "以您的名义确认 {target} 所连装置已停车：15 分钟内升级可使其联锁动作。",
        },
    ),
)
