"""The monthly report of one worker, for that worker only: one HTML page, printable on A4, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from gateway.people.dossier import Dossier
from gateway.people.roster import Roster, Worker

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Your month {month}", "您的月度报告 {month}"),
    "for": (
        "For {name} alone. The gateway gives it to nobody else and keeps no copy.",
        "仅供 {name} 本人。网关不提供给他人，也不留存副本。",
    ),
    "events": ("What was counted", "行为计数"),
    "kind": ("Kind", "类别"),
    "count": ("Times", "次数"),
    "row": ("In a row now", "目前连续次数"),
    "none": ("Nothing was counted this month.", "本月没有计数。"),
    "consents": ("What you agreed to", "您的同意"),
    "purpose": ("Purpose", "用途"),
    "until": ("Until", "有效期至"),
    "streams": ("What is collected", "采集内容"),
    "ppg": ("pulse wave", "脉搏波"),
    "ecg": ("ECG", "心电"),
    "motion": ("motion", "运动"),
    "heart_rate": ("heart rate", "心率"),
    "skin_temperature": ("skin temperature", "皮温"),
    "position": ("position", "位置"),
    "behaviour": ("events", "行为事件"),
    "looked.events": ("events of 24 h, without values", "24 小时内的事件（不含体征）"),
    "looked.vitals": ("latest values in need", "紧急情况下的最新体征"),
    "fatigue": (
        "The fatigue index tells you to rest; it is in no report and must not be used to rate, pay or discipline anybody.",
        "疲劳指数只用于提醒您休息，不写入任何报告，不得用于评价、计酬或处分。",
    ),
    "looked": ("Who looked at your data", "谁查看过您的数据"),
    "nobody": ("Nobody did.", "没有人查看。"),
    "when": ("When", "时间"),
    "who": ("Who", "查看人"),
    "what": ("What", "内容"),
    "reason": ("Reason", "理由"),
    "certificates": ("Your certificates", "您的证书"),
    "rights": (
        "You may see, copy, correct and erase all of this, withdraw any consent, and object to your safety officer or the labour"
        " inspectorate. None of it may cost you anything: these figures are no performance review, and no ranking exists.",
        "您可以查看、复制、更正、删除上述全部数据，撤回任何同意，并可向安全员或劳动监察部门提出异议。以上均不会给您带来任何不利："
        "这些数字不用于绩效考核，系统中也没有任何排名。",
    ),
}
STYLE = (
    "body{font:14px/1.5 'Noto Sans','Noto Sans SC','Microsoft YaHei',sans-serif;max-width:42em;margin:2em auto;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.3em .6em;text-align:left}"
    "h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.5em}@page{size:A4;margin:18mm}"
)


def monthly(
    name: str,
    month: str,
    language: str,
    dossier: Dossier,
    roster: Roster,
    trail: Sequence[tuple[int, str, dict[str, str]]],
    worker: Worker,
) -> str:
    """The page. `month` is "2026-11"."""
    zh = language.startswith("zh")

    def say(key: str, **args: str) -> str:
        return escape(WORDS[key][zh].format(**args))

    def table(heads: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> str:
        if not rows:
            return f"<p>{empty}</p>"
        head = "".join(f"<th>{one}</th>" for one in heads)
        body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    counts = dossier.months.get(month, {})
    tongue = "zh-CN" if zh else "en"
    kinds = {kind.name: kind.text[tongue] for kind in roster.kinds.values()}
    events = [(kinds.get(kind, kind), count, dossier.rows.get(kind, 0)) for kind, count in sorted(counts.items())]
    comma = "、" if zh else ", "
    consents = [
        (one.purpose, comma.join(WORDS[stream][zh] for stream in one.streams), _day(one.expires_utc_ms))
        for one in dossier.consents
    ]
    looked = [
        (
            _minute(at),
            _people(detail, roster),
            WORDS[f"looked.{detail['what'].split()[0]}"][zh],
            detail.get("reason", ""),
        )
        for at, what, detail in trail
        if what in ("read", "glass") and _day(at).startswith(month)
    ]
    certificates = [(one.kind, one.expires.isoformat()) for one in worker.certificates]
    parts = [
        f"<h1>{say('title', month=month)}</h1><p>{say('for', name=name)}</p>",
        f"<h2>{say('events')}</h2>" + table([say("kind"), say("count"), say("row")], events, say("none")),
        f"<h2>{say('looked')}</h2>"
        + table([say("when"), say("who"), say("what"), say("reason")], looked, say("nobody")),
        f"<h2>{say('consents')}</h2>" + table([say("purpose"), say("streams"), say("until")], consents, "–"),
        f"<h2>{say('certificates')}</h2>" + table([say("kind"), say("until")], certificates, "–"),
        f"<p>{say('fatigue')}</p><p>{say('rights')}</p>",
    ]
    head = f'<meta charset="utf-8"><title>{say("title", month=month)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="{tongue}"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _people(detail: Mapping[str, str], roster: Roster) -> str:
    """Who looked, as people call them, with the account that stands in the trail."""
    accounts = detail.get("who", "").split(" + ")
    return " + ".join(f"{roster.names[one]} ({one})" if one in roster.names else one for one in accounts)


def _day(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).date().isoformat()


def _minute(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
