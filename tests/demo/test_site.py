"""A copy of the demo site has its own ports and is a site in order."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.demo import ca
from gateway.demo.site import prepare
from gateway.site import load_site

SOURCE = Path(__file__).parents[2] / "config" / "demo"


def test_ports_are_put_in_and_nothing_else_changes(tmp_path: Path) -> None:
    target = prepare(SOURCE, tmp_path / "site", plant=1111, broker=2222, page=3333, metrics=4444, upstream=5555)
    ca.make(target / "certs")
    site = load_site(target).site
    assert site is not None
    assert site.upstream is not None
    assert urlsplit(site.sources["plc1"].settings.url).port == 1111
    assert urlsplit(site.sources["sensors"].settings.url).port == 2222
    assert (site.page.listen.port, site.metrics.listen.port) == (3333, 4444)
    assert urlsplit(site.upstream.url).port == 5555
    lines = zip(
        (SOURCE / "site.toml").read_text().splitlines(), (target / "site.toml").read_text().splitlines(), strict=True
    )
    assert sum(before != after for before, after in lines) == 7
    assert not (target / "state").exists()


def test_a_site_of_another_form_is_refused(tmp_path: Path) -> None:
    source = prepare(SOURCE, tmp_path / "source", plant=1, broker=2, page=3, metrics=4)
    (source / "site.toml").write_text("[gateway]\nid = 'x'\n")
    with pytest.raises(ValueError, match="nothing like"):
        prepare(source, tmp_path / "target", plant=1, broker=2, page=3, metrics=4)
