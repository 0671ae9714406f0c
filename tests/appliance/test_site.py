"""The SITE partition: answers as data from any Windows laptop; what is wrong is said with its place and never bricks the box."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.app import first_boot
from gateway.appliance import setup
from gateway.appliance.answers import read
from gateway.appliance.place import Place
from tests.appliance.box import BUILT_S, bundle, updater
from tests.appliance.box import box as box_of

BOX = """[box]
id = "gw-pump-01"
address = "10.20.1.41/24"
router = "10.20.1.1"
time = ["10.20.1.1"]
language = "zh-CN"

[user.wanglei]
role = "supervisor"
key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1sZ3h4a2pzaGRmbGtqYXNoZGZsa2phc2hkZmxr wanglei"
"""
SITE_TOML = """[gateway]
id = "to-be-named"
site = "my-plant"
area = "pickling"
language = "zh-CN"

[source.plc1]
driver = "modbus"
url = "tcp://192.168.1.20:502"
unit = 1
period_ms = 100
"""
TAGS = """tag,source,address,type,unit,low,high,writable,safe,zh,en
tank1.level,plc1,holding:100,float32/cdab,cm,0,300,,,1号槽液位,Tank 1 level
"""


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """SITE as Notepad and Excel leave it: BOM, CRLF, GBK, and files of their own lying about."""
    folder = tmp_path / "SITE"
    (folder / "site").mkdir(parents=True)
    (folder / "box.toml").write_bytes(crlf(BOX).encode("utf-8-sig"))
    (folder / "site/site.toml").write_bytes(crlf(SITE_TOML).encode("utf-8-sig"))
    (folder / "site/tags.csv").write_bytes(crlf(TAGS).encode("gbk"))
    (folder / "site/~$tags.csv").write_bytes(b"lock of a spreadsheet")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "box")


def run(stick: Path, place: Place, now_s: float = BUILT_S + 1) -> str:
    """One boot; what RESULT.txt says."""
    assert first_boot.main([str(stick), str(place.root)]) == 0
    return (stick / "RESULT.txt").read_bytes().decode("utf-8-sig")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_answers_are_read_as_windows_writes_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "box.toml").write_bytes(crlf("# 泵房网关\n" + BOX).encode(encoding))
    answers, findings = read(tmp_path)
    assert findings == []
    assert answers is not None
    assert (answers.id, answers.people[0].role) == ("gw-pump-01", "supervisor")


@pytest.mark.parametrize(
    ("changed", "line", "column", "says"),
    [
        (BOX.replace('id = "gw-pump-01"', 'id = "GW pump"'), 2, 1, "gw-pump-01"),
        (BOX.replace("10.20.1.41/24", "10.20.1.41"), 3, 1, "10.20.1.41/24"),
        (BOX.replace("router", "gateway"), 4, 1, "gateway"),
        (BOX.replace('"supervisor"', '"boss"'), 8, 2, "operator, supervisor, engineer, maintainer"),
        (BOX.replace("[user.wanglei]", "[user.wanglei"), 8, 14, "TOML"),
        (BOX.replace('language = "zh-CN"', 'language = "fr"'), 6, 1, "zh-CN"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, changed: str, line: int, column: int, says: str) -> None:
    (tmp_path / "box.toml").write_text(changed, encoding="utf-8")
    answers, findings = read(tmp_path)
    assert answers is None
    (one,) = findings
    assert (one.line, one.column) == (line, column)
    assert says in one.text("en")
    assert one.text("zh-CN").startswith(f"box.toml:{line}:")


def test_a_right_site_is_taken_over_once(stick: Path, place: Place) -> None:
    said = run(stick, place)
    assert said.startswith("OK\r\n")
    assert "本机编号 gw-pump-01" in said
    site = (place.site / "site.toml").read_text("utf-8")
    assert 'id = "gw-pump-01"' in site
    assert "\r" not in site
    assert "1号槽液位" in (place.site / "tags.csv").read_text("utf-8")
    assert not (place.site / "~$tags.csv").exists()
    assert (place.root / "etc/hostname").read_text() == "gw-pump-01\n"
    assert "Address=10.20.1.41/24" in (place.root / "etc/systemd/network/20-gatehouse.network").read_text()
    assert "m wanglei gatehouse-supervisor" in (place.root / "etc/sysusers.d/gatehouse-people.conf").read_text()
    assert (
        'restrict,pty,command="/opt/gatehouse/current/bin/gatehouse shell --as wanglei"'
        in (place.root / "etc/gatehouse/authorized_keys").read_text()
    )
    assert "Nothing new" in run(stick, place)


def test_a_private_key_never_leaves_and_its_request_is_the_boxs(stick: Path, place: Place) -> None:
    run(stick, place)
    asked = x509.load_pem_x509_csr((stick / "gw-pump-01.csr").read_bytes())
    key = load_pem_private_key((place.root / setup.KEY).read_bytes(), None)
    assert asked.is_signature_valid
    assert asked.public_key() == key.public_key()
    assert (place.root / setup.KEY).stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in stick.rglob("*") if path.is_file())


def test_a_box_that_replaces_another_writes_a_request_of_its_own(stick: Path, place: Place) -> None:
    """The same stick in a new box: the request over the old box's key stays, and is not taken for the new one's."""
    run(stick, place)
    first = (stick / "gw-pump-01.csr").read_bytes()
    (place.root / setup.KEY).unlink()
    for _ in range(2):
        run(stick, place)
    assert (stick / "gw-pump-01.csr").read_bytes() == first
    others = list(stick.glob("gw-pump-01.*.csr"))
    assert len(others) == 1
    key = load_pem_private_key((place.root / setup.KEY).read_bytes(), None)
    assert x509.load_pem_x509_csr(others[0].read_bytes()).public_key() == key.public_key()


@pytest.mark.parametrize(
    "key", [b"no key", ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]
)
def test_a_key_that_cannot_be_used_is_named_and_the_box_starts(stick: Path, place: Place, key: object) -> None:
    """On every start, whether the stick holds a request already or not."""
    run(stick, place)
    locked = BestAvailableEncryption(b"secret") if isinstance(key, ec.EllipticCurvePrivateKey) else NoEncryption()
    pem = key if isinstance(key, bytes) else key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)  # type: ignore[attr-defined]
    (place.root / setup.KEY).write_bytes(pem)
    said = run(stick, place)
    assert "No certificate request" in said
    assert "未生成证书请求" in said
    assert (place.root / setup.KEY).read_bytes() == pem


@pytest.mark.parametrize(
    ("file", "was", "becomes", "says"),
    [
        ("box.toml", "10.20.1.41/24", "10.20.1.999/24", "box.toml:3:1"),
        ("site/site.toml", "period_ms = 100", "period_ms = soon", "site.toml"),
        ("site/tags.csv", "holding:100", "holding:x", "tags.csv"),
    ],
)
def test_a_wrong_file_never_bricks(stick: Path, place: Place, file: str, was: str, becomes: str, says: str) -> None:
    run(stick, place)
    before = {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}
    path = stick / file
    path.write_bytes(path.read_bytes().replace(was.encode(), becomes.encode()))
    said = run(stick, place)
    assert said.startswith("NOT OK")
    assert says in said
    assert "沿用上一次正确的设置" in said
    assert {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()} == before
    assert path.exists()


def test_a_site_made_by_hand_is_not_replaced(stick: Path, place: Place) -> None:
    place.site.mkdir(parents=True)
    (place.site / "site.toml").write_text("# mine\n")
    assert "made by hand" in run(stick, place)
    assert (place.site / "site.toml").read_text() == "# mine\n"


def test_a_clock_before_the_build_is_said(tmp_path: Path, stick: Path) -> None:
    place = box_of(tmp_path / "other")
    updater(place).install(bundle(tmp_path, "0.1.0"), "engineer")
    result = first_boot.first_boot(stick, place, now_s=0.0)
    assert any("The clock stood before" in line for line in result.lines["en"])
    later = first_boot.first_boot(stick, place, now_s=BUILT_S + 1.0)
    assert not any("clock" in line for line in later.lines["en"])


def test_the_screen_shows_a_code_for_a_telephone(stick: Path, place: Place) -> None:
    run(stick, place)
    result = first_boot.first_boot(stick, place, BUILT_S + 1.0)
    assert "▄" in first_boot.shown(result, "en") or "█" in first_boot.shown(result, "en")
