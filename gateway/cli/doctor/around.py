"""Checks of what is around it: the service, its groups, the network, the devices, and what the daemon says of itself."""

from __future__ import annotations

import grp
import importlib.metadata
import ipaddress
import json
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from gateway.cli.client import Unreachable
from gateway.cli.columns import in_language
from gateway.cli.doctor.finding import Finding, Result, Scene, skipped
from gateway.control.messages import ROLES, Request

ASK_S = 5
CONNECT_S = 1.0
DEVICES_MAX = 16
CERTIFICATE_WARNING_DAYS = 30
ERRORS_SHARE = 1e-4  # of all frames
JOURNALD = ("/etc/systemd", "/run/systemd", "/usr/lib/systemd")
WITH_MODELS = ("camera", "leak")
MODELS_S = 300.0  # an accelerator may build its engine first
STEP_US, LAG_MS = 5_000, 100


def service(_scene: Scene) -> Finding:
    """The daemon comes back after a power cut."""
    told = _systemctl("is-enabled", "gatehouse")
    return skipped("service", "doctor.unknown") if told is None else Finding("service", _good(told == "enabled"), told)


def restarts(_scene: Scene) -> Finding:
    """It does not end by itself."""
    told = _systemctl("show", "gatehouse", "--property=NRestarts", "--value")
    if told is None or not told.isdecimal():
        return skipped("restarts", "doctor.unknown")
    return Finding("restarts", _good(told == "0"), told)


def groups(_scene: Scene) -> Finding:
    """The roles are groups of this box."""
    names = [f"gatehouse-{role}" for role in (*ROLES, "kiosk")]
    known = {entry.gr_name for entry in grp.getgrall()}
    missing = [name for name in names if name not in known]
    if missing:
        return Finding("groups", "warning", "doctor.missing", args={"what": ", ".join(missing)})
    return Finding("groups", "ok", "doctor.count", args={"count": len(names)})


def log_kept(_scene: Scene) -> Finding:
    """Why it ended can be read after a restart of the box."""
    if shutil.which("journalctl") is None:
        return skipped("log-kept", "doctor.unknown")
    there = Path("/var/log/journal").is_dir()
    return Finding("log-kept", _good(there), "/var/log/journal" if there else "doctor.none")


def log_limits(_scene: Scene) -> Finding:
    """The system's log cannot fill the disk of the record: a limit is set, by our drop-in or another."""
    if shutil.which("journalctl") is None:
        return skipped("log-limits", "doctor.unknown")
    drop_ins = (path for folder in JOURNALD for path in Path(folder).glob("journald.conf.d/*.conf"))
    texts = [_read(path) for path in (*drop_ins, Path("/etc/systemd/journald.conf"))]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    limit = next((line for line in lines if line.startswith("SystemMaxUse=") and line != "SystemMaxUse="), "")
    return Finding("log-limits", _good(bool(limit)), limit or "doctor.none")


def ssh(_scene: Scene) -> Finding:
    """Nobody guesses a password over SSH."""
    texts = [_read(path) for path in (*Path("/etc/ssh/sshd_config.d").glob("*.conf"), Path("/etc/ssh/sshd_config"))]
    if not any(texts):
        return skipped("ssh", "doctor.none")
    lines = [line.split() for text in texts for line in text.splitlines()]
    told = next((line[1] for line in lines if len(line) > 1 and line[0].lower() == "passwordauthentication"), "yes")
    return Finding("ssh", _good(told == "no"), f"PasswordAuthentication {told}")


def network(_scene: Scene) -> Finding:
    """A cable is in."""
    up = [path.parent.name for path in _interfaces("carrier") if _read(path).strip() == "1"]
    return Finding("network", _good(bool(up)), ", ".join(sorted(up)) or "doctor.none")


def net_errors(_scene: Scene) -> Finding:
    """The cable is a good one."""
    bad = []
    for path in _interfaces("statistics/rx_errors"):
        errors, frames = _number(path), _number(path.with_name("rx_packets"))
        if errors > max(frames * ERRORS_SHARE, 10):
            bad.append(f"{path.parents[1].name} {errors}")
    return Finding("net-errors", _good(not bad), ", ".join(bad) or "doctor.none")


def devices(scene: Scene) -> Finding:
    """What the site reads over TCP takes a connection."""
    sources = scene.part("source")
    found = {name: _address(source) for name, source in list(sources.items())[:DEVICES_MAX] if isinstance(source, dict)}
    asked = {name: address for name, address in found.items() if address is not None}
    if not asked:
        return skipped("devices", "doctor.not-configured")
    lost = [name for name, address in asked.items() if not _answers(address)]
    told = {"up": len(asked) - len(lost), "all": len(asked), "names": ", ".join(lost) or "–"}
    return Finding("devices", "failed" if lost else "ok", "doctor.reached", args=told)


def camera_models(scene: Scene) -> Finding:
    """No camera looks through a model whose own card warns of it."""
    try:
        reply = scene.session.ask(Request("camera.list")) if scene.facts is not None else None
    except Unreachable:
        reply = None
    if reply is None or not isinstance(reply.data, list):
        return skipped("camera-models", "doctor.unknown")
    if not reply.data:
        return skipped("camera-models", "doctor.not-configured")
    warned = {
        one["name"]: in_language(one["caution"], scene.session.common.language) for one in reply.data if one["caution"]
    }
    told: dict[str, object] = {"caution": next(iter(warned.values()), ""), "names": ", ".join(warned)}
    return (
        Finding("camera-models", "warning", "doctor.cautions", args=told) if warned else Finding("camera-models", "ok")
    )


def models(scene: Scene) -> Finding:
    """Each model of the site is admitted on a provider that the site accepts, asked as an update asks before it switches."""
    if not any(isinstance(one, dict) and one.get("driver") in WITH_MODELS for one in scene.part("source").values()):
        return skipped("models", "doctor.not-configured" if scene.site else "doctor.no-site")
    command = [sys.executable, "-P", "-m", "gateway.app.selftest", str(scene.site), "--models"]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=MODELS_S, check=False)
        told = json.loads(ended.stdout or b"null")
    except (subprocess.TimeoutExpired, ValueError):
        told = None
    if not told:
        return skipped("models", "doctor.unknown")
    lost = {one["source"]: in_language(one["why"], scene.session.common.language) for one in told if one["why"]}
    if lost:
        why = "; ".join(f"{name}: {text}" for name, text in lost.items())
        return Finding("models", "failed", why)
    installed = ", ".join(next((one["installed"] for one in told if one["installed"]), ()))
    run = ", ".join(f"{one['source']}: {one['provider']}" for one in told)
    return Finding("models", "ok", "doctor.models-run", args={"run": run, "installed": installed})


def ntp(scene: Scene) -> Finding:
    """Somebody keeps the clock."""
    if scene.site is None:
        return skipped("ntp")
    servers = scene.part("time").get("ntp", [])
    return Finding("ntp", _good(bool(servers)), ", ".join(map(str, servers)) or "doctor.none")


def page_tls(scene: Scene) -> Finding:
    """The page is not open to the network in the clear."""
    page = scene.part("page")
    address = str(page.get("listen", "127.0.0.1:8080"))
    secure = bool(page.get("tls") or page.get("certificate"))
    local = _is_local(address.rpartition(":")[0].strip("[]"))
    if secure or local:
        return Finding("page-tls", "ok", address)
    return Finding("page-tls", "failed", "doctor.plain-page", args={"address": address})


def page_certificate(scene: Scene) -> Finding:
    """The page's certificate is good for a while."""
    page, state = scene.part("page"), scene.state_directory()
    if scene.site is None or state is None or not (page.get("tls") or page.get("certificate")):
        return skipped("page-certificate", "doctor.not-configured")
    file = scene.site / str(page["certificate"]) if page.get("certificate") else state / "access" / "page.pem"
    try:
        from cryptography import x509

        until = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return Finding("page-certificate", "warning", str(error))
    days = (until - datetime.now(UTC)).days
    result: Result = "failed" if days < 0 else "warning" if days < CERTIFICATE_WARNING_DAYS else "ok"
    return Finding("page-certificate", result, "doctor.days", args={"file": file.name, "days": days})


def same_version(scene: Scene) -> Finding:
    """What runs is what is installed."""
    if scene.facts is None:
        return skipped("same-version", "doctor.unknown")
    running, installed = str(scene.facts.get("version")), importlib.metadata.version("gatehouse-edge")
    told: dict[str, object] = {"running": running, "installed": installed}
    return Finding("same-version", _good(running == installed), "doctor.versions", args=told)


def step(scene: Scene) -> Finding:
    """It decides quickly."""
    us = (scene.facts or {}).get("step_p99_us")
    return (
        skipped("step", "doctor.unknown")
        if us is None
        else Finding("step", _good(us < STEP_US), "doctor.us", args={"us": us})
    )


def lag(scene: Scene) -> Finding:
    """It is not kept waiting."""
    ms = (scene.facts or {}).get("lag_max_ms")
    return (
        skipped("lag", "doctor.unknown")
        if ms is None
        else Finding("lag", _good(ms < LAG_MS), "doctor.ms", args={"ms": ms})
    )


def journal_live(scene: Scene) -> Finding:
    """What people do is durable."""
    ok = (scene.facts or {}).get("journal_ok")
    return (
        skipped("journal-live", "doctor.unknown") if ok is None else Finding("journal-live", "ok" if ok else "failed")
    )


def _systemctl(*words: str) -> str | None:
    """What systemd says, None where there is none."""
    if shutil.which("systemctl") is None or not Path("/run/systemd/system").is_dir():
        return None
    try:
        ended = subprocess.run(["systemctl", *words], capture_output=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.decode(errors="replace").strip() or ended.stderr.decode(errors="replace").strip()[:80]


def _interfaces(name: str) -> list[Path]:
    return [path for path in Path("/sys/class/net").glob(f"*/{name}") if "lo" not in path.parts]


def _number(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # an interface that is down has no carrier to read
        return ""


def _address(source: dict[str, object]) -> tuple[str, int] | None:
    try:
        url = urlsplit(str(source.get("url", "")))
        port = url.port
    except ValueError:
        return None
    if url.scheme not in ("tcp", "mqtt", "mqtts", "opc.tcp", "rtsp", "http", "https") or not url.hostname or not port:
        return None
    return url.hostname, port


def _answers(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, CONNECT_S):
            return True
    except OSError:
        return False


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _good(good: bool) -> Result:
    return "ok" if good else "warning"
