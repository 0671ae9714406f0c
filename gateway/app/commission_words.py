"""What `gatehouse commission` says, in both languages: (English, Chinese)."""

from __future__ import annotations

WORDS = {
    "profile": ("There is no profile {value}; there are {right}.", "没有配置模板 {value}，可用：{right}。"),
    "driver": (
        "There is no driver {value}; name a --profile, or a --driver of {right}.",
        "没有驱动 {value}；请用 --profile 或 --driver 指定：{right}。",
    ),
    "created": (
        "A new site folder: {site}. Give it your own id, site and area in site.toml.",
        "已建立站点目录 {site}，请在 site.toml 中改写 id、site 与 area。",
    ),
    "source-there": (
        "site.toml has a source {value} already: correct its url there, or choose another --name.",
        "site.toml 中已有数据源 {value}：请在其中修改 url，或用 --name 另取名称。",
    ),
    "not-added": (
        "[source.{source}] is not added: site.toml would have these errors.",
        "未加入 [source.{source}]：site.toml 会有上述错误。",
    ),
    "incomplete": (
        "[source.{source}] is not complete yet: write what is missing into site.toml. docs/drivers.md has every key.",
        "[source.{source}] 尚不完整：请在 site.toml 中补上缺少的内容，各键见 docs/drivers.zh-CN.md。",
    ),
    "address": (
        "{value} is no address: write 192.168.1.20, 192.168.1.20:502 or a whole url.",
        "{value} 不是有效地址：请写成 192.168.1.20、192.168.1.20:502 或完整的 url。",
    ),
    "applied": ("{value} cannot be applied: give a number.", "施加值 {value} 无效：请给出数值。"),
    "unwritten": ("{file} cannot be used: {what}.", "无法使用 {file}：{what}。"),
    "started": ("[source.{source}] is in site.toml: {url}", "已将 [source.{source}] 写入 site.toml：{url}"),
    "no-tags": ("There is no tag list yet: gatehouse tag import.", "尚无位号表，请先执行 gatehouse tag import。"),
    "wrong-tags": (
        "The tag list has {count} errors: gatehouse check.",
        "位号表有 {count} 处错误，请执行 gatehouse check。",
    ),
    "no-tags-of": ("No tag belongs to {source}.", "没有属于 {source} 的位号。"),
    "wrong-source": (
        "[source.{source}] is not in order: gatehouse check.",
        "[source.{source}] 有误，请执行 gatehouse check。",
    ),
    "which": ("Say which source: {right}.", "请指明数据源：{right}。"),
    "nothing-came": ("No value came from {source}: {what}", "{source} 没有任何数值：{what}"),
    "lost": (
        "{source} was lost during the look, so values may be few: {what}",
        "检查期间 {source} 曾中断，数值可能不足：{what}",
    ),
    "no-tag": ("The tag list has no {value}.", "位号表中没有 {value}。"),
    "nothing": (
        "Nothing is recorded in {site} yet: gatehouse commission start.",
        "{site} 中尚无记录，请从 gatehouse commission start 开始。",
    ),
    "more": ("… and {count} more", "……另有 {count} 个"),
    "sum": (
        "{fine} of {tags} tags are in order, over {seconds} s",
        "{tags} 个位号中 {fine} 个正常（观察 {seconds} s）",
    ),
    "requests": ("{rate} requests/s, {each} a cycle", "每秒 {rate} 次请求，每周期 {each} 次"),
    "order": (
        "word order: {best} ({verdict}); the tag list has {written}",
        "字序：{best}（{verdict}）；位号表为 {written}",
    ),
    "shift": (
        "address base: {best} ({verdict}); +0 = as the tag list has it",
        "地址基准：{best}（{verdict}）；+0 表示与位号表一致",
    ),
    "time": ("from the address to the first value in order: {seconds} s", "从输入地址到首个正常数值：{seconds} s"),
    "loop-passed": (
        "{tag}: applied {applied:.6g}{unit}, seen {seen:.6g}{unit}: passed (± {allowed})",
        "{tag}：施加 {applied:.6g}{unit}，读到 {seen:.6g}{unit}：合格（± {allowed}）",
    ),
    "loop-failed": (
        "{tag}: applied {applied:.6g}{unit}, seen {seen:.6g}{unit}: failed (± {allowed})",
        "{tag}：施加 {applied:.6g}{unit}，读到 {seen:.6g}{unit}：不合格（± {allowed}）",
    ),
}

FINDINGS = {
    "silent": ("never answered", "从未应答"),
    "bad": ("bad: {detail}", "坏值：{detail}"),
    "nan": ("not a number", "不是数值"),
    "outside": ("outside its range: {last}", "超出量程：{last}"),
    "constant": ("did not move: {last}", "数值未变化：{last}"),
}

VERDICTS = {"sure": ("sure", "确定"), "likely": ("likely", "很可能"), "cannot tell": ("cannot tell", "无法判断")}

STEPS = {
    "source": ("a source in site.toml", "site.toml 中有数据源"),
    "tags": ("a tag list", "位号表"),
    "check": ("live values looked at", "已检查实时数值"),
    "loop": ("a loop checked with a name to it", "已做回路校验并署名"),
    "rules": ("rules", "规则"),
    "do-source": (
        "Next: gatehouse commission start {site} IP --profile NAME",
        "下一步：gatehouse commission start {site} IP --profile 名称",
    ),
    "do-tags": ("Next: gatehouse tag import {site} FILE --apply", "下一步：gatehouse tag import {site} 文件 --apply"),
    "do-check": ("Next: gatehouse commission check {site}", "下一步：gatehouse commission check {site}"),
    "do-loop": (
        "Next: gatehouse commission loop {site} TAG --applied VALUE --person NAME",
        "下一步：gatehouse commission loop {site} 位号 --applied 数值 --person 姓名",
    ),
    "do-rules": (
        "Next: write rules ({site}/rules), then gatehouse check {site}",
        "下一步：编写规则（{site}/rules），再执行 gatehouse check {site}",
    ),
    "do-check-site": (
        "Next: gatehouse check {site}, then run it in MONITOR ONLY or SHADOW",
        "下一步：gatehouse check {site}，随后以仅监测或试运行方式运行",
    ),
}
