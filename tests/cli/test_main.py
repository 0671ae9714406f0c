"""Commands against a living server: exit codes, what goes where, both languages, confirming."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from gateway.control.messages import Reply
from tests.cli.conftest import Terminal
from tests.control.fakes import DRY_RUN, PLC
from tests.control.living import Living

GOOD_BYPASS = (
    "--code",
    "failed",
    "--reason",
    "transmitter failed",
    "--measure",
    "portable detector",
    "--minutes",
    "60",
)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("NORMAL", 0),
        ("MONITOR ONLY", 0),
        ("WARNING", 20),
        ("DEGRADED", 20),
        ("TRIPPED", 21),
        ("SHADOW", 22),
        ("UNCONFIGURED", 22),
    ],
)
def test_status_tells_the_state_by_its_exit_code_only_when_asked(
    alive: Living, terminal: Terminal, state: str, code: int
) -> None:
    alive.plant.become(state, "because", "因为")  # type: ignore[arg-type]
    assert terminal("status", "--exit-code").code == code
    assert terminal("status").code == 0


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("status",), {"en": ("gw-test-01", "NORMAL", "2 queued"), "zh-CN": ("正常", "待发 2")}),
        (("alarm", "list"), {"en": ("level_low", "unacknowledged"), "zh-CN": ("未确认", "1号酸洗槽液位低")}),
        (("alarm", "list", "--all"), {"en": ("gas_warn",), "zh-CN": ("gas_warn",)}),
        (("alarm", "show", "level_low"), {"en": ("Open valve 12",), "zh-CN": ("打开12号阀", "处置")}),
        (("interlock", "list"), {"en": ("dry_run", "in service", "29.8 cm"), "zh-CN": ("投用", "首出")}),
        (("interlock", "show", "gas_high"), {"en": ("bypassed", "verified"), "zh-CN": ("已旁路", "回读一致")}),
        (("interlock", "explain", "dry_run"), {"en": ("└─ ○ tank1.level", "false"), "zh-CN": ("84.2 cm，质量好",)}),
        (("bypass", "list"), {"en": ("gas3.lel", "30 min 00 s"), "zh-CN": ("补偿措施", "zhang")}),
        (("tag", "list"), {"en": ("84.2 cm", "communication"), "zh-CN": ("通信中断", "■ 坏")}),
        (("tag", "list", "pump7."), {"en": ("pump7.running",), "zh-CN": ("pump7.running",)}),
        (("tag", "show", "tank1.level"), {"en": ("84.2 cm",), "zh-CN": ("质量",)}),
        (("tag", "trend", "tank1.level", "--points", "3"), {"en": ("84.2 cm",), "zh-CN": ("好",)}),
        (("device", "list"), {"en": ("beating", "connection refused"), "zh-CN": ("中断",)}),
        (("device", "show", "plc1"), {"en": ("modbus",), "zh-CN": ("看门狗已验证",)}),
        (("upstream", "status"), {"en": ("accepted by the broker",), "zh-CN": ("服务器已接收",)}),
        (("version",), {"en": ("Running",), "zh-CN": ("运行版本",)}),
    ],
)
def test_tables_in_both_languages(
    alive: Living, terminal: Terminal, language: str, words: tuple[str, ...], shown: dict[str, tuple[str, ...]]
) -> None:
    ran = terminal(*words, "--lang", language)
    assert ran.code == 0
    assert ran.err == ""
    for text in shown[language]:
        assert text in ran.out
    assert "\x1b" not in ran.out  # no colour off a terminal


def test_columns_line_up_where_letters_are_two_wide(alive: Living, terminal: Terminal) -> None:
    from gateway.cli.tables import width

    lines = terminal("interlock", "list", "--lang", "zh-CN").out.splitlines()
    at = [width(line[: line.index(word)]) for line, word in zip(lines, ("状态", "可复位", "已投入"), strict=True)]
    assert len(set(at)) == 1


def test_forms_of_output(alive: Living, terminal: Terminal) -> None:
    rows = json.loads(terminal("alarm", "list", "-o", "json").out)
    assert rows[0]["raised_utc_ms"] == alive.plant.alarm_rows[0].raised_utc_ms
    lines = terminal("-o", "jsonl", "tag", "list").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["tank1.level", "pump7.running", "gas3.lel"]
    table = list(csv.DictReader(io.StringIO(terminal("tag", "list", "--output=csv").out)))
    assert table[0]["value"] == "84.2"
    assert json.loads(table[0]["text"])["zh-CN"]
    assert json.loads(terminal("status", "-o", "json").out)["upstream"]["queued"] == 2
    alive.plant.alarm_rows.clear()
    assert json.loads(terminal("alarm", "list", "-o", "json").out) == []
    empty = terminal("alarm", "list")
    assert (empty.code, empty.out) == (0, "")
    assert "Nothing" in empty.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("alarm", "show", "nope"), 4),
        (("interlock", "explain", "nope"), 4),
        (("interlock", "trip", "nope"), 4),
        (("tag", "trend", "nope"), 4),
        (("--role", "operator", "interlock", "shadow", "dry_run"), 5),
        (("frob",), 2),
        (("alarm",), 2),
        (("alarm", "show"), 2),
        (("alarm", "list", "--nope"), 2),
        (("interlock", "arm", "dry_run"), 2),
        (("interlock", "test", "moon", "plc1"), 2),
        (
            (
                "bypass",
                "set",
                "gas_high",
                "gas3.lel",
                "--code",
                "failed",
                "--reason",
                "x",
                "--measure",
                "y",
                "--minutes",
                "z",
            ),
            2,
        ),
        (("status", "-o", "xml"), 2),
        (("status", "--lang"), 2),
        (("alarm", "ack", "level_low", "gas_warn", "--occurrence", "3-17"), 2),
        (("alarm", "ack", "gas_warn"), 6),
        (("interlock", "trip", "dry_run"), 0),
        (("alarm", "ack", "level_low"), 0),
        (("alarm", "silence"), 0),
        (("bypass", "clear", "gas_high", "gas3.lel"), 0),
        (("interlock", "shadow", "dry_run"), 0),
        (("interlock", "clear", "dry_run", "--reason", "repaired"), 0),
    ],
)
def test_exit_codes(alive: Living, terminal: Terminal, words: tuple[str, ...], code: int) -> None:
    for language in ("en", "zh-CN"):
        ran = terminal(*words, "--lang", language)
        assert ran.code == code, ran
        assert ran.out == ""
        assert ran.err


@pytest.mark.parametrize(
    ("words", "en", "zh"),
    [
        (("alarm", "list", "foo"), "“foo” is too much here.", "多余的参数：foo。"),
        (("tag", "trend", "x", "--seconds=1.5"), "--seconds needs a whole number.", "--seconds 须为整数。"),
        (("tag", "trend", "x", "--seconds"), "--seconds needs a value.", "--seconds 后面缺少取值。"),
        (
            ("interlock", "test", "foo", "x"),
            "“foo” is not right for what; use watchdog.",
            "what 不能为“foo”，可选：watchdog。",
        ),
        (("alarm", "lst"), "There is no command lst.", "没有命令 lst。"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_the_readers_language(
    terminal: Terminal, words: tuple[str, ...], en: str, zh: str
) -> None:
    for language, said in (("en", en), ("zh-CN", zh)):
        ran = terminal(*words, "--lang", language)
        assert (ran.code, ran.out, ran.err.splitlines()[0]) == (2, "", said)


@pytest.mark.parametrize("code", [1, 6, 7, 8])
def test_the_answer_of_the_kernel_is_the_exit_code(alive: Living, terminal: Terminal, code: int) -> None:
    alive.clerk.reply = Reply(code, texts={"en": "no", "zh-CN": "不行"})
    ran = terminal("interlock", "trip", "dry_run", "--lang", "zh-CN")
    assert (ran.code, ran.out, ran.err) == (code, "", "不行\n")


def test_a_dead_daemon_is_3_a_closed_door_5_and_a_frozen_one_8(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal("status").code == 3
    assert terminal("alarm", "watch").code == 3
    assert terminal("interlock", "arm", "x", "--reason", "y", "--plan").code == 3
    ran = terminal("version")
    assert (ran.code, "Installed" in ran.out) == (0, True)

    directory = tmp_path / "control"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as frozen:
        frozen.bind(str(directory / "operator.sock"))
        assert terminal("status").code == 3  # nobody listens behind it
        frozen.listen()
        monkeypatch.setattr("gateway.cli.client.REPLY_S", 0.1)
        assert terminal("status").code == 8

    def closed(*_args: object) -> None:
        raise PermissionError

    monkeypatch.setattr("gateway.cli.client.open_socket", closed)
    assert terminal("status").code == 5


def test_a_daemon_that_talks_nonsense_is_1(terminal: Terminal, tmp_path: Path) -> None:
    import threading

    (tmp_path / "control").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / "control" / "operator.sock"))
        other.listen()

        def babble() -> None:
            link, _ = other.accept()
            with link:
                link.recv(4096)
                link.sendall(b"220 welcome\n")

        thread = threading.Thread(target=babble)
        thread.start()
        assert terminal("status").code == 1
        thread.join(5)


def test_looking_takes_the_least_role_and_acting_the_highest(alive: Living, terminal: Terminal) -> None:
    assert terminal("interlock", "trip", "dry_run").code == 0
    (alive.directory / "engineer.sock").rename(alive.directory / "away")
    assert terminal("interlock", "trip", "dry_run").code == 0
    (alive.directory / "away").rename(alive.directory / "engineer.sock")
    assert [given[1] for given in alive.clerk.given] == ["engineer", "supervisor"]


DANGEROUS = [
    (("interlock", "arm", "dry_run", "--reason", "commissioned"), "dry_run"),
    (("interlock", "disarm", "dry_run", "--reason", "pump removed"), "dry_run"),
    (("interlock", "reset", "dry_run", "--reason", "tank filled"), "dry_run"),
    (("alarm", "reset", "level_low", "--reason", "valve opened"), "level_low"),
    (("bypass", "set", "gas_high", "gas3.lel", *GOOD_BYPASS), "gas3.lel"),
]


@pytest.mark.parametrize(("words", "name"), DANGEROUS)
def test_at_a_terminal_the_name_is_typed(alive: Living, terminal: Terminal, words: tuple[str, ...], name: str) -> None:
    for wrong in ("", "yes\n", name.upper() + "\n"):
        ran = terminal(*words, keyboard=wrong)
        assert (ran.code, ran.out) == (7, "")
    assert alive.clerk.given == []
    ran = terminal(*words, keyboard=f"{name}\n")
    assert (ran.code, ran.out) == (0, "")
    assert len(alive.clerk.given) == 1
    assert "reason" in alive.clerk.given[0][4]


@pytest.mark.parametrize(("words", "name"), DANGEROUS)
def test_without_a_terminal_a_plan_comes_first(
    alive: Living, terminal: Terminal, words: tuple[str, ...], name: str
) -> None:
    refused = terminal(*words)
    assert (refused.code, refused.out) == (7, "")
    assert "--plan" in refused.err
    assert terminal(*words, "--yes").code == 2
    planned = terminal(*words, "--plan")
    assert planned.code == 0
    assert alive.clerk.given == []
    assert terminal(*words, "--token", planned.out.strip()).code == 0
    assert terminal(*words, "--token", planned.out.strip()).code == 7
    assert len(alive.clerk.given) == 1
    as_json = json.loads(terminal(*words, "--plan", "-o", "json").out)
    assert (as_json["confirm"], as_json["left_s"]) == (name, 120)


def test_what_is_missing_is_said_before_the_name_is_typed(alive: Living, terminal: Terminal) -> None:
    ran = terminal("interlock", "reset", "dry_run", "--reason", "tank filled", "--lang", "zh-CN", keyboard="\n")
    assert "等待复位" in ran.err


def test_acknowledging_means_the_occurrence_that_was_shown(alive: Living, terminal: Terminal) -> None:
    assert terminal("alarm", "ack", "level_low").code == 0
    assert terminal("alarm", "ack", "level_low", "--occurrence", "3-12").code == 0
    assert [given[4]["occurrence"] for given in alive.clerk.given] == ["3-17", "3-12"]


def test_the_proof_of_a_watchdog_is_seen_by_the_daemon_or_asked_of_the_person(
    alive: Living, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.cli.watchdog.MEASURED_S", 0.1)
    monkeypatch.setattr("gateway.cli.watchdog.WATCH_S", 0.3)
    monkeypatch.setattr("gateway.cli.watchdog.LOOK_S", 0.02)
    words = ("interlock", "test", "watchdog", "plc1")
    alive.plant.source_rows[0] = msgspec.structs.replace(PLC, watchdog_proven=False)
    assert terminal(*words).code == 1  # the heartbeat beats again and nothing is proven
    alive.plant.source_rows[0] = msgspec.structs.replace(PLC, heartbeat="withheld")
    assert terminal(*words).code == 0
    alive.plant.source_rows[0] = msgspec.structs.replace(PLC, heartbeat="withheld", watchdog_proven=False)
    assert terminal(*words).code == 7
    assert terminal(*words, keyboard="yes\n").code == 0
    assert terminal(*words, keyboard="no\n").code == 1
    assert terminal(*words, "--state", "proven").code == 0
    states = [given[4]["state"] for given in alive.clerk.given]
    assert states == ["begin", "begin", "begin", "begin", "proven", "begin", "failed", "proven"]


def test_a_site_names_its_sockets_and_its_language(
    alive: Living, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "site.toml").write_text('[gateway]\nlanguage = "zh-CN"\n[control]\ndirectory = "../control"\n', "utf-8-sig")
    terminal.environment = {"GATEHOUSE_CONTROL": "/nowhere"}  # what is said on the command line counts for more
    assert "正常" in terminal("status", "--site", str(site)).out
    terminal.environment = {"GATEHOUSE_CONTROL": "", "LANG": "en_GB.UTF-8"}
    assert "NORMAL" in terminal("status", "--site", str(site)).out
    terminal.environment = {"GATEHOUSE_CONTROL": "/nowhere", "LC_ALL": "C", "LANG": "zh_CN.UTF-8"}
    assert "正常" in terminal("status", "--control", str(alive.directory)).out


def _spawn(*words: str, directory: Path, lang: str = "en_US.UTF-8") -> subprocess.Popen[str]:
    environment = os.environ | {"GATEHOUSE_CONTROL": str(directory), "LANG": lang, "PYTHONIOENCODING": "utf-8"}
    environment = {name: value for name, value in environment.items() if name not in ("LC_ALL", "LC_MESSAGES")}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.cli.main", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def _run(*words: str, directory: Path, lang: str = "en_US.UTF-8") -> tuple[int, str, str]:
    with _spawn(*words, directory=directory, lang=lang) as process:
        out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_as_a_process_of_its_own(alive: Living, tmp_path: Path) -> None:
    code, out, _ = _run("interlock", "list", directory=alive.directory, lang="zh_CN.UTF-8")
    assert (code, "可复位" in out) == (0, True)
    alive.plant.become("TRIPPED", "dry_run", "防干转")
    assert _run("status", "--exit-code", directory=alive.directory)[0] == 21
    assert _run("status", directory=tmp_path / "nowhere")[0] == 3
    assert _run("alarm", "show", "nope", directory=alive.directory)[0] == 4


def test_status_loads_neither_typer_nor_rich(alive: Living) -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gateway.cli.main", "status", "--control", str(alive.directory)],
        capture_output=True,
        text=True,
        timeout=30,
    ).stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines() if "|" in line}
    assert "msgspec" in names
    assert not names & {"typer", "rich", "click", "asyncio", "numpy", "pydantic", "cryptography"}


def test_watching_prints_each_change_once(alive: Living) -> None:
    with _spawn("interlock", "list", "--watch", "-o", "jsonl", directory=alive.directory) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["state"] for _ in range(2)]
        alive.plant.functions[0] = msgspec.structs.replace(DRY_RUN, state="TRIPPED")
        then = [json.loads(process.stdout.readline())["state"] for _ in range(2)]
        process.terminate()
    assert (first, then) == (["READY", "ARMED"], ["TRIPPED", "ARMED"])


def test_alarm_watch_follows_changes_only(alive: Living) -> None:
    with _spawn("alarm", "watch", "-o", "jsonl", directory=alive.directory) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        time.sleep(0.1)
        alive.plant.alarm_rows[1] = msgspec.structs.replace(alive.plant.alarm_rows[1], state="UNACK", active=True)
        second = json.loads(process.stdout.readline())
        process.send_signal(2)
        assert process.wait(10) == 0
    assert (first["name"], second["name"]) == ("level_low", "gas_warn")


def test_a_watch_ends_with_3_when_the_daemon_dies(tmp_path: Path) -> None:
    from tests.control.living import living

    with living(tmp_path / "control") as alive:
        process = _spawn("tag", "watch", "-o", "jsonl", directory=alive.directory)
        assert process.stdout is not None
        process.stdout.readline()
    with process:
        process.communicate(timeout=20)
    assert process.returncode == 3


class Root:
    """Stands for the composition root: writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def run(self, site: Path, *, lang: str) -> int:
        self.asked.append(("run", site, lang))
        return 78

    def check(self, site: Path, *, lang: str, as_json: bool) -> int:
        self.asked.append(("check", site, lang, as_json))
        return 9

    def demo(self, *, for_s: float | None, report: Path | None, lang: str, site: Path | None) -> int:
        self.asked.append(("demo", for_s, report, lang, site))
        return 0

    def record(self, verb: str, site: Path, args: dict[str, str]) -> int:
        self.asked.append((verb, site, args))
        return 1


def test_the_product_itself_is_started_with_what_was_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root()
    for module in ("box", "record"):
        monkeypatch.setattr(f"gateway.cli.commands.{module}.composition", lambda: root)
    assert terminal("run", "site").code == 78
    assert terminal("check", "site", "--json", "--lang", "zh-CN").code == 9
    assert terminal("demo", "--for", "40", "--report", "r.json").code == 0
    assert terminal("record", "export", "site", "--tag", "a", "--tag", "b", "--from", "x", "-o", "csv").code == 1
    site = Path("site")
    assert root.asked == [
        ("run", site, "en"),
        ("check", site, "zh-CN", True),
        ("demo", 40.0, Path("r.json"), "en", None),
        ("export", site, {"from": "x", "to": "", "tags": "a,b", "out": "-", "output": "csv", "lang": "en"}),
    ]


def test_a_signed_permit_is_a_code_on_the_screen_and_a_page_for_the_phone(
    terminal: Terminal, alive: Living, tmp_path: Path
) -> None:
    shown = terminal("permit", "show", "hot_work", "--qr")
    assert shown.code == 0
    assert shown.out.splitlines()[-1] == "GHP1.3-9"
    assert len(shown.out.splitlines()) > 10
    assert json.loads(terminal("permit", "show", "hot_work", "--qr", "-o", "json").out)["text"] == "GHP1.3-9"
    assert terminal("permit", "show", "confined_space", "--qr").code == 6
    page = tmp_path / "check.html"
    assert terminal("permit", "page", str(page), "--other-key", "k1", "--other-key", "k2").code == 0
    assert page.read_text() == "<html>k1 k2"
    assert terminal("permit", "page", str(tmp_path / "no" / "check.html")).code == 1
