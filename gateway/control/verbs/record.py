"""`record.status`: how far back the history of this box reaches. Export and replay work without the daemon."""

from __future__ import annotations

import msgspec

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import Views


class RecordStatus(msgspec.Struct, frozen=True):
    """What is kept."""

    history_hours: float
    disk_free_bytes: int
    journal_ok: bool


def _status(views: Views, _facts: Facts, _request: Request) -> RecordStatus:
    overview = views.overview()
    return RecordStatus(overview.history_hours, overview.disk_free_bytes, overview.journal_ok)


VERBS = (Verb("record.status", read=_status, target=False),)
