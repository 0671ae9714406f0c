"""The support bundle holds no secret and no name, whatever file they were planted in; the catalogue of errors is the program's own."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from gateway.app.errors import FILES, page
from gateway.app.redact import Redactor
from gateway.app.supporting import bundle, support

DOCS = Path(__file__).parents[2] / "docs"
CANARIES = (
    "CANARY-PASSWORD", "gh1_canarycanarycanary", "scrypt:ln=15,r=8,p=1:CANARYSALTCANARYSALTAA==:CANARY", "CANARYKEYBYTES",
    "canary-user:canary-pass", "李娜", "Li Na", "li-na", "王磊", "CANARY-REASON", "CANARY-TOKEN", "CANARY-COMMUNITY", "CANARY-HEART-RATE",
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Secrets and names in every file that a person may have put them into."""
    folder = tmp_path / "site"
    (folder / "rules").mkdir(parents=True)
    (folder / "site.toml").write_text(
        '[gateway]\nid = "gw-1"\n[source.a]\nurl = "mqtt://canary-user:canary-pass@10.0.0.1:1883"\npassword = "CANARY-PASSWORD"\n'
        "auth_token = 'CANARY-TOKEN'\ncommunity = \"CANARY-COMMUNITY\"\n# ask li-na (Li Na, 李娜)\n"
    )
    (folder / "users.toml").write_text(
        '[user.li-na]\nname = "李娜"\nname_en = "Li Na"\nroles = ["operator"]\n[user.wl]\nname = "王磊"\nroles = ["engineer"]\n'
    )
    (folder / "tags.csv").write_text("tag,source\nlevel,a\n")
    (folder / "rules/1.rules").write_text("# by 王磊, gh1_canarycanarycanary\n")
    state = folder / "state"
    for name in ("access", "people", "keys", "journal"):
        (state / name).mkdir(parents=True)
    (state / "access/secrets.json").write_text(
        '{"pins": {"li-na": "scrypt:ln=15,r=8,p=1:CANARYSALTCANARYSALTAA==:CANARY"}}'
    )
    (state / "people/CANARY-HEART-RATE").write_text("CANARY-HEART-RATE")
    (state / "keys/box.key").write_text("-----BEGIN PRIVATE KEY-----\nCANARYKEYBYTES\n-----END PRIVATE KEY-----\n")
    with closing(sqlite3.connect(state / "journal/journal.db")) as journal:
        journal.execute(
            "CREATE TABLE event(seq INTEGER PRIMARY KEY, utc_ms INTEGER, kind TEXT, person TEXT, detail TEXT)"
        )
        journal.execute("INSERT INTO event VALUES(1, 5, 'command.bypass.set', 'li-na', 'CANARY-REASON')")
        journal.commit()
    return folder


def test_no_canary_gets_out(site: Path) -> None:
    asked = {"status.show": json.dumps({"password": "CANARY-PASSWORD", "by": "li-na"}), "log": "PIN: 802417 of 李娜"}
    data, _ = bundle(site, asked)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        texts = {member.name: (archive.extractfile(member) or io.BytesIO()).read().decode() for member in archive}
    whole = "\n".join([*texts, *texts.values()])
    assert [canary for canary in (*CANARIES, "802417") if canary in whole] == []
    assert "person-1" in texts["gatehouse-support/site/site.toml"]
    assert '"kind": "command.bypass.set"' in texts["gatehouse-support/journal.json"]
    assert "level,a" in texts["gatehouse-support/site/tags.csv"]  # what helps is still there
    assert 'id = "gw-1"' in texts["gatehouse-support/site/site.toml"]


def test_it_is_written_for_its_owner_and_never_over_another_file(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = site.parent / "s.tar.gz"
    assert support(site, str(out), {}, "en") == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert support(site, str(out), {}, "zh-CN") == 1
    assert "无法写入" in capsys.readouterr().err


def test_a_key_that_was_cut_off_is_taken_out_too() -> None:
    assert Redactor().text("-----BEGIN EC PRIVATE KEY-----\nCANARY") == "[taken out]"
    assert Redactor([("li",)]).text("lid li li-na") == "lid person-1 li-na"


@pytest.mark.parametrize("language", FILES)
def test_the_catalogue_of_errors_is_not_behind_the_program(language: str) -> None:
    """Sentences are added in many rooms: the file may be a little older than they are, not more (python -m gateway.app.errors docs)."""
    rows = [line for line in page(language).splitlines() if line.startswith("| `")]
    kept = set((DOCS / FILES[language]).read_text("utf-8").splitlines())
    assert len(rows) > 250
    assert sum(row not in kept for row in rows) <= len(rows) // 10
