"""`status.show`: the overview, the top of the page."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Verb
from gateway.control.views import Overview, Views


def _show(views: Views, _facts: Facts, _request: Request) -> Overview:
    return views.overview()


VERBS = (Verb("status.show", read=_show, target=False),)
