"""Views of permits to work: what is allowed, and which one is out."""

from __future__ import annotations

from gateway.control.messages import Texts
from gateway.control.views import PermitView
from gateway.core.permits import Permission


def permit_view(permission: Permission, title: Texts, now_ns: int) -> PermitView:
    """One permit rule at `now_ns` of the monotonic clock."""
    issued = permission.issued
    if issued is None:
        return PermitView(permission.name, title, permission.allowed)
    return PermitView(
        permission.name,
        title,
        permission.allowed,
        f"{issued.number[0]:x}-{issued.number[1]}",
        issued.person,
        issued.place,
        issued.since_utc_ms,
        issued.until_utc_ms,
        max(0, (issued.until_ns - now_ns) // 1_000_000_000),
    )
