"""`gatehouse user` on a site folder: what it writes, what it leaves alone, and that the daemon's side sees it."""

from __future__ import annotations

import asyncio
import io
import stat
from pathlib import Path

import pytest

from gateway.access import pins, store
from gateway.access.kiosk import Kiosk
from gateway.access.signin import token_digest
from gateway.app.accounts import user
from gateway.app.entering import PageCertificate, People
from gateway.app.users_file import LayoutError, added, removed, with_list
from gateway.page.kiosk_door import KioskDoor
from gateway.site import load_site, load_users

ROOT = Path(__file__).parents[2]
KEY = "ed25519:" + "A" * 43 + "="
SITE = """
[gateway]
id = "gw-1"
site = "works"
area = "pickling"
[page]
listen = "127.0.0.1:8443"
tls = true
[source.sim]
driver = "simulated"
period_ms = 1000
"""
USERS = '# people\n\n[user.li-na]\nname = "李娜"   # day shift\nroles = ["operator"]\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pins, "LOG_N", 4)
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "tags.csv").write_text(
        (ROOT / "config/examples/simulated/tags.csv").read_text().replace(",simulated,", ",sim,")
    )
    (tmp_path / "users.toml").write_text(USERS)
    return tmp_path


def run(site: Path, verb: str, **args: str) -> int:
    return user(verb, site, args)


def test_a_person_comes_signs_and_goes(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = People(site, load_users(site)[0])
    assert run(site, "add", user="zhang-wei", name='张 "伟"', roles="operator,supervisor", name_en="Zhang") == 0
    assert people()["zhang-wei"].roles == ("operator", "supervisor")  # without a restart
    assert run(site, "key", user="zhang-wei", key=KEY) == 0
    assert run(site, "key", user="li-na", key=KEY) == 6  # one key, one person
    assert load_users(site)[0]["zhang-wei"].keys == (KEY,)
    assert (site / "users.toml").read_text().startswith(USERS)  # every line that was there is as it was
    assert run(site, "remove", user="zhang-wei") == 0  # signed, perhaps: the name stays, the key is revoked
    assert (load_users(site)[0]["zhang-wei"].keys, load_users(site)[0]["zhang-wei"].revoked) == ((), (KEY,))
    assert run(site, "remove", user="li-na") == 0
    assert list(load_users(site)[0]) == ["zhang-wei"]
    assert run(site, "remove", user="li-na", lang="zh-CN") == 4
    assert "没有用户" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "args", "code"),
    [
        ("add", {"user": "Ü", "name": "x", "roles": "operator"}, 2),
        ("add", {"user": "x", "name": "x", "roles": "boss"}, 2),
        ("add", {"user": "li-na", "name": "x", "roles": "operator"}, 6),
        ("key", {"user": "li-na", "key": "ssh-rsa AAAA"}, 2),
        ("key", {"user": "li-na", "key": KEY, "revoke": "yes"}, 4),
        ("token", {"name": "a b"}, 2),
        ("token", {"name": "mes", "remove": "yes"}, 4),
        ("pin", {"user": "nobody"}, 4),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(site: Path, verb: str, args: dict[str, str], code: int) -> None:
    assert run(site, verb, **args) == code
    assert (site / "users.toml").read_text() == USERS


def test_secrets_by_the_command_line(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = site / "state"
    assert run(site, "pin", user="li-na", issue="yes") == 0
    pin = capsys.readouterr().out.strip()
    kept = store.read(state)
    assert pins.matches(pin, kept.pins["li-na"])
    assert kept.fresh == ["li-na"]
    assert stat.S_IMODE((state / "access/secrets.json").stat().st_mode) == 0o600
    for typed, code in (("111111", 6), ("802417", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        assert run(site, "pin", user="li-na") == code
    assert store.read(state).fresh == []
    for typed, code in (("short", 6), ("four words of a song", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        assert run(site, "passphrase", user="li-na") == code
    capsys.readouterr()
    assert run(site, "token", name="mes") == 0
    assert store.read(state).tokens[0].sha256 == token_digest(capsys.readouterr().out.strip())
    assert run(site, "list", output="json") == 0
    shown = capsys.readouterr().out
    assert '"passphrase": true' in shown
    assert "scrypt" not in shown
    assert run(site, "pin", user="li-na", clear="yes") == run(site, "passphrase", user="li-na", clear="yes") == 0
    assert store.read(state).pins == store.read(state).passphrases == {}


def test_a_file_that_would_be_spoilt_is_left_alone() -> None:
    text = '[user]\nli-na = { name = "x", roles = ["operator"] }\n'
    for edit in (lambda: removed(text, "li-na"), lambda: with_list(text, "li-na", "keys", ["a"])):
        with pytest.raises(LayoutError):
            edit()
    long = '[user.a]\nname = "x"\nkeys = [\n  "k1",  # old\n  "k2",\n]\nroles = ["operator"]\n\n[user.b]\nname = "y"\nroles = ["medic"]\n'
    assert '"k3"' in with_list(long, "a", "keys", ["k3"])
    assert removed(long, "b").endswith('roles = ["operator"]\n')
    assert added("", "c", {"name": "z", "roles": ["worker"]}) == '[user.c]\nname = "z"\nroles = ["worker"]\n'


def test_a_wrong_users_file_changes_nobody(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = People(site, load_users(site)[0])
    (site / "users.toml").write_text('[user.eve]\nname = "Eve"\nroles = ["boss"]\n')
    assert list(people()) == ["li-na"]
    assert "users.toml has changed and is wrong" in caplog.text


def test_the_page_gets_a_certificate_of_the_box_and_takes_up_a_new_one(site: Path) -> None:
    loaded = load_site(site).site
    assert loaded is not None
    certificate = PageCertificate(loaded)
    assert certificate.context() is not None
    before = (site / "state/access/page.pem").read_bytes()
    certificate.look()
    assert (site / "state/access/page.pem").read_bytes() == before
    (site / "state/access/page.pem").write_text("damaged")
    certificate.look()  # issued again, and taken up
    assert (site / "state/access/page.pem").read_bytes().startswith(b"-----BEGIN CERTIFICATE")


def test_the_socket_gives_one_token_a_connection(tmp_path: Path) -> None:
    kiosk = Kiosk(b"k" * 32, lambda: 0, lambda: 0)

    async def act() -> list[str]:
        door = KioskDoor(tmp_path, kiosk)
        task = asyncio.create_task(door.run())
        await door.listening.wait()
        found = []
        for _ in range(2):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "kiosk.sock"))
            found.append((await reader.read()).decode().strip())
            writer.close()
            await writer.wait_closed()
        assert stat.S_IMODE((tmp_path / "kiosk.sock").stat().st_mode) == 0o600  # no group gatehouse-kiosk here
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return found

    one, other = asyncio.run(act())
    assert one != other
    assert kiosk.cookie(one)
    assert kiosk.cookie(other)
