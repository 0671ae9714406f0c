"""Versions on the disk: every flipped byte is seen, and nothing is written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.activation import store
from gateway.activation.version import Entry, Version
from gateway.core.program import Program, canonical, rule_hash
from tests.core.stage import low_level


def version(number: int = 1, parent: str = "") -> Version:
    program = Program((low_level(),))
    entry = Entry("LSLL", rule_hash(program.rules[0]), "0" * 64, "a0 < 30")
    return Version(
        number, parent, "s" * 64, canonical(program).decode(), rule_hash(program), (entry,), "li", 1, "first"
    )


def test_what_is_kept_is_what_was_given(tmp_path: Path) -> None:
    first = version()
    store.add_version(tmp_path, first)
    kept = store.read(tmp_path)
    assert kept.versions == {1: first}
    assert kept.head() == (1, first.digest())
    with pytest.raises(FileExistsError):
        store.add_version(tmp_path, first)


def test_every_flipped_byte_is_damage(tmp_path: Path) -> None:
    store.add_version(tmp_path, version())
    path = tmp_path / store.FOLDER / "000001.version"
    whole = path.read_bytes()
    path.chmod(0o600)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        kept = store.read(tmp_path)
        assert (kept.versions, kept.damaged, kept.taken) == ({}, ("000001.version",), 1), at


def test_a_program_that_does_not_match_its_hashes_is_damage_though_its_digest_is_right(tmp_path: Path) -> None:
    honest = version()
    program = honest.program.replace("30.0", "10.0")
    assert program != honest.program
    store.add_version(tmp_path, Version(1, "", "s" * 64, program, honest.program_hash, honest.rules, "li", 1))
    assert store.read(tmp_path).damaged == ("000001.version",)


def test_a_version_of_another_parent_is_damage(tmp_path: Path) -> None:
    store.add_version(tmp_path, version())
    store.add_version(tmp_path, version(2, "f" * 64))
    kept = store.read(tmp_path)
    assert (list(kept.versions), kept.damaged) == ([1], ("000002.version",))
