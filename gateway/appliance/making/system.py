"""The system of an image as a RAUC bundle (verity), and the certificate that boxes trust for it.

A pair of its own beside the release key: OpenSSL 3.0 signs no CMS with Ed25519. The private half never comes near a box.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

COMPATIBLE = "gatehouse-x86-64"
VALID_DAYS = 30 * 365  # a box in a plant has no clock to trust and is updated for as long as it stands
MANIFEST = """\
[update]
compatible={compatible}
version={version}

[bundle]
format=verity

[image.rootfs]
filename=rootfs.ext4
"""


def make_pair(key_file: Path) -> Path:
    """A key in `key_file` and its certificate beside it. Raises FileExistsError."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gatehouse system bundles")])
    begin = datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(key, hashes.SHA256())
    )
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    beside = key_file.with_suffix(".crt.pem")
    beside.write_bytes(certificate.public_bytes(Encoding.PEM))
    return beside


def bundle(root: Path, out: Path, key: Path, version: str, scratch: Path) -> None:
    """Sign the file system `root` as a bundle. Raises CalledProcessError with RAUC's words on stderr, OSError."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        (folder / "manifest.raucm").write_text(MANIFEST.format(compatible=COMPATIBLE, version=version))
        subprocess.run(["cp", "--sparse=always", str(root), str(folder / "rootfs.ext4")], check=True)
        out.unlink(missing_ok=True)
        command = [
            "rauc",
            "bundle",
            f"--cert={key.with_suffix('.crt.pem')}",
            f"--key={key}",
            "--mksquashfs-args=-comp zstd -Xcompression-level 2",
        ]
        subprocess.run([*command, str(folder), str(out)], check=True, stdout=subprocess.DEVNULL)
