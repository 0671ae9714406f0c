"""`gatehouse doctor`: is this box fit, and what to do where it is not. Needs no daemon: that is when it is asked."""

from __future__ import annotations

from gateway.cli import codes, columns
from gateway.cli.doctor import box, link, site
from gateway.cli.doctor.finding import Scene
from gateway.cli.session import Session

__all__ = ["CHECKS", "doctor"]

CHECKS = (
    box.python,
    box.packages,
    box.event_loop,
    box.memory,
    box.clock,
    site.valid,
    site.state_directory,
    site.free_space,
    site.certificates,
    site.page_port,
    site.metrics_port,
    link.sockets,
    link.role,
    link.daemon,
    link.broker,
)


def doctor(session: Session) -> int:
    """Run every check in its order and show what was found; 1 where one failed."""
    scene = Scene.of(session)
    rows = [check(scene).row(session.common.language) for check in CHECKS]
    session.data(rows, columns.DOCTOR)
    return codes.FAILED if any(row["result"] == "failed" for row in rows) else codes.OK
