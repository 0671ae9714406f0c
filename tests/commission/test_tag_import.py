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
    rows = lines(site)
    assert rows[0] == "tag,source,address,type,unit,low,high,writable,safe,zh,en,area"
    assert rows[1] == "tank1.level,plc1,holding:100,float32/cdab,cm,0,300,,,液位,Level,tank"
    assert rows[2].startswith("pump7.permit,plc1,coil:20,bool,,,,yes,0")
    assert rows[3].startswith("new.one,plc1,holding:200,uint16,A")
    assert (site / "tags.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # a spreadsheet takes it for UTF-8
    assert (site / "tags.csv.before").read_text() == TAGS
    assert wanted(site, text, apply="yes") == 0  # the same again changes nothing
    assert lines(site) == rows


def test_a_moved_address_follows_the_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address\ntank1.level,holding:120\n", output="json") == 0
    steps = json.loads(capsys.readouterr().out)
    assert {"kind": "change", "tag": "tank1.level"}.items() <= steps[0].items()
    assert steps[0]["changes"] == [{"column": "address", "before": "holding:100", "after": "holding:120"}]
    assert [step["tag"] for step in steps if step["kind"] == "missing"] == ["pump7.permit"]


LINE = "tag,address,type\na,holding:10,uint16\nb,holding:11,uint16\nc,holding:12,uint16\n"


def lines(site: Path) -> list[str]:
    return (site / "tags.csv").read_text(encoding="utf-8-sig").splitlines()


def test_a_program_that_grew_moves_every_tag_with_its_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "tags.csv").unlink()
    assert wanted(site, LINE, apply="yes") == 0
    grown = "tag,address,type\nnew,holding:10,uint16\na,holding:11,uint16\nb,holding:12,uint16\nc,holding:13,uint16\n"
    assert wanted(site, grown, apply="yes") == 0
    assert "new 1, changed 3, same 0" in capsys.readouterr().err
    assert [row.split(",")[::2][:2] for row in lines(site)[1:]] == [
        ["a", "holding:11"], ["b", "holding:12"], ["c", "holding:13"], ["new", "holding:10"],
    ]  # fmt: skip


def test_two_tags_of_a_file_never_share_a_row(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two names of one place, and one name twice: each stays what it is, in whatever order the file has them."""
    (site / "tags.csv").unlink()
    text = "tag,address,type\na,holding:10,uint16\nalias,holding:10,int16\na,holding:20,uint16\n"
    assert wanted(site, text, apply="yes") == 0
    assert "other.csv:4:1: warning: a stands here a second time" in capsys.readouterr().err
    places = ["a,plc1,holding:10,uint16", "alias,plc1,holding:10,int16", "a_2,plc1,holding:20,uint16"]
    assert [",".join(row.split(",")[:4]) for row in lines(site)[1:]] == places
    turned = "tag,address,type\na,holding:20,uint16\nalias,holding:10,int16\na,holding:10,uint16\n"
    assert wanted(site, turned, apply="yes") == 0
    assert "new 0" in capsys.readouterr().err.splitlines()[-2]
    assert [",".join(row.split(",")[:4]) for row in lines(site)[1:]] == places


def test_an_import_that_changes_nothing_keeps_the_list_of_before(site: Path) -> None:
    assert wanted(site, "tag,address,type\nnew.one,holding:200,uint16\n", apply="yes") == 0
    assert wanted(site, "tag,address,type\nnew.one,holding:200,uint16\n", apply="yes") == 0
    assert (site / "tags.csv.before").read_text() == TAGS


def test_what_the_list_holds_and_cannot_be_read_is_not_lost(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for spoilt in (TAGS.replace("en\n", "en,remark\n", 1), TAGS + '"two\nlines",plc1,holding:5,uint16\n'):
        (site / "tags.csv").write_text(spoilt)
        assert wanted(site, "tag,address,type\nnew.one,holding:200,uint16\n", apply="yes") == 9
        assert "Nothing was written" in capsys.readouterr().err
        assert (site / "tags.csv").read_text() == spoilt


def test_errors_are_named_where_they_stand_in_the_file(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "位号,地址,类型,量程下限,备注\n好,holding:1,uint16,0,x\nbad.one,holding:99999,uint16,0,\nbad.two,holding:2,uint17,abc,\n"
    (site.parent / "gbk.csv").write_bytes(rows.encode("gbk"))
    assert tag_list("import", site, {"file": str(site.parent / "gbk.csv"), "lang": "zh-CN", "apply": "yes"}) == 9
    said = capsys.readouterr().err
    assert "gbk.csv:3: 错误：holding:99999" in said
    assert "gbk.csv:4: 错误：low 列中的“abc”不是数字" in said
    assert "警告：未知的表头“备注”" in said  # somebody's own column is left out, and said
    assert "tags.csv:" not in said


def test_a_formula_is_named_by_its_cell_and_merged_cells_are_read(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["tag", "address", "type", "high"],
        ["x1", "holding:300", "uint16", 10],
        ["x2", "holding:301", "uint16"],
    ):
        book.active.append(row)
    book.active.merge_cells("D2:D3")
    file = site.parent / "list.xlsx"
    book.save(file)
    args = {"file": str(file), "lang": "en", "apply": "yes"}
    assert tag_list("import", site, args) == 0
    book.active["D3"].parent.unmerge_cells("D2:D3")
    book.active["D3"] = "=D2*2"
    book.save(file)
    before = lines(site)
    assert tag_list("import", site, args) == 9
    assert "[Sheet!D3]: error" in capsys.readouterr().err
    assert lines(site) == before


def test_two_thousand_tags_are_taken_in(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"t{at},holding:{at + 1000},uint16,{at}号\n" for at in range(2000))
    assert wanted(site, "tag,address,type,zh\n" + rows, apply="yes") == 0
    assert "… and 1960 more" in capsys.readouterr().out
    assert len(lines(site)) == 2003


def test_a_list_of_another_driver_does_not_flood_the_terminal(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"t{at},DB1.DBW{at},int16\n" for at in range(300))
    assert wanted(site, "tag,address,type,room\n" + rows, apply="yes") == 9
    said = capsys.readouterr().err
    assert said.startswith('other.csv:2: error: "DB1.DBW0" is not a Modbus address')
    assert "… and 261 more\nerrors: 300, warnings: 1, notes: 0\n" in said
    assert wanted(site, "tag,address,type,room\n" + rows, output="json") == 9
    assert "other.csv:301: error" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tag_list("export", site, {"out": str(site / "none" / "out.csv"), "lang": "zh-CN"}) == 1
    assert "无法使用" in capsys.readouterr().err


def test_a_list_that_would_be_wrong_is_not_written(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address,type\nbad.one,holding:99999,uint16\n", apply="yes") == 9
    assert "bad.one" in capsys.readouterr().out
    assert (site / "tags.csv").read_text() == TAGS


def test_an_import_never_makes_an_output(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(site, "tag,address,type,writable,safe\nfan.start,coil:30,bool,yes,1\n", apply="yes") == 0
    assert "an import never makes an output" in capsys.readouterr().err
    row = next(line for line in lines(site) if line.startswith("fan.start"))
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
    row = lines(site)[1]
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
    rows = [row.split(",")[:4] for row in lines(site)[1:]]
    assert rows == [
        ["TankLevel", "plc1", "TankLevel", ""],
        ["Motor1.Running", "plc1", "Motor1.Running", "bool"],
        ["Motor1.Speed", "plc1", "Motor1.Speed", ""],
        ["Main.Step", "plc1", "Program:Main.Step", ""],
    ]
