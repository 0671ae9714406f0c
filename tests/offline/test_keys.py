"""The box's key: made once, for the gateway alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.offline.keys import box_key, fingerprint, load_public, raw


def test_it_is_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    key = box_key(tmp_path)
    assert raw(box_key(tmp_path).public_key()) == raw(key.public_key())
    path = tmp_path / "keys" / "box.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert raw(load_public(tmp_path / "keys" / "box.pub")) == raw(key.public_key())
    assert sorted(each.name for each in path.parent.iterdir()) == ["box.key", "box.pub"]


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    box_key(tmp_path)
    (tmp_path / "keys" / "box.key").write_bytes(b"")
    with pytest.raises(ValueError):
        box_key(tmp_path)


def test_two_boxes_have_two_fingerprints(tmp_path: Path) -> None:
    one, two = (fingerprint(box_key(tmp_path / name).public_key()) for name in "ab")
    assert one != two
    assert len(one) == 39
