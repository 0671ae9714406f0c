"""Workbooks that were made to hurt: each is refused quickly, with a sentence."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rulebook import compile_rules
from gateway.rulebook.workbook.archive import ArchiveError, unpack
from gateway.rulebook.workbook.export import export
from gateway.rulebook.workbook.write import xlsx_bytes
from gateway.site.text import decode
from tests.rulebook.workbook.bench import plant
from tests.rulebook.workbook.samples import PUMPS

GOOD = xlsx_bytes(export([("p.csv", PUMPS)], plant()))
SHEET = "xl/worksheets/sheet1.xml"


def changed(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The good workbook with other parts."""
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_part(name: str, data: bytes) -> bytes:
    return changed(lambda parts: parts.update({name: data}))


def in_sheet(old: bytes, new: bytes) -> bytes:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[SHEET]
        parts[SHEET] = parts[SHEET].replace(old, new, 1)

    return changed(change)


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
EMPTY_ROWS = b"".join(b'<row r="%d"/>' % at for at in range(2000, 1_000_000, 1))
REFUSED: dict[str, Callable[[], bytes]] = {
    "bomb": lambda: with_part("xl/media/a.bin.xml", b"\0" * 20_000_000),
    "large": lambda: changed(lambda parts: parts.update({f"a{n}.txt": bytes(900_000) for n in range(40)})),
    "many": lambda: changed(lambda parts: parts.update({f"a{n}.txt": b"" for n in range(300)})),
    "entities": lambda: in_sheet(b"<worksheet", LAUGHS + b"<worksheet"),
    "utf-16": lambda: changed(lambda p: p.update({SHEET: p[SHEET].decode().encode("utf-16")})),
    "encoding": lambda: with_part("xl/a.xml", b"<?xml version='1.0' encoding='utf-7'?><a/>"),
    "macros": lambda: with_part("xl/vbaProject.bin", b"x"),
    "links": lambda: with_part("xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
    "objects": lambda: with_part("xl/embeddings/oleObject1.xml", b"<a/>"),
    "password": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
    "text": lambda: b"this is not a workbook",
    "empty": lambda: b"",
    "cut": lambda: GOOD[: len(GOOD) // 2],
    "no sheet": lambda: changed(lambda parts: parts.__delitem__(SHEET)),
    "far row": lambda: in_sheet(b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'),
    "far column": lambda: in_sheet(b"</sheetData>", b'<row r="900"><c r="XFD900"><v>1</v></c></row></sheetData>'),
    "rows": lambda: in_sheet(b"</sheetData>", EMPTY_ROWS + b"</sheetData>"),
    "bad xml": lambda: in_sheet(b"</sheetData>", b"</sheet>"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_quickly(name: str) -> None:
    data = REFUSED[name]()
    begun = time.process_time()
    with pytest.raises(ArchiveError) as refused:
        unpack(data)
    assert time.process_time() - begun < 5
    assert refused.value.en
    assert refused.value.zh


def test_encrypted_entries_are_refused() -> None:
    flags = bytearray(GOOD)
    at = GOOD.index(b"PK\x01\x02")
    while at >= 0:
        flags[at + 8] |= 1
        at = GOOD.find(b"PK\x01\x02", at + 4)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack(bytes(flags))


def test_a_huge_stated_extent_costs_nothing() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        stated = archive.read(SHEET).split(b"<dimension", 1)[1].split(b"/>", 1)[0]
    data = in_sheet(b"<dimension" + stated, b'<dimension ref="A1:XFD1048576"')
    assert unpack(data) == unpack(GOOD)


def cells(edit: Callable[[openpyxl.Workbook], None]) -> list[tuple[str, str]]:
    """Problems of the good workbook after somebody's edit in Excel."""
    book = openpyxl.load_workbook(io.BytesIO(GOOD))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    found = compile_rules([("m.xlsx", unpack(out.getvalue()))], plant()).problems
    return [(problem.code, problem.cell) for problem in found if problem.severity == "error"]


def test_formulas_merged_and_hidden_cells_are_named() -> None:
    def formula(book: openpyxl.Workbook) -> None:
        book.active["D18"] = "=1+1"

    assert ("matrix.formula", "因果表 C&E!D18") in cells(formula)
    assert cells(lambda book: book.active.merge_cells("P18:P19"))[0][0] == "matrix.merged"
    assert cells(lambda book: setattr(book.active.row_dimensions[19], "hidden", True))[0][0] == "matrix.hidden"
    assert cells(lambda book: setattr(book.active.column_dimensions["Q"], "hidden", True))[0][0] == "matrix.hidden"
    assert cells(lambda book: setattr(book.active, "title", "Plant")) == []


def test_a_matrix_without_its_marker_is_not_passed_over() -> None:
    def copy(book: openpyxl.Workbook) -> None:
        book.copy_worksheet(book.active).title = "B"
        book["B"]["A1"] = "my matrix"

    assert cells(copy) == [("matrix.unread", "B!A1")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_csv_of_every_usual_encoding_is_the_same(encoding: str) -> None:
    text = decode(PUMPS.replace("\n", "\r\n").encode(encoding))
    assert compile_rules([("m.csv", text)], plant()).program == compile_rules([("m.csv", PUMPS)], plant()).program


@pytest.mark.parametrize("hostile", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-2+3"])
def test_csv_formulas_are_refused(hostile: str) -> None:
    found = compile_rules([("m.csv", PUMPS.replace("液位低低", hostile))], plant()).problems
    assert ("matrix.formula", "M9") in [(problem.code, problem.cell) for problem in found]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_damaged_bytes_give_pages_or_a_refusal(edits: list[tuple[int, bytes]]) -> None:
    data = GOOD
    for at, put in edits:
        data = data[:at] + put + data[at + len(put) :]
    try:
        text = unpack(data)
    except ArchiveError:
        return
    compiled = compile_rules([("m.xlsx", text)], plant())
    assert (compiled.program is None) == any(problem.severity == "error" for problem in compiled.problems)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PUMPS) - 1), st.text(max_size=6))
def test_any_csv_gives_a_program_or_problems(at: int, put: str) -> None:
    compiled = compile_rules([("m.csv", PUMPS[:at] + put + PUMPS[at + len(put) :])], plant())
    assert (compiled.program is None) == any(problem.severity == "error" for problem in compiled.problems)
