"""Who is let in to a socket: the group of the role, also inside a sandbox that has no chown."""

from __future__ import annotations

import grp
import os
import struct
import types
from pathlib import Path

import pytest

from gateway.control import listening

OTHER_GROUP = 54_321


def test_without_chown_the_socket_names_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(grp, "getgrnam", lambda name: types.SimpleNamespace(gr_gid=OTHER_GROUP))
    monkeypatch.setattr(os, "chown", refused)
    with listening.listen(tmp_path, "operator"):
        path = tmp_path / "operator.sock"
        if not hasattr(os, "getxattr") or listening.ACL not in os.listxattr(path):
            pytest.skip("the file system of the temporary folder keeps no access lists")
        rows = list(struct.iter_unpack("<HHI", os.getxattr(path, listening.ACL)[4:]))
        assert (listening.GROUP, 6, OTHER_GROUP) in rows
        assert (listening.OTHER, 0, listening.NO_ID) in rows
        assert (listening.GROUP_OBJ, 0, listening.NO_ID) in rows
