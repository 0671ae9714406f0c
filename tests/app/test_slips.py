"""The daemon signs with the key of the box, and the page that it writes has that key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.slips import Slips
from gateway.control.views import PermitView
from gateway.offline import slip
from gateway.offline.keys import box_key, raw

OUT = PermitView("HOT_WORK", {"en": "Hot work", "zh-CN": "动火作业"}, True, "3-9", "wang", "罐" * 300, 1, 2, 3)


def test_a_slip_is_of_the_boxs_key_and_fits_a_code(tmp_path: Path) -> None:
    slips = Slips(tmp_path, "demo")
    read = slip.verify(box_key(tmp_path).public_key(), slips.text(OUT))
    assert (read.permit, read.number, read.person, read.zh, read.site) == (
        "HOT_WORK",
        "3-9",
        "wang",
        "动火作业",
        "demo",
    )
    assert read.place == "罐" * slip.PLACE_MAX
    assert raw(box_key(tmp_path).public_key()).hex() in slips.page("")
    assert slips.page("ed25519:no") == ""


def test_a_key_that_is_damaged_signs_nothing_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box_key(tmp_path)
    (tmp_path / "keys" / "box.key").chmod(0o600)
    (tmp_path / "keys" / "box.key").write_bytes(b"no key")
    assert Slips(tmp_path, "demo").text(OUT) == ""
    assert "key of the box" in caplog.text
