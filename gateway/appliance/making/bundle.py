"""`scripts/bundle`: the source tree and its wheels become `gatehouse-<version>.ghb`, the same bytes each time."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.appliance import archive
from gateway.appliance.making import licences, wheels
from gateway.appliance.manifest import FORM, PRODUCT, Entry, Manifest, Model
from gateway.appliance.parts import Part, cyclonedx, of_runtime, of_wheel
from gateway.appliance.place import ARCHITECTURES
from gateway.appliance.trust import fingerprint, generate, load_private

DATA_SCHEMA = 1  # raised with the form of journal, history or kept state; see docs/decisions
MINIMUM = "0.1.0"
LOCK = "requirements-dev.lock"
# on an architecture no wheel of it loads with the C library of Debian 12; the command that needs it says so
WITHOUT = {"aarch64": ("z3-solver",), "x86_64": ()}


@dataclass(slots=True)
class Made:
    """What goes into the bundle: path in it -> where the contents lie."""

    scratch: Path
    files: dict[str, Path] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)

    def add(self, path: str, source: Path) -> None:
        """Take in a file that lies on the disk."""
        self.files[path] = source

    def text(self, path: str, data: bytes) -> None:
        """Take in bytes."""
        held = self.scratch / "made" / path
        held.parent.mkdir(parents=True, exist_ok=True)
        held.write_bytes(data)
        self.files[path] = held


@dataclass(frozen=True, slots=True)
class Tree:
    """The source tree: what git knows of it, so that nothing lying about gets in."""

    root: Path
    built_s: int
    version: str

    def files(self, *under: str) -> list[str]:
        """Names of the files under some folders."""
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--", *under]
        return sorted(
            filter(None, subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0"))
        )


def tree(root: Path) -> Tree:
    """The source tree at `root`; its date is that of the last commit, or SOURCE_DATE_EPOCH."""
    dated = os.environ.get("SOURCE_DATE_EPOCH")
    if not dated:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        dated = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    said = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return Tree(root, int(dated), said["project"]["version"])


def app_wheel(source: Tree, scratch: Path, version: str) -> Path:
    """The product itself as a wheel, of a clean copy of the tree. Raises CalledProcessError."""
    clean, out = scratch / "clean", scratch / "app"
    for name in source.files("gateway", "drivers", "inference", "LICENSE", "README.md", "pyproject.toml"):
        (clean / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.root / name, clean / name)
    project = clean / "pyproject.toml"
    project.write_text(
        project.read_text("utf-8").replace(f'version = "{source.version}"', f'version = "{version}"', 1), "utf-8"
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    ]
    around = {**os.environ, "SOURCE_DATE_EPOCH": str(source.built_s)}
    subprocess.run([*command, "--wheel-dir", str(out), str(clean)], check=True, env=around, capture_output=True)
    return next(out.glob("*.whl"))


def gather(source: Tree, made: Made, cache: Path, options: argparse.Namespace) -> Manifest:
    """Everything of a bundle and the manifest over it. Raises WheelError, SystemExit with what is in the way."""
    version = options.version or source.version
    product = app_wheel(source, made.scratch, version)
    made.add(f"app/{product.name}", product)
    built = datetime.fromtimestamp(source.built_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = dict[tuple[str, str], Part]()  # the wheel of another architecture may bring other libraries
    table, runtimes = licences.known(), _runtimes(options)
    for architecture in options.architecture:
        left_out = (*options.without, *licences.not_accepted(table, options.accept))
        own = _wheels_of(source, made, cache, architecture, left_out)
        if architecture in runtimes:
            made.add(f"python/{architecture}/runtime.tar", runtimes[architecture])
            own.append(of_runtime(runtimes[architecture]))
        parts |= {(one.name, one.sha256): one for one in own}
        bill = cyclonedx(_product(version), own, table.libraries, built)
        made.text(f"sbom/{architecture}.cdx.json", json.dumps(bill, indent=1, ensure_ascii=False).encode() + b"\n")
    wrong = list(licences.problems(parts.values(), table))
    if wrong:
        raise SystemExit("Licences in the way:\n  " + "\n  ".join(wrong))
    made.text("licences.csv", licences.listing(parts.values(), table))
    _tree_files(source, made)
    entries = tuple(_entry(path, made.files[path]) for path in sorted(made.files))
    return Manifest(
        FORM, PRODUCT, version, MINIMUM, source.built_s, DATA_SCHEMA, tuple(options.architecture), entries, tuple(made.models)
    )  # fmt: skip


def _product(version: str) -> Part:
    return Part(PRODUCT, version, "Apache-2.0")


def _wheels_of(source: Tree, made: Made, cache: Path, architecture: str, without: Sequence[str]) -> list[Part]:
    names = wheels.closure(architecture, without=(*without, *WITHOUT[architecture]))
    rows = wheels.locked(source.root / LOCK, names)
    made.text(f"requirements-{architecture}.lock", rows.encode())
    found = wheels.fetch(made.files[f"requirements-{architecture}.lock"], architecture, cache / architecture)
    for path in found:
        pure = path.name.endswith("-none-any.whl")
        made.add(f"wheels/{'any' if pure else architecture}/{path.name}", path)
    return [of_wheel(path) for path in found]


def _tree_files(source: Tree, made: Made) -> None:
    """What lies beside the code on a box: data that is read as files, units, and the first installer."""
    for name in source.files(
        "config", "requirements.lock", ":(glob)inference/**/*.onnx", ":(glob)inference/**/*.card.json"
    ):
        if name.isascii():
            made.add(f"tree/{name}", source.root / name)
    for name in source.files("systemd"):
        made.add(f"system/{Path(name).relative_to('systemd')}", source.root / name)
    made.add("install.sh", source.root / "scripts" / "install.sh")
    made.add("LICENSE", source.root / "LICENSE")
    for path in [path for path in made.files if path.endswith(".onnx")]:
        card = made.files.get(path.removesuffix(".onnx") + ".card.json")
        licence = str(json.loads(card.read_bytes()).get("licence", "unknown")) if card else "unknown"
        made.models.append(Model(Path(path).stem, path, licence))


def _runtimes(options: argparse.Namespace) -> dict[str, Path]:
    """The Python that goes along, by architecture. Raises SystemExit where one is none."""
    found = dict[str, Path]()
    for given in options.python:
        architecture, _, path = given.partition("=")
        if architecture not in options.architecture or not Path(path).is_file() or not tarfile.is_tarfile(path):
            raise SystemExit(f"--python {given}: write ARCHITECTURE=FILE.tar, from scripts/python-runtime")
        found[architecture] = Path(path)
    return found


def _entry(path: str, source: Path) -> Entry:
    with source.open("rb") as file:
        return Entry(hashlib.file_digest(file, "sha256").hexdigest(), source.stat().st_size, path)


def main(words: list[str]) -> int:
    """The command line of `scripts/bundle`."""
    options = _options(words)
    root = Path(options.tree).resolve()
    if options.make_key:
        return _make_key(Path(options.make_key))
    passphrase = getpass.getpass("passphrase of the key: ") if options.ask else ""
    key = load_private(Path(options.key), passphrase)
    source = tree(root)
    with tempfile.TemporaryDirectory() as scratch:
        made = Made(Path(scratch))
        manifest = gather(source, made, Path(options.cache or root / "build" / "wheels"), options)
        out = Path(options.out or root / "dist")
        out.mkdir(parents=True, exist_ok=True)
        target = out / f"gatehouse-{manifest.version}{archive.SUFFIX}"
        archive.write(target, manifest, key, made.files)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    print(f"{target}  {target.stat().st_size / 1e6:.1f} MB  {len(manifest.files)} files  sha256 {digest}")
    print("\n".join(_summary(manifest)))
    table = licences.known()
    for name in licences.not_accepted(table, options.accept):
        print(f"left out: {name}: {table.named[name]} (docs/decisions/0032-no-gpl-in-a-bundle.md)")
    print(f"fingerprint of the key: {fingerprint(key.public_key())}")
    return 0


def _summary(manifest: Manifest) -> Iterator[str]:
    for architecture in manifest.architectures:
        own = [one for one in manifest.of(architecture) if one.path.startswith("wheels/")]
        yield f"{architecture}: {len(own)} wheels, {sum(one.size for one in own) / 1e6:.1f} MB"


def _make_key(path: Path) -> int:
    passphrase = getpass.getpass("passphrase (empty: none): ") if sys.stdin.isatty() else ""
    private, public = generate(passphrase)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(private)
    path.with_suffix(".pub.pem").write_bytes(public)
    print(f"{path} (keep it off every box), {path.with_suffix('.pub.pem')} (for the trust folder of a box)")
    return 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bundle", description="Make a signed offline bundle.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--key", help="signing key (PEM, Ed25519)")
    chosen.add_argument("--make-key", help="make a new signing key in this file and its public half beside it")
    parser.add_argument("--ask", action="store_true", help="the key has a passphrase")
    parser.add_argument("--architecture", action="append", choices=ARCHITECTURES, help="both where it is not given")
    parser.add_argument("--without", action="append", default=[], help="leave a distribution out, e.g. av")
    parser.add_argument(
        "--accept", action="append", default=[], metavar="NAME",
        help="take in a distribution that carries GPL parts, e.g. av; whoever hands the bundle on then owes their source",
    )  # fmt: skip
    parser.add_argument(
        "--python", action="append", default=[], help="ARCHITECTURE=FILE.tar: a Python of its own for that architecture"
    )
    parser.add_argument("--version", help="another version than that of the tree, for tests")
    parser.add_argument("--tree", default=".", help="source tree")
    parser.add_argument("--cache", help="folder of wheels that were fetched before")
    parser.add_argument("--out", help="folder of the bundle; dist/ where it is not given")
    options = parser.parse_args(words)
    options.architecture = options.architecture or list(ARCHITECTURES)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
