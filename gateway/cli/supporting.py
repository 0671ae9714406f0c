"""`gatehouse support bundle`: what the daemon says of itself and what the doctor found, handed to the composition root."""

from __future__ import annotations

import msgspec

from gateway.cli.client import Unreachable
from gateway.cli.composition import composition
from gateway.cli.doctor import findings
from gateway.cli.session import Session
from gateway.control.messages import Request

ASKED = ("status.show", "source.list", "upstream.status", "time.status", "record.status", "version.show")


def bundle(session: Session, out: str) -> int:
    """Gather and write; a daemon that does not answer is a fact like any other."""
    answers = {verb: _asked(session, verb) for verb in ASKED}
    answers["doctor"] = _json(findings(session))
    common = session.common
    return composition().support(common.site, out, answers, lang=common.language)


def _asked(session: Session, verb: str) -> str:
    try:
        reply = session.ask(Request(verb))
    except Unreachable as gone:
        return _json({"no-answer": gone.key, "code": gone.code})
    return _json({"code": reply.code, "message": reply.message, "data": reply.data})


def _json(data: object) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=1).decode() + "\n"
