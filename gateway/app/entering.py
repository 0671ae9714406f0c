"""The daemon's side of signing in: the people of the site as its file stands, their secrets, and the page's certificate."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from gateway.access import authority
from gateway.access.kiosk import Kiosk, key_of
from gateway.access.lockout import Lockouts
from gateway.access.sessions import Person, Sessions
from gateway.access.signin import SignIn
from gateway.access.store import make_folder
from gateway.control.answer import Answering
from gateway.control.messages import Desk
from gateway.control.tokens import Tokens
from gateway.control.verbs import Facts
from gateway.control.views import Views
from gateway.page.visitor import Access
from gateway.site import Site, User, load_users

LOOK_S = 60.0  # a certificate that was replaced is used from then on
_log = logging.getLogger("gatehouse")


def utc_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


class People:
    """Everyone of users.toml by id; read again when the file changes. A file that is wrong changes nothing, and the log says so."""

    def __init__(self, folder: Path, users: Mapping[str, User]) -> None:
        self._file = folder / "users.toml"
        self._seen = self._mark()
        self._people = _people(users)

    def __call__(self) -> Mapping[str, Person]:
        """Reads files where the file has changed: call it in a thread."""
        mark = self._mark()
        if mark != self._seen:
            self._seen = mark
            users, problems = load_users(self._file.parent)
            if problems:
                _log.error("users.toml has changed and is wrong; the people before stay: %s", problems[0].text["en"])
            else:
                self._people = _people(users)
        return self._people

    def _mark(self) -> tuple[int, int]:
        try:
            stat = self._file.stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_size)


def _people(users: Mapping[str, User]) -> dict[str, Person]:
    return {user.id: Person(user.id, user.name, user.name_en, user.roles) for user in users.values()}


def access(site: Site, views: Views, desk: Desk, facts: Facts) -> Access:
    """What lets people into the page. Raises OSError."""
    state = site.storage.directory
    folder = make_folder(state)
    lockouts = Lockouts(folder / "lockouts.json", utc_ms, time.monotonic_ns)
    lockouts.read()
    return Access(
        SignIn(state, People(site.folder, site.users), lockouts),
        Sessions(time.monotonic_ns),
        Kiosk(key_of(state), time.monotonic_ns, utc_ms),
        Answering(views, desk, facts, Tokens(time.monotonic_ns)),
        remote_acts=site.page.remote_acts,
    )


class PageCertificate:
    """The page's TLS: the files that the site names, or a certificate of the box's own authority, renewed in time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._own = site.page.tls and site.page.certificate is None
        files = authority.files_of(site.storage.directory)
        self._certificate = site.page.certificate or files.certificate
        self._key = site.page.key or files.key
        self._context: ssl.SSLContext | None = None
        self._seen: tuple[int, ...] = ()

    def context(self) -> ssl.SSLContext | None:
        """The context to serve with, None without TLS. Raises OSError (ssl.SSLError is one)."""
        if not self._site.page.tls:
            return None
        self._see_to_it()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._certificate, self._key)
        self._context, self._seen = context, self._mark()
        return context

    async def run(self) -> None:
        """Take up a certificate that was renewed or replaced, without dropping a connection. Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._context is not None:
                await asyncio.to_thread(self.look)

    def look(self) -> None:
        """One look. What cannot be read leaves the certificate before in use, and the log says so."""
        try:
            self._see_to_it()
            mark = self._mark()
            if self._context is not None and mark != self._seen:
                self._context.load_cert_chain(self._certificate, self._key)
                self._seen = mark
                _log.info("page: a new certificate is in use")
        except (OSError, ValueError) as error:
            _log.error("page: the certificate cannot be taken up: %s", error)

    def _see_to_it(self) -> None:
        if self._own:
            names = authority.names_of(self._site.id, self._site.page.listen.host)
            if authority.issue(self._site.storage.directory, self._site.id, names, authority.now()):
                _log.info("page: a certificate was issued by the authority of this box")

    def _mark(self) -> tuple[int, ...]:
        return tuple(
            value for path in (self._certificate, self._key) for value in (path.stat().st_mtime_ns, path.stat().st_ino)
        )
