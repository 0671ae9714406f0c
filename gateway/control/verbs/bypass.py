"""`bypass.*`: one input of one function leaves the vote for a time (spec/interlocks.md, I19). Never an output."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs import interlock
from gateway.control.verbs.verb import Argument, Facts, Refusal, Verb, one_of, whole
from gateway.control.views import BypassView, Views
from gateway.core.limits import BYPASS_CODES, BYPASS_MAX_NS, BYPASS_REASON_MIN, SECOND

MINUTES_MAX = BYPASS_MAX_NS // (60 * SECOND)


def _list(views: Views, _facts: Facts, _request: Request) -> list[BypassView]:
    return views.bypasses()


def _reads_tag(views: Views, request: Request) -> None:
    function = interlock.named(views, request)
    tag = request.args["tag"]
    if all(cause.tag != tag for cause in function.causes):
        raise Refusal(4, "interlock.no-tag", target=request.target, tag=tag[:80])


def _is_set(views: Views, request: Request) -> None:
    interlock.exists(views, request)
    tag = request.args["tag"]
    if all((bypass.function, bypass.tag) != (request.target, tag) for bypass in views.bypasses()):
        raise Refusal(4, "bypass.none", target=request.target, tag=tag[:80])


VERBS = (
    Verb("bypass.list", read=_list, target=False),
    Verb(
        "bypass.set",
        "supervisor",
        check=_reads_tag,
        arguments=(
            Argument("tag", required=True),
            Argument("code", required=True, check=one_of(*BYPASS_CODES)),
            Argument("reason", required=True),
            Argument("measure", required=True),
            Argument("minutes", required=True, check=whole(1, MINUTES_MAX)),
        ),
        dangerous=True,
        reason_min=BYPASS_REASON_MIN,
        confirm="tag",
        effect={
            "en": "Takes tag {tag} out of the vote of interlock {target} for {minutes} min; then it is back by itself.",
            "zh-CN": "将位号 {tag} 退出联锁 {target} 的表决 {minutes} 分钟，到时自动恢复。",
        },
    ),
    Verb("bypass.clear", "operator", check=_is_set, arguments=(Argument("tag", required=True), Argument("reason"))),
)
