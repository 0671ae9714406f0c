"""The demo's two throw-away persons: they sign what the demo site says, by the same way that people of a plant sign."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.activation import store
from gateway.activation.people import Signer
from gateway.activation.signature import sign
from gateway.activation.version import Evidence
from gateway.app.examine import examine
from gateway.app.versions import draft

ROLES = {"demo-engineer": "engineer", "demo-supervisor": "supervisor"}
NOTE = "demo: the script of the plant forces every input"


def sign_the_demo(folder: Path) -> dict[str, Signer]:
    """The two persons, with keys that last one run; what `folder` says is submitted and signed by both. Nothing where it has errors."""
    checked = examine(folder)
    if checked.site is None or checked.program is None:
        return {}
    directory, keys = checked.site.storage.directory, {person: Ed25519PrivateKey.generate() for person in ROLES}
    kept, utc_ms = store.read(directory), int(time.time() * 1000)
    version = draft(checked, checked.site, kept, "demo-engineer", NOTE, utc_ms)
    store.add_version(directory, version)
    store.add_evidence(directory, version.number, Evidence(version.digest(), "forced", "demo-engineer", utc_ms, NOTE))
    for person, key in keys.items():
        store.add_signature(directory, version.number, person, sign(key, version.number, version.digest()))
    return {person: Signer(person, (ROLES[person],), (key.public_key(),), frozenset()) for person, key in keys.items()}
