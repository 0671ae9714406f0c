"""`gatehouse doctor`: is this box fit, and what to do where it is not. Needs no daemon: that is when it is asked."""

from __future__ import annotations

from gateway.cli import codes, columns
from gateway.cli.doctor import around, box, host, keeping, link, site
from gateway.cli.doctor.finding import Scene
from gateway.cli.session import Session

__all__ = ["CHECKS", "doctor"]

CHECKS = (
    box.python,
    box.packages,
    box.event_loop,
    box.memory,
    box.clock,
    *(host.cores, host.ram, host.swap, host.load, host.heat, host.governor, host.kernel, host.system, host.locale),
    *(host.assertions, host.files, host.dumps, host.year, host.rtc, host.watchdog, host.fonts),
    site.valid,
    site.state_directory,
    site.free_space,
    site.certificates,
    site.page_port,
    site.metrics_port,
    *(around.page_tls, around.page_certificate, around.ntp),
    *(keeping.inodes, keeping.mount, keeping.state_mode, keeping.secrets_mode, keeping.box_key, keeping.site_mode),
    *(keeping.tls_key, keeping.people, keeping.pins, keeping.journal, keeping.history, keeping.bundles),
    *(
        around.service,
        around.restarts,
        around.groups,
        around.log_kept,
        around.log_limits,
        around.ssh,
        around.network,
        around.net_errors,
    ),
    link.sockets,
    link.role,
    link.daemon,
    link.broker,
    *(
        around.devices,
        around.models,
        around.camera_models,
        around.same_version,
        around.step,
        around.lag,
        around.journal_live,
    ),
)


def findings(session: Session) -> list[dict[str, str]]:
    """Run every check in its order; what was found, in the language of the session."""
    scene = Scene.of(session)
    return [check(scene).row(session.common.language) for check in CHECKS]


def doctor(session: Session) -> int:
    """Show what was found; 1 where one failed."""
    rows = findings(session)
    session.data(rows, columns.DOCTOR)
    return codes.FAILED if any(row["result"] == "failed" for row in rows) else codes.OK
