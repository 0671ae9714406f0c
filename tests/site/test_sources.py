"""Sections of sources against a tiny driver of our own, and workbooks whose bytes are damaged."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

import drivers.base
from drivers.base import Point, PointSpec
from gateway.core.errors import AddressError
from gateway.site import load_site
from gateway.site.workbook import read_workbook

GATEWAY = '[gateway]\nid = "a"\nsite = "b"\narea = "c"\n'


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    publish_ms: int = 50
    ca: Path | None = None


def parse(settings: Settings, spec: PointSpec) -> Point:
    if not spec.address.isdigit():
        raise AddressError("no digits", "不是数字")
    return Point("odd" if int(spec.address) % 2 else "even", (int(spec.address),), spec.type == "bool", None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def load(name: str) -> object:
        if name == "absent":
            raise ModuleNotFoundError("no", name="somelib")
        return {"fake": SimpleNamespace(Settings=Settings, parse=parse)}[name]

    monkeypatch.setattr(drivers.base, "load", load)
    return tmp_path


def write(folder: Path, section: str, rows: str) -> None:
    (folder / "site.toml").write_text(GATEWAY + section)
    (folder / "tags.csv").write_text("tag,source,address,type,stale_ms,writable,safe\n" + rows)


def test_groups_follow_the_driver_and_period_may_be_publish_ms(folder: Path) -> None:
    write(
        folder, '[source.p]\ndriver = "fake"\nca = "x/ca.pem"\n', "a,p,4,,,,\nb,p,1,,200,,\nc,p,2,,5000,,\nd,p,3,,,,\n"
    )
    site = load_site(folder).site
    assert site is not None
    assert [tag.name for tag in site.table.tags] == ["c", "a", "b", "d"]
    assert [(group.name, group.first, group.count, group.stale_ms) for group in site.table.groups] == [
        ("even", 0, 2, 1000),
        ("odd", 2, 2, 200),
    ]
    assert site.table.sources[0].period_ms == 50
    assert site.sources["p"].settings.ca == folder / "x" / "ca.pem"


def test_heartbeats_may_not_share_an_output_and_need_an_address_of_the_driver(folder: Path) -> None:
    beats = 'heartbeat = { address = "8" }\nreverse_heartbeat = { address = "x" }\n'
    write(folder, f'[source.p]\ndriver = "fake"\n{beats}', "a,p,8,,,yes,0\n")
    codes = [(problem.code, problem.line) for problem in load_site(folder).problems if problem.severity == "error"]
    assert codes == [("source.address", 8), ("tag.same-output", 2)]
    write(folder, f'[source.p]\ndriver = "fake"\n{beats.replace("x", "9")}', "a,p,6,,,yes,0\nb,p,9,bool,,,\n")
    site = load_site(folder).site
    assert site is not None
    assert [tag.name for tag in site.table.tags] == ["a", "b", "p.$peer", "p.$heartbeat"]


def test_library_of_a_driver_that_is_not_installed_is_named(folder: Path) -> None:
    write(folder, '[source.p]\ndriver = "absent"\n', "a,p,8,,,,\n")
    found = load_site(folder).problems[0]
    assert (found.code, found.line) == ("source.driver-missing", 6)
    assert "somelib" in found.text["en"]
    assert "somelib" in found.text["zh-CN"]


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["tag", "source", "address"], ["a", "p", 8], ["b", "p", "9"]):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


SAMPLE = workbook()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=8))
def test_damaged_workbook_gives_a_grid_or_a_problem(edits: list[tuple[int, bytes]]) -> None:
    data = SAMPLE
    for at, put in edits:
        data = data[:at] + put + data[at + len(put) :]
    grid, problems = read_workbook("tags.xlsx", data)
    assert grid is not None or [problem.code for problem in problems] == ["workbook.invalid"]


def test_times_of_a_device_are_the_sites_and_not_the_drivers(folder: Path) -> None:
    write(folder, '[source.p]\ndriver = "fake"\nscan_ms = 12\n', "a,p,1,,,,\n")
    site = load_site(folder).site
    assert site is not None
    assert (site.table.sources[0].scan_ms, site.table.sources[0].write_ms) == (12, 500)
    write(folder, '[source.p]\ndriver = "fake"\nscan_ms = 0\nwrite_ms = 501\n', "a,p,1,,,,\n")
    problems = [problem for problem in load_site(folder).problems if problem.severity == "error"]
    assert [(problem.code, problem.line) for problem in problems] == [("site.bounds", 7), ("site.bounds", 8)]
