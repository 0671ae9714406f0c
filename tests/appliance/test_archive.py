"""A bundle: what it may hold, what is read before the signature stands, and that no byte of it can change."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.appliance import archive
from gateway.appliance.manifest import Entry, decode, encode
from gateway.appliance.trust import trusted
from gateway.appliance.words import ApplianceError
from tests.appliance import box

KEYS = {"release": box.KEY.public_key()}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return box.bundle(tmp_path, "0.1.0")


def whole(path: Path) -> archive.Opened:
    opened = archive.open_signed(path, KEYS)
    archive.check_all(opened)
    return opened


def refusal(path: Path) -> str:
    with pytest.raises(ApplianceError) as caught:
        whole(path)
    return caught.value.key


def test_any_tar_reads_what_we_wrote(made: Path) -> None:
    with tarfile.open(made) as tree:
        names = tree.getnames()
        assert names[:2] == [archive.MANIFEST, archive.SIGNATURE]
        assert names[2:] == sorted(names[2:])
        assert all(member.isreg() and member.uid == 0 and member.mtime == box.BUILT_S for member in tree)


def test_the_same_contents_are_the_same_bytes(made: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert box.bundle(tmp_path / "again", "0.1.0").read_bytes() == made.read_bytes()


def test_no_byte_can_change(made: Path) -> None:
    """Every byte of a small bundle's heads and feet, and a draw of the rest; the campaign does a real one."""
    good = made.read_bytes()
    manifest = whole(made).manifest
    starts = [0, *(archive.open_signed(made, KEYS).starts[one.path] - archive.BLOCK for one in manifest.files)]
    draw = random.Random(10)
    places = {at + step for at in starts for step in range(0, archive.BLOCK, 29)} | set(
        range(len(good) - 1024, len(good), 61)
    )
    places |= {draw.randrange(len(good)) for _ in range(100)}
    for at in sorted(places):
        made.write_bytes(good[:at] + bytes([good[at] ^ (1 << draw.randrange(8))]) + good[at + 1 :])
        refusal(made)
    made.write_bytes(good)
    assert whole(made).key == "release"


def test_nothing_may_follow_or_be_missing(made: Path) -> None:
    good = made.read_bytes()
    made.write_bytes(good + b"\0")
    assert refusal(made) == "trailing"
    made.write_bytes(good[:-1])
    assert refusal(made) == "trailing"
    made.write_bytes(b"")
    assert refusal(made) == "not-a-bundle"


def test_another_key_is_no_key(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ApplianceError) as caught:
        archive.open_signed(made, {"other": Ed25519PrivateKey.generate().public_key()})
    assert caught.value.key == "signature"
    with pytest.raises(ApplianceError) as caught:
        trusted(tmp_path / "nowhere")
    assert caught.value.key == "no-keys"


@pytest.mark.parametrize(
    "path", ["../etc/passwd", "/etc/passwd", "a/../b", "a//b", "-rf", "a b", "x\n", "", "a/" * 101 + "b"]
)
def test_a_signed_manifest_still_may_not_name_what_it_likes(made: Path, path: str) -> None:
    manifest = whole(made).manifest
    bad = msgspec.structs.replace(manifest, files=(Entry("0" * 64, 1, path),))
    with pytest.raises(ApplianceError):
        decode(encode(bad))


def test_the_manifest_is_one_file_a_line(made: Path) -> None:
    manifest = whole(made).manifest
    lines = encode(manifest).decode().splitlines()
    assert sum(line.startswith('{"sha256":"') for line in lines) == len(manifest.files)
    assert decode(encode(manifest)) == manifest
