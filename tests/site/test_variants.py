"""One tag list in every form that a Windows laptop writes gives one site; damaged bytes give problems, never exceptions."""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.site import Site, load_site
from gateway.site.tag_rows import HEADINGS

DEMO = Path(__file__).parents[2] / "config" / "demo"
TAGS = (DEMO / "tags.csv").read_text(encoding="utf-8")
ROWS = list(csv.reader(io.StringIO(TAGS)))


def site_of(folder: Path) -> Site:
    loaded = load_site(folder)
    assert loaded.site is not None, [problem.text["en"] for problem in loaded.problems]
    return loaded.site


def comparable(site: Site) -> dict[str, object]:
    """Everything a site says but the place where it lies."""
    fields = {field.name: getattr(site, field.name) for field in dataclasses.fields(site)}
    for placed in ("folder", "storage", "upstream", "control"):
        del fields[placed]
    fields["sources"] = {name: (source.driver, source.plan) for name, source in site.sources.items()}
    return fields


def rewritten(delimiter: str, rows: list[list[str]] = ROWS) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue()


def chinese_headings() -> list[list[str]]:
    return [[HEADINGS[name][0] for name in ROWS[0]], *ROWS[1:]]


VARIANTS: dict[str, Callable[[], bytes]] = {
    "bom": lambda: TAGS.encode("utf-8-sig"),
    "crlf": lambda: TAGS.replace("\n", "\r\n").encode(),
    "gbk": lambda: TAGS.encode("gbk"),
    "utf16": lambda: TAGS.encode("utf-16"),
    "semicolon": lambda: rewritten(";").encode(),
    "tab": lambda: rewritten("\t").encode(),
    "chinese headings": lambda: rewritten(",", chinese_headings()).encode(),
    "windows": lambda: rewritten(";", chinese_headings()).replace("\n", "\r\n").encode("gbk"),
    "rows in another order": lambda: rewritten(",", [ROWS[0], *reversed(ROWS[1:])]).encode(),
    "empty rows and columns": lambda: rewritten(",", [[*row, "", ""] for row in [*ROWS, [""], [""]]]).encode(),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state", "certs"))
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_csv_variants_give_the_same_site(copy: Path, variant: str) -> None:
    (copy / "tags.csv").write_bytes(VARIANTS[variant]())
    assert comparable(site_of(copy)) == comparable(site_of(DEMO))


def test_workbook_gives_the_same_site(copy: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in chinese_headings():
        sheet.append([float(text) if text.lstrip("-").replace(".", "", 1).isdigit() else text for text in row])
    book.save(copy / "tags.xlsx")
    (copy / "tags.csv").unlink()
    assert comparable(site_of(copy)) == comparable(site_of(DEMO))


def test_site_toml_and_rules_from_windows_give_the_same_site(copy: Path) -> None:
    for path in (copy / "site.toml", copy / "users.toml", *(copy / "rules").iterdir()):
        path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode("utf-8-sig"))
    (copy / "alarms.csv").write_bytes((copy / "alarms.csv").read_text(encoding="utf-8").encode("gbk"))
    assert comparable(site_of(copy)) == comparable(site_of(DEMO))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tags.csv", ",0,300,2500,0.5,", ",0,310,2500,0.5,"),
        ("tags.csv", "Pump 7 permit", "Pump seven permit"),
        ("site.toml", "history_hours = 24", "history_hours = 25"),
        ("rules/10-pickling.rules", "< 30 cm", "< 31 cm"),
        ("alarms.csv", "停加热", "切断加热"),
        ("users.toml", "张伟", "张玮"),
    ],
)
def test_hash_changes_with_the_content(copy: Path, file: str, old: str, new: str) -> None:
    before = (copy / file).read_text(encoding="utf-8")
    assert old in before
    (copy / file).write_text(before.replace(old, new), encoding="utf-8")
    assert site_of(copy).hash != site_of(DEMO).hash


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    shutil.copy(DEMO / "site.toml", folder)
    shutil.copytree(DEMO / "rules", folder / "rules")
    return folder


SAMPLE = "\n".join(TAGS.split("\n")[:14]).encode()
EDITS = st.lists(
    st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 4), st.binary(max_size=6)), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_damaged_tag_list_gives_problems_and_never_raises(small: Path, edits: list[tuple[int, int, bytes]]) -> None:
    data = SAMPLE
    for at, drop, put in edits:
        data = data[:at] + put + data[at + drop :]
    (small / "tags.csv").write_bytes(data)
    loaded = load_site(small)
    assert (loaded.site is None) == any(problem.severity == "error" for problem in loaded.problems)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_any_bytes_as_site_toml_give_problems_and_never_raise(small: Path, data: bytes) -> None:
    kept = (small / "site.toml").read_bytes()
    try:
        (small / "site.toml").write_bytes(data)
        assert load_site(small).site is None
    finally:
        (small / "site.toml").write_bytes(kept)
