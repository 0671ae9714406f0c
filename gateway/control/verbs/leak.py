"""`leak.*`: the places that are watched for leaks, and what one of them hears and sees now."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs.verb import Facts, Refusal, Verb
from gateway.control.views import LeakView, SpectrumView, Views


def _list(views: Views, _facts: Facts, _request: Request) -> list[LeakView]:
    return views.leaks()


def _spectrum(views: Views, _facts: Facts, request: Request) -> SpectrumView:
    try:
        return views.spectrum(request.target)
    except KeyError:
        raise Refusal(4, "leak.none", target=request.target[:80]) from None


VERBS = (Verb("leak.list", read=_list, target=False), Verb("leak.spectrum", read=_spectrum))
