"""`doctor.show`: what only the living daemon can tell about itself; the command line checks the rest from outside."""

from __future__ import annotations

import asyncio
import os

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import Views


def _show(views: Views, facts: Facts, _request: Request) -> dict[str, str | int | bool]:
    overview = views.overview()
    return {
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "loop": type(asyncio.get_running_loop()).__module__.partition(".")[0],
        "version": facts.version,
        "uptime_s": overview.uptime_s,
        "time_quality": overview.time_quality,
        "journal_ok": overview.journal_ok,
        "step_p99_us": overview.step_p99_us,
        "lag_max_ms": overview.lag_max_ms,
        **facts.more(),
    }


VERBS = (Verb("doctor.show", read=_show, target=False),)
