"""Tag lists as the tools write them: what is taken, what is left out and said, and that no hostile file does harm."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from drivers.base import PointSpec, load
from gateway.commission.formats import FORMATS, recognise
from gateway.commission.found import FoundTag, named

NODESETS = Path(__file__).parents[3] / "shared" / "data" / "ua_nodeset"

KEPWARE = (
    "Tag Name,Address,Data Type,Respect Data Type,Client Access,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,"
    "Scaled Data Type,Clamp Low,Clamp High,Eng Units,Description,Negate Value"
    """
"Tank1.Level","400101",Float,1,R/W,100,,,,,,,,,"cm","1号槽液位",
"Pump7.Current","400105",Word,1,RO,100,Linear,0,27648,0,50,Double,0,0,"A","Pump 7 current",
"Pump7.Run","100022",Boolean,1,RO,100,,,,,,,,,"","",
"Recipe","400200.20H",String,1,RO,100,,,,,,,,,"","",
"Mixer","DB10,REAL4",Float,1,RO,100,,,,,,,,,"","",
"""
)
STEP7 = (
    '"TankLevel","MD 100","REAL","1号槽液位"\n"PumpRun","E 1.3","BOOL","Pump 7 running"\n"Motor","FB 12","FB 12",""\n'
)
ASC = f"126,{'Valve':<24}{'A      4.0':<12}{'BOOL':<10}{'Valve open':<80}\n"
LOGIX = """remark,"CSV-Import-Export"
remark,"Date = Mon Mar 02 2026"
0.3
TYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES
TAG,,Tank1_Level,"Tank 1 level","REAL","","(RADIX := Float)"
TAG,MainProgram,Step,"","DINT","","(RADIX := Decimal)"
TAG,,Pump7,"","MOTOR_UDT","",""
ALIAS,,LevelAlias,"","","Local:1:I.Ch0Data",""
COMMENT,,Tank1_Level,"x","","Tank1_Level.0",""
"""
TIA_XML = """<?xml version='1.0' encoding='utf-8'?>
<Tagtable name='Default'><Tag type='Real' hmiVisible='True' addr='%MD100' remark='1号槽液位'>TankLevel</Tag>
<Tag type='Bool' addr='%I0.3' remark=''>泵运行</Tag><Tag type='"UDT_Motor"' addr='%M200.0'>Motor</Tag></Tagtable>"""


def tia_book() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "PLC Tags"
    sheet.append(["Name", "Path", "Data Type", "Logical Address", "Comment", "Hmi Visible"])
    sheet.append(["TankLevel", "Tags", "Real", "%MD100", "1号槽液位", "True"])
    sheet.append(["PumpRun", "Tags", "Bool", "%I0.3", "Pump 7 running", "True"])
    sheet.append(["Clock", "Tags", "Date_And_Time", "%MB200", "", "True"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CASES = [
    ("kepware.csv", KEPWARE.encode(), "kepware", 4, 1),
    ("kepware-gbk.csv", KEPWARE.encode("gbk"), "kepware", 4, 1),
    ("symbols.sdf", STEP7.encode("gbk"), "step7", 2, 1),
    ("symbols.asc", ASC.encode(), "step7", 1, 0),
    ("tags.csv", LOGIX.encode(), "logix", 3, 1),
    ("table.xml", TIA_XML.encode(), "tia", 2, 1),
    ("PLCTags.xlsx", tia_book(), "tia", 2, 1),
    ("list.csv", "位号,数据源,地址\nT1,plc1,holding:1\nT2,plc1,\n".encode("gbk"), "gatehouse", 1, 1),
]


@pytest.mark.parametrize(("name", "data", "form", "tags", "said"), CASES, ids=[case[0] for case in CASES])
def test_a_file_tells_its_format_and_every_row_is_taken_or_named(
    name: str, data: bytes, form: str, tags: int, said: int
) -> None:
    assert recognise(name, data) == form
    imported = FORMATS[form](name, data)
    assert len(imported.tags) == tags
    assert len(imported.problems) == said
    for problem in imported.problems:
        assert problem.text["en"] != problem.text["zh-CN"]
        assert problem.line or problem.cell or problem.file == "table.xml"
    assert not any(tag.cells.keys() & {"writable", "safe"} for tag in imported.tags)


def test_kepware_scaling_units_and_addresses() -> None:
    tags = {tag.name: tag.cells for tag in FORMATS["kepware"]("k.csv", KEPWARE.encode()).tags}
    assert tags["Tank1.Level"] == {"address": "400101", "type": "float32", "unit": "cm", "zh": "1号槽液位"}
    current = tags["Pump7.Current"]
    assert float(current["scale"]) * 27648 + float(current["offset"]) == pytest.approx(50, rel=1e-9)
    assert (current["low"], current["high"]) == ("0", "50")
    assert tags["Mixer"]["address"] == "DB10.DBD4"


def test_kepware_rows_lose_nothing_without_a_word() -> None:
    head = "Tag Name,Address,Data Type,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,Eng Units\n"
    rows = (
        "A,400001,Word,Square Root,0,100,0,1,m\nB,400002,Word,None,,,,,RPM\nC,,Word,,,,,,\nD,400004,Quaternion,,,,,,\n"
    )
    imported = FORMATS["kepware"]("k.csv", (head + rows).encode())
    assert [(tag.name, tag.cells.get("unit", "")) for tag in imported.tags] == [("A", "m"), ("B", "")]
    assert [problem.text["en"] for problem in imported.problems] == [
        "A is taken in without its scaling (square root).",
        "B is taken in without its unit RPM, which is not known.",
        "C is left out: it has no address.",
        "D is left out: type quaternion is no number.",
    ]


def test_a_title_above_the_headings_is_passed_over_and_missing_headings_are_said_once() -> None:
    titled = "酸洗车间位号表,,\n,,\n位号,地址,类型\nT1,holding:1,uint16\n"
    imported = FORMATS["gatehouse"]("list.csv", titled.encode("gbk"))
    assert [(tag.name, tag.where) for tag in imported.tags] == [("T1", "list.csv:4")]
    assert imported.problems == []
    unnamed = FORMATS["gatehouse"]("list.csv", b"name,place\n" + b"T1,holding:1\n" * 500)
    assert [one.code for one in unnamed.problems if one.severity == "error"] == ["table.heading-missing"] * 2
    assert len(unnamed.problems) == 4


def test_siemens_mnemonics_become_one_form() -> None:
    tags = {tag.name: tag.cells for tag in FORMATS["step7"]("s.sdf", STEP7.encode()).tags}
    assert tags["PumpRun"] == {"address": "I1.3", "type": "bool", "en": "Pump 7 running"}
    assert tags["TankLevel"]["address"] == "MD100"
    assert FORMATS["step7"]("s.asc", ASC.encode()).tags[0].cells["address"] == "Q4.0"


def test_names_become_tag_names_and_stay_readable() -> None:
    raw = [
        FoundTag(name, {"address": f"holding:{at}"}, "")
        for at, name in enumerate(["泵7 运行", "A[1].B", "a_1.b", "1x"])
    ]
    names = [tag.name for tag in named(raw, "plc1")]
    assert names == ["plc1.holding_0", "A_1.B", "a_1.b_2", "t_1x"]
    assert named(raw, "plc1")[0].cells["zh"] == "泵7 运行"


@pytest.mark.parametrize(
    "body", ["<!DOCTYPE x [<!ENTITY a 'b'>]><UANodeSet>&a;</UANodeSet>", "<UANodeSet>" * 100, "<a"]
)
def test_hostile_xml_is_refused_with_a_reason(body: str) -> None:
    for form in ("nodeset", "tia"):
        imported = FORMATS[form]("x.xml", body.encode())
        assert imported.tags == []
        assert [problem.code for problem in imported.problems] == ["import.xml"]


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_any_bytes_are_survived(form: str) -> None:
    for data in (b"", b"\0" * 100, b"\xff\xfe\xff", b"PK\x03\x04" + b"x" * 50, b'"' * 1000, "，；".encode() * 50):
        for name in ("x.csv", "x.xlsx", "x.xml", "x.sdf"):
            imported = FORMATS[form](name, data)
            assert not imported.tags or all(tag.name and tag.cells["address"] for tag in imported.tags)
            assert recognise(name, data) in FORMATS


@pytest.mark.skipif(not NODESETS.is_dir(), reason="needs the NodeSet2 files of ../shared/data/ua_nodeset")
def test_published_models_give_their_instances_only() -> None:
    """Companion models define types: what they instantiate themselves is a handful; no variable of a type is taken."""
    for path in sorted(NODESETS.glob("*.xml")):
        imported = FORMATS["nodeset"](path.name, path.read_bytes())
        for tag in imported.tags:
            assert tag.cells["address"].startswith(("nsu=http", "ns=0;i="))
        assert {problem.code for problem in imported.problems} - {"import.row"} == {"import.left-out"}
    core = FORMATS["nodeset"]("core", (NODESETS / "Opc.Ua.NodeSet2.xml").read_bytes())
    by_address = {tag.cells["address"]: tag.name for tag in core.tags}
    summary = "Server.ServerDiagnostics.ServerDiagnosticsSummary"  # OPC 10000-5, 6.3.3
    assert by_address["ns=0;i=2277"] == f"{summary}.CurrentSessionCount"
    assert not any("Type." in name for name in by_address.values())


def test_a_plant_model_keeps_its_paths_and_namespace() -> None:
    body = """<UANodeSet xmlns="http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"><NamespaceUris><Uri>urn:plant:7</Uri></NamespaceUris>
    <Aliases><Alias Alias="Float">i=10</Alias></Aliases>
    <UAObject NodeId="ns=1;s=Tank" BrowseName="1:Tank"><DisplayName>Tank</DisplayName></UAObject>
    <UAVariable NodeId="ns=1;s=Tank.L" BrowseName="1:Level" DataType="Float" ParentNodeId="ns=1;s=Tank">
      <Description>液位</Description></UAVariable>
    <UADataType NodeId="ns=1;i=7" BrowseName="1:Metres"><References>
      <Reference ReferenceType="HasSubtype" IsForward="false">i=8</Reference></References></UADataType>
    <UADataType NodeId="ns=1;i=8" BrowseName="1:Loop"><References>
      <Reference ReferenceType="i=45" IsForward="false">ns=1;i=8</Reference></References></UADataType>
    <UAVariable NodeId="ns=1;i=20" BrowseName="1:Depth" DataType="ns=1;i=7" ParentNodeId="ns=1;s=Tank"/>
    <UAVariable NodeId="ns=1;i=21" BrowseName="1:Circle" DataType="ns=1;i=8" ParentNodeId="ns=1;s=Tank"/>
    <UAVariable NodeId="ns=1;i=22" BrowseName="1:Odd" DataType="ns=1;i=99" ParentNodeId="ns=1;s=Tank"/>
    <UAVariable NodeId="ns=1;i=23" BrowseName="1:Row" DataType="Float" ValueRank="1" ParentNodeId="ns=1;s=Tank"/>
    <UAVariable NodeId="ns=1;s=Tank.N" BrowseName="1:Name" DataType="i=12" ParentNodeId="ns=1;s=Tank"/></UANodeSet>"""
    imported = FORMATS["nodeset"]("plant.xml", body.encode())
    tag, derived = imported.tags
    assert (derived.name, derived.cells["address"]) == ("Tank.Depth", "nsu=urn:plant:7;i=20")
    assert [(one.file, one.text["en"].partition(" is left out: ")) for one in imported.problems] == [
        ("ns=1;i=21", ("Tank.Circle", " is left out: ", "type ns=1;i=8 is no number.")),
        ("ns=1;i=22", ("Tank.Odd", " is left out: ", "type ns=1;i=99 is no number.")),
        ("ns=1;i=23", ("Tank.Row", " is left out: ", "arrays are not read.")),
        ("ns=1;s=Tank.N", ("Tank.Name", " is left out: ", "type i=12 is no number.")),
    ]
    assert (tag.name, tag.cells) == ("Tank.Level", {"address": "nsu=urn:plant:7;s=Tank.L", "zh": "液位"})


@pytest.mark.parametrize(
    ("form", "data", "driver"),
    [
        ("logix", LOGIX.encode(), "enip"),
        ("step7", STEP7.encode(), "s7"),
        ("step7", ASC.encode(), "s7"),
        ("tia", TIA_XML.encode(), "s7"),
        ("kepware", KEPWARE.replace('"Mixer","DB10,REAL4",Float,1,RO,100,,,,,,,,,"","",\n', "").encode(), "modbus"),
    ],
)
def test_what_a_tool_exports_its_driver_reads(form: str, data: bytes, driver: str) -> None:
    module = load(driver)
    settings = module.Settings(url="tcp://192.168.1.40")
    tags = FORMATS[form]("x.xml" if form == "tia" else "x.csv", data).tags
    parsed = [
        module.parse(settings, PointSpec(tag.name, tag.cells["address"], tag.cells.get("type", ""))) for tag in tags
    ]
    assert parsed
    assert None not in parsed
