"""`gatehouse kiosk`: fetch the proof of the screen at the box and open the page with it, full screen."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

from gateway.cli import codes
from gateway.cli.client import CONNECT_S, open_socket
from gateway.cli.common import site_settings
from gateway.cli.session import Session

BROWSERS = ("chromium", "chromium-browser")
FLAGS = (
    "--kiosk", "--noerrdialogs", "--disable-infobars", "--no-first-run", "--disable-translate", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-pinch",
    "--overscroll-history-navigation=0", "--check-for-update-interval=31536000", "--ozone-platform-hint=auto",
)  # fmt: skip
TOKEN_BYTES_MAX = 200


def kiosk(session: Session, *, print_only: bool) -> int:
    """Become the browser; with `print_only` print the address, which is good once and for a minute."""
    directory = session.common.directory
    try:
        token = _token(session)
    except PermissionError:
        return session.problem(codes.NOT_PERMITTED, "kiosk.not-permitted", directory=directory)
    except OSError:
        return session.problem(codes.UNREACHABLE, "client.unreachable", directory=directory)
    address = f"{_page(session)}/#kiosk={token}"
    if print_only:
        print(address)
        return codes.OK
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return session.problem(codes.FAILED, "kiosk.no-browser")
    start = _start_page(address)
    os.execv(browser, [browser, *FLAGS, start.as_uri()])
    raise AssertionError("execv does not return")


def _token(session: Session) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(CONNECT_S)
        open_socket(link, session.common.directory, "kiosk.sock")
        with link.makefile("rb") as said:
            return said.readline(TOKEN_BYTES_MAX).decode("ascii", "replace").strip()


def _start_page(address: str) -> Path:
    """A file of this account that leads to `address`: in the arguments of a program anybody could read the token."""
    handle, name = tempfile.mkstemp(prefix="gatehouse-kiosk-", suffix=".html")
    with open(handle, "w", encoding="utf-8") as out:
        out.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
    return Path(name)


def _page(session: Session) -> str:
    """Where the page is on this box, as the site says; the usual place where none is named."""
    settings = site_settings(session.common.site).get("page", {}) if session.common.site is not None else {}
    port = str(settings.get("listen", "127.0.0.1:8080")).rpartition(":")[2]
    secure = bool(settings.get("tls") or settings.get("certificate"))
    return f"http{'s' if secure else ''}://{'localhost' if secure else '127.0.0.1'}:{port}"
