"""What a person does on the laptop: a key that only its owner reads, and a signature over a version file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.activation import store
from gateway.activation.signature import from_text, load_public, verify
from gateway.app import versions
from tests.activation.test_store import version
from tests.daemon.signing import COMMON


def test_keygen_and_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, key = tmp_path / "words", tmp_path / "li.key"
    words.write_text("a long passphrase\n")
    common = {**COMMON, "passphrase_file": str(words)}
    assert versions.rule("keygen", Path(), {**common, "file": str(key)}) == 0
    public = load_public(capsys.readouterr().out.strip())
    assert key.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in key.read_bytes()
    assert versions.rule("keygen", Path(), {**common, "file": str(key)}) == 1, "never over another key"

    kept = version()
    store.add_version(tmp_path, kept)
    path, code = tmp_path / store.FOLDER / "000001.version", tmp_path / "sign.svg"
    capsys.readouterr()
    assert versions.rule("sign", Path(), {**common, "file": str(path), "key": str(key), "qr": str(code)}) == 0
    said = capsys.readouterr()
    assert verify(public, from_text(said.out), 1, kept.digest())
    assert kept.rules[0].hash[:16] in said.err, "the person sees what is signed"
    assert "<svg" in code.read_text()

    words.write_text("another passphrase\n")
    assert versions.rule("sign", Path(), {**common, "file": str(path), "key": str(key)}) == 5
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"30.0", b"31.0"))
    assert versions.rule("sign", Path(), {**common, "file": str(path), "key": str(key)}) == 1
