"""An early-warning group in words: which tags, since when, how sure."""

from __future__ import annotations

import math
from typing import Literal

from gateway.control.messages import Texts
from gateway.control.views import ReasonView, WarningView
from gateway.core.cards import Card
from gateway.core.early import Watched
from gateway.core.kernel import Kernel


def warning_view(group: Watched, kernel: Kernel) -> WarningView:
    """The group as it stands."""
    card, level = group.card, _known(group.score("level"))
    since = kernel.utc_ms(group.since_ns) if group.since_ns >= 0 else None
    state = _state(group, level)
    reasons = _reasons(group, kernel) if state in ("over", "warning") else ()
    tags = tuple(card.names())
    numbers = {kernel.names[tag] for tag in tags}
    return WarningView(
        name=card.name,
        state=state,
        level=level,
        t2=_known(group.score("t2")),
        spe=_known(group.score("spe")),
        ewma=_known(group.score("ewma")),
        cusum=_known(group.score("cusum")),
        since_utc_ms=since if state == "warning" else None,
        reasons=reasons,
        text=_text(state, card, level, reasons, _bad(group, kernel)),
        members=card.tags,
        tags=tags,
        period_ms=card.period_ms,
        false_alarm_rate=card.false_alarm_rate,
        rows=card.rows,
        from_utc_ms=card.from_utc_ms,
        to_utc_ms=card.to_utc_ms,
        card=card.hash,
        rules=tuple(rule.name for rule in kernel.rules if numbers & rule.reads()),
    )


def _known(score: float) -> float | None:
    return None if math.isnan(score) else round(score, 4)


def _state(group: Watched, level: float | None) -> Literal["clear", "over", "warning", "unknown"]:
    if level is None:
        return "unknown"
    return "warning" if group.raised else "over" if level > 1 else "clear"


def _reasons(group: Watched, kernel: Kernel) -> tuple[ReasonView, ...]:
    card, found = group.card, []
    for tag, share, _deviation in group.reasons():
        at, value = card.tags.index(tag), kernel.image.values[kernel.names[tag]]
        known = None if math.isnan(value) else value
        found.append(ReasonView(tag, round(share, 3), known, card.units[at], card.center[at], card.scale[at]))
    return tuple(found)


def _bad(group: Watched, kernel: Kernel) -> list[str]:
    return [tag for tag in group.card.tags if kernel.image.qualities[kernel.names[tag]] == 3]


def _text(state: str, card: Card, level: float | None, reasons: tuple[ReasonView, ...], bad: list[str]) -> Texts:
    if level is None:
        if not bad:
            return {"en": "Waiting for the first values.", "zh-CN": "等待首批数据。"}
        some = ", ".join(bad[:3])
        return {"en": f"Unknown: {some} bad.", "zh-CN": f"无法判断：{some} 为坏值。"}
    if state == "clear":
        return {
            "en": f"As in the clean period ({level:.2f} × the limit).",
            "zh-CN": f"与正常期一致（限值的 {level:.2f} 倍）。",
        }
    times = f"{level:.1f}" if level < 100 else f"{level:,.0f}"
    en = f"Unlike the clean period: {times} × the limit. {_sure(card, level)[0]}"
    zh = f"偏离正常期：限值的 {times} 倍。{_sure(card, level)[1]}"
    if reasons:
        en += " Mainly " + "; ".join(_told(one)[0] for one in reasons) + "."
        zh += "主要来自" + "；".join(_told(one)[1] for one in reasons) + "。"
    return {"en": en, "zh-CN": zh}


def _sure(card: Card, level: float) -> tuple[str, str]:
    """How often a clean plant looks like this."""
    if level > card.clean_most:
        return f"None of {card.rows} clean rows came so high.", f"正常期 {card.rows} 行中无一如此之高。"
    percent = f"{card.false_alarm_rate * 100:g}"
    return f"At most {percent} % of the clean rows exceed the limit.", f"正常期中至多 {percent} % 的行超过限值。"


def _told(one: ReasonView) -> tuple[str, str]:
    share, unit = f"{one.share * 100:.0f} %", f" {one.unit}" if one.unit else ""
    value = "–" if one.value is None else f"{one.value:.4g}{unit}"
    usual = f"{one.expected:.4g} ± {2 * one.spread:.2g}{unit}"
    return f"{one.tag} {share} ({value}, usually {usual})", f"{one.tag} {share}（{value}，正常为 {usual}）"
