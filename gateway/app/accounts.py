"""`gatehouse user`: the people of a site, their PINs, passphrases and keys, and the tokens of integrators; no daemon needed.

People and keys stand in users.toml, secrets apart in the state directory, readable by the gateway alone.
"""

from __future__ import annotations

import getpass
import json
import re
import secrets
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from gateway.access import pins, store
from gateway.access.signin import new_token, set_pin, token_digest
from gateway.app.account_words import say
from gateway.app.users_file import LayoutError, added, removed, replace, with_list
from gateway.control.messages import PERSON_ROLES
from gateway.site import User, load_users
from gateway.site.report import text as as_text

OK, FAILED, USAGE, NOT_FOUND, NOT_PERMITTED, REFUSED, INVALID = 0, 1, 2, 4, 5, 6, 9
_ID = re.compile(r"[a-z0-9_-]{1,32}")
_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")
_NAME = re.compile(r"[a-z0-9._-]{1,32}")


class Refused(Exception):
    """A key of `account_words` with its arguments, and the exit code."""

    def __init__(self, code: int, key: str, /, **args: object) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args


def user(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of list, add, remove, pin, passphrase, key, token. Data to stdout, talk to stderr."""
    lang = args.get("lang", "en")
    try:
        return _VERBS[verb](_Site(site, lang), args, lang)
    except Refused as refused:
        _talk(say(refused.key, lang, **refused.args_of_text))
        return refused.code
    except LayoutError:
        _talk(say("layout", lang, file=site / "users.toml"))
        return REFUSED
    except PermissionError as error:
        _talk(say("not-permitted", lang, file=error.filename))
        return NOT_PERMITTED
    except (OSError, store.DamagedError) as error:
        _talk(say("failed", lang, why=error))
        return FAILED


class _Site:
    """The two places: the site folder and its state directory."""

    def __init__(self, folder: Path, lang: str) -> None:
        self.folder, self._lang = folder, lang
        self.file = folder / "users.toml"

    @property
    def state(self) -> Path:
        """As site.toml says, whatever else is wrong with the site. Raises Refused where that cannot be read."""
        file = self.folder / "site.toml"
        try:
            storage = tomllib.loads(file.read_bytes().decode("utf-8-sig")).get("storage", {})
            return self.folder.absolute() / str(storage.get("directory", "state"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
            raise Refused(INVALID, "site", problems=f"{file}: {error}") from None

    def users(self) -> dict[str, User]:
        """Everyone by id. Raises Refused where the file is wrong."""
        users, problems = load_users(self.folder)
        if problems:
            raise Refused(INVALID, "site", problems=as_text(problems, self._lang))
        return users

    def one(self, id: str) -> User:
        """One person. Raises Refused."""
        found = self.users().get(id)
        if found is None:
            raise Refused(NOT_FOUND, "no-user", user=id)
        return found

    def text(self) -> str:
        return self.file.read_text(encoding="utf-8") if self.file.exists() else ""


def _list(site: _Site, args: dict[str, str], lang: str) -> int:
    kept = store.read(site.state)
    rows = [
        {
            "id": each.id, "name": each.name, "roles": list(each.roles), "pin": each.id in kept.pins,
            "passphrase": each.id in kept.passphrases, "keys": len(each.keys), "revoked": len(each.revoked),
        }
        for each in site.users().values()
    ]  # fmt: skip
    tokens = [{"token": each.name, "made_utc_ms": each.made_utc_ms} for each in kept.tokens]
    if args.get("output", "table") in ("json", "jsonl"):
        print(json.dumps({"users": rows, "tokens": tokens}, ensure_ascii=False, indent=2))
        return OK
    for row in rows:
        has = [say(f"has.{what}", lang) for what in ("pin", "passphrase") if row[what]]
        has += [say("has.keys", lang, count=row["keys"])] if row["keys"] else []
        roles = ", ".join(say(f"role.{role}", lang) for role in row["roles"])  # type: ignore[attr-defined]
        print(f"{row['id']:<16} {row['name']}  {roles}  {', '.join(has) or say('has.nothing', lang)}")
    for token in tokens:
        print(say("token.row", lang, name=token["token"]))
    return OK


def _add(site: _Site, args: dict[str, str], lang: str) -> int:
    id, roles = args["user"], args["roles"].replace(",", " ").split()
    if not _ID.fullmatch(id):
        raise Refused(USAGE, "id", user=id)
    if id in site.users():
        raise Refused(REFUSED, "there", user=id)
    wrong = [role for role in roles if role not in PERSON_ROLES]
    if wrong or not roles:
        raise Refused(USAGE, "roles", wrong=", ".join(wrong) or "–", right=", ".join(PERSON_ROLES))
    fields: dict[str, str | list[str]] = {"name": args["name"], "roles": roles}
    if args.get("name_en"):
        fields["name_en"] = args["name_en"]
    replace(site.file, added(site.text(), id, fields))
    _talk(say("added", lang, user=id, site=site.folder))
    return OK


def _remove(site: _Site, args: dict[str, str], lang: str) -> int:
    """Out of the file; whoever has signed something stays there as a name, with every key revoked."""
    person = site.one(args["user"])
    store.change(site.state, lambda kept: kept.forget(person.id))
    if not person.keys and not person.revoked:
        replace(site.file, removed(site.text(), person.id))
        _talk(say("removed", lang, user=person.id))
        return OK
    text = with_list(site.text(), person.id, "revoked", sorted({*person.keys, *person.revoked}))
    replace(site.file, with_list(text, person.id, "keys", []))
    _talk(say("retired", lang, user=person.id))
    return OK


def _pin(site: _Site, args: dict[str, str], lang: str) -> int:
    person = site.one(args["user"])
    if args.get("clear"):
        store.change(site.state, lambda kept: kept.pins.pop(person.id, None))
        _talk(say("pin.cleared", lang, user=person.id))
        return OK
    if args.get("issue"):
        pin = _random_pin()
        store.change(site.state, lambda kept: set_pin(kept, person.id, pin, fresh=True))
        print(pin)
        _talk(say("pin.issued", lang, user=person.id))
        return OK
    pin = _twice("pin", lang, person.id)
    weak = pins.weakness(pin)
    if weak:
        raise Refused(REFUSED, f"pin.{weak}")
    store.change(site.state, lambda kept: set_pin(kept, person.id, pin, fresh=False))
    _talk(say("pin.set", lang, user=person.id))
    return OK


def _random_pin() -> str:
    while True:
        pin = f"{secrets.randbelow(10**pins.PIN_DIGITS):0{pins.PIN_DIGITS}}"
        if not pins.weakness(pin):
            return pin


def _passphrase(site: _Site, args: dict[str, str], lang: str) -> int:
    person = site.one(args["user"])
    if args.get("clear"):
        store.change(site.state, lambda kept: kept.passphrases.pop(person.id, None))
        _talk(say("passphrase.cleared", lang, user=person.id))
        return OK
    passphrase = _twice("passphrase", lang, person.id)
    if pins.weak_passphrase(passphrase):
        raise Refused(REFUSED, "passphrase.weak", least=pins.PASSPHRASE_MIN)
    hash = pins.hashed(passphrase)
    store.change(site.state, lambda kept: kept.passphrases.update({person.id: hash}))
    _talk(say("passphrase.set", lang, user=person.id))
    return OK


def _twice(what: str, lang: str, person: str) -> str:
    """Asked for twice without an echo at a terminal; one line of the input elsewhere."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed = getpass.getpass(say(f"{what}.ask", lang, user=person), sys.stderr)
    if typed != getpass.getpass(say("again", lang), sys.stderr):
        raise Refused(USAGE, "differ")
    return typed


def _key(site: _Site, args: dict[str, str], lang: str) -> int:
    person, key = site.one(args["user"]), args["key"]
    if not _KEY.fullmatch(key):
        raise Refused(USAGE, "key", key=key[:60])
    keys, revoked = list(person.keys), list(person.revoked)
    if args.get("revoke"):
        if key not in keys:
            raise Refused(NOT_FOUND, "key.none", user=person.id)
        keys.remove(key)
        text = with_list(site.text(), person.id, "revoked", [*revoked, key])
        replace(site.file, with_list(text, person.id, "keys", keys))
        _talk(say("key.revoked", lang, user=person.id))
        return OK
    owner = next((each for each in site.users().values() if key in (*each.keys, *each.revoked)), None)
    if owner is not None:
        raise Refused(REFUSED, "key.there", user=owner.id)
    replace(site.file, with_list(site.text(), person.id, "keys", [*keys, key]))
    _talk(say("key.added", lang, user=person.id))
    return OK


def _token(site: _Site, args: dict[str, str], lang: str) -> int:
    name = args["name"]
    if not _NAME.fullmatch(name):
        raise Refused(USAGE, "token.name", name=name[:40])
    if args.get("remove"):
        before = store.change(site.state, lambda kept: _drop(kept, name))
        if not before:
            raise Refused(NOT_FOUND, "token.none", name=name)
        _talk(say("token.removed", lang, name=name))
        return OK
    token = new_token()
    store.change(site.state, lambda kept: _take(kept, name, token))
    print(token)
    _talk(say("token.made", lang, name=name))
    return OK


def _drop(kept: store.Secrets, name: str) -> bool:
    rest = [each for each in kept.tokens if each.name != name]
    had, kept.tokens = len(rest) < len(kept.tokens), rest
    return had


def _take(kept: store.Secrets, name: str, token: str) -> None:
    _drop(kept, name)
    if len(kept.tokens) >= store.TOKENS_MAX:
        raise Refused(REFUSED, "token.many", most=store.TOKENS_MAX)
    kept.tokens.append(store.Token(name, token_digest(token), time.time_ns() // 1_000_000))


def _talk(text: str) -> None:
    print(text, file=sys.stderr)


_VERBS: dict[str, Callable[[_Site, dict[str, str], str], int]] = {
    "list": _list, "add": _add, "remove": _remove, "pin": _pin, "passphrase": _passphrase, "key": _key, "token": _token,
}  # fmt: skip
