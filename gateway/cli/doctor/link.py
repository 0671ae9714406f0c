"""Checks of the ways in and out: control sockets, roles, the daemon, the broker."""

from __future__ import annotations

import os
import socket
import ssl
from urllib.parse import urlsplit

from gateway.cli import codes
from gateway.cli.doctor.finding import Finding, Scene, skipped
from gateway.control.messages import ROLES

CONNECT_S = 3.0


def sockets(scene: Scene) -> Finding:
    """The sockets are there."""
    directory = scene.session.common.directory
    try:
        there = [role for role in ROLES if (directory / f"{role}.sock").is_socket()]
    except PermissionError as error:
        return Finding("sockets", "failed", str(error), "role")
    return Finding("sockets", "ok" if len(there) == len(ROLES) else "failed", f"{directory}: {', '.join(there) or '–'}")


def role(scene: Scene) -> Finding:
    """This account has a role."""
    if scene.no_answer == codes.UNREACHABLE:
        return skipped("role", "doctor.unknown")
    directory = scene.session.common.directory
    roles = [role for role in ROLES if os.access(directory / f"{role}.sock", os.R_OK | os.W_OK)]
    return Finding("role", "ok" if roles else "failed", ", ".join(roles) or "–")


def daemon(scene: Scene) -> Finding:
    """The daemon answers."""
    if scene.facts is None:
        return Finding("daemon", "failed")
    return Finding("daemon", "ok", f"pid {scene.facts.get('pid')}, {scene.facts.get('version')}")


def broker(scene: Scene) -> Finding:
    """The broker takes a connection, and over TLS proves who it is."""
    if scene.site is None:
        return skipped("broker")
    settings = scene.part("upstream")
    if not settings.get("url"):
        return skipped("broker", "doctor.not-configured")
    try:
        url = urlsplit(str(settings["url"]))
        secure = url.scheme == "mqtts"
        where = (url.hostname or "", url.port or (8883 if secure else 1883))
        with socket.create_connection(where, CONNECT_S) as link:
            if secure:
                with _context(scene, settings).wrap_socket(link, server_hostname=url.hostname) as tls:
                    return Finding("broker", "ok", f"{url.hostname}, {tls.version()}")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return Finding("broker", "failed", f"{settings['url']}: {error}")
    return Finding("broker", "ok", str(url.hostname))


def _context(scene: Scene, settings: dict[str, object]) -> ssl.SSLContext:
    assert scene.site is not None
    context = ssl.create_default_context(cafile=str(scene.site / str(settings["ca"])) if "ca" in settings else None)
    if "certificate" in settings and "key" in settings:
        context.load_cert_chain(scene.site / str(settings["certificate"]), scene.site / str(settings["key"]))
    return context
