"""Following what changes: one line for each change, so that it can be piped and scrolled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.cli import codes, columns
from gateway.cli.client import READING, replies
from gateway.cli.session import EVERY_MS, Session
from gateway.cli.tables import Column
from gateway.control.messages import Request

Row = dict[str, Any]


def _alarm_key(row: Row) -> tuple[Any, ...]:
    return (row["state"], row["occurrence"], row["count"], row["recorded"])


def _tag_key(row: Row) -> tuple[Any, ...]:
    return (row["value"], row["quality"], row["cause"])


def watch_alarms(session: Session) -> int:
    """Print every alarm that changes, until interrupted."""
    return _follow(session, Request("alarm.list", args={"active": "no"}), columns.ALARMS, _alarm_key, _abnormal)


def watch_tags(session: Session, prefix: str) -> int:
    """Print every tag that changes, until interrupted."""
    return _follow(session, Request("tag.list", args={"prefix": prefix}), columns.TAGS, _tag_key, lambda _row: True)


def _abnormal(row: Row) -> bool:
    return bool(row["state"] != "NORMAL")


def _follow(
    session: Session,
    request: Request,
    shown: tuple[Column, ...],
    key: Callable[[Row], tuple[Any, ...]],
    first: Callable[[Row], bool],
) -> int:
    """Print the rows that `first` picks, then each row whose `key` changes; a row is known by its name."""
    request.stream, request.every_ms, request.language = True, EVERY_MS, session.common.language
    request.person = session.common.person
    roles = (session.common.role,) if session.common.role else READING
    seen: dict[str, tuple[Any, ...]] = {}
    try:
        for reply in replies(session.common.directory, roles, request):
            if reply.code:
                return session.show(reply, ())
            rows: list[Row] = reply.data
            changed = [row for row in rows if (seen[row["name"]] != key(row) if row["name"] in seen else first(row))]
            seen = {row["name"]: key(row) for row in rows}
            if changed:
                session.data(changed, shown)
    except KeyboardInterrupt:  # the way to leave
        pass
    return codes.OK
