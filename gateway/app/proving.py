"""`gatehouse rule check` and `gatehouse rule format`: what rules can do, decided before anything is armed; in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.app.examine import CHECK_INVALID, examine
from gateway.app.speech import Speech
from gateway.core.errors import Problem
from gateway.core.program import Program
from gateway.core.written import duration
from gateway.rulebook import compile_rules
from gateway.rulebook.layout import formatted
from gateway.rulebook.prove.budget import listed
from gateway.rulebook.prove.check import LIMIT_MS, Report, RuleReport, prove
from gateway.rulebook.prove.finding import NOWHERE
from gateway.rulebook.prove.plant import Plant, Steps, counted
from gateway.rulebook.sheet import Spot
from gateway.site import Site
from gateway.site.report import plain
from gateway.site.report import text as as_text
from gateway.site.text import decode

OK, FAILED, USAGE = 0, 1, 2

_WORDS = {
    "unread": ("{file} cannot be read: {what}.", "无法读取 {file}：{what}。"),
    "no-site": (
        "{file} lies in no site folder; name the folder first: gatehouse rule check SITE {file}",
        "{file} 不在站点目录中；请先写站点目录：gatehouse rule check 站点 {file}",
    ),
    "suffix": ("{file} is no rule text: its name ends in .rules.", "{file} 不是规则文本：文件名应以 .rules 结尾。"),
    "layout": (
        "{file} is laid out differently: gatehouse rule format {file} --write",
        "{file} 的排版不同：gatehouse rule format {file} --write",
    ),
    "limit": ("--limit is a time in seconds, such as 5; not {what}.", "--limit 为秒数，例如 5；不能是 {what}。"),
    "proven": (
        "{rules} rules, {questions} questions decided for all values inside the ranges of the tags, {open} left open.",
        "共 {rules} 条规则，在各位号量程内判定 {questions} 个问题，{open} 个未定。",
    ),
    "free": (
        "Times were left free within their bounds, so their findings may need a time that does not come: {rules}",
        "时间函数按其范围内的任意值处理，因此相关结果可能需要实际不会出现的时间：{rules}",
    ),
    "chain": (
        "{rule}: to the output {output} ({sum}), to the effect {whole}, from a lost input {blind}; {budget}",
        "{rule}：至输出 {output}（{sum}），至设备到位 {whole}，自坏值起 {blind}；{budget}",
    ),
    "half": ("half of pst is {half}", "pst 的一半为 {half}"),
    "no-pst": ("no pst to compare with", "未写 pst，无从比较"),
    "loss": ("  lost input: {told}", "  坏值后果：{told}"),
    "cost": (
        "{rule}: at most {bytes} bytes, {comparisons} comparisons and about {us} us per change{bucket}",
        "{rule}：内存至多 {bytes} 字节，每次变化比较 {comparisons} 次，约 {us} us{bucket}",
    ),
    "bucket": (", {us} us where a window moves on", "，窗口推进时约 {us} us"),
}
_say = Speech(_WORDS)
_EFFECTS = {
    "trips": ("{tag} trips", "{tag} 触发联锁"),
    "may trip": ("{tag} trips in some states of the others", "{tag} 视其他输入而定"),
    "with others": ("{tag} trips only beside the loss of others", "{tag} 仅在其他输入也变坏时触发"),
    "never": ("{tag} never trips", "{tag} 不会触发"),
    "open": ("{tag} not decided", "{tag} 未判定"),
}


class _Stop(Exception):
    """Ends a command with an exit code and something to say, in English and Chinese."""

    def __init__(self, code: int, key: str, **args: str) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args


@dataclass(frozen=True, slots=True)
class Proven:
    """A site folder after every check and proof; `report` is None where errors kept the rules from being compiled."""

    problems: list[Problem]
    report: Report | None
    program: Program | None

    @property
    def ok(self) -> bool:
        """Nothing stands in the way of arming."""
        return self.report is not None and not any(problem.severity == "error" for problem in self.problems)


def plant_of(site: Site) -> Plant:
    """The tags of a site as the prover sees them: those of whole-number types count in steps."""
    steps: dict[str, Steps] = {}
    for source in site.sources.values():
        for planned in (one for group in source.plan.tags for one in group):
            span = counted(planned.kind)
            if span is not None and not planned.tag.boolean:
                steps[planned.tag.name] = Steps(planned.scale, planned.offset, *span)
    return Plant(site.table, steps)


def proven(folder: Path, files: Sequence[tuple[str, str]] = (), limit_ms: int = LIMIT_MS) -> Proven:
    """What `gatehouse check` finds, and what can be proven of the rules: those of the site, or `files` (name, text)."""
    checked = examine(folder)
    if checked.site is None:
        return Proven(checked.problems, None, None)
    program, marks, problems = checked.program, checked.marks, checked.problems
    if files:
        compiled = compile_rules(list(files), checked.site.table)
        program, marks = compiled.program, compiled.marks
        problems = [one for one in problems if not one.code.startswith(("rule.", "matrix."))] + compiled.problems
    if program is None:
        return Proven(problems, None, None)
    report = prove(program, plant_of(checked.site), limit_ms)
    return Proven(problems + placed(report, marks), report, program)


def placed(report: Report, marks: Mapping[str, Spot]) -> list[Problem]:
    """The findings as problems at the lines of their rules."""
    return [finding.problem(marks.get(finding.rule, NOWHERE)) for finding in report.findings]


def check(args: Mapping[str, str]) -> int:
    """Everything found, then times and costs by rule; 0, or 9 where a finding forbids arming."""
    lang = args.get("lang", "en")
    try:
        folder, files = _targets([Path(name) for name in args["paths"].splitlines()])
        found = proven(folder, files, limit_ms(args.get("limit", ""), lang))
    except _Stop as stop:
        print(_say.text(stop.key, lang, **stop.args_of_text), file=sys.stderr)
        return stop.code
    except ValueError as error:
        print(error, file=sys.stderr)
        return USAGE
    if args.get("output", "table") in ("json", "jsonl"):
        print(json.dumps(_data(found), ensure_ascii=False, indent=2))
    else:
        print(as_text(found.problems, lang), end="")
        if found.report is not None:
            print("\n".join(_told(found.report, found.program, lang)))
    return OK if found.ok else CHECK_INVALID


def layout(args: Mapping[str, str]) -> int:
    """One rule file in its layout: printed, written, or only looked at; 1 where it would change, 9 where it is no rule text."""
    lang, file = args.get("lang", "en"), Path(args["file"])
    try:
        text = decode(file.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror or str(error) if isinstance(error, OSError) else "UTF-8, GBK"
        print(_say.text("unread", lang, file=str(file), what=what), file=sys.stderr)
        return FAILED
    if file.suffix != ".rules":
        print(_say.text("suffix", lang, file=str(file)), file=sys.stderr)
        return USAGE
    shown, sheet = formatted(file.name, text)
    if sheet.problems:
        print(as_text(sheet.problems, lang), end="", file=sys.stderr)
        return CHECK_INVALID
    if args.get("check"):
        if shown != text:
            print(_say.text("layout", lang, file=str(file)), file=sys.stderr)
        return OK if shown == text else FAILED
    if not args.get("write"):
        print(shown, end="")
    elif shown != text:
        beside = file.with_name(f".{file.name}.new")  # a power cut leaves the old file or the new one
        beside.write_bytes(shown.encode())
        beside.replace(file)
    return OK


def _targets(paths: Sequence[Path]) -> tuple[Path, list[tuple[str, str]]]:
    """The site folder, and the rule files that were named; a file of a site brings its folder with it."""
    first = paths[0]
    folder, files = (first, paths[1:]) if first.is_dir() or not first.exists() else (_site_of(first), paths)
    texts: list[tuple[str, str]] = []
    for path in files:
        try:
            texts.append((path.name, decode(path.read_bytes())))
        except (OSError, UnicodeDecodeError) as error:
            what = error.strerror or str(error) if isinstance(error, OSError) else "UTF-8, GBK"
            raise _Stop(FAILED, "unread", file=str(path), what=what) from error
    return folder, texts


def _site_of(file: Path) -> Path:
    for folder in file.absolute().parents:
        if (folder / "site.toml").exists():
            return folder
    raise _Stop(USAGE, "no-site", file=str(file))


def limit_ms(text: str, lang: str) -> int:
    """The time for one question out of `--limit`, in seconds there. Raises ValueError, which says in `lang` what is right."""
    if not text:
        return LIMIT_MS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= 3600:
        raise ValueError(_say.text("limit", lang, what=text))
    return round(seconds * 1000)


def _data(found: Proven) -> dict[str, Any]:
    report = None if found.report is None else msgspec.to_builtins(found.report)
    return {"ok": found.ok, "problems": plain(found.problems), "proof": report}


def _told(report: Report, program: Program | None, lang: str) -> list[str]:
    lines = [""]
    if report.proven:
        words = {"rules": len(report.rules), "questions": report.questions, "open": report.left_open}
        lines.append(_say.text("proven", lang, **words))
    free = [rule.rule for rule in report.rules if rule.times_free]
    if free and report.proven:
        lines.append(_say.text("free", lang, rules=", ".join(free)))
    pst = {rule.name: getattr(rule, "pst_ns", 0) for rule in (program.rules if program else ())}
    lines.append("")
    for rule in report.rules:
        lines += _chain(rule, pst.get(rule.rule, 0), lang)
    lines.append("")
    return lines + [_cost(rule, lang) for rule in report.rules]


def _chain(rule: RuleReport, pst_ns: int, lang: str) -> list[str]:
    if rule.budget is None:
        return []
    chain, chinese = rule.budget, lang.startswith("zh")
    words = {"output": chain.output_ns, "whole": chain.whole_ns, "blind": chain.blind_ns}
    shown = {key: duration(ns) for key, ns in words.items()}
    half = _say.text("half", lang, half=duration(pst_ns // 2)) if pst_ns else _say.text("no-pst", lang)
    lines = [_say.text("chain", lang, rule=rule.rule, sum=listed(chain.output)[chinese], budget=half, **shown)]
    told = [_EFFECTS[effect][chinese].format(tag=tag) for tag, effect in rule.inputs.items()]
    return lines + ([_say.text("loss", lang, told=("、" if chinese else ", ").join(told))] if told else [])


def _cost(rule: RuleReport, lang: str) -> str:
    found = rule.cost
    bucket = _say.text("bucket", lang, us=f"{found.bucket_us:g}") if found.bucket_us else ""
    words = {"bytes": found.bytes, "comparisons": found.comparisons, "us": f"{found.change_us:g}"}
    return _say.text("cost", lang, rule=rule.rule, bucket=bucket, **words)
