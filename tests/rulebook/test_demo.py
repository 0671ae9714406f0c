"""The rules of the shipped example compile on its own tag list."""

from pathlib import Path

from gateway.rulebook import compile_rules
from gateway.site import load_site

DEMO = Path(__file__).parents[2] / "config" / "demo"


def test_the_demo_rules_compile_without_a_word() -> None:
    site = load_site(DEMO).site
    assert site is not None
    files = [(path.name, path.read_text(encoding="utf-8")) for path in sorted((DEMO / "rules").glob("*.rules"))]
    compiled = compile_rules(files, site.table, site.channels)
    assert compiled.problems == []
    assert compiled.program is not None
    assert compiled.formulas["PKL_LSLL"] == "((tank1.level < 30 cm, clears at >= 35 cm) for 2 s)"
