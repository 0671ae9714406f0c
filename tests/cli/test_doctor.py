"""The doctor: says what is wrong and what to do, with the daemon dead and alive."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.doctor import CHECKS
from gateway.cli.doctor import site as site_checks
from tests.cli.conftest import Terminal
from tests.control.living import Living


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site folder whose check says what the file `rc` in it says."""
    folder = tmp_path / "site"
    folder.mkdir()
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    (folder / "site.toml").write_text(
        f'[page]\nlisten = "127.0.0.1:{ports[0]}"\n[metrics]\nlisten = "127.0.0.1:{ports[1]}"\n', encoding="utf-8"
    )
    monkeypatch.setattr(site_checks.sys, "executable", "/bin/true")
    return folder


def _findings(terminal: Terminal, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    ran = terminal("doctor", "-o", "json", "--control", str(terminal.directory), *words)
    return ran.code, {row["check"]: row for row in json.loads(ran.out)}


def test_with_the_daemon_dead_it_still_answers_and_says_what_to_do(terminal: Terminal, site: Path) -> None:
    code, found = _findings(terminal, "--site", str(site))
    assert code == 1
    assert len(found) == len(CHECKS) >= 40
    failed = {name for name, row in found.items() if row["result"] == "failed"}
    assert failed == {"sockets", "daemon"}
    for row in found.values():
        assert bool(row["remedy"]) == (row["result"] in ("failed", "warning"))


def test_with_the_daemon_alive_all_is_well(alive: Living, terminal: Terminal, site: Path) -> None:
    code, found = _findings(terminal, "--site", str(site))
    assert code == 0
    assert found["camera-models"]["result"] == "warning"
    assert found["camera-models"]["found"] == "A first version. (away)"
    assert found["daemon"]["found"] == f"pid {os.getpid()}, 0.1.0"
    assert found["role"]["found"] == "operator, supervisor, engineer, maintainer"


def test_a_model_that_no_accepted_provider_runs_is_said_with_what_is_installed(
    terminal: Terminal, tmp_path: Path
) -> None:
    section = (
        '[gateway]\nsite = "s"\nid = "gw-1"\narea = "tanks"\n[source.f7]\ndriver = "leak"\nsound = "alsa:hw:1,0"\n'
    )
    (tmp_path / "tags.csv").write_text("tag,source,address,type\nf7.leak,f7,alarm,bool\n", encoding="utf-8")
    for provider, result, said in (
        ('["tensorrt"]', "failed", "f7: provider tensorrt was not obtained"),
        ('["cpu"]', "ok", "f7: cpu (installed: "),
    ):
        (tmp_path / "site.toml").write_text(f"{section}provider = {provider}\n", encoding="utf-8")
        found = _findings(terminal, "--site", str(tmp_path))[1]["models"]
        assert found["result"] == result
        assert said in found["found"]
        assert "installed: " in found["found"]


def test_a_port_in_use_is_the_daemons_own_only_when_it_lives(alive: Living, terminal: Terminal, site: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (site / "site.toml").write_text(f'[page]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n', encoding="utf-8")
        assert _findings(terminal, "--site", str(site))[1]["page-port"]["result"] == "ok"
        (alive.directory / "operator.sock").unlink()
        other = ("--site", str(site), "--role", "operator")
        assert _findings(terminal, *other)[1]["page-port"]["result"] == "failed"


def test_an_invalid_site_is_found(terminal: Terminal, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_checks.sys, "executable", "/bin/false")
    assert _findings(terminal, "--site", str(site))[1]["site"]["result"] == "failed"


@pytest.mark.parametrize(("mb", "result"), [(199, "failed"), (999, "warning"), (1001, "ok")])
def test_free_space_is_judged(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, mb: int, result: str) -> None:
    class Usage:
        free = mb * 1_000_000

    monkeypatch.setattr(site_checks.shutil, "disk_usage", lambda _path: Usage)
    assert _findings(terminal)[1]["space"]["result"] == result


@pytest.mark.parametrize(("days", "result"), [(-1, "failed"), (20, "warning"), (90, "ok")])
def test_certificates_are_looked_at_before_they_end(terminal: Terminal, site: Path, days: int, result: str) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .sign(key, hashes.SHA256())
    )
    (site / "certs").mkdir()
    (site / "certs" / "gateway.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (site / "certs" / "notes.pem").write_text("not a certificate")
    row = _findings(terminal, "--site", str(site))[1]["certificates"]
    assert (row["result"], "gateway.pem" in row["found"]) == (result, True)


def test_a_broker_is_tried(terminal: Terminal, site: Path) -> None:
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{broker.getsockname()[1]}"
        (site / "site.toml").write_text(f'[upstream]\nurl = "{url}"\n', encoding="utf-8")
        assert _findings(terminal, "--site", str(site))[1]["broker"]["result"] == "failed"
        broker.listen()
        assert _findings(terminal, "--site", str(site))[1]["broker"]["result"] == "ok"


def test_in_chinese(terminal: Terminal) -> None:
    assert "处理办法" in terminal("doctor", "--lang", "zh-CN").out
