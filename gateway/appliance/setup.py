"""The answers of a SITE partition become files of the box: name, network, accounts, keys, time servers, a key and its request.

Each file is written whole; what is there already and the same is left alone. Private keys are made here and never leave.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from gateway.appliance.answers import Answers
from gateway.appliance.place import replace_file

KEY = "etc/gatehouse/certs/gateway.key"


def apply(answers: Answers, root: Path) -> list[str]:
    """Write what is not so yet; the names of files that changed. Raises OSError."""
    wanted = {
        "etc/hostname": f"{answers.id}\n",
        "etc/systemd/network/20-gatehouse.network": network(answers),
        "etc/chrony/sources.d/site.sources": "".join(f"server {one} iburst\n" for one in answers.time),
        "etc/sysusers.d/gatehouse-people.conf": accounts(answers),
        "etc/gatehouse/authorized_keys": keys(answers),
    }
    return [name for name, text in wanted.items() if _written(root / name, text)]


def _written(path: Path, text: str) -> bool:
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, data)
    return True


def network(answers: Answers) -> str:
    """The first wired interface, by address or by DHCP (systemd.network)."""
    lines = ["# from box.toml of the SITE partition", "[Match]", "Type=ether", "", "[Network]"]
    if not answers.address:
        return "\n".join([*lines, "DHCP=yes", ""])
    lines += [f"Address={answers.address}", *([f"Gateway={answers.router}"] if answers.router else [])]
    return "\n".join([*lines, "LinkLocalAddressing=no", "IPv6AcceptRA=no", ""])


def accounts(answers: Answers) -> str:
    """An account for each person, in the group of the role (sysusers.d)."""
    lines = ["# from box.toml of the SITE partition"]
    for person in answers.people:
        lines += [
            f'u {person.name} - "Gatehouse {person.role}" - /bin/bash',
            f"m {person.name} gatehouse",
            f"m {person.name} gatehouse-{person.role}",
        ]
    return "\n".join(lines) + "\n"


def keys(answers: Answers) -> str:
    """One key, one named person, one command, nothing forwarded (sshd)."""
    return "".join(
        f'restrict,pty,command="/opt/gatehouse/current/bin/gatehouse shell --as {person.name}" {person.key}\n'
        for person in answers.people
        if person.key
    )


def request(answers: Answers, root: Path) -> bytes:
    """A certificate request (PEM) over the box's own key, which is made where there is none. Raises OSError, ValueError."""
    path = root / KEY
    if path.exists():
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (TypeError, UnsupportedAlgorithm) as error:  # under a passphrase, or of a kind that nobody knows
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError(f"{path} is neither an elliptic-curve nor an RSA key")
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = serialization.NoEncryption()
        replace_file(
            path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain), 0o600
        )
    names = [x509.DNSName(answers.id)]
    made = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, answers.id)]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def key_of(request: bytes) -> bytes:
    """The public key of a certificate request (DER), empty where it is none."""
    try:
        key = x509.load_pem_x509_csr(request).public_key()
    except ValueError:
        return b""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def owned(path: Path, account: str = "gatehouse") -> None:
    """Give a file to the daemon's account, where there is one and we may."""
    import pwd

    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        return
    os.chown(path, entry.pw_uid, entry.pw_gid)
