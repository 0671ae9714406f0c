"""What a bundle may carry: nothing under GPL unless its maker takes it in by name."""

from __future__ import annotations

import tarfile
from pathlib import Path

from gateway.appliance.making import licences
from gateway.appliance.parts import Part, cyclonedx, of_runtime


def test_what_carries_gpl_is_left_out_until_it_is_asked_for() -> None:
    table = licences.known()
    assert licences.not_accepted(table, []) == ["av"]
    assert licences.not_accepted(table, ["av"]) == []


def test_gpl_that_nobody_has_named_stops_the_bundle() -> None:
    table = licences.known()
    inside = Part("some-camera", "1.0", "MIT", libraries=("libx264-fd5179c6.so.165",))
    assert any("GPL" in problem for problem in licences.problems([inside], table))
    assert any("GPL" in problem for problem in licences.problems([Part("strong", "1.0", "GPL-3.0-only")], table))
    assert list(licences.problems([Part("lesser", "1.0", "LGPL-2.1-or-later")], table)) == []


def test_a_python_that_comes_along_is_listed_with_every_library_beside_it(tmp_path: Path) -> None:
    def laid_out(*files: str) -> Part:
        (tmp_path / "empty").touch()
        with tarfile.open(tmp_path / "runtime.tar", "w") as out:
            for file in files:
                out.add(tmp_path / "empty", file)
        return of_runtime(tmp_path / "runtime.tar")

    own = "usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so"
    good = laid_out(own, "lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libz.so.1.2.13")
    table = licences.known()
    assert list(licences.problems([good], table)) == []
    assert b"python3.11,3.11,Zlib,libz.so.1.2.13," in licences.listing([good], table)
    (component,) = cyclonedx(Part("gatehouse-edge", "1", "Apache-2.0"), [good], table.libraries, "")["components"]
    assert component["purl"] == "pkg:deb/debian/python3.11@3.11"

    (problem,) = licences.problems([laid_out(own, "lib/aarch64-linux-gnu/libhistory.so.8.2")], table)
    assert "libhistory.so.8.2" in problem  # of readline, which is GPL
