"""Places that are watched for leaks: their running sources as views, and `gatehouse leak baseline` on the files they leave."""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from gateway.app.examine import examine
from gateway.control.views import LeakView, SpectrumView
from inference.leak import baseline as baselines
from inference.leak.view import COLUMNS_A_SECOND, Seen

State = Literal["alarm", "watching", "learning", "degraded", "lost"]

OLD_NS = 5_000_000_000  # a view of an older second is of a source that is lost
SENSORS = ("ok", "none", "missing", "silent", "clipped", "tone", "frozen", "blind", "starting")  # `leak.judge.State`
OK, UNKNOWN, REFUSED, INVALID = 0, 4, 6, 78
REASON_MIN = 10


class Watching(Protocol):
    """A driver of the leak room."""

    folder: Path | None

    def view(self) -> bytes: ...


class Leaks:
    """The leak sources of this gateway."""

    def __init__(self, directory: Path, names: Iterable[str]) -> None:
        self._folder = directory / "leak"
        self._running: dict[str, Watching | None] = dict.fromkeys(names)

    def take(self, name: str, driver: Any) -> None:
        """A driver was made for a source: if it is one of these, tell it where its files are, and keep it."""
        if name in self._running:
            driver.folder = self._folder
            self._running[name] = driver

    def views(self) -> list[LeakView]:
        """One line for each place."""
        return [listed(name, self._seen(name)) for name in self._running]

    def spectrum(self, name: str) -> SpectrumView | None:
        """All of one place; None where it is none of these."""
        if name not in self._running:
            return None
        seen = self._seen(name) or Seen(0, [], [], [], [], [], {})
        return SpectrumView(
            name, state_of(seen), seen.bands_hz, seen.levels, seen.floor, seen.mask, seen.change, seen.values,
            seen.sound_error, seen.picture_error, utc_ms(seen.captured_ns), COLUMNS_A_SECOND,
        )  # fmt: skip

    def _seen(self, name: str) -> Seen | None:
        driver = self._running[name]
        data = driver.view() if driver is not None else b""
        if not data:
            return None
        try:
            return msgspec.json.decode(data, type=Seen)
        except msgspec.DecodeError:  # the worker is not trusted: what is no view is none
            return None


def state_of(seen: Seen) -> State:
    """A place in a word."""
    values = seen.values
    if not 0 < time.monotonic_ns() - seen.captured_ns < OLD_NS:
        return "lost"
    if values.get("alarm"):
        return "alarm"
    if values.get("degraded"):
        return "degraded"
    return "watching" if values.get("armed") else "learning"


def utc_ms(captured_ns: int) -> int:
    """The wall clock at an instant of CLOCK_MONOTONIC, 0 for none."""
    return (time.time_ns() - (time.monotonic_ns() - captured_ns)) // 1_000_000 if captured_ns else 0


def listed(name: str, seen: Seen | None) -> LeakView:
    """A place in a line."""
    if seen is None or state_of(seen) == "lost":
        return LeakView(name, "lost", "missing", "missing", None, None, None, 0.0, None, None)
    get = seen.values.get
    return LeakView(
        name, state_of(seen), sensor(get("sound_state")), sensor(get("picture_state")), get("evidence"), get("level_db"),
        get("over_floor_db"), get("learned_h") or 0.0, get("distance_m"), get("flow_kg_s"),
    )  # fmt: skip


def sensor(number: float | None) -> str:
    """The word of a sensor's state."""
    return SENSORS[int(number)] if number is not None and 0 <= number < len(SENSORS) else "missing"


def leak(verb: str, site: Path, args: dict[str, str]) -> int:
    """`baseline`: what a place has learned, and with `accept` its alarms are enabled with that."""
    assert verb == "baseline"
    checked = examine(site)
    zh = args["lang"].startswith("zh")
    if checked.site is None:
        return _said(
            INVALID, zh, f"{site} is not in order: gatehouse check {site}", f"{site} 有误：gatehouse check {site}"
        )
    places = [name for name, source in checked.site.sources.items() if source.driver == "leak"]
    name = args["name"]
    if name not in places:
        known = ", ".join(places) or "–"
        return _said(
            UNKNOWN,
            zh,
            f"“{name}” is no leak source of this site; there is {known}.",
            f"现场没有泄漏数据源“{name}”；现有：{known}。",
        )
    learning, accepted = baselines.paths(checked.site.storage.directory / "leak", name)
    try:
        learned, before = baselines.read(learning), baselines.read(accepted)
    except (OSError, ValueError) as error:
        return _said(UNKNOWN, zh, str(error), str(error))
    if not args["accept"]:
        return _shown(learned, before, args, zh=zh)
    return _accepted(accepted, learned, args, zh=zh)


def _accepted(path: Path, learned: baselines.Baseline | None, args: dict[str, str], *, zh: bool) -> int:
    hours = float(args["hours"])
    have = 0.0 if learned is None else learned.hours
    if learned is None or have < hours:
        return _said(
            REFUSED, zh, f"Only {have:.2f} h were learned, {hours:g} h are asked for. Let it learn on, or give --hours.",
            f"只学习了 {have:.2f} 小时，要求 {hours:g} 小时。请继续学习，或用 --hours 另行指定。",
        )  # fmt: skip
    if len(args["reason"].strip()) < REASON_MIN:
        return _said(
            REFUSED, zh, f"A reason of at least {REASON_MIN} characters is needed: who saw that nothing leaks here?",
            f"须写明理由（至少 {REASON_MIN} 个字符）：由谁确认此处没有泄漏？",
        )  # fmt: skip
    taken = msgspec.structs.replace(
        learned,
        accepted_by=getpass.getuser(),
        accepted_utc_ms=time.time_ns() // 1_000_000,
        reason=args["reason"].strip(),
    )
    baselines.write(path, taken)
    return _said(
        OK, zh, f"The alarms of {taken.source} are enabled with {have:.2f} h of baseline; threshold × {taken.factor:.2f}.",
        f"{taken.source} 的报警已启用，基线 {have:.2f} 小时；判据 × {taken.factor:.2f}。",
    )  # fmt: skip


def _shown(
    learned: baselines.Baseline | None, before: baselines.Baseline | None, args: dict[str, str], *, zh: bool
) -> int:
    if args["output"] in ("json", "jsonl"):
        print(
            json.dumps(
                {"learning": msgspec.to_builtins(learned), "accepted": msgspec.to_builtins(before)}, ensure_ascii=False
            )
        )
        return OK
    if before is not None:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(before.accepted_utc_ms / 1000))
        _say(zh, f"Accepted: {before.hours:.2f} h by {before.accepted_by}, {at}: {before.reason}",
             f"已接受：{before.hours:.2f} 小时，{before.accepted_by}，{at}：{before.reason}")  # fmt: skip
    else:
        _say(zh, "No baseline was accepted: the alarms of this place are off.", "尚未接受基线：此处的报警未启用。")
    if learned is None:
        _say(
            zh, "Nothing was learned yet: the gateway must run for some minutes.", "尚无学习结果：网关须先运行几分钟。"
        )
        return OK
    quiet, usual, loud = (max(one[40:60]) for one in (learned.p10, learned.p50, learned.p95))
    high, busy = 100 * learned.highest_share, len(learned.busy_cells)
    _say(zh, f"Learning: {learned.hours:.2f} h. Loudest band of 20–70 kHz: {quiet:.0f} dB (10 %), {usual:.0f} dB (half), "
         f"{loud:.0f} dB (95 %). Highest evidence: {high:.0f} % of the threshold. {busy} of 300 cells of the picture move.",
         f"学习中：{learned.hours:.2f} 小时。20–70 kHz 最响频带：{quiet:.0f} dB（10 %）、{usual:.0f} dB（中位）、"
         f"{loud:.0f} dB（95 %）。最高证据为判据的 {high:.0f} %。300 个画面单元中 {busy} 个有活动。")  # fmt: skip
    return OK


def _say(zh: bool, english: str, chinese: str) -> None:
    print(chinese if zh else english)


def _said(code: int, zh: bool, english: str, chinese: str) -> int:
    print(chinese if zh else english, file=sys.stderr if code else sys.stdout)
    return code
