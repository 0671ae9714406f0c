"""`time.status`: how far the box's clock may be from UTC, and who keeps it."""

from __future__ import annotations

import msgspec

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import Views


class TimeStatus(msgspec.Struct, frozen=True):
    """The clock; `bound_ms` None = nothing is known. An alarm comes above 5 ms, DEGRADED above 10 ms."""

    time_quality: str
    bound_ms: float | None
    utc_ms: int


def _status(views: Views, _facts: Facts, _request: Request) -> TimeStatus:
    overview = views.overview()
    return TimeStatus(overview.time_quality, overview.time_bound_ms, overview.utc_ms)


VERBS = (Verb("time.status", read=_status, target=False),)
