"""`proof.*`: guided proof tests of interlocks (I25): start, trip and look, finish. What is measured decides."""

from __future__ import annotations

from gateway.control.messages import Request
from gateway.control.verbs import interlock
from gateway.control.verbs.verb import Argument, Facts, Verb, one_of
from gateway.control.views import ProofView, Views


def _list(views: Views, _facts: Facts, _request: Request) -> list[ProofView]:
    return views.proofs()


VERBS = (
    Verb("proof.list", read=_list, target=False),
    Verb(
        "proof.start",
        "supervisor",
        check=interlock.exists,
        arguments=(Argument("kind", required=True, check=one_of("partial", "full")),),
    ),
    Verb(
        "proof.finish",
        "supervisor",
        check=interlock.exists,
        arguments=(
            Argument("result", required=True, check=one_of("passed", "failed")),
            Argument("looked", check=one_of("yes", "no")),
            Argument("note", required=True),
        ),
    ),
)
