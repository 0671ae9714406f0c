"""The box's own certificate authority for its page: made once, its leaf renewed long before it ends.

A browser trusts `ca.pem` once and for ten years; the page's certificate changes under it without anybody noticing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.access.store import make_folder, write

AUTHORITY_DAYS = 3650
LEAF_DAYS = 180
RENEW_DAYS = 60  # left of it: two months in which a clock may be wrong or the box off
SLACK = timedelta(hours=1)  # clocks of browsers differ a little


@dataclass(frozen=True, slots=True)
class Files:
    """Where the authority's certificate, the page's certificate and its key are."""

    authority: Path
    certificate: Path
    key: Path


def files_of(state: Path) -> Files:
    """Where they are, made or not."""
    folder = state / "access"
    return Files(folder / "ca.pem", folder / "page.pem", folder / "page.key")


def issue(state: Path, identity: str, names: Iterable[str], now: datetime) -> bool:
    """See to a certificate that is good for `names` and RENEW_DAYS more; whether a new one was made. Raises OSError, ValueError."""
    make_folder(state)
    files, wanted = files_of(state), sorted({*names})
    if _serves(files, wanted, now):
        return False
    authority, authority_key = _authority(files, identity, now)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        _builder(_name(identity), authority.subject, key, now, LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in wanted]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write(files.key, _private(key))
    write(files.certificate, _pem(leaf) + _pem(authority))
    return True


def names_of(identity: str, host: str) -> list[str]:
    """What a page on `host` is called: its id, the machine's name, and its address or, listening everywhere, its addresses."""
    own = socket.gethostname()
    names = {identity, f"{identity}.local", "localhost", "127.0.0.1", own}
    if host not in ("0.0.0.0", "::", ""):
        return sorted({*names, host})
    try:
        found = socket.getaddrinfo(own, None, type=socket.SOCK_STREAM)
    except OSError:  # a box that cannot look up its own name
        found = []
    return sorted({*names, *(str(address[4][0]).partition("%")[0] for address in found)})


def _serves(files: Files, wanted: list[str], now: datetime) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        files.key.stat()
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        leaf.verify_directly_issued_by(authority)
        kept = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound, TypeError):
        return False
    told = sorted(str(name.value) for name in kept)
    return (
        told == wanted
        and leaf.not_valid_before_utc <= now
        and leaf.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
    )


def _authority(files: Files, identity: str, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The one that is there and good for another leaf, else a new one."""
    key_file = files.authority.with_name("ca.key")
    try:
        found = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        found, key = None, None
    left = found.not_valid_after_utc - now if found is not None else timedelta(0)
    if found is not None and isinstance(key, ec.EllipticCurvePrivateKey) and left > timedelta(days=LEAF_DAYS):
        return found, key
    made = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Gatehouse {identity} {now:%Y-%m}")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # signs certificates and lists
    authority = (
        _builder(name, name, made, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(made.public_key()), critical=False)
        .sign(made, hashes.SHA256())
    )
    write(key_file, _private(made))
    write(files.authority, _pem(authority))
    os.chmod(files.authority, 0o644)  # to be carried to browsers
    return authority, made


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
