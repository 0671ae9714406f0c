"""The box's own authority: one for ten years, its leaf renewed long before it ends, and verified by a real client."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from gateway.access import authority


def test_a_leaf_is_renewed_in_time_under_the_same_authority(tmp_path: Path) -> None:
    now, files = authority.now(), authority.files_of(tmp_path)
    names = authority.names_of("gw-1", "192.0.2.7")
    assert {"gw-1", "gw-1.local", "192.0.2.7", "localhost"} <= set(names)
    assert authority.issue(tmp_path, "gw-1", names, now)
    assert not authority.issue(tmp_path, "gw-1", names, now)
    ca, leaf, key = (file.read_bytes() for file in (files.authority, files.certificate, files.key))
    assert (files.key.stat().st_mode & 0o777, files.authority.stat().st_mode & 0o777) == (0o600, 0o644)
    assert authority.issue(tmp_path, "gw-1", names, now + timedelta(days=121))
    assert files.authority.read_bytes() == ca
    assert files.certificate.read_bytes() != leaf
    assert files.key.read_bytes() != key
    assert authority.issue(tmp_path, "gw-1", [*names, "hmi"], now)  # a new name is a reason too
    files.certificate.write_text("damaged")
    assert authority.issue(tmp_path, "gw-1", names, now)
    assert authority.issue(tmp_path, "gw-1", names, now + timedelta(days=3600))
    assert files.authority.read_bytes() != ca  # before the authority ends there is a new one


def test_a_client_that_trusts_the_authority_gets_in(tmp_path: Path) -> None:
    files = authority.files_of(tmp_path)
    authority.issue(tmp_path, "gw-1", ["127.0.0.1"], authority.now())
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)

    async def act() -> x509.Certificate:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=serving)
        async with server:
            trusting = ssl.create_default_context(cafile=str(files.authority))
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            return x509.load_der_x509_certificate(found)

    assert asyncio.run(act()).issuer.rfc4514_string().startswith("CN=Gatehouse gw-1")
