"""`gatehouse report acceptance`: what was shown before a box is handed over (FAT, SAT), on one page with places to sign.

It only gathers: the check of the site, the commissioning record, the versions with their signatures, and what the journal says
of watchdogs, proof tests, arming and updates. What was not done stands there as not done.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path

from gateway.activation import gate, store
from gateway.activation.people import signers
from gateway.app.examine import Checked, examine
from gateway.appliance import state as states
from gateway.appliance.place import here
from gateway.appliance.words import reason_text
from gateway.commission import record
from gateway.commission.report import sections
from gateway.journal.files import FILE
from gateway.journal.reader import Event, Reader
from gateway.offline import html

OK, INVALID = 0, 9
EVENTS_MAX = 10_000
KINDS = ("watchdog.proof", "proof.result")

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Acceptance report", "验收报告"),
    "box": ("The box", "设备"),
    "site": ("The site folder", "站点目录"),
    "versions": ("Versions of the rules and who signed them", "规则版本及签署人"),
    "watchdogs": ("Loss of the heartbeat, shown at the PLC", "心跳中断试验（在 PLC 侧确认）"),
    "proofs": ("Proof tests", "联锁试验"),
    "untested": ("Interlocks without a passed proof test: {names}", "尚无合格试验记录的联锁：{names}"),
    "updates": ("Versions of the product on this box", "本机产品版本"),
    "signatures": ("Signatures", "签字"),
    "none": ("Not done.", "未进行。"),
    "note": (
        "Gathered from what the box recorded. The gateway is a supplementary layer;"
        " this report does not replace the plant's own acceptance.",
        "由本机记录汇总。网关为辅助层，本报告不替代装置自身的验收。",
    ),
}
HEADS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "box": (("what", "value"), ("项目", "内容")),
    "versions": (
        ("version", "when", "author", "digest", "signed by", "still lacking"),
        ("版本", "时间", "提交人", "摘要", "签署人", "尚缺"),
    ),
    "watchdogs": (("when", "source", "result", "by"), ("时间", "数据源", "结论", "试验人")),
    "proofs": (
        ("when", "interlock", "kind", "trips", "longest, ms", "result", "by"),
        ("时间", "联锁", "类别", "次数", "最长 ms", "结论", "试验人"),
    ),
    "updates": (("when", "step", "slot", "version", "by", "why"), ("时间", "步骤", "槽位", "版本", "人员", "原因")),
    "signatures": (("role", "name", "date", "signature"), ("角色", "姓名", "日期", "签字")),
}
SIGNERS = (("Supplier", "Operator of the plant", "Safety officer"), ("供方", "使用方", "安全员"))


def acceptance(folder: Path, target: str, lang: str) -> int:
    """Write the page to `target`, "-" = stdout; 9 where the site is invalid, and then the page says so too."""
    checked = examine(folder)
    page = acceptance_page(folder, checked, lang)
    if target in ("", "-"):
        sys.stdout.write(page)
    else:
        Path(target).write_text(page, encoding="utf-8")
    return OK if checked.ok else INVALID


def acceptance_page(folder: Path, checked: Checked, lang: str) -> str:
    """The whole page; times are UTC."""
    chinese = lang.startswith("zh")
    name = checked.site.id if checked.site else folder.name
    title = f"{WORDS['title'][chinese]}{'：' if chinese else ': '}{name}"
    body = [f"<h1>{escape(title)}</h1>", *_box(folder, checked, chinese)]
    body += sections(list(record.notes(folder)), lang)
    body += [*_versions(checked, chinese), *_journal(checked, chinese), *_updates(chinese)]
    signers_of = [(role, "", "", "") for role in SIGNERS[chinese]]
    body += [_heading("signatures", chinese), html.table(HEADS["signatures"][chinese], signers_of)]
    return html.page(title, "zh-CN" if chinese else "en", [*body, html.paragraph(WORDS["note"][chinese], "dim")])


def _box(folder: Path, checked: Checked, chinese: bool) -> list[str]:
    words = (
        ("site", "rules", "tags", "errors", "warnings", "product")
        if not chinese
        else ("站点", "规则", "位号", "错误", "警告", "产品版本")
    )
    counts = [sum(one.severity == kind for one in checked.problems) for kind in ("error", "warning")]
    tags = sum(not tag.hidden for tag in checked.site.table.tags) if checked.site else 0
    rules = len(checked.program.rules) if checked.program else 0
    digest = checked.site.hash[:16] if checked.site else "–"
    values = (f"{folder.name} ({digest})", rules, tags, *counts, metadata.version("gatehouse-edge"))
    return [_heading("box", chinese), html.table(HEADS["box"][chinese], list(zip(words, values, strict=True)))]


def _versions(checked: Checked, chinese: bool) -> list[str]:
    if checked.site is None:
        return _section("versions", [], chinese)
    kept, people = store.read(checked.site.storage.directory), signers(checked.site.users.values())
    language = "zh-CN" if chinese else "en"
    rows = [
        (
            number,
            _when(version.utc_ms),
            version.author,
            kept.digests[number][:16],
            ", ".join(gate.valid_signatures(kept, number, people)),
            " ".join(one[language] for one in gate.missing(kept, version, people)),
        )
        for number, version in sorted(kept.versions.items())
    ]
    return _section("versions", rows, chinese)


def _journal(checked: Checked, chinese: bool) -> list[str]:
    events = list(_events(checked.site.storage.directory / "journal" / FILE)) if checked.site else []
    watched = [
        (_when(one.utc_ms), one.subject, _said(one.detail), one.person) for one in events if one.kind == KINDS[0]
    ]
    tested = [_proof(one, chinese) for one in events if one.kind == KINDS[1]]
    passed = {one.subject for one in events if one.kind == KINDS[1] and one.detail.get("passed")}
    out = [*_section("watchdogs", watched, chinese), *_section("proofs", tested, chinese)]
    names = (
        [rule.name for rule in checked.program.rules if type(rule).__name__ == "Interlock"] if checked.program else []
    )
    left = [name for name in names if name not in passed]
    return [*out, html.paragraph(WORDS["untested"][chinese].format(names=", ".join(left)), "trip")] if left else out


def _events(path: Path) -> Iterable[Event]:
    """What the journal says of tests; nothing where there is no journal yet."""
    if not path.exists():
        return []
    reader = Reader(path)
    try:
        return reader.events(kinds=KINDS, limit=EVENTS_MAX)
    except sqlite3.Error:
        return []
    finally:
        reader.close()


def _proof(one: Event, chinese: bool) -> tuple[object, ...]:
    detail = one.detail
    result = (("failed", "passed"), ("不合格", "合格"))[chinese][bool(detail.get("passed"))]
    trips = detail.get("trips", "")
    return (
        _when(one.utc_ms),
        one.subject,
        detail.get("kind", ""),
        trips,
        detail.get("longest_ms", ""),
        result,
        one.person,
    )


def _said(detail: dict[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in detail.items())


def _updates(chinese: bool) -> list[str]:
    place = here()
    rows = list(states.history(place)) if place is not None else []
    shown = [
        (
            _when(int(row.get("since_ms", 0))),
            row.get("step", ""),
            row.get("slot", ""),
            row.get("version", ""),
            row.get("person", ""),
            reason_text(str(row.get("reason", "")), "zh-CN" if chinese else "en"),
        )
        for row in rows
        if row.get("step") in ("GOOD", "ROLLED_BACK")
    ]
    return _section("updates", shown, chinese)


def _section(key: str, rows: Sequence[Sequence[object]], chinese: bool) -> list[str]:
    if not rows:
        return [_heading(key, chinese), html.paragraph(WORDS["none"][chinese], "dim")]
    return [_heading(key, chinese), html.table(HEADS[key][chinese], rows)]


def _heading(key: str, chinese: bool) -> str:
    return html.heading(WORDS[key][chinese])


def _when(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
