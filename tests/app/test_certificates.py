"""`gatehouse cert`: a request is signed by a CA of the test, installed only where everything fits, and seen by expiry."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.app.certificates import cert

PEM = serialization.Encoding.PEM
NOW = datetime.now(UTC)


class Authority:
    """A certificate authority of a plant."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name.from_rfc4514_string(f"CN={name}")
        self.pem = self._sign(self.name, self.key.public_key(), 3650).public_bytes(PEM)

    def _sign(self, subject: x509.Name, public: ec.EllipticCurvePublicKey, days: int) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=400))
        return builder.not_valid_after(NOW + timedelta(days=days)).sign(self.key, hashes.SHA256())

    def answer(self, request: str, days: int = 365) -> bytes:
        asked = x509.load_pem_x509_csr(request.encode())
        public = asked.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return self._sign(asked.subject, public, days).public_bytes(PEM)


def test_from_request_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, other = Authority("Plant CA"), Authority("Other CA")
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/ca.pem").write_bytes(ours.pem)
    (tmp_path / "site.toml").write_text(
        '[gateway]\nid = "gw-7"\n[upstream]\nca = "certs/ca.pem"\ncertificate = "certs/gw.pem"\nkey = "certs/gw.key"\n'
    )
    signed = tmp_path / "signed.pem"

    def install(data: bytes) -> int:
        signed.write_bytes(data)
        return cert("install", tmp_path, {"file": str(signed)})

    assert install(ours.pem) == 4  # nothing was asked for
    assert cert("list", tmp_path, {"strict": "yes"}) == 1  # one is missing
    capsys.readouterr()
    assert cert("request", tmp_path, {}) == 0
    request = capsys.readouterr().out
    assert install(other.answer(request)) == 6
    assert install(ours.answer(request, days=-1)) == 6
    assert install(ours.pem) == 6  # of another key
    assert not (tmp_path / "certs/gw.key").exists()
    assert install(ours.answer(request)) == 0
    assert (tmp_path / "certs/gw.key").stat().st_mode & 0o777 == 0o600
    assert install(ours.answer(request)) == 4  # a request is good once
    capsys.readouterr()
    assert cert("list", tmp_path, {"output": "json", "strict": "yes"}) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["broker"]["subject"] == "CN=gw-7"
    assert 360 < rows["broker"]["days"] <= 365
    assert cert("request", tmp_path / "nowhere", {"lang": "zh-CN"}) == 9
    assert "无法读取" in capsys.readouterr().err
