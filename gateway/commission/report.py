"""The record of a commissioning as a page: sources, what live values said, loop checks with names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from gateway.offline import html

_WORDS = {
    "title": ("Commissioning record", "调试记录"),
    "errors": ("Errors in the site folder: {count}", "站点目录中的错误：{count} 处"),
    "sources": ("Sources", "数据源"),
    "values": ("Live values", "实时数值"),
    "loops": ("Loop checks", "回路校验"),
    "none": ("Nothing recorded.", "无记录。"),
    "note": (
        "Compared by the named person at the transmitter. The gateway is a supplementary layer;"
        " this record does not replace the plant's own.",
        "由署名人员在变送器处比对。网关为辅助层，本记录不替代装置自身的校验记录。",
    ),
}
_HEADS = {
    "sources": (("when", "source", "driver", "address", "profile"), ("时间", "数据源", "驱动", "地址", "模板")),
    "values": (
        ("when", "source", "tags", "in order", "requests/s", "address to first value, s", "word order"),
        ("时间", "数据源", "位号数", "正常", "请求/s", "地址到首个数值 s", "字序"),
    ),
    "loops": (
        ("when", "tag", "applied", "seen", "allowed ±", "unit", "result", "by"),
        ("时间", "位号", "施加值", "读数", "允差 ±", "单位", "结论", "校验人"),
    ),
}


def report_page(site: str, records: Sequence[Mapping[str, Any]], errors: int, lang: str) -> str:
    """The page; times are UTC."""
    chinese = lang.startswith("zh")
    title = f"{_WORDS['title'][chinese]}: {site}" if not chinese else f"{_WORDS['title'][1]}：{site}"
    body = [f"<h1>{escape(title)}</h1>", html.paragraph(_WORDS["errors"][chinese].format(count=errors))]
    body += sections(records, lang)
    return html.page(title, "zh-CN" if chinese else "en", [*body, html.paragraph(_WORDS["note"][chinese], "dim")])


def sections(records: Sequence[Mapping[str, Any]], lang: str) -> list[str]:
    """Sources, live values and loop checks, each as a heading and a table."""
    chinese, out = lang.startswith("zh"), list[str]()
    for key, kind, row in (("sources", "start", _source), ("values", "sanity", _value), ("loops", "loop", _loop)):
        out += _section(key, [row(one, chinese) for one in records if one["kind"] == kind], chinese)
    return out


def _section(key: str, rows: Sequence[Iterable[object]], chinese: bool) -> list[str]:
    heading = html.heading(_WORDS[key][chinese])
    if not rows:
        return [heading, html.paragraph(_WORDS["none"][chinese], "dim")]
    return [heading, html.table(_HEADS[key][chinese], [list(row) for row in rows])]


def _when(one: Mapping[str, Any]) -> str:
    return datetime.fromtimestamp(one["utc_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _source(one: Mapping[str, Any], _chinese: bool) -> Iterable[object]:
    return _when(one), one["source"], one["driver"], one["url"], one.get("profile", "")


def _value(one: Mapping[str, Any], _chinese: bool) -> Iterable[object]:
    order = (one.get("order") or {}).get("best", "–")
    return (
        _when(one),
        one["source"],
        one["tags"],
        one["fine"],
        one["requests_per_s"],
        one["start_to_first_value_s"],
        order,
    )


def _loop(one: Mapping[str, Any], chinese: bool) -> Iterable[object]:
    passed = (("failed", "passed"), ("不合格", "合格"))[chinese][bool(one["passed"])]
    return _when(one), one["tag"], one["applied"], one["seen"], one["allowed"], one["unit"], passed, one["person"]
