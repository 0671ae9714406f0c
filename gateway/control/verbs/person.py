"""`person.*`: what workers ask about themselves, and the little that others may. Who may is decided by the person, not the socket.

None of these has `read`: views know nothing of people. They go through the desk to `people.door`, which knows who asks.
"""

from __future__ import annotations

import re

from gateway.control.verbs.verb import Argument, Verb, whole

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
UTC_MS_MAX = 253_402_300_799_000


def _month(value: str) -> str:
    return "" if _MONTH.fullmatch(value) else "2026-11"


MONTH = Argument("month", check=_month)
REASON = Argument("reason", required=True)
FILE = Argument("file", required=True)

VERBS = (
    Verb("person.status", target=False),
    Verb("person.purposes", target=False),
    Verb("person.see", target=False),
    Verb("person.export", target=False, arguments=(Argument("from_utc_ms", check=whole(0, UTC_MS_MAX)),)),
    Verb(
        "person.consent",
        target=False,
        arguments=(
            Argument("purpose", required=True),
            Argument("text_sha256", required=True),
            Argument("given_utc_ms", check=whole(0, UTC_MS_MAX)),
            Argument("signature"),
        ),
    ),
    Verb("person.withdraw", target=False, arguments=(Argument("purpose", required=True),)),
    Verb(
        "person.correct",
        target=False,
        arguments=(
            Argument("stream", required=True),
            Argument("sequence", required=True, check=whole(0, UTC_MS_MAX)),
            Argument("now", required=True),
            REASON,
        ),
    ),
    Verb(
        "person.erase",
        arguments=(REASON,),
        dangerous=True,
        effect={
            "en": "Destroys the key of everything that is kept of {target}. Nobody can bring it back, from no backup.",
            "zh-CN": "销毁 {target} 全部数据的密钥。任何人都无法恢复，备份也不行。",
        },
    ),
    Verb("person.access", target=False),
    Verb("person.report", target=False, arguments=(MONTH, Argument("language"))),
    Verb("person.events", target=False, arguments=(REASON,)),
    Verb("person.counts", target=False, arguments=(Argument("month", required=True, check=_month),)),
    Verb("person.glass", arguments=(REASON,)),
    Verb("person.confirm"),
    Verb("person.vitals"),
    Verb("person.backup", target=False, arguments=(FILE,), socket_only=True),
    Verb("person.restore", target=False, arguments=(FILE,), socket_only=True),
    Verb("person.anew", target=False, arguments=(REASON,), socket_only=True),
)
