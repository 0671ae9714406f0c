"""Places of keys: each mark points at its key and its value, and every key of tomllib's result has one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.site.toml_marks import Path, scan

TEXT = '''a = 1 # c = 2
[gateway] # [x]
id = "x]=\\"#"
b.c = {d = [1, {e=2}], "f g" = """q
[no]""""}
'lit.eral' = 'c:\\'
[source."plc 1"]
l = [
  1, # one ]
  "two",
]
[[u.x]]
n=1
[[u.x]]
n = 2024-01-02
[u.x.sub]
k = 2
'''


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def test_every_key_and_element_has_its_place() -> None:
    marks = scan(TEXT)
    assert set(paths(tomllib.loads(TEXT))) == set(marks)
    lines = TEXT.split("\n")
    for path, start in {
        ("gateway", "id"): '"x]',
        ("gateway", "b", "c", "d"): "[1,",
        ("u", "x", 1, "n"): "2024",
    }.items():
        mark = marks[path]
        assert lines[mark.value_line - 1][mark.value_column - 1 :].startswith(start)
    assert (marks["gateway", "b", "c", "f g"].line, marks["gateway", "lit.eral"].line) == (4, 6)
    assert (marks["source", "plc 1", "l", 1].line, marks["source", "plc 1", "l", 1].column) == (10, 3)
    assert (marks["u", "x", 1].line, marks["u", "x", 1, "sub", "k"].line) == (14, 17)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab.=[]{}\"'#, \n\\1", max_size=40))
def test_scanner_ends_and_agrees_with_tomllib_on_any_valid_text(text: str) -> None:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(paths(values)) <= set(scan(text))
