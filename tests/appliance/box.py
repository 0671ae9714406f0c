"""A small box in a folder: a key, bundles of a tiny product, an updater that asks a plant of our own."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.appliance import archive
from gateway.appliance.manifest import FORM, PRODUCT, Entry, Manifest
from gateway.appliance.place import Place, machine
from gateway.appliance.state import State
from gateway.appliance.trust import public_pem
from gateway.appliance.update import Seen, Updater

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BUILT_S = 1_790_000_000
GUARD = Path(__file__).parents[2] / "systemd" / "guard"


def wheel(version: str) -> bytes:
    """A wheel with one module that says its version."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in (
            ("tiny/__init__.py", f"VERSION = {version!r}\n"),
            (
                f"tiny-{version}.dist-info/METADATA",
                f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\nLicense: MIT\n",
            ),
            (f"tiny-{version}.data/data/share/tiny.txt", "beside\n"),
            (f"tiny-{version}.data/scripts/tiny", "#!/bin/sh\n"),
        ):
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


def bundle(
    folder: Path, version: str, *, key: Ed25519PrivateKey = KEY, schema: int = 1, minimum: str = "0.1.0",
    python: bytes = b"", **more: bytes,
) -> Path:  # fmt: skip
    """A signed bundle of that version; `python` a tar with a Python of its own, `more` files of its system folder."""
    files = {
        f"app/tiny-{version}-py3-none-any.whl": wheel(version),
        "licences.csv": b"part,version,licence,inside,note\n",
        f"sbom/{machine()}.cdx.json": b"{}\n",
        "system/guard": GUARD.read_bytes(),
        "tree/config/demo.txt": b"data that is read as a file\n",
        **{f"system/{name}": data for name, data in more.items()},
        **({f"python/{machine()}/runtime.tar": python} if python else {}),
    }
    held = folder / f"contents-{version}"
    paths = dict[str, Path]()
    for name, data in files.items():
        paths[name] = held / name
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        paths[name].write_bytes(data)
    entries = tuple(Entry(hashlib.sha256(files[name]).hexdigest(), len(files[name]), name) for name in sorted(files))
    manifest = Manifest(FORM, PRODUCT, version, minimum, BUILT_S, schema, (machine(),), entries)
    target = folder / f"gatehouse-{version}{archive.SUFFIX}"
    archive.write(target, manifest, key, paths)
    return target


@dataclass
class Bench:
    """The plant and the services of a box, as the test wants them; and what was asked of them."""

    view: Seen | None = None
    word: str = ""
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)  # version -> rule hashes
    restarts: int = 0

    def seen(self) -> Seen | None:
        return self.view

    def stopped(self) -> str:
        return self.word

    def restart(self) -> bool:
        self.restarts += 1
        return True

    def judge(self) -> None:
        pass


def box(root: Path) -> Place:
    """An empty box that trusts our key."""
    place = Place(root)
    place.trust.mkdir(parents=True)
    (place.trust / "release.pem").write_bytes(public_pem(KEY.public_key()))
    return place


def updater(place: Place, bench: Bench | None = None, told: list[State] | None = None) -> Updater:
    """An updater of that box; the self-test says what the bench has for the version in the slot."""
    bench = bench or Bench()

    def selftest(slot: Path, *, rules: bool = False) -> dict[str, str]:
        version = next((slot / "lib/python3.11/site-packages").glob("tiny-*.dist-info")).name[5:-10]
        return bench.hashes.get(version, {})

    return Updater(place, bench, bench, selftest, (told if told is not None else []).append)
