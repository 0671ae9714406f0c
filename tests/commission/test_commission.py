"""From an address to checked tags against a libmodbus server: sanity, word order, address base, loop check, record."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import modbus
from drivers.base import DRIVERS, Emit, PointSpec, load
from gateway.app.commissioning import commission
from gateway.commission import record
from gateway.commission.guess import decide, plausibility
from gateway.commission.live import Story
from gateway.commission.profiles import names, profile
from gateway.commission.sanity import judged
from gateway.core.errors import SourceError
from gateway.core.samples import Block
from gateway.core.tags import Cause, Quality
from gateway.site.load import load_site
from tests.peers.build import PeerMissing, compiled
from tests.peers.lines import LinePeer

LEVELS = 6


def words(value: float) -> tuple[int, int]:
    """A float32 with its low word first, as most PLCs with 16-bit roots hold it."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return low, high


class Plant:
    """A libmodbus server whose levels creep; one register stands, one float is not a number."""

    def __init__(self, server: LinePeer) -> None:
        self.server = server
        self.over = threading.Event()
        self._mover = threading.Thread(target=self._move)
        self._still()

    def _still(self) -> None:
        for at, value in ((60, 7), (70, 0), (71, 0x7FC0)):  # constant; NaN, low word first
            self.server.ask(f"set holding {at} {value}")

    def _move(self) -> None:
        step = 0
        while not self.over.wait(0.05):
            step += 1
            for at in range(LEVELS):
                for index, word in enumerate(words(120.0 + 11.0 * at + 0.4 * (step % 40))):
                    self.server.ask(f"set holding {100 + 2 * at + index} {word}")

    def __enter__(self) -> Plant:
        self._mover.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._mover.join()


@pytest.fixture
def plant() -> Iterator[Plant]:
    try:
        server = compiled("modbus_server")
    except PeerMissing as missing:
        pytest.skip(str(missing))
    with LinePeer([str(server)]) as peer, Plant(peer) as running:
        yield running


def site_of(tmp_path: Path, plant: Plant, order: str, base: int = 100) -> Path:
    """A site made by the command itself, with a tag list whose order or base may be wrong."""
    site = tmp_path / "site"
    args = {"target": f"tcp://127.0.0.1:{plant.server.port}", "profile": "inovance-h5u", "name": "plc1", "lang": "en"}
    assert commission("start", site, args) == 0
    rows = [f"level{at},plc1,holding:{base + 2 * at},float32{order},cm,0,300" for at in range(LEVELS)]
    rows += ["stands,plc1,holding:60,uint16,,,", "broken,plc1,holding:70,float32/cdab,,,"]
    (site / "tags.csv").write_text("\n".join(["tag,source,address,type,unit,low,high", *rows, ""]))
    return site


def found(site: Path) -> dict[str, object]:
    return list(record.notes(site, "sanity"))[-1]


def test_a_wrong_word_order_is_found_and_the_odd_tags_are_named(
    tmp_path: Path, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    site = site_of(tmp_path, plant, "/abcd")
    assert commission("check", site, {"seconds": "2", "lang": "en"}) == 1
    said = capsys.readouterr()
    sanity = found(site)
    assert sanity["order"]["best"] == "cdab"  # type: ignore[index]
    assert sanity["order"]["verdict"] == "sure"  # type: ignore[index]
    assert "word order: cdab (sure)" in said.err
    kinds = {one["tag"]: one["finding"] for one in sanity["suspicious"]}  # type: ignore[attr-defined]
    assert kinds["stands"] == "constant"
    assert kinds["broken"] == "nan"
    assert sanity["requests_per_s"] > 5  # type: ignore[operator]
    assert "from the address" not in said.err  # no value is in order yet


def test_a_right_list_is_left_alone(tmp_path: Path, plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    site = site_of(tmp_path, plant, "/cdab")
    commission("check", site, {"seconds": "2", "lang": "zh-CN", "output": "json"})
    sanity = found(site)
    assert sanity["order"]["best"] == sanity["written_order"] == "cdab"  # type: ignore[index]
    assert sanity["shift"]["best"] == "+0"  # type: ignore[index]
    assert {one["tag"] for one in sanity["suspicious"]} == {"stands", "broken"}  # type: ignore[attr-defined]
    took_s = sanity["start_to_first_value_s"]
    assert took_s
    capsys.readouterr()
    commission("check", site, {"seconds": "1", "lang": "en"})  # a second look does not make the first one later
    assert f"from the address to the first value in order: {took_s} s" in capsys.readouterr().err


def test_a_list_counted_from_one_is_found(tmp_path: Path, plant: Plant) -> None:
    site = site_of(tmp_path, plant, "/cdab", base=101)
    assert commission("check", site, {"seconds": "2", "lang": "en"}) == 1
    shift = found(site)["shift"]
    assert (shift["best"], shift["verdict"]) == ("-1", "likely")  # type: ignore[index]


def test_a_loop_check_is_kept_with_its_name_and_printed(
    tmp_path: Path, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    site = site_of(tmp_path, plant, "/cdab")
    loop = {"tag": "level0", "person": "王力", "tolerance": "8", "seconds": "1", "lang": "en"}
    assert commission("loop", site, {**loop, "applied": "128"}) == 0
    assert commission("loop", site, {**loop, "applied": "250"}) == 1
    kept = list(record.notes(site, "loop"))
    assert [(one["person"], one["passed"]) for one in kept] == [("王力", True), ("王力", False)]
    page = tmp_path / "report.html"
    assert commission("report", site, {"html": str(page), "lang": "zh-CN"}) == 0
    assert "不合格" in page.read_text(encoding="utf-8")
    capsys.readouterr()
    assert commission("next", site, {"lang": "en"}) == 0
    assert "Next: gatehouse commission check" in capsys.readouterr().out


def test_a_device_that_is_away_is_said_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert commission("start", site, {"target": "127.0.0.1:1", "profile": "wago-750", "lang": "en"}) == 0
    (site / "tags.csv").write_text("tag,source,address,type\na,plc1,holding:1,uint16\n")
    assert commission("check", site, {"seconds": "1", "lang": "en"}) == 1
    assert "No value came from plc1" in capsys.readouterr().err


def test_starting_twice_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    args = {"target": "192.168.1.20", "profile": "siemens-s7-1200-1500", "name": "plc1", "lang": "en"}
    if "s7" not in DRIVERS:
        args["profile"] = "schneider-m340-m580"
    assert commission("start", site, args) == 0
    before = (site / "site.toml").read_text()
    assert commission("start", site, args) == 1
    assert (site / "site.toml").read_text() == before
    assert commission("start", site, {**args, "name": "plc2"}) == 0
    assert (site / "site.toml").read_text().startswith(before.rstrip())
    assert commission("start", site, {**args, "profile": "brand-x"}) == 4
    assert "There is no profile brand-x" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ({"target": "192.168.1.320"}, 2, "192.168.1.320 不是有效地址"),
        ({"target": "192.168.1.2O"}, 0, "192.168.1.2O"),  # may be a host name, and is shown
        ({"target": "192.168.1.22:"}, 2, "192.168.1.22: 不是有效地址"),
        ({"target": "192.168.1.22:70000"}, 9, "未加入 [source.plc1]"),
        ({"target": "a b"}, 2, "a b 不是有效地址"),
        ({"name": "plc 2"}, 9, "[source.plc 2]"),
        ({"name": "x]\n[gateway"}, 9, "TOML"),
        ({"target": "ftp://192.168.1.20"}, 9, "未加入 [source.plc1]"),
        ({"target": "tcp://192.168.1.20:4840", "driver": "opcua"}, 9, "格式不符合 opc"),
    ],
)
def test_what_would_spoil_site_toml_is_not_written(
    tmp_path: Path, args: dict[str, str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    given = {"target": "192.168.1.21", "profile": "wago-750", "name": "plc0", "lang": "zh-CN"}
    assert commission("start", site, given) == 0
    before = (site / "site.toml").read_bytes()
    assert commission("start", site, {**given, "name": "plc1", **args}) == code
    assert said in capsys.readouterr().err
    assert ((site / "site.toml").read_bytes() == before) == bool(code)
    assert len(list(record.notes(site, "start"))) == 1 + (not code)


def test_a_source_that_needs_more_than_an_address_is_written_and_what_it_lacks_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    args = {"target": "192.168.1.22", "driver": "opcua", "lang": "en"}  # its usual port and scheme are known
    assert commission("start", site, args) == 9
    said = capsys.readouterr().err
    assert "a secured session needs certificate, key and trust" in said
    assert "[source.plc1] is not complete yet" in said
    assert 'url = "opc.tcp://192.168.1.22:4840"' in (site / "site.toml").read_text()
    assert len(list(record.notes(site, "start"))) == 1


def test_a_site_file_in_gbk_is_added_to_as_one_text(tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert commission("start", site, {"target": "192.168.1.21", "profile": "wago-750", "lang": "zh-CN"}) == 0
    text = (site / "site.toml").read_text(encoding="utf-8").replace("[gateway]", "# 酸洗区\n[gateway]")
    (site / "site.toml").write_bytes(text.encode("gbk"))
    assert commission("start", site, {"target": "192.168.1.22", "driver": "modbus", "name": "plc2", "lang": "en"}) == 0
    assert "# 酸洗区" in (site / "site.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_no_loop_is_checked_against_what_is_no_number(
    tmp_path: Path, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commission("loop", tmp_path, {"tag": "a", "applied": value, "person": "Li", "lang": "en"}) == 2
    assert f"{value} cannot be applied" in capsys.readouterr().err


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    args = {"target": "192.168.1.21", "profile": "wago-750", "lang": "zh-CN"}
    assert commission("start", tmp_path / "file" / "site", args) == 1
    assert "无法使用" in capsys.readouterr().err


def test_a_tag_that_came_late_is_in_order_and_one_that_never_came_is_silent() -> None:
    late, silent = Story("late"), Story("silent")
    for story in (late, silent):
        story.take(float("nan"), Quality.BAD, Cause.NEVER)
    for value in (1.0, 2.0):
        late.take(value, Quality.GOOD, Cause.NONE)
    assert [line.finding for line in judged({"late": late, "silent": silent}, {}, ())] == ["fine", "silent"]


def test_nothing_is_guessed_where_nothing_tells() -> None:
    assert plausibility([0.0, 0.0, 0.0], -1e9, 1e9) == 1.0
    assert decide({"abcd": [0.5, 0.5], "cdab": [0.5, 0.5]}).verdict == "cannot tell"
    assert plausibility([float("nan")], 0, 1) < 0.01
    assert plausibility([1.0, 1.1, 1.2], 0, 2) > 10 * plausibility([1e-40, 1e30, 3.0], 0, 2)


@pytest.mark.parametrize("name", names())
def test_every_profile_speaks_its_drivers_language(name: str) -> None:
    one = profile(name)
    module = load(one.driver)
    secured = {"certificate": "a", "key": "b", "trust": "c"} if one.driver == "opcua" else {}
    settings = module.Settings.model_validate({"url": one.url.format(host="192.168.1.20"), **one.settings, **secured})
    for example in one.address:
        module.parse(settings, PointSpec("x", example.address, example.type))
    module.parse(settings, PointSpec("beat", one.heartbeat, "", writable=True, hidden=True))
    assert all(limit.en and limit.zh for limit in one.limit)
    assert one.word_order in ("", "abcd", "cdab", "badc", "dcba")
    assert not one.watchdog or (Path(__file__).parents[2] / "config" / "plc" / one.watchdog).is_dir()


def test_there_are_twelve_brands_and_they_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(names()) == 12
    assert commission("profiles", Path(), {"lang": "zh-CN"}) == 0
    assert "汇川" in capsys.readouterr().out
    assert commission("profiles", Path(), {"output": "json"}) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(names())


def test_a_site_made_by_start_is_one_the_check_knows(tmp_path: Path) -> None:
    site = tmp_path / "new"
    commission("start", site, {"target": "10.0.0.5", "profile": "delta-dvp-as", "lang": "zh-CN"})
    wrong = [one.code for one in load_site(site).problems if one.severity == "error"]
    assert wrong in (["tags.none"], [])


def test_a_device_that_goes_away_in_the_middle_is_said(
    tmp_path: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Leaving(modbus.Driver):
        """One block, and then the device is gone for good."""

        blocks = 0

        async def run(self, emit: Emit) -> None:
            def once(block: Block) -> None:
                emit(block)
                Leaving.blocks += 1
                raise SourceError("gone")

            if Leaving.blocks:
                raise SourceError("gone")
            await super().run(once)

    monkeypatch.setattr(modbus, "Driver", Leaving)
    site = site_of(tmp_path, plant, "/cdab")
    assert commission("check", site, {"seconds": "1", "lang": "en"}) == 1
    assert "plc1 was lost during the look, so values may be few: gone" in capsys.readouterr().err
    sanity = found(site)
    assert sanity["lost"] == "gone"
    assert sanity["requests_per_s"]
    assert sanity["order"] is sanity["shift"] is None  # nothing was read by then: nothing is guessed
