"""Every watchdog block that is shipped, as it is shipped, against the requirements of docs/field/plc-watchdog.md.

A PLC of any scan time that the pages allow, a gateway that counts, stops, comes back and writes into the PLC all the while.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.plc.rungs import Ladder, tags
from tests.plc.st import Run, Scope, StError, block, program

ROOT = Path(__file__).parents[2]
PLC = ROOT / "config" / "plc"
BRANDS = tomllib.loads((PLC / "brands.toml").read_text(encoding="utf-8"))
SCANS_MS = (2, 10, 20, 30)
BEAT_MS = 250


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plc_blocks", ROOT / "scripts" / "plc_blocks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts() -> dict[str, dict[str, str]]:
    """Every form that is shipped: brand, or brand and `ladder` -> its files."""
    found = {}
    for name in BRANDS:
        files = {path.name: path.read_text(encoding="utf-8") for path in sorted((PLC / name).iterdir())}
        if "Ladder.txt" in files:
            found[f"{name} ladder"] = {"Ladder.txt": files.pop("Ladder.txt"), "word": BRANDS[name]["heartbeat"]}
        if any(file.startswith("GatewayWatchdog.") for file in files):
            found[name] = files | {"word": BRANDS[name]["heartbeat"]}
    return found


FORMS = texts()


class Plc:
    """One PLC with the shipped text in it."""

    def __init__(self, files: dict[str, str], scan_ms: int = 10) -> None:
        self.files, self.scan_ms, self.now_ms = files, scan_ms, 0.0
        self.signed = files["word"] == "INT"
        self.keeps = "Ladder.txt" in files or files.get("variables.csv", "").count("FBD_TIMER") > 0
        self.tags = tags(files["word"]) if "Ladder.txt" in files else Scope()
        for name in (
            "GW_Healthy",
            "PB_WatchdogReset",
            "GW_Pump7Permit",
            "GW_Fan1Start",
            "Pump7Run",
            "Q_Pump7",
            "Q_Fan1",
        ):
            self.tags.declare(name, "BOOL")
        self.tags.declare("GW_Heartbeat", files["word"])
        self.tags.declare("GW_PlcCounter", "INT")
        self.tags.set("Pump7Run", True)
        self._load()

    def _load(self) -> None:
        if "Ladder.txt" in self.files:
            self.run: Run = Ladder(self.files["Ladder.txt"], self.tags).run
            return
        name = next(file for file in self.files if file.startswith("GatewayWatchdog."))
        made = block(self.files[name], self.files.get("variables.csv", ""))
        for alias in ("GatewayWatchdog", "GatewayWatchdog_DB", "Watchdog"):
            self.tags.types[alias], self.tags.values[alias] = "BLOCK", made
        for first in ("Started", "S_FS"):
            self.tags.declare(first, "BOOL")
        main = next(text for file, text in self.files.items() if file.startswith("Main."))
        self.run = program(main, self.tags)

    def power_cycle(self) -> None:
        """Off and on: Logix keeps its tags; elsewhere initial values come back, and the words of the network as they were."""
        if not self.keeps:
            self._load()
        self.first_scan = True
        self.scan()

    first_scan = True

    def scan(self) -> None:
        """One scan; the gateway has written both outputs energised before it."""
        for name in ("S:FS", "S_FS"):
            if name in self.tags.values:
                self.tags.set(name, self.first_scan)
        self.first_scan = False
        self.tags.set("GW_Pump7Permit", True)
        self.tags.set("GW_Fan1Start", False)
        self.run(self.now_ms)
        self.now_ms += self.scan_ms

    def beat(self, counter: int) -> None:
        """The gateway writes its counter, 0 to 65535; an INT shows the upper half as negative."""
        self.tags.set("GW_Heartbeat", counter - 65536 if self.signed and counter > 32767 else counter)

    def get(self, name: str) -> Any:
        return self.tags.get(name)

    @property
    def safe(self) -> bool:
        """Both outputs stand safe, and what the gateway wrote is overwritten."""
        bits = [self.get(name) for name in ("Q_Pump7", "GW_Pump7Permit", "Q_Fan1", "GW_Fan1Start")]
        assert bits in ([False, False, True, True], [True, True, False, False])
        return bits[0] is False

    def press(self) -> None:
        self.tags.set("PB_WatchdogReset", True)
        self.scan()
        self.tags.set("PB_WatchdogReset", False)
        self.scan()

    def refuses(self) -> None:
        """A push of the button does nothing, not even for one scan."""
        for pushed in (True, False):
            self.tags.set("PB_WatchdogReset", pushed)
            self.scan()
            assert self.safe


class Gateway:
    """Counts every 250 ms of the PLC's time, from `phase_ms` on."""

    def __init__(self, plc: Plc, counter: int = 100, phase_ms: float = 0) -> None:
        self.plc, self.counter, self.next_ms, self.last_ms = plc, counter, phase_ms, 0.0

    def run(self, ms: float, beating: bool = True) -> None:
        """Scans for so long."""
        end_ms = self.plc.now_ms + ms
        while self.plc.now_ms < end_ms:
            if beating and self.plc.now_ms >= self.next_ms:
                self.counter = (self.counter + 1) % 65536
                self.last_ms = self.next_ms if self.next_ms > self.plc.now_ms - self.plc.scan_ms else self.plc.now_ms
                self.next_ms = max(self.next_ms + BEAT_MS, self.plc.now_ms)
                self.plc.beat(self.counter)
            self.plc.scan()


def healthy(files: dict[str, str], scan_ms: int = 10, counter: int = 100, phase_ms: float = 0) -> tuple[Plc, Gateway]:
    """A PLC in service."""
    plc = Plc(files, scan_ms)
    gateway = Gateway(plc, counter, phase_ms)
    gateway.run(1000)
    plc.press()
    assert plc.get("GW_Healthy")
    assert not plc.safe
    return plc, gateway


# --- the requirements, each by its name; a wrong block must break one of them ---


def power_up(files: dict[str, str]) -> None:
    """6: after power-up it is dropped, whatever stands in the heartbeat's word; a button that is held is no push."""
    plc = Plc(files)
    plc.beat(1234)
    plc.scan()
    plc.refuses()
    for _ in range(200):
        plc.scan()
        assert plc.safe
        assert not plc.get("GW_Healthy")
    plc.refuses()
    plc, gateway = healthy(files)
    plc.tags.set("PB_WatchdogReset", True)
    plc.power_cycle()
    assert plc.safe, "in its very first scan"
    gateway.run(2000)
    assert plc.safe


def drops_in_time(files: dict[str, str]) -> None:
    """2, 3: not before 0.9 s after the last change, and the outputs safe within 1.0 s, at every scan and phase."""
    for scan_ms in SCANS_MS:
        for phase_ms in range(0, scan_ms, max(1, scan_ms // 4)):
            plc, gateway = healthy(files, scan_ms, phase_ms=phase_ms)
            gateway.run(700)
            silent_ms, seen_ms = gateway.last_ms, None
            while not plc.safe:
                plc.scan()
                seen_ms = plc.now_ms - plc.scan_ms
                assert seen_ms - silent_ms <= 1000, (scan_ms, phase_ms)
            assert seen_ms is not None
            assert seen_ms - silent_ms >= 900, (scan_ms, phase_ms)


def latches(files: dict[str, str]) -> None:
    """4, 5, 7: a heartbeat that comes back changes nothing; only the edge of the button does, and it starts by no write."""
    plc, gateway = healthy(files)
    gateway.run(1500, beating=False)
    assert plc.safe
    plc.refuses()
    plc.tags.set("PB_WatchdogReset", True)
    gateway.run(1000, beating=False)
    gateway.run(4000)
    assert plc.safe, "held while it came back"
    plc.tags.set("PB_WatchdogReset", False)
    gateway.run(1000)
    assert plc.safe
    plc.press()
    assert not plc.safe
    assert plc.get("GW_Healthy")


def counter_wraps(files: dict[str, str]) -> None:
    """1: 65535 is followed by 0, and half way an INT turns negative: any change is a sign of life."""
    for start in (65_528, 32_760):
        plc, gateway = healthy(files, counter=start)
        for _ in range(12):
            gateway.run(250)
            assert not plc.safe
        assert (gateway.counter - start) % 65536 > 12


def stuck_counter(files: dict[str, str]) -> None:
    """1: the same value written again and again is silence."""
    plc, gateway = healthy(files)
    gateway.run(300)
    for _ in range(100):
        plc.beat(gateway.counter)
        plc.scan()
    assert plc.safe


def lost_telegrams(files: dict[str, str]) -> None:
    """2: one or two beats that are lost do not drop it; four do."""
    plc, gateway = healthy(files, 20)
    for _ in range(8):
        gateway.run(500)
        gateway.run(600, beating=False)
        assert not plc.safe
    gateway.run(1000, beating=False)
    assert plc.safe


def counts_itself(files: dict[str, str]) -> None:
    """8: the PLC's own word moves every 100 ms, dropped or not, and turns back before an INT is full."""
    plc = Plc(files, 10)
    seen = []
    for _ in range(1000):
        plc.scan()
        seen.append(plc.get("GW_PlcCounter"))
    changes = [at for at in range(1, len(seen)) if seen[at] != seen[at - 1]]
    assert max(later - one for one, later in pairwise(changes)) * 10 <= 150
    holder = plc.tags if "Ladder.txt" in files else plc.tags.values["Watchdog"].scope
    holder.set("GW_PlcCounter" if "Ladder.txt" in files else "PlcCounter", 29_990)
    for _ in range(400):
        plc.scan()
    assert 0 < plc.get("GW_PlcCounter") < 100


REQUIREMENTS: tuple[Callable[[dict[str, str]], None], ...] = (
    power_up, drops_in_time, latches, counter_wraps, stuck_counter, lost_telegrams, counts_itself,
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda each: each.__name__)
def test_what_is_shipped_does_what_it_must(form: str, requirement: Callable[[dict[str, str]], None]) -> None:
    requirement(FORMS[form])


WRONG = {
    "no latch": ("Silent AND Healthy THEN\n    Healthy := FALSE", "Silent AND Healthy THEN\n    Healthy := TRUE"),
    "comes back by itself": ("IF Reset AND NOT ResetBefore AND NOT Silent", "IF NOT Silent"),
    "too slow": ("T#900ms", "T#1000ms"),
    "too quick": ("T#900ms", "T#700ms"),
    "level instead of edge": ("AND NOT ResetBefore ", ""),
    "reset while silent": ("AND NOT ResetBefore AND NOT Silent", "AND NOT ResetBefore"),
    "rising only": ("Heartbeat <> Last", "Heartbeat > Last"),
    "what stood there is life": ("IF NOT FirstScan THEN\n        Seen := TRUE;\n    END_IF;", "Seen := TRUE;"),
    "own counter runs over": ("PlcCounter >= 30000", "PlcCounter >= 40000"),
    "never looks": ("IF Changed THEN", "IF FALSE THEN"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_block_is_found_out(wrong: str) -> None:
    files = dict(FORMS["codesys"])
    right, other = WRONG[wrong]
    assert right in files["GatewayWatchdog.st"]
    files["GatewayWatchdog.st"] = files["GatewayWatchdog.st"].replace(right, other)
    assert any(_fails(requirement, files) for requirement in REQUIREMENTS)


def _fails(requirement: Callable[[dict[str, str]], None], files: dict[str, str]) -> bool:
    try:
        requirement(files)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    "text", ["Healthy = TRUE;", "Undeclared := 1;", "IF Healthy THEN", "Trips := 40000;", "Healthy := 7;", "@"]
)
def test_what_the_interpreter_does_not_know_it_refuses(text: str) -> None:
    whole = FORMS["codesys"]["GatewayWatchdog.st"] + text
    with pytest.raises((StError, KeyError)):
        block(whole).call(0, {})


def test_the_files_are_what_their_source_makes() -> None:
    made = generator().made()
    there = {str(path.relative_to(PLC)) for path in PLC.rglob("*") if path.is_file()} - {"brands.toml", "README.md"}
    assert there == set(made)
    for name, text in made.items():
        assert (PLC / name).read_text(encoding="utf-8") == text, f"{name}: run scripts/plc-blocks"


def test_the_manual_shows_the_block_that_was_run() -> None:
    manual = (ROOT / "docs" / "field" / "plc-watchdog.md").read_text(encoding="utf-8")
    shown = re.findall(r"```iecst\n(.*?)```", manual, re.DOTALL)
    assert shown == [FORMS["codesys"]["GatewayWatchdog.st"], FORMS["codesys"]["Main.st"]]
    (rungs,) = re.findall(r"```rungs\n(.*?)```", manual, re.DOTALL)
    assert rungs == FORMS["inovance-h5u ladder"]["Ladder.txt"]
