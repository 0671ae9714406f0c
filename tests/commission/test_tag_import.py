"""`gatehouse tag import|diff|export`: dry first, merged by key, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.app.tag_lists import tag_list
from tests.contract.case_opcua import serving
from tests.peers.logix_list import BOOL, DINT, REAL, STRUCTURE, Controller, Tag, Template, served

SITE = """[gateway]
id = "gw-1"
site = "plant"
area = "pickling"
language = "en"

[source.plc1]
driver = "modbus"
url = "tcp://127.0.0.1:1502"
unit = 1
period_ms = 100
"""
TAGS = """tag,source,address,type,unit,low,high,writable,safe,zh,en
tank1.level,plc1,holding:100,float32/cdab,cm,0,300,,,液位,Level
pump7.permit,plc1,coil:20,bool,,,,yes,0,许可,Permit
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site.toml").write_text(SITE)
    (folder / "tags.csv").write_text(TAGS)
    return folder


def wanted(site: Path, text: str, **args: str) -> int:
    file = site.parent / "other.csv"
    file.write_text(text)
    return tag_list("import", site, {"file": str(file), "lang": "en", **args})


def test_without_apply_nothing_is_written(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address,type\nnew.one,holding:200,uint16\n") == 0
    said = capsys.readouterr()
    assert "+ new.one" in said.out
    assert "new 1, changed 0, same 0, in the list but not in the file 2" in said.err
    assert (site / "tags.csv").read_text() == TAGS


def test_what_an_engineer_wrote_stays_and_the_rest_is_filled(site: Path) -> None:
    text = "tag,address,type,unit,low,high,en,area\nLevel9,holding:100,float32,mm,0,9,Other,tank\nnew.one,holding:200,uint16,A,,,,\n"
    assert wanted(site, text, apply="yes") == 0
    rows = (site / "tags.csv").read_text().splitlines()
    assert rows[0] == "tag,source,address,type,unit,low,high,writable,safe,zh,en,area"
    assert rows[1] == "tank1.level,plc1,holding:100,float32/cdab,cm,0,300,,,液位,Level,tank"
    assert rows[2].startswith("pump7.permit,plc1,coil:20,bool,,,,yes,0")
    assert rows[3].startswith("new.one,plc1,holding:200,uint16,A")
    assert (site / "tags.csv.before").read_text() == TAGS
    assert wanted(site, text, apply="yes") == 0  # the same again changes nothing
    assert (site / "tags.csv").read_text().splitlines() == rows


def test_a_moved_address_follows_the_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address\ntank1.level,holding:120\n", output="json") == 0
    steps = json.loads(capsys.readouterr().out)
    assert {"kind": "change", "tag": "tank1.level"}.items() <= steps[0].items()
    assert steps[0]["changes"] == [{"column": "address", "before": "holding:100", "after": "holding:120"}]
    assert [step["tag"] for step in steps if step["kind"] == "missing"] == ["pump7.permit"]


def test_a_list_that_would_be_wrong_is_not_written(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address,type\nbad.one,holding:99999,uint16\n", apply="yes") == 9
    assert "bad.one" in capsys.readouterr().out
    assert (site / "tags.csv").read_text() == TAGS


def test_an_import_never_makes_an_output(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address,type,writable,safe\nfan.start,coil:30,bool,yes,1\n", apply="yes") == 0
    assert "an import never makes an output" in capsys.readouterr().err
    row = next(line for line in (site / "tags.csv").read_text().splitlines() if line.startswith("fan.start"))
    assert row == "fan.start,plc1,coil:30,bool,,,,,,,"


def test_what_is_exported_comes_back_as_the_same(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    assert tag_list("export", site, {"out": str(out), "lang": "en"}) == 0
    assert tag_list("diff", site, {"file": str(out), "lang": "zh-CN"}) == 0
    assert "新增 0，变更 0，相同 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [({"source": "plc9"}, 4, "no [source.plc9]"), ({"format": "excel"}, 2, "no format excel")],
)
def test_a_wrong_word_is_answered_with_the_right_ones(
    site: Path, args: dict[str, str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wanted(site, "tag,address\n", **args) == code
    assert said in capsys.readouterr().err


def test_without_a_file_the_device_is_asked_what_tags_it_has(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tag_list("import", site, {"file": "", "lang": "en"}) == 2
    assert "A modbus device does not tell its tags" in capsys.readouterr().err
    with serving(
        site.parent / "server", {"bath": {"type": "Double", "value": 62.5, "range": [0, 120]}}, "None"
    ) as server:
        source = f"""[source.plc1]
driver = "opcua"
url = "opc.tcp://127.0.0.1:{server.port}"
security = "none"
waiver = {{ reason = "loopback of a test", expires = 2099-12-31 }}
"""
        (site / "site.toml").write_text(SITE[: SITE.index("[source.plc1]")] + source)
        (site / "tags.csv").unlink()
        assert tag_list("import", site, {"file": "", "lang": "en", "apply": "yes"}) == 0
    row = (site / "tags.csv").read_text().splitlines()[1]
    assert row.startswith("Line_1.bath,plc1,nsu=urn:gatehouse:test:server;s=bath,")
    assert "0,120" in row
    assert "槽液温度" in row
    assert tag_list("import", site, {"file": "", "lang": "zh-CN"}) == 1, "it is gone"
    assert "plc1 未能给出位号表" in capsys.readouterr().err


def test_a_logix_controller_tells_its_tags(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = Template("Motor", [("Running", 0, BOOL), ("Speed", 0, REAL)])
    tags = [
        Tag("", "TankLevel", REAL),
        Tag("", "Motor1", STRUCTURE | 0x201),
        Tag("", "Program:Main", 0x68),
        Tag("Program:Main", "Step", DINT),
    ]
    with served(Controller(tags, {0x201: template})) as port:
        source = f'[source.plc1]\ndriver = "enip"\nurl = "tcp://127.0.0.1:{port}"\n'
        (site / "site.toml").write_text(SITE[: SITE.index("[source.plc1]")] + source)
        (site / "tags.csv").unlink()
        assert tag_list("import", site, {"file": "", "lang": "en", "apply": "yes"}) == 0
        assert tag_list("diff", site, {"file": "", "lang": "en"}) == 0
    assert "new 0, changed 0, same 4" in capsys.readouterr().err
    rows = [row.split(",")[:4] for row in (site / "tags.csv").read_text().splitlines()[1:]]
    assert rows == [
        ["TankLevel", "plc1", "TankLevel", ""],
        ["Motor1.Running", "plc1", "Motor1.Running", "bool"],
        ["Motor1.Speed", "plc1", "Motor1.Speed", ""],
        ["Main.Step", "plc1", "Program:Main.Step", ""],
    ]
