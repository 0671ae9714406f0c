"""`gatehouse report shift|bypass|prooftest`: what the journal says of a shift, of every bypass, of every test, on pages to print.

They need the journal and the site folder, and no daemon. Times stand in the zone of the site.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.app.examine import examine
from gateway.journal.files import FILE
from gateway.journal.reader import LIMIT_MAX, Event, Reader
from gateway.offline import html
from gateway.site.report import text as as_text

OK, FAILED, INVALID = 0, 1, 9
HOUR_MS = 3_600_000
DEFAULT_HOURS = {"shift": 12, "bypass": 31 * 24, "prooftest": 365 * 24}
ENDS = {
    "bypass.ended": ("ended by hand", "手动结束"),
    "bypass.expired": ("its time was over", "到期自动结束"),
    "bypass.extended": ("extended", "已延长"),
    "bypass.version": ("another version of the rule", "规则版本变更"),
}
KINDS: dict[str, tuple[str, ...]] = {
    "shift": ("interlock.tripping", "alarm.raise", "alarm.ack", "command.", "refused.", "bypass."),
    "bypass": ("command.bypass.", *ENDS),
    "prooftest": ("watchdog.proof", "proof.result", "proof.abandoned"),
}
QUIET = ("command.alarm.silence", "command.alarm.ack")  # counted or without an object: a list of them tells nothing

WORDS: dict[str, tuple[str, str]] = {
    "shift": ("Shift report", "交接班报告"),
    "bypass": ("Bypasses", "旁路报告"),
    "prooftest": ("Proof tests", "检验测试报告"),
    "window": ("From {begin} to {end} ({zone})", "{begin} 至 {end}（{zone}）"),
    "trips": ("Trips", "联锁动作"),
    "alarms": ("Alarms, most frequent first", "报警（按次数排列）"),
    "acts": ("What people did", "人员操作"),
    "refused": ("What was refused", "被拒绝的操作"),
    "open": ("Bypassed at the end of this time", "期末仍在旁路"),
    "bypasses": ("Every bypass", "全部旁路"),
    "watchdogs": ("Loss of the heartbeat, shown at the PLC", "心跳中断试验（在 PLC 侧确认）"),
    "proofs": ("Tests of interlocks", "联锁试验"),
    "none": ("None.", "无。"),
    "still": ("still open", "未结束"),
    "passed": ("passed", "合格"),
    "failed": ("failed", "不合格"),
    "abandoned": ("abandoned", "中止"),
    "cut": ("Only the newest {count} rows of the journal were read.", "仅读取最近 {count} 条日志。"),
    "signatures": ("Handed over", "交接"),
    "note": (
        "Counted from the journal of this box. The gateway is a supplementary layer.",
        "由本机事件日志统计。网关为辅助层。",
    ),
}
HEADS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "trips": (("when", "interlock", "first-out", "event"), ("时间", "联锁", "首出", "事件")),
    "alarms": (("alarm", "priority", "times", "acknowledged"), ("报警", "级别", "次数", "确认次数")),
    "acts": (("when", "who", "role", "what", "object", "reason"), ("时间", "人员", "角色", "操作", "对象", "原因")),
    "bypasses": (
        ("since", "interlock", "tag", "who", "code", "reason", "measure", "lasted", "how it ended"),
        ("开始", "联锁", "位号", "人员", "类别", "原因", "替代措施", "时长", "结束方式"),
    ),
    "watchdogs": (("when", "source", "result", "by"), ("时间", "数据源", "结论", "试验人")),
    "proofs": (("when", "interlock", "kind", "longest, ms", "result", "by"), ("时间", "联锁", "类别", "最长 ms", "结论", "试验人")),
    "signatures": (("", "name", "time", "signature"), ("", "姓名", "时间", "签字")),
}  # fmt: skip
SIGNERS = (("Handing over", "Taking over"), ("交班人", "接班人"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report speaks of: rows of the journal of a window, oldest first, and how to write them."""

    events: Sequence[Event]
    begin_ms: int
    end_ms: int
    zone: tzinfo
    chinese: bool

    def when(self, utc_ms: int) -> str:
        return datetime.fromtimestamp(utc_ms / 1000, self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def section(self, key: str, rows: Sequence[Sequence[object]], heads: str = "") -> list[str]:
        """A heading and a table, or the word that there is nothing."""
        head = html.heading(WORDS[key][self.chinese])
        if not rows:
            return [head, html.paragraph(WORDS["none"][self.chinese], "dim")]
        return [head, html.table(HEADS[heads or key][self.chinese], rows)]


def periodic(kind: str, folder: Path, target: str, hours: int, lang: str) -> int:
    """Write the page to `target`, "-" = stdout; 9 where the site is invalid."""
    checked = examine(folder)
    if checked.site is None:
        print(as_text(checked.problems, lang), end="", file=sys.stderr)
        return INVALID
    end_ms = time.time_ns() // 1_000_000
    begin_ms = end_ms - (hours or DEFAULT_HOURS[kind]) * HOUR_MS
    zone: tzinfo = ZoneInfo(checked.site.timezone) if checked.site.timezone else UTC
    try:
        events = read(checked.site.storage.directory / "journal" / FILE, KINDS[kind], begin_ms)
        page = report_page(kind, checked.site.id, Asked(events, begin_ms, end_ms, zone, lang.startswith("zh")))
        if target in ("", "-"):
            sys.stdout.write(page)
        else:
            Path(target).write_text(page, encoding="utf-8")
    except (OSError, sqlite3.Error) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return FAILED
    return OK


def read(journal: Path, kinds: Sequence[str], begin_ms: int) -> list[Event]:
    """Rows since `begin_ms`, oldest first; none where there is no journal yet. Raises sqlite3.Error."""
    if not journal.exists():
        return []
    reader = Reader(journal)
    try:
        return [one for one in reversed(reader.last(LIMIT_MAX, kinds=kinds)) if one.utc_ms >= begin_ms]
    finally:
        reader.close()


def report_page(kind: str, name: str, asked: Asked) -> str:
    """The whole page."""
    chinese = asked.chinese
    title = f"{WORDS[kind][chinese]}{'：' if chinese else ': '}{name}"
    zone = datetime.fromtimestamp(asked.end_ms / 1000, asked.zone).strftime("UTC%z")
    window = WORDS["window"][chinese].format(begin=asked.when(asked.begin_ms), end=asked.when(asked.end_ms), zone=zone)
    body = [f"<h1>{escape(title)}</h1>", html.paragraph(window)]
    if len(asked.events) >= LIMIT_MAX:
        body.append(html.paragraph(WORDS["cut"][chinese].format(count=LIMIT_MAX), "trip"))
    body += {"shift": _shift, "bypass": _bypasses, "prooftest": _proofs}[kind](asked)
    return html.page(title, "zh-CN" if chinese else "en", [*body, html.paragraph(WORDS["note"][chinese], "dim")])


def _shift(asked: Asked) -> list[str]:
    events = asked.events
    trips = [
        (asked.when(one.utc_ms), one.subject, " + ".join(one.detail.get("first_out", ())), one.detail.get("event", ""))
        for one in events
        if one.kind == "interlock.tripping"
    ]
    acts = [one for one in events if one.kind.startswith("command.") and one.kind not in QUIET]
    refused = [one for one in events if one.kind.startswith("refused.")]
    standing = [row for row in _paired(asked) if row[-1] == WORDS["still"][asked.chinese]]
    signed = [(who, "", "", "") for who in SIGNERS[asked.chinese]]
    return [
        *asked.section("trips", trips),
        *asked.section("alarms", _counted(events)),
        *asked.section("acts", [_act(asked, one) for one in acts]),
        *asked.section("refused", [_act(asked, one) for one in refused], "acts"),
        *asked.section("open", standing, "bypasses"),
        *asked.section("signatures", signed),
    ]


def _counted(events: Iterable[Event]) -> list[tuple[object, ...]]:
    raised: Counter[str] = Counter()
    acknowledged: Counter[str] = Counter()
    priority: dict[str, object] = {}
    for one in events:
        if one.kind == "alarm.raise":
            raised[one.subject] += 1
            priority[one.subject] = f"P{one.detail.get('priority', '?')}"
        elif one.kind == "alarm.ack":
            acknowledged[one.subject] += 1
    return [(name, priority[name], count, acknowledged[name]) for name, count in raised.most_common()]


def _act(asked: Asked, one: Event) -> tuple[object, ...]:
    verb = one.kind.partition(".")[2]
    said = one.detail.get("reason", "") or one.detail.get("why", "")
    return (asked.when(one.utc_ms), one.person, one.detail.get("role", ""), verb, one.subject, said)


def _bypasses(asked: Asked) -> list[str]:
    return asked.section("bypasses", _paired(asked))


def _paired(asked: Asked) -> list[tuple[object, ...]]:
    """Each bypass that was set in the window, with its end."""
    open_: dict[tuple[str, str], list[object]] = {}
    rows: list[list[object]] = []
    for one in asked.events:
        place = (one.subject, str(one.detail.get("tag", "")))
        if one.kind == "command.bypass.set":
            told = [one.detail.get(key, "") for key in ("code", "reason", "measure")]
            open_[place] = [asked.when(one.utc_ms), *place, one.person, *told, "", WORDS["still"][asked.chinese]]
            rows.append(open_[place])
        elif one.kind in ENDS and place in open_:
            row = open_.pop(place)
            row[-2:] = [_lasted(int(one.detail.get("lasted_ms", 0)) // 1000), ENDS[one.kind][asked.chinese]]
    return [tuple(row) for row in rows]


def _lasted(seconds: int) -> str:
    return (
        f"{seconds // 3600} h {seconds // 60 % 60:02d} min"
        if seconds >= 3600
        else f"{seconds // 60} min {seconds % 60:02d} s"
    )


def _proofs(asked: Asked) -> list[str]:
    watched = [
        (
            asked.when(one.utc_ms),
            one.subject,
            ", ".join(f"{key} {value}" for key, value in one.detail.items()),
            one.person,
        )
        for one in asked.events
        if one.kind == "watchdog.proof"
    ]
    tested = [
        (
            asked.when(one.utc_ms), one.subject, one.detail.get("kind", ""), one.detail.get("longest_ms", ""),
            WORDS[_result(one)][asked.chinese], one.person,
        )
        for one in asked.events if one.kind.startswith("proof.")
    ]  # fmt: skip
    return [*asked.section("watchdogs", watched), *asked.section("proofs", tested)]


def _result(one: Event) -> str:
    return "abandoned" if one.kind == "proof.abandoned" else "passed" if one.detail.get("passed") else "failed"
