"""The demo site as it is loaded: numbers, groups, hidden words, signals, texts, certificates."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from gateway.core.tags import INF
from gateway.site import load_site
from gateway.site.dictionary import check_dictionary
from gateway.site.load import Loaded

DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture(scope="module")
def demo() -> Loaded:
    return load_site(DEMO)


KINDS = ("interlock", "control", "alarm", "advisory", "permit")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state", "certs"))
    return folder


def test_demo_has_no_errors_and_says_what_makes_its_certificates(copy: Path) -> None:
    loaded = load_site(copy)
    assert loaded.site is not None
    warned = {problem.code for problem in loaded.problems if problem.severity == "warning"}
    assert warned == {"site.certificate"}
    assert all("./scripts/run" in p.remedy["en"] for p in loaded.problems if p.code == "site.certificate")


def test_missing_certificate_is_an_error_only_for_run(copy: Path) -> None:
    assert load_site(copy).site is not None
    loaded = load_site(copy, for_run=True)
    assert loaded.site is None
    assert {problem.code for problem in loaded.problems if problem.severity == "error"} == {"site.certificate"}
    (copy / "certs").mkdir()
    for name in ("ca.pem", "gateway.pem", "gateway.key"):
        (copy / "certs" / name).touch()
    assert load_site(copy, for_run=True).site is not None


def test_numbers_are_contiguous_in_groups_and_plans(demo: Loaded) -> None:
    assert demo.site is not None
    table = demo.site.table
    assert [tag.number for tag in table.tags] == list(range(len(table.tags)))
    assert [group.number for group in table.groups] == list(range(len(table.groups)))
    first = 0
    for group in table.groups:
        assert group.first == first
        members = table.tags[group.first : group.first + group.count]
        assert {(tag.group, tag.source) for tag in members} == {(group.number, group.source)}
        first += group.count
    assert first == len(table.tags)
    for source in demo.site.sources.values():
        assert [group.source for group in source.plan.groups] == [source.name] * len(source.plan.groups)
        for group, planned in zip(source.plan.groups, source.plan.tags, strict=True):
            assert [entry.tag.number for entry in planned] == list(range(group.first, group.first + group.count))
            assert [entry.point.order for entry in planned] == sorted(entry.point.order for entry in planned)


def test_heartbeats_are_hidden_tags_known_to_their_source(demo: Loaded) -> None:
    assert demo.site is not None
    table = demo.site.table
    plc = table.sources[0]
    beat, peer = table.tags[plc.heartbeat], table.tags[plc.peer]
    assert (beat.name, beat.writable, beat.hidden) == ("plc1.$heartbeat", True, True)
    assert table.groups[beat.group].name == "write"
    assert (peer.name, peer.writable, peer.hidden) == ("plc1.$peer", False, True)
    assert table.groups[peer.group].name == "poll"
    assert table.tags[plc.healthy].name == "watchdog.healthy"
    assert (plc.heartbeat_ms, plc.peer_stale_ms, plc.period_ms) == (250, 1000, 100)
    assert [source.heartbeat for source in table.sources[1:]] == [-1] * 4


def test_group_is_as_fresh_as_its_strictest_tag_and_peer_does_not_count(demo: Loaded) -> None:
    assert demo.site is not None
    groups = {group.name: group for group in demo.site.table.groups}
    assert groups["poll"].stale_ms == 1000  # outputs have no stale_ms: three periods, at least 1 s
    assert groups["plant/gas/3"].stale_ms == 10_000


def test_fields_of_tags(demo: Loaded) -> None:
    assert demo.site is not None
    tags = {tag.name: tag for tag in demo.site.table.tags}
    level, fan, loop = tags["tank1.level"], tags["vent1.start"], tags["tank1.level_loop"]
    assert (level.unit, level.low, level.high, level.deadband, level.boolean) == ("cm", 0.0, 300.0, 0.5, False)
    assert (level.fault_low, level.fault_high) == (-INF, INF)
    assert level.text == {"zh-CN": "1号酸洗槽液位", "en": "Pickling tank 1 level"}
    assert (fan.writable, fan.safe, fan.boolean, fan.area) == (True, 1.0, True, "tankfarm")
    assert math.isclose(loop.fault_low, -7.5)  # 3.6 mA where 4 mA = 0 cm and 20 mA = 300 cm
    assert math.isclose(loop.fault_high, 318.75)  # 21 mA


def test_paths_are_absolute_also_in_driver_settings(demo: Loaded) -> None:
    assert demo.site is not None
    assert demo.site.storage.directory == DEMO / "state"
    assert demo.site.upstream is not None
    assert demo.site.upstream.ca == DEMO / "certs" / "ca.pem"
    assert demo.site.sources["sensors"].settings.key == DEMO / "certs" / "gateway.key"


def test_rules_dictionary_and_users(demo: Loaded) -> None:
    assert demo.site is not None
    assert [name for name, _ in demo.site.rules] == ["10-pickling.rules", "20-gas.rules", "30-plant.rules"]
    for texts in demo.site.dictionary.values():
        for text in texts.values():
            assert all((text.title, text.cause, text.consequence, text.response))
        assert texts.keys() == {"en", "zh-CN"}
    assert demo.site.users["zhang-wei"].roles == ("operator", "supervisor")


def test_dictionary_and_rules_name_each_other(demo: Loaded) -> None:
    assert demo.site is not None
    words = [line.split() for _, text in demo.site.rules for line in text.split("\n")]
    names = [line[1] for line in words if line[:1] and line[0] in KINDS]
    assert len(names) >= 8
    assert check_dictionary(demo.site.dictionary, names) == []
    codes = [problem.code for problem in check_dictionary(demo.site.dictionary, [*names[1:], "NEW"])]
    assert codes == ["alarm.not-in-dictionary", "alarm.no-rule"]


def test_no_folder() -> None:
    assert [problem.code for problem in load_site(DEMO / "absent").problems] == ["site.no-folder"]


def test_signal_scaled_from_the_range_and_turned_round(copy: Path) -> None:
    with (copy / "tags.csv").open("a", encoding="utf-8") as out:
        out.write("a1,plc1,input:110,float32,bar,,,0,16,2500,,,,,,,4..20 mA\n")
        out.write("a2,plc1,input:112,float32,bar,-1,20,0,16,2500,,,,,,,4-20mA\n")
    site = load_site(copy).site
    assert site is not None
    planned = {entry.tag.name: entry for entry in site.sources["plc1"].plan.tags[0]}
    assert (planned["a1"].scale, planned["a1"].offset) == (1.0, -4.0)
    assert (planned["a2"].tag.fault_low, planned["a2"].tag.fault_high) == (-1.0, 16.4)
