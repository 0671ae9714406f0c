"""The words of the evidence report, English and Chinese."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Evidence of {site}", "{site} 运行证据报告"),
    "window": ("{begin} to {end} (UTC), {days} days", "{begin} 至 {end}（UTC），共 {days} 天"),
    "valid": ("Window and coverage are sufficient.", "统计周期与数据覆盖率满足要求。"),
    "not-valid": ("NOT VALID as evidence; the figures are printed all the same:", "不构成有效证据，数据仅供参考："),
    "why.window": ("the window is shorter than 182 days", "统计周期不足 182 天"),
    "why.coverage": ("less than 99.5 % of the time was evaluated", "数据覆盖率低于 99.5 %"),
    "why.left-out": ("more candidates than one row holds were left out", "有候选报警超出单行容量而未列出"),
    "about": (
        "This gateway is a supplementary layer. The figures say what was recorded here; they are no statement about "
        "protection by others, and none about the future.",
        "本网关为补充层。以下数据仅说明本机记录的情况，不代表其他保护层的性能，也不预示未来。",
    ),
    "closure": ("Alarm-handling closure", "报警处置闭环"),
    "suppression": ("False-alarm suppression", "误报抑制"),
    "execution": ("Linkage execution", "联动执行"),
    "basis": ("What it rests on", "数据基础"),
    "set": ("set", "范围"),
    "all": ("all", "全部"),
    "ahcr": ("closed in time", "按时闭环率"),
    "ahcr_any": ("closed at all", "闭环率（不限时）"),
    "bulk_acked": ("acknowledged in bulk", "批量确认占比"),
    "reopened": ("raised again within 24 h", "24 小时内复发率"),
    "open": ("open", "未闭环"),
    "mtta": ("to acknowledge, p50 / p95", "确认用时 p50 / p95"),
    "mttr": ("to close, p50 / p95", "闭环用时 p50 / p95"),
    "fasr": ("suppression rate (FASR)", "误报抑制率"),
    "mar": ("missed alarms (MAR)", "漏报率"),
    "precision": ("precision", "准确率"),
    "reduction": ("reduction", "报警削减率"),
    "reduction.note": (
        "Reduction counts every candidate that nobody was told of, true or false. It is no suppression rate.",
        "报警削减率包含全部未通知的候选报警，不分真假，不等于误报抑制率。",
    ),
    "judged": ("judged / not judged", "已判定 / 未判定"),
    "nuisance": ("false alarms per day and position", "每日每岗误报数"),
    "added": ("delay added to true alarms, p95", "真报警附加延迟 p95"),
    "mar.bound": (
        "No true event of {n} was missed: the missed share is below {bound} (95 %).",
        "{n} 次真报警无漏报：漏报率低于 {bound}（95 %）。",
    ),
    "unreviewed": ("Suppressed P1 candidates that nobody has reviewed: {n}", "尚未复核的 P1 被抑制候选报警：{n}"),
    "short": ("Months with too few reviews: {months}", "复核数量不足的月份：{months}"),
    "lonely": ("Alarms whose condition the replay did not see: {n}", "重演未发现其条件的报警：{n}"),
    "lesr": ("success rate (LESR)", "执行成功率"),
    "total": ("with bypassed, degraded, gateway down", "含旁路、降级、网关停运"),
    "demands": ("real / test", "真实 / 测试"),
    "missed": ("not brought safe", "未到安全状态"),
    "pfd": ("bound of PFD", "PFD 上限"),
    "pfd.note": (
        "No failure in n demands means a probability of failure on demand of at most 3/n (95 %). A weekly test over half a "
        "year (26) gives 0.115: not even a risk reduction of 10, which needs 30 demands.",
        "n 次要求无失败时，要求时失效概率上限为 3/n（95 %）。每周测试半年（26 次）为 0.115，尚不足以证明风险降低 10 倍（需 30 次）。",
    ),
    "times": ("demand to verified safe, p50 / p99 / longest", "要求至确认安全 p50 / p99 / 最长"),
    "spurious": ("spurious trips; per 1,000 function-hours", "误动作；每千功能小时"),
    "bypass": ("bypassed hours / function-hours", "旁路小时 / 功能小时"),
    "proofs": ("proof tests done / due", "功能测试 完成 / 应做"),
    "excluded": ("no demand: already safe; not in service", "不计入：已处安全状态；未投用"),
    "beyond": ("only in the total: bypassed; degraded; gateway down", "仅计入合计：旁路；降级；网关停运"),
    "unaudited": ("trips whose demand the replay could not see", "重演未能看到其要求的动作"),
    "coverage": ("evaluated time / window", "评估时间 / 统计周期"),
    "clock": ("wall clock against monotonic clock, p99", "时钟偏移 p99"),
    "masked": ("rises behind a mask: shelved; suppressed by design; out of service", "屏蔽期间触发：搁置；按设计抑制；停用"),
    "left_out": ("candidates left out", "未列出的候选报警"),
    "gateway": ("gateway", "网关"),
    "head": ("head of the journal's chain", "日志链头"),
    "config": ("fingerprint of the site folder", "站点配置指纹"),
    "software": ("software", "软件版本"),
    "rows": ("last row", "末行编号"),
    "chart": ("value and Wilson 95 % interval", "数值与 Wilson 95 % 区间"),
    "n": ("{n} of {d}", "{n} / {d}"),
    "months": ("by month", "按月"),
    "function": ("function", "功能"),
    "per.priority": ("by priority", "按优先级"),
}  # fmt: skip


def say(key: str, language: str, **values: object) -> str:
    """One text in one language."""
    return WORDS[key][language.startswith("zh")].format(**values)
