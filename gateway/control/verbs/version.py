"""`version.show`: what the daemon runs, which may be older than what is installed."""

from __future__ import annotations

import platform

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import Views


def _show(views: Views, facts: Facts, _request: Request) -> dict[str, str | int]:
    overview = views.overview()
    return {
        "version": facts.version,
        "python": platform.python_version(),
        "gateway": overview.gateway,
        "site": overview.site,
        "boot": overview.boot,
    }


VERBS = (Verb("version.show", read=_show, target=False),)
