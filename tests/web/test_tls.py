"""The page over TLS with the box's own authority in a real Chromium: refused until it is trusted, then served, also when renewed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access import authority
from gateway.page.server import Page
from tests.web.browser import browser, chromium
from tests.web.fakes import Plant

LIVE = "document.documentElement.dataset.stale === 'no' && !!document.querySelector('table')"


def trusted(home: Path, certificate: Path) -> None:
    """Put an authority into the store of a person's browser, as `docs/operator.md` tells it."""
    store = home / ".pki/nssdb"
    store.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "gatehouse", "-i", str(certificate)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *words], check=True, capture_output=True)


def test_a_browser_that_trusts_the_box_sees_the_page_and_another_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chromium() is None or shutil.which("certutil") is None:
        pytest.skip("Chromium or certutil is missing (apt-get install chromium libnss3-tools)")
    files, before = authority.files_of(tmp_path / "state"), authority.now() - timedelta(days=130)
    names = ["127.0.0.1", "localhost"]
    authority.issue(tmp_path / "state", "gw-demo-01", names, before)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)
    trusted(tmp_path / "home", files.authority)

    async def look(url: str, home: Path) -> Any:
        monkeypatch.setenv("HOME", str(home))
        async with browser() as tab:
            await tab.open(url)
            return await tab.until(f"({LIVE}) || document.body.textContent.match(/ERR_CERT_[A-Z_]+/)?.[0]")

    async def act() -> list[Any]:
        page = Page(Plant(), "127.0.0.1", 0, "gw-demo-01", tls=lambda: serving)
        task = asyncio.create_task(page.run())
        await page.started.wait()
        url = f"https://localhost:{page.port}/"
        try:
            seen = [await look(url, tmp_path / "nobody"), await look(url, tmp_path / "home")]
            assert authority.issue(tmp_path / "state", "gw-demo-01", names, authority.now())
            serving.load_cert_chain(files.certificate, files.key)  # as the daemon does where it was renewed
            return [*seen, await look(url, tmp_path / "home")]
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    assert asyncio.run(act()) == ["ERR_CERT_AUTHORITY_INVALID", True, True]
