"""`gatehouse device scan` as a person runs it: plan, refusals in both languages, what a living daemon says about outputs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.cli import codes
from gateway.cli.texts import catalogue
from tests.cli.conftest import Terminal
from tests.control.living import Living
from tests.peers.build import PeerMissing, absent, compiled, free_port
from tests.peers.lines import LinePeer


def approved(path: Path, *, name: str = "press", days: float = 1, more: str = "", **changes: str) -> Path:
    """An approval of one Modbus device; `changes` replace its lines, as TOML."""
    until = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = {"name": f'"{name}"', "address": '"127.0.0.1"', "until": until, "by": '"Li Wei"', "outputs": "false"}
    lines |= {"protocols": '["modbus_tcp"]'} | changes
    text = "[[target]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
    path.write_text(text + more, encoding="utf-8")
    return path


REFUSALS: dict[str, dict[str, object]] = {
    "file": {"outputs": '"yes"'},
    "unknown": {"name": "pump"},
    "expired": {"days": -1},
    "too-long": {"days": 40},
    "nobody": {"by": '" "'},
    "address": {"address": '"press.plant"'},
    "never": {"more": '[never]\n"127.0.0.1" = "safety controller"\n'},
    "outputs": {"outputs": "true"},
    "protocol": {"protocols": '["dnp3"]'},
}


def test_every_refusal_has_its_test() -> None:
    wanted = {key.removeprefix("scan.refused.") for key in catalogue("en") if key.startswith("scan.refused.")}
    assert wanted == set(REFUSALS) | {"twice", "log"}


@pytest.mark.parametrize("reason", REFUSALS)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_refusal_says_why_and_sends_nothing(terminal: Terminal, tmp_path: Path, reason: str, language: str) -> None:
    file = approved(tmp_path / "approved.toml", **REFUSALS[reason])  # type: ignore[arg-type]
    log = tmp_path / "scan.pcap"
    ran = terminal("device", "scan", "press", "--approve", str(file), "--log", str(log), "--lang", language)
    assert ran.code == codes.REFUSED
    text = catalogue(language)[f"scan.refused.{reason}"]
    before, after = text.split("{about}")
    assert before.strip() in ran.err
    assert after.strip() in ran.err
    assert not log.exists()


def test_two_names_of_one_device_are_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = approved(tmp_path / "approved.toml")
    ran = terminal("device", "scan", "press", "press", "--approve", str(file), "--dry-run")
    assert ran.code == codes.REFUSED
    assert "127.0.0.1 stands for more than one target" in ran.err
    ran = terminal("device", "scan", "press", "press", "--approve", str(file), "--dry-run", "--lang", "zh-CN")
    assert "127.0.0.1 对应多个目标" in ran.err


def test_a_log_is_never_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    file, log = approved(tmp_path / "approved.toml"), tmp_path / "scan.pcap"
    log.write_text("of yesterday")
    for language, said in (("en", "The log cannot be made"), ("zh-CN", "无法建立记录文件")):
        ran = terminal("device", "scan", "press", "--approve", str(file), "--log", str(log), "--lang", language)
        assert (ran.code, said in ran.err) == (codes.REFUSED, True)
    assert log.read_text() == "of yesterday"


def test_wrong_calls(terminal: Terminal, tmp_path: Path) -> None:
    file = approved(tmp_path / "approved.toml")
    without = terminal("device", "scan", "press", "--approve", str(file))
    assert (without.code, "--log" in without.err) == (codes.USAGE, True)
    absent_file = terminal("device", "scan", "press", "--approve", str(tmp_path / "none.toml"), "--dry-run")
    assert absent_file.code == codes.NOT_FOUND
    assert "none.toml" in absent_file.err


def test_a_dry_run_shows_the_plan_and_sends_nothing(terminal: Terminal, tmp_path: Path) -> None:
    port = free_port()  # nobody listens: a plan must not care
    file = approved(
        tmp_path / "approved.toml", protocols='["bacnet_ip", "modbus_tcp"]', ports=f"{{ modbus_tcp = {port} }}"
    )
    ran = terminal("device", "scan", "press", "--approve", str(file), "--dry-run", "-o", "json")
    assert ran.code == codes.OK
    rows = json.loads(ran.out)
    assert [(row["protocol"], row["port"]) for row in rows] == [("bacnet_ip", 47808), ("modbus_tcp", port)]
    assert rows[1]["reads"] == ["MODBUS_IDENTITY"]
    table = terminal("device", "scan", "press", "--approve", str(file), "--dry-run")
    assert "MODBUS_IDENTITY" in table.out


def test_outputs_are_asked_only_where_the_daemon_says_that_all_is_tripped(
    terminal: Terminal, alive: Living, tmp_path: Path
) -> None:
    file = approved(tmp_path / "approved.toml", outputs="true")
    words = ("device", "scan", "press", "--approve", str(file), "--dry-run")
    live = terminal(*words)
    assert live.code == codes.REFUSED
    assert "outputs that are not all tripped" in live.err
    alive.plant.functions[:] = [msgspec.structs.replace(one, state="TRIPPED") for one in alive.plant.functions]
    assert terminal(*words).code == codes.OK


def test_a_device_is_asked_and_what_did_not_answer_is_told(terminal: Terminal, tmp_path: Path) -> None:
    nobody, log = free_port(), tmp_path / "scan.pcap"
    try:
        server = str(compiled("modbus_server"))
    except PeerMissing as missing:
        absent(str(missing))
        raise
    with LinePeer([server]) as peer:
        file = approved(
            tmp_path / "approved.toml",
            protocols='["omron_fins", "modbus_tcp"]',
            ports=f"{{ omron_fins = {nobody}, modbus_tcp = {peer.port} }}",
        )
        ran = terminal("device", "scan", "press", "--approve", str(file), "--log", str(log))
    assert ran.code == codes.OK
    assert "Modbus TCP" in ran.out
    assert f"press: omron_fins, port {nobody}: FINS_CONTROLLER was refused" in ran.err
    assert log.stat().st_size > 24
