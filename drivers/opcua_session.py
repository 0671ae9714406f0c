"""A session with an OPC UA server: who it is, how it is secured, and how it ends. Library: asyncua."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from asyncua import Client, ua
from asyncua.client.ua_client import UaClient
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.base_talk import both, refusing
from drivers.base_waiver import Waiver
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

PEM = b"-----BEGIN"
PORT = 4840
CLOSE_S = 0.4  # for a farewell; the supervisor grants one second
SESSION_MS = 10_000  # a session that a lost connection left behind: the server may have few of them
REFUSED_CODES = frozenset(
    getattr(ua.StatusCodes, name)
    for name in (
        "BadIdentityTokenInvalid", "BadIdentityTokenRejected", "BadUserAccessDenied", "BadUserSignatureInvalid",
        "BadSecurityChecksFailed", "BadSecurityPolicyRejected", "BadSecurityModeRejected", "BadCertificateInvalid",
        "BadCertificateUntrusted", "BadCertificateTimeInvalid", "BadCertificateUriInvalid", "BadCertificateUseNotAllowed",
        "BadCertificateChainIncomplete", "BadCertificateRevoked", "BadApplicationSignatureInvalid",
    )
)  # fmt: skip

logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)  # the supervisor tells of a loss, once

Security = Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss", "none"]


class SessionSettings(BaseModel):
    """How the server is reached."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(pattern=r"^opc\.tcp://[^/@]+(/.*)?$")
    security: Security = "Basic256Sha256"
    mode: Literal["sign", "sign_and_encrypt"] = "sign_and_encrypt"
    waiver: Waiver | None = None
    certificate: Path | None = None
    key: Path | None = None
    trust: Path | None = None
    username: str = ""
    password_file: Path | None = None
    timeout_ms: int = Field(default=4000, ge=100, le=60_000)

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if self.security == "none":
            if self.waiver is None:
                raise AddressError(
                    'security = "none" sends everything in clear; write who answers for that, and until when: '
                    'waiver = { reason = "the PLC offers no security", expires = 2027-01-31 }',
                    'security = "none" 以明文传输一切；请写明理由和期限：'
                    'waiver = { reason = "该 PLC 不支持加密会话", expires = 2027-01-31 }',
                )
        elif not (self.certificate and self.key and self.trust):
            raise ValueError("a secured session needs certificate, key and trust")
        if self.username and self.password_file is None:
            raise ValueError("username needs password_file")
        return self


def waived_s(given: SessionSettings) -> float | None:
    """How long a session may go without security, None = it does not. Raises SourceError."""
    waiver = given.waiver
    return None if given.security != "none" or waiver is None else waiver.left_s()


async def connect(given: SessionSettings) -> Client:
    """A session, secured as the settings say. Raises SourceError and what the library raises."""
    waived_s(given)
    client = Client(given.url, timeout=given.timeout_ms / 1000.0)
    client.name = client.description = "Gatehouse"
    client.session_timeout = SESSION_MS
    if given.username:
        assert given.password_file is not None
        client.set_user(given.username)
        client.set_password(_text(given.password_file))
    if given.security != "none":
        await _secure(client, given, given.security)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(close, client)
        await client._connect_sequence()  # `connect` would start supervisors of its own beside ours
        undo.pop_all()
    return client


async def _secure(client: Client, given: SessionSettings, security: Security) -> None:
    """Ask the server who it is, and go on only if we know it."""
    assert given.certificate is not None
    assert given.key is not None
    mode = ua.MessageSecurityMode.Sign if given.mode == "sign" else ua.MessageSecurityMode.SignAndEncrypt
    policy = getattr(security_policies, f"SecurityPolicy{security}")
    try:
        data = given.certificate.read_bytes()
        own = x509.load_pem_x509_certificate(data) if PEM in data else x509.load_der_x509_certificate(data)
    except (OSError, ValueError) as error:
        raise SourceError(
            both(f"certificate {given.certificate}: {error}", f"证书 {given.certificate}：{error}"),
            Cause.REFUSED,
            slow=True,
        ) from error
    client.application_uri = _application_uri(own)
    endpoints = await client.connect_and_get_server_endpoints()
    offered = [one for one in endpoints if one.SecurityPolicyUri == policy.URI and one.SecurityMode == mode]
    if not offered:
        known = sorted({f"{one.SecurityPolicyUri.rpartition('#')[2]}/{one.SecurityMode.name}" for one in endpoints})
        raise SourceError(
            both(
                f"the server does not offer {security}/{given.mode}; it offers {', '.join(known)}",
                f"服务器不提供 {security}/{given.mode}；可用 {'、'.join(known)}",
            ),
            Cause.REFUSED,
            slow=True,
        )
    server = x509.load_der_x509_certificate(offered[0].ServerCertificate)
    _trust(server, given.trust)
    try:
        theirs = uacrypto.CertProperties(offered[0].ServerCertificate, "der")
        ours, secret = _properties(given.certificate), _properties(given.key)
        await client.set_security(policy, ours, secret, server_certificate=theirs, mode=mode)
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(
            both(f"key {given.key}: {error}", f"密钥 {given.key}：{error}"), Cause.REFUSED, slow=True
        ) from error


def _trust(server: x509.Certificate, trust: Path | None) -> None:
    """Raises SourceError unless the server's certificate, or its issuer's, is in the trust file and in date."""
    assert trust is not None
    try:
        data = trust.read_bytes()
        known = x509.load_pem_x509_certificates(data) if PEM in data else [x509.load_der_x509_certificate(data)]
    except (OSError, ValueError) as error:
        raise SourceError(
            both(f"trust {trust}: {error}", f"信任文件 {trust}：{error}"), Cause.REFUSED, slow=True
        ) from error
    print_ = server.fingerprint(hashes.SHA256()).hex(":")
    if not any(server == one or _issued(server, one) for one in known):
        name = server.subject.rfc4514_string()
        raise SourceError(
            both(
                f"the server's certificate ({name}, SHA-256 {print_}) is not in {trust}",
                f"服务器证书（{name}，SHA-256 {print_}）不在 {trust} 中",
            ),
            Cause.REFUSED,
            slow=True,
        )
    if not server.not_valid_before_utc <= datetime.now(UTC) <= server.not_valid_after_utc:
        raise SourceError(
            both(
                f"the server's certificate is valid from {server.not_valid_before_utc} to {server.not_valid_after_utc}",
                f"服务器证书有效期为 {server.not_valid_before_utc} 至 {server.not_valid_after_utc}",
            ),
            Cause.REFUSED,
            slow=True,
        )


async def close(client: Client) -> None:
    """An orderly end where the server still answers, and no socket or task in any case."""
    inner: UaClient = client.uaclient
    try:
        if inner.has_session:
            async with asyncio.timeout(CLOSE_S):
                await client.close_session()
                await client.close_secure_channel()
    except (ua.UaError, OSError, TimeoutError):
        pass  # it is gone; what matters is below
    finally:
        client.disconnect_socket()
        for task in (client._renew_channel_task, inner._publish_task):
            if task is not None:
                task.cancel()


def why(url: str, error: BaseException) -> SourceError:
    """What ended a session, as the supervisor is told it."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, ua.UaStatusCodeError):
        refused = error.code in REFUSED_CODES
        return SourceError(
            both(f"server: {status_name(error.code)}", f"服务器：{status_name(error.code)}"),
            Cause.REFUSED if refused else Cause.COMMS,
            slow=refused,
        )
    where = urlsplit(url)
    if isinstance(error, ConnectionRefusedError):
        return refusing(where.hostname or "", where.port or PORT, ("OPC UA server", "OPC UA 服务器"))
    host, text = where.netloc, str(error)
    return SourceError(
        both(f"the session with {host} ended: {text or 'no answer'}", f"与 {host} 的会话中断：{text or '无应答'}")
    )


def status_name(status: int) -> str:
    """The standard's name of a status code."""
    return str(ua.status_codes.get_name_and_doc(status)[0])


def _application_uri(certificate: x509.Certificate) -> str:
    """The URI in our certificate: a server compares it with what we say. Raises SourceError."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []
    if not uris:
        raise SourceError(
            both(
                "our certificate has no application URI in its subjectAltName",
                "本机证书的 subjectAltName 中没有应用 URI",
            ),
            Cause.REFUSED,
            slow=True,
        )
    return uris[0]


def _properties(path: Path) -> uacrypto.CertProperties:
    """A file by what is in it: the library would go by its name."""
    data = path.read_bytes()
    return uacrypto.CertProperties(data, "pem" if PEM in data else "der")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        raise SourceError(both(f"password file: {error}", f"口令文件：{error}"), Cause.REFUSED, slow=True) from error


async def firmly(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`, and cancel it until it is over: the library's asyncio.wait_for may swallow one on Python 3.11."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task])
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_S)
        if not task.cancelled():
            task.exception()  # seen: while we are cancelled ourselves, how it ended matters to nobody
    task.result()
