"""Certificates: what is wrong is named with its file and a remedy in both languages, and a new one is taken up without loss."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.upstream import session as module
from gateway.upstream.certificates import examine, refused
from gateway.upstream.link import Address
from gateway.upstream.session import Settings
from tests.upstream.plant import Authority, Broker, Gateway, Proxy


def codes(ca: Path, pair: tuple[Path, Path], days: float) -> set[tuple[str, int]]:
    notices = examine(str(ca), str(pair[0]), str(pair[1]), datetime.now(UTC) + timedelta(days=days))
    for notice in notices:
        assert set(notice.text) == {"en", "zh-CN"}
        assert all(notice.text.values())
    return {(notice.code, notice.days) for notice in notices}


def test_expiry_is_told_thirty_seven_and_one_day_before(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("gw", days=39)
    assert codes(authority.path, own, 0) == set()
    assert codes(authority.path, own, 10) == {("own-expires", 30), ("CA-expires", 30)}
    assert codes(authority.path, own, 32.5) == {("own-expires", 7), ("CA-expires", 30)}
    assert codes(authority.path, own, 38.5) == {("own-expires", 1), ("CA-expires", 7)}
    assert codes(authority.path, own, 39.5) == {("own-expired", 0), ("CA-expires", 1)}
    assert ("own-not-yet", 0) in codes(authority.path, own, -3)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, two = authority.issue("one", days=400), authority.issue("two", days=400)
    assert codes(authority.path, (one[0], two[1]), 0) == {("key-mismatch", 0)}
    assert codes(authority.path, (tmp_path / "no.pem", one[1]), 0) == {("missing", 0)}
    (tmp_path / "rubbish.pem").write_text("rubbish")
    assert codes(tmp_path / "rubbish.pem", one, 0) == {("unreadable", 0)}


def test_a_refusal_says_which_why_and_what_to_do(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    old = authority.issue("old", days=-1)
    notices = examine(str(authority.path), str(old[0]), str(old[1]), datetime.now(UTC))
    text = refused("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired", notices)
    assert "Renew [upstream] certificate" in text["en"]
    assert "old.pem expired on" in text["en"]
    assert "请更新" in text["zh-CN"]


def test_a_broker_under_another_name_is_refused_with_the_remedy(tmp_path: Path, broker: Broker) -> None:
    """The certificate says localhost and 127.0.0.1; a proxy gives the broker another address."""
    known = broker.address()

    async def main() -> None:
        proxy = Proxy(broker.port)
        await proxy.start("127.0.0.2")
        other = Address("127.0.0.2", proxy.port, known.ca, known.certificate, known.key)
        async with Gateway(tmp_path / "gw", Settings(other), pause_s=60) as gateway:
            await gateway.until(lambda: bool(gateway.errors))
            assert gateway.errors[0].code == "broker-certificate"
            assert "127.0.0.2" in gateway.errors[0].text["zh-CN"]
        await proxy.stop()

    asyncio.run(main())


def test_a_rotated_certificate_is_taken_up_and_nothing_is_lost(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CERTIFICATES_S", 0.1)
    own = [Path(shutil.copy(path, tmp_path)) for path in broker.client]
    address = Address("127.0.0.1", broker.port, str(broker.ca.path), str(own[0]), str(own[1]))

    async def main() -> None:
        async with Gateway(tmp_path / "gw", Settings(address)) as gateway:
            await gateway.until(lambda: gateway.session.view.connected)
            new = broker.ca.issue("gw-kiln-07-new", days=20)
            shutil.copy(new[0], own[0])
            for _ in range(10):
                gateway.alarm()
                await asyncio.sleep(0.05)
            assert gateway.errors == [], "half a pair is not taken up"
            assert [notice.code for notice in gateway.session.view.certificates] == ["key-mismatch", "own-expires"]
            shutil.copy(new[1], own[1])
            await gateway.until(lambda: [error.code for error in gateway.errors] == ["rotated"])
            await gateway.until(lambda: gateway.session.view.connected)
            gateway.alarm()
            await gateway.delivered()
            assert [notice.code for notice in gateway.session.view.certificates] == ["own-expires"]
            assert gateway.unbalanced == 0

    asyncio.run(main())
