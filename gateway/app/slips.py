"""The daemon's side of signed permits: the box's key signs what is out, and goes into the page that verifies it."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.control.views import PermitView
from gateway.offline import slip
from gateway.offline.keys import box_key

_log = logging.getLogger("gatehouse")


class Slips:
    """Signs slips with the box's key; "" where it cannot, with the reason in the log."""

    def __init__(self, directory: Path, site: str) -> None:
        self._directory, self._site = directory, site

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return box_key(self._directory)

    def text(self, permit: PermitView) -> str:
        """The slip of an issued permit."""
        title, place = permit.title, permit.place[: slip.PLACE_MAX]
        facts = slip.Slip(
            self._site, permit.name, permit.number, permit.person, place, permit.since_utc_ms, permit.until_utc_ms,
            title.get("en", ""), title.get("zh-CN", ""),
        )  # fmt: skip
        try:
            return slip.sign(self._key, facts)
        except (OSError, ValueError) as error:
            _log.error("permits: the key of the box cannot be used: %s", error)
            return ""

    def page(self, others: str) -> str:
        """The page that verifies them, with the keys of other boxes beside ours."""
        try:
            return slip.page(self._site, self._key.public_key(), others)
        except (OSError, ValueError) as error:
            _log.error("permits: no page to verify them: %s", error)
            return ""
