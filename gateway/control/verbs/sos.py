"""`sos.*`: the start-up override (I18); it ends when the equipment has started, after a quarter of an hour at most."""

from __future__ import annotations

from gateway.control.verbs import interlock
from gateway.control.verbs.verb import Argument, Verb
from gateway.core.limits import BYPASS_REASON_MIN

VERBS = (
    Verb(
        "sos.start",
        "operator",
        check=interlock.exists,
        arguments=(Argument("reason", required=True),),
        dangerous=True,
        reason_min=BYPASS_REASON_MIN,
        effect={
            "en": "Keeps interlock {target} from tripping while the equipment starts, 15 min at most.",
            "zh-CN": "开车期间暂不触发联锁 {target}，最长 15 分钟。",
        },
    ),
    Verb("sos.end", "operator", check=interlock.exists),
)
