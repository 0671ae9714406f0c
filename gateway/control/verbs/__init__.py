"""What can be asked on the control socket: one file per noun, all of them in one table."""

from __future__ import annotations

from gateway.control.verbs import (
    alarm,
    bypass,
    camera,
    control,
    doctor,
    interlock,
    leak,
    permit,
    person,
    proof,
    record,
    sos,
    source,
    status,
    tag,
    telling,
    time,
    update,
    upstream,
    version,
    warn,
)
from gateway.control.verbs.verb import Facts, Refusal, Verb

__all__ = ["VERBS", "Facts", "Refusal", "Verb"]

_NOUNS = (
    status,
    alarm,
    interlock,
    leak,
    proof,
    bypass,
    camera,
    sos,
    control,
    permit,
    person,
    telling,
    time,
    tag,
    source,
    record,
    upstream,
    update,
    version,
    doctor,
    warn,
)

VERBS: dict[str, Verb] = {verb.name: verb for noun in _NOUNS for verb in noun.VERBS}
