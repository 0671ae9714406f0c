"""Two named persons with keys of their own, who try and sign what a site folder says, as `gatehouse rule` lets them."""

from __future__ import annotations

from pathlib import Path

from gateway.app import versions

PEOPLE = {"sun-li": "engineer", "ma-chao": "supervisor"}
PASSPHRASE = "four words nobody guesses"
COMMON = {"lang": "en", "output": "table", "passphrase_file": "", "qr": "", "note": "", "report": ""}

_keys: dict[str, tuple[bytes, str]] = {}  # the same persons in every rig of this process, as a seed needs them


class Laptop:
    """A folder that is not the box, with the private keys of PEOPLE."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n")

    def enrol(self, users: Path) -> None:
        """Make a key for each person, and put the public ones into users.toml."""
        sections = []
        for person, role in PEOPLE.items():
            if person not in _keys:
                _keys[person] = versions.generate(PASSPHRASE)
            pem, public = _keys[person]
            (self.folder / f"{person}.key").write_bytes(pem)
            sections.append(f'\n[user.{person}]\nname = "{person}"\nroles = ["{role}"]\nkeys = ["{public}"]\n')
        users.write_text(users.read_text(encoding="utf-8") + "".join(sections), encoding="utf-8")

    def sign(self, person: str, version: Path) -> Path:
        """The text of a person's signature over a version file."""
        found = versions.store.load_version(version)
        assert found is not None
        key = versions.load_private((self.folder / f"{person}.key").read_bytes(), PASSPHRASE)
        out = self.folder / f"{version.stem}.{person}.txt"
        out.write_text(versions.to_text(versions.sign(key, found.number, found.digest())))
        return out

    def activate(self, site: Path, state: Path) -> int:
        """Submit what the folder says, try it and have it signed twice; the version's number."""
        assert do(site, "submit", person="sun-li") == 0
        version = max((state / "versions").glob("*.version"))
        number = version.name[:6].lstrip("0")
        assert (
            do(site, "evidence", person="sun-li", version=number, kind="forced", note="inputs forced, trips seen") == 0
        )
        for person in PEOPLE:
            assert do(site, "import-signature", file=str(self.sign(person, version))) == 0
        return int(number)


def do(site: Path, verb: str, **args: str) -> int:
    """One verb of `gatehouse rule`; its exit code."""
    return versions.rule(verb, site, {**COMMON, **args})
