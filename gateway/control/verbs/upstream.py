"""`upstream.status`: the link to the plant network and its balance. Nothing upstream is changed from here."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import UpstreamView, Views


def _status(views: Views, _facts: Facts, _request: Request) -> UpstreamView:
    return views.overview().upstream


VERBS = (Verb("upstream.status", read=_status, target=False),)
