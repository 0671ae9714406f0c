"""`gatehouse warn learn`: from an export or the history to a card that the site loads, a rule reads and a backtest raises; and refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway import app
from gateway.app.examine import examine
from gateway.core.cards import Card, decode, encode
from gateway.offline.learning import UNUSED
from gateway.offline.setting import Setting
from gateway.offline.setting import decode as setting_of
from gateway.offline.setting import encode as setting_bytes
from gateway.site import load_site
from tests.offline.campaign_trips import Recorded

DEMO = Path(__file__).parents[2] / "config" / "demo"
TAGS = ("rx1.temp", "pump7.pressure", "tank1.level")
RULE = 'alarm RX_ODD "反应釜异常 | Reactor unlike itself"\n  when warning(reactor) for 3 s\n  then alarm\n  priority P2\nend\n'


def rows(count: int, seed: int = 1) -> np.ndarray:
    """Three tags of the demo that move together."""
    draw = np.random.default_rng(seed)
    cause, held = np.empty(count), 0.0
    for at in range(count):
        held = 0.8 * held + draw.normal() * 0.6
        cause[at] = held
    noise = draw.normal(size=(count, 3)) * 0.4
    return np.array([150.0, 6.0, 120.0]) + np.array([2.0, 0.1, 3.0]) * (cause[:, None] * [1.0, 0.8, -0.6] + noise)


def export(
    path: Path, values: np.ndarray, cell: Callable[[int, int, float], str] = lambda _r, _c, v: f"{v:.6f}"
) -> Path:
    """A wide CSV, one row a second."""
    lines = ["time," + ",".join(TAGS)]
    for at, row in enumerate(values):
        shown = ",".join(cell(at, column, value) for column, value in enumerate(row))
        lines.append(f"2026-05-01T00:{at // 60:02d}:{at % 60:02d}Z,{shown}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's site folder, empty of state, with the card of 600 clean rows."""
    folder = tmp_path_factory.mktemp("site") / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state"))
    assert learn(folder, export(folder.parent / "clean.csv", rows(600))) == 0
    return folder


def learn(site: Path, data: Path | None, tags: tuple[str, ...] = TAGS, **more: str) -> int:
    args = {"group": "reactor", "tags": "\n".join(tags), "data": str(data or ""), "from": "", "to": "", "period": "1"}
    return app.warn("learn", site, args | more)


def card_of(site: Path) -> Card:
    return decode((site / "warn" / "reactor.json").read_bytes())


def test_the_site_loads_what_was_learned(site: Path) -> None:
    loaded = load_site(site)
    assert loaded.site is not None, loaded.problems
    card = card_of(site)
    assert [one.hash for one in loaded.site.table.cards] == [card.hash]
    assert card.tags == TAGS
    assert card.units == ("degC", "bar", "cm")
    assert card.rows >= 590
    assert card.center == pytest.approx((150.0, 6.0, 120.0), rel=0.02)
    plain = load_site(DEMO).site
    assert plain is not None
    assert loaded.site.hash != plain.hash
    assert list(loaded.site.table.tags[: len(plain.table.tags)]) == list(plain.table.tags)


def test_a_rule_on_it_is_tried_on_recorded_data_without_the_plant(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "odd.rules"
    rule.write_text(RULE, encoding="utf-8")
    values = rows(120, 4)
    values[60:, 0] += 12.0  # still inside every range and below every limit: only the others say that it is odd
    args = {"rules": str(rule), "data": str(export(tmp_path / "odd.csv", values)), "output": "json"}
    assert app.rule("backtest", site, args) == 0
    told = json.loads(capsys.readouterr().out)
    ours = [(one["alarm"], one["after"]) for one in told["alarms"] if not one["alarm"].startswith("SOURCE_")]
    assert ours == [("RX_ODD", 1)]


def test_a_setting_carries_the_cards_to_the_replay_of_a_bundle(site: Path) -> None:
    loaded = load_site(site).site
    assert loaded is not None
    given = Setting("g", "s", loaded.hash, "1", "en", loaded.table, b'{"rules":[],"version":1,"candidates":[]}')
    again = setting_of(setting_bytes(given))
    assert [msgspec.to_builtins(card) for card in again.table.cards] == [
        msgspec.to_builtins(c) for c in loaded.table.cards
    ]
    kernel = again.kernel()
    assert [group.card.hash for group in kernel.early.groups] == [card_of(site).hash]


def test_what_teaches_nothing_is_refused_with_its_reason(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (site / "warn" / "reactor.json").read_bytes()
    clean = rows(300)
    bad = export(tmp_path / "bad.csv", clean, lambda r, c, v: "?" if c == 1 and r % 20 == 3 else f"{v:.4f}")
    still = clean.copy()
    still[:, 2] = 120.0
    hot = clean.copy()
    hot[100:200, 2] = 10.0  # the demo's level low-low
    good = export(tmp_path / "good.csv", clean)
    cases = [
        ({"data": export(tmp_path / "few.csv", clean[:50])}, "too few", "至少需要"),
        ({"data": bad}, "pump7.pressure", "坏值"),
        ({"data": export(tmp_path / "still.csv", still)}, "tank1.level: stands still", "没有变化"),
        ({"data": export(tmp_path / "hot.csv", hot)}, "not clean: PKL_LSLL", "不正常"),
        ({"data": good, "tags": ("rx1.tmp",)}, "rx1.tmp", "没有名为"),
        ({"data": good, "group": "Reactor 1"}, "no name of a group", "不能作为组名"),
        ({"data": good, "charts": "co.kiln"}, "not one of the group's", "不是该组"),
        ({"data": good, "zone": "Mars/Base"}, "no time zone", "不是有效时区"),
        ({"data": None, "from": "2020-01-01", "to": "2020-01-02"}, "Nothing usable", "没有可用的记录"),
    ]  # fmt: skip
    for more, en, zh in cases:
        for lang, word in (("en", en), ("zh-CN", zh)):
            assert learn(site, **{**more, "lang": lang}) != 0  # type: ignore[arg-type]
            assert word in capsys.readouterr().err
    assert (site / "warn" / "reactor.json").read_bytes() == before


def test_a_second_clean_period_says_how_wide_the_limits_must_be(site: Path, tmp_path: Path) -> None:
    """What it shows counts: a period that lies apart raises the limits until it stays within the rate."""
    data, out = export(tmp_path / "clean.csv", rows(600)), tmp_path / "card.json"
    found = []
    for shift in (0.0, 0.25):
        second = rows(300, 9)
        second[:, 1] += shift
        assert learn(site, data, check=str(export(tmp_path / "second.csv", second)), out=str(out)) == 0
        found.append(decode(out.read_bytes()))
    like, apart = found
    assert apart.checked_on == "second.csv"
    assert apart.limits.t2 > 1.2 * like.limits.t2


def test_a_period_too_short_for_slow_drift_leaves_that_score_out_and_says_so(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """200 rows are ten independent smoothed ones: too few for three components."""
    out = tmp_path / "short.json"
    for rows_of_it, unused in ((220, True), (600, False)):
        data = export(tmp_path / "clean.csv", rows(rows_of_it))
        assert learn(site, data, lags="1", out=str(out)) == 0
        assert (decode(out.read_bytes()).limits.t2_slow == UNUSED) is unused
        assert ("slow T²" in capsys.readouterr().err) is unused


def test_a_period_of_the_history(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state"))
    site = examine(folder).site
    assert site is not None
    shutil.copytree(recorded.directory / "history", folder / "state" / "history")
    names, out = ("vent1.flow", "tank2.level"), str(tmp_path / "card.json")
    assert learn(folder, None, names, period="0.5") == 1  # the plant was lost and mute meanwhile
    assert "have a BAD value" in capsys.readouterr().err
    monkeypatch.setattr("gateway.app.warning_cards.BAD_MAX", 0.1)  # the losses are planted, the rest is the plant
    assert learn(folder, None, names, period="0.5", out=out) == 0
    card = decode(Path(out).read_bytes())
    assert card.learned_from == "history"
    assert 400 <= card.rows <= 480
    begin = datetime.fromtimestamp(card.from_utc_ms / 1000 + 60, UTC).isoformat()
    assert learn(folder, None, names, period="0.5", out=out, **{"from": begin}) == 0
    assert decode(Path(out).read_bytes()).from_utc_ms >= card.from_utc_ms + 60_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda card: msgspec.structs.replace(card, false_alarm_rate=0.5), "warn.hash"),
        (lambda card: msgspec.structs.replace(card, lags=9).sealed(), "warn.field"),
        (lambda card: msgspec.structs.replace(card, name="boiler").sealed(), "warn.name"),
        (lambda card: msgspec.structs.replace(card, tags=("rx1.temp", "pump7.pressure", "gone")).sealed(), "warn.tag"),
        (lambda card: msgspec.structs.replace(card, units=("K", "bar", "cm")).sealed(), "warn.unit"),
    ],
)
def test_a_card_that_does_not_fit_the_site_stops_it(
    site: Path, tmp_path: Path, change: Callable[[Card], Card], code: str
) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(site, folder)
    (folder / "warn" / "reactor.json").write_bytes(encode(change(card_of(site))))
    loaded = load_site(folder)
    assert loaded.site is None
    assert [problem.code for problem in loaded.problems if problem.severity == "error"] == [code]
    (folder / "warn" / "reactor.json").write_text("{", encoding="utf-8")
    assert "warn.form" in [problem.code for problem in load_site(folder).problems]
