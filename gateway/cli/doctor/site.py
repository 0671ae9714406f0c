"""Checks of a site folder and what it needs on this box."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.doctor.finding import Finding, Result, Scene, skipped

CHECK_S = 60
SPACE_FAILED_MB = 200  # below this the record stops soon
SPACE_WARNING_MB = 1_000
CERTIFICATE_WARNING_DAYS = 30


def valid(scene: Scene) -> Finding:
    """`gatehouse check`, in a process of its own: a broken site must not break the doctor."""
    if scene.site is None:
        return skipped("site")
    command = [sys.executable, "-m", "gateway.cli.main", "check", str(scene.site), "--json"]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=CHECK_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding("site", "failed", "doctor.unknown")
    result: Result = "ok" if ended.returncode == 0 else "failed"
    return Finding("site", result, "doctor.rc", args={"code": ended.returncode})


def state_directory(scene: Scene) -> Finding:
    """The directory of history and journal can be written, or made."""
    directory = scene.state_directory()
    if directory is None:
        return skipped("state")
    good = os.access(_existing(directory), os.W_OK | os.X_OK)
    return Finding("state", "ok" if good else "failed", str(directory))


def free_space(scene: Scene) -> Finding:
    """There is room for the record."""
    free_mb = shutil.disk_usage(_existing(scene.state_directory() or Path("/"))).free // 1_000_000
    result: Result = "failed" if free_mb < SPACE_FAILED_MB else "warning" if free_mb < SPACE_WARNING_MB else "ok"
    return Finding("space", result, "doctor.mb", args={"mb": free_mb})


def certificates(scene: Scene) -> Finding:
    """The certificate that ends first is still good for a while."""
    if scene.site is None:
        return skipped("certificates")
    ends = sorted(_ends(scene.site / "certs"))
    if not ends:
        return skipped("certificates", "doctor.not-configured")
    until, name = ends[0]
    days = (until - datetime.now(UTC)).days
    result: Result = "failed" if days < 0 else "warning" if days < CERTIFICATE_WARNING_DAYS else "ok"
    return Finding("certificates", result, "doctor.days", args={"file": name, "days": days})


def _ends(folder: Path) -> list[tuple[datetime, str]]:
    from cryptography import x509

    found = []
    for path in sorted([*folder.glob("*.pem"), *folder.glob("*.crt")]):
        try:
            found += [
                (one.not_valid_after_utc, path.name) for one in x509.load_pem_x509_certificates(path.read_bytes())
            ]
        except (OSError, ValueError):  # a key, or not ours to read
            continue
    return found


def page_port(scene: Scene) -> Finding:
    """The page can listen, or does."""
    return _port(scene, "page-port", "page", "127.0.0.1:8080")


def metrics_port(scene: Scene) -> Finding:
    """The metrics can listen, or do."""
    return _port(scene, "metrics-port", "metrics", "127.0.0.1:9464")


def _port(scene: Scene, check: str, part: str, usual: str) -> Finding:
    address = str(scene.part(part).get("listen", usual))
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]") or "127.0.0.1", int(port)))
        except (OSError, ValueError, OverflowError) as error:
            if scene.facts is not None and isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                return Finding(check, "ok", "doctor.used-by-daemon", args={"address": address})
            return Finding(check, "failed", "doctor.used", "port", {"address": address, "error": error})
    return Finding(check, "ok", "doctor.free", args={"address": address})


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    for one in (path.absolute(), *path.absolute().parents):
        if one.exists():
            return one
    return Path("/")
