"""`upstream.status`: the link to the plant network and its balance. Nothing upstream is changed from here."""

from __future__ import annotations

from gateway.control.messages import Request, UpstreamView, Views
from gateway.control.verbs.verb import Facts, Verb


def _status(views: Views, _facts: Facts, _request: Request) -> UpstreamView:
    return views.overview().upstream


VERBS = (Verb("upstream.status", read=_status, target=False),)
