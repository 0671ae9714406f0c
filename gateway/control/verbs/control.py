"""`control.*`: linkages as they stand, in and out of service, and let go after hunting."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb
from gateway.control.views import ControlView, Views


def _exists(views: Views, request: Request) -> None:
    if all(control.name != request.target for control in views.controls()):
        raise Refusal(4, "control.none", target=request.target[:80])


def _list(views: Views, _facts: Facts, _request: Request) -> list[ControlView]:
    return views.controls()


VERBS = (
    Verb("control.list", read=_list, target=False),
    Verb(
        "control.arm",
        "supervisor",
        check=_exists,
        arguments=(Argument("reason", required=True),),
        dangerous=True,
        effect={
            "en": "Puts control {target} in service. It starts safe and then follows its condition without a reset.",
            "zh-CN": "将控制联动 {target} 投用。先处于安全位，随后按条件自动动作，无需复位。",
        },
    ),
    Verb("control.disarm", "supervisor", check=_exists, arguments=(Argument("reason"),)),
    Verb("control.clear", "engineer", check=_exists, arguments=(Argument("reason"),)),
)
