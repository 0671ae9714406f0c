"""`gatehouse rule`: `keygen` and `sign` on a laptop; submit, versions, show, evidence, import-signature and diff at the box.

The daemon may run or not: it reads the store anew when something is to be armed.
"""

from __future__ import annotations

import dataclasses
import getpass
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import msgspec
import segno

from gateway.activation import gate, store
from gateway.activation.people import signed_by, signers
from gateway.activation.signature import TextError, from_text, generate, load_private, sign, to_text
from gateway.activation.version import Entry, Evidence, Finding, Proof, Version, meaning
from gateway.activation.words import say
from gateway.app.examine import Checked, examine
from gateway.app.proving import limit_ms, placed, plant_of
from gateway.app.speech import Speech
from gateway.core.errors import Problem
from gateway.core.program import Program, rule_hash
from gateway.rulebook.prove.check import prove
from gateway.site import Site
from gateway.site.report import text as as_text

OK, FAILED, USAGE, NOT_FOUND, NOT_PERMITTED, REFUSED, INVALID = 0, 1, 2, 4, 5, 6, 9
VERBS = ("keygen", "sign", "submit", "versions", "show", "evidence", "import-signature", "diff")

_WORDS = {
    "passphrase": ("The passphrase needs at least 12 characters.", "口令至少 12 个字符。"),
    "wrong-passphrase": ("This passphrase does not open the key.", "口令不能打开该密钥。"),
    "exists": ("{what} exists already.", "{what} 已存在。"),
    "failed": ("Failed: {what}", "失败：{what}"),
    "not-a-version": ("{what} is not a version, or is damaged.", "{what} 不是版本文件，或已损坏。"),
    "public": (
        "Put this line under keys of the person in users.toml; the file {what} stays off the box:",
        "请把下面一行填入 users.toml 中本人的 keys；文件 {what} 不得放到网关上：",
    ),
    "submitted": ("Version {number}, digest {digest}", "版本 {number}，摘要 {digest}"),
    "refuted": (
        "Nothing was kept: correct the rules, or see gatehouse rule check.",
        "未保存任何版本：请更正规则；详情见 gatehouse rule check。",
    ),
    "same": ("Version {number} holds this program already.", "版本 {number} 已包含该程序。"),
    "signed": ("{person} has signed version {number}.", "{person} 已签署版本 {number}。"),
    "evidence": ("Recorded for version {number}.", "已登记到版本 {number}。"),
    "report-needed": (
        "A backtest is stated with its report: --report FILE, from gatehouse rule backtest SITE -o json.",
        "登记回测须附报告：--report 文件，由 gatehouse rule backtest SITE -o json 生成。",
    ),
    "no-report": (
        "{what} is not the JSON of a backtest (gatehouse rule backtest SITE -o json).",
        "{what} 不是回测的 JSON 报告（gatehouse rule backtest SITE -o json）。",
    ),
    "other-report": (
        "This report is of other rules than version {number}: its program hash is another.",
        "该报告不是版本 {number} 的回测：程序哈希不同。",
    ),
    "empty-report": ("The report covers no time at all.", "该报告没有覆盖任何时间。"),
    "author": ("{person} is not in users.toml.", "users.toml 中没有 {person}。"),
    "signing": (
        "You sign version {number} by {author}, {rules} rules, digest {digest}:",
        "将签署版本 {number}（提交人 {author}，{rules} 条规则），摘要 {digest}：",
    ),
}
_say = Speech(_WORDS)


class _Stop(Exception):
    """Ends a command with an exit code and a text that has been said in the right language."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def rule(verb: str, site: Path, args: dict[str, str]) -> int:
    """One of VERBS; data to stdout, talk to stderr."""
    lang = args["lang"]
    try:
        if verb == "keygen":
            return _keygen(Path(args["file"]), args)
        if verb == "sign":
            return _sign(Path(args["file"]), args)
        return _at_the_box(verb, site, args)
    except _Stop as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except FileExistsError as error:
        _say("exists", lang, what=error.filename2 or error.filename)
    except OSError as error:
        _say("failed", lang, what=error)
    return FAILED


def _at_the_box(verb: str, folder: Path, args: dict[str, str]) -> int:
    checked = examine(folder)
    if checked.site is None or checked.program is None:
        print(as_text(checked.problems, args["lang"]), end="", file=sys.stderr)
        return INVALID
    kept = store.read(checked.site.storage.directory)
    for name in kept.damaged:
        print(say("damaged", args["lang"], name=name), file=sys.stderr)
    match verb:
        case "submit":
            return _submit(checked, checked.site, kept, args)
        case "versions":
            return _versions(checked.site, kept, args)
        case "show":
            return _show(_version(kept, args), args)
        case "evidence":
            return _evidence(checked.site, kept, args)
        case "diff":
            return _diff(kept, args)
    return _import(checked.site, kept, args)


# --- on the laptop ---


def _keygen(file: Path, args: dict[str, str]) -> int:
    try:
        pem, public = generate(_passphrase(args))
    except ValueError:
        raise _Stop(USAGE, _say.text("passphrase", args["lang"])) from None
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(pem)
    _say("public", args["lang"], what=file)
    print(public)
    return OK


def _sign(file: Path, args: dict[str, str]) -> int:
    version = store.load_version(file)
    if version is None:
        raise _Stop(FAILED, _say.text("not-a-version", args["lang"], what=file))
    words = {"number": version.number, "author": version.author, "rules": len(version.rules)}
    _say("signing", args["lang"], digest=version.digest(), **words)
    _tell(version, args, sys.stderr)
    try:
        key = load_private(Path(args["key"]).read_bytes(), _passphrase(args))
    except (ValueError, TypeError):
        raise _Stop(NOT_PERMITTED, _say.text("wrong-passphrase", args["lang"])) from None
    text = to_text(sign(key, version.number, version.digest()))
    if args["qr"]:
        segno.make(text, error="m").save(args["qr"], scale=4)
    print(text, end="")
    return OK


def _passphrase(args: dict[str, str]) -> str:
    if args["passphrase_file"]:
        return Path(args["passphrase_file"]).read_text(encoding="utf-8").rstrip("\n")
    return getpass.getpass()


# --- at the box ---


def _submit(checked: Checked, site: Site, kept: store.Kept, args: dict[str, str]) -> int:
    program = checked.program
    assert program is not None
    _person(site, args)
    last, _digest = kept.head()
    before = kept.versions.get(last)
    if before and before.proven and (before.program_hash, before.site) == (rule_hash(program), site.hash):
        _say("same", args["lang"], number=last)
        return REFUSED
    found = _proven(checked, program, site, args)
    print(as_text(found, args["lang"]), end="", file=sys.stderr)
    if any(problem.severity == "error" for problem in found):
        _say("refuted", args["lang"])
        return INVALID
    checked = dataclasses.replace(checked, problems=[*checked.problems, *found])
    version = draft(checked, site, kept, args["person"], args["note"], int(time.time() * 1000))
    store.add_version(site.storage.directory, version)
    _say("submitted", args["lang"], number=version.number, digest=version.digest())
    print(site.storage.directory / store.FOLDER / f"{version.number:06}{store.SUFFIX}")
    return OK


def _proven(checked: Checked, program: Program, site: Site, args: dict[str, str]) -> list[Problem]:
    """What the prover finds, with its examples, at the lines of the rules."""
    try:
        limit = limit_ms(args.get("limit", ""), args["lang"])
    except ValueError as error:
        raise _Stop(USAGE, str(error)) from None
    return placed(prove(program, plant_of(site), limit), checked.marks)


def draft(checked: Checked, site: Site, kept: store.Kept, author: str, note: str, utc_ms: int) -> Version:
    """The next version: what the folder says now."""
    program = checked.program
    assert program is not None
    entries = tuple(
        Entry(rule.name, rule_hash(rule), meaning(rule, site.table), checked.formulas.get(rule.name, ""))
        for rule in program.rules
    )
    findings = tuple(
        Finding(found.severity, found.code, found.text["en"], found.text["zh-CN"]) for found in checked.problems
    )
    text = msgspec.json.encode(program, order="deterministic").decode()
    head = (kept.taken + 1, kept.head()[1], site.hash, text, rule_hash(program), entries)
    return Version(*head, author, utc_ms, note, findings)


def _versions(site: Site, kept: store.Kept, args: dict[str, str]) -> int:
    people = signers(site.users.values())
    rows: list[dict[str, Any]] = [
        {
            "version": number,
            "author": version.author,
            "utc_ms": version.utc_ms,
            "digest": kept.digests[number][:16],
            "signed": gate.valid_signatures(kept, number, people),
            "missing": [texts[_language(args)] for texts in gate.missing(kept, version, people)],
            "note": version.note,
        }
        for number, version in sorted(kept.versions.items())
    ]
    if args["output"] in ("json", "jsonl"):
        print(json.dumps(rows, ensure_ascii=False))
        return OK
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(row["utc_ms"] / 1000))
        print(
            f"{row['version']:>4}  {when}Z  {row['author']}  {row['digest']}  {', '.join(row['signed'])}  {row['note']}"
        )
        for text in row["missing"]:
            print(f"      {text}")
    return OK


def _show(version: Version, args: dict[str, str]) -> int:
    if args["output"] in ("json", "jsonl"):
        print(msgspec.json.encode(version).decode())
        return OK
    print(f"{version.number}  {version.author}  {version.digest()}")
    _tell(version, args, sys.stdout)
    return OK


def _tell(version: Version, args: dict[str, str], out: TextIO) -> None:
    """The rules of a version, and what the check and the prover found of them."""
    for entry in version.rules:
        print(f"  {entry.name}  {entry.hash[:16]}  {entry.formula}", file=out)
    for finding in version.findings:
        print(f"  {finding.severity}: {finding.zh if _language(args) == 'zh-CN' else finding.en}", file=out)


def _evidence(site: Site, kept: store.Kept, args: dict[str, str]) -> int:
    version = _version(kept, args)
    _person(site, args)
    digest, kind = kept.digests[version.number], msgspec.convert(args["kind"], Proof)
    report, covered = _backtested(version, args) if kind == "backtest" else ("", "")
    summary = f"{args['note']} ({covered})" if covered else args["note"]
    found = Evidence(digest, kind, args["person"], int(time.time() * 1000), summary, report)
    store.add_evidence(site.storage.directory, version.number, found)
    _say("evidence", args["lang"], number=version.number)
    return OK


class _Report(msgspec.Struct):
    """What a statement is held against, of the JSON of `rule backtest`."""

    program_hash: str
    hours: float
    trips_in_all: int
    from_utc_ms: int
    to_utc_ms: int


def _backtested(version: Version, args: dict[str, str]) -> tuple[str, str]:
    """Hash and coverage of the report that stands for a backtest of exactly this version."""
    lang = args["lang"]
    if not args["report"]:
        raise _Stop(USAGE, _say.text("report-needed", lang))
    data = Path(args["report"]).read_bytes()
    try:
        report = msgspec.json.decode(data, type=_Report)
    except msgspec.DecodeError:
        raise _Stop(USAGE, _say.text("no-report", lang, what=args["report"])) from None
    if report.program_hash != version.program_hash:
        raise _Stop(REFUSED, _say.text("other-report", lang, number=version.number))
    if report.hours <= 0:
        raise _Stop(REFUSED, _say.text("empty-report", lang))
    since, until = (
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(ms / 1000)) for ms in (report.from_utc_ms, report.to_utc_ms)
    )
    return hashlib.sha256(data).hexdigest(), f"{report.hours:g} h, {since} … {until} UTC, {report.trips_in_all} trips"


def _import(site: Site, kept: store.Kept, args: dict[str, str]) -> int:
    lang = args["lang"]
    text = sys.stdin.read() if args["file"] == "-" else Path(args["file"]).read_text(encoding="utf-8")
    try:
        signature = from_text(text)
    except TextError as error:
        key = "text" if error.line else "text-whole"
        raise _Stop(USAGE, say(key, lang, line=error.line)) from None
    number = signature.number
    if number not in kept.versions:
        raise _Stop(NOT_FOUND, say("no-version", lang, number=number))
    people = signers(site.users.values())
    person, why = signed_by(people, signature, number, kept.digests[number])
    if why:
        raise _Stop(NOT_PERMITTED, say(why, lang))
    if person in kept.signatures.get(number, {}):
        raise _Stop(REFUSED, say("same-person", lang, person=person, number=number))
    store.add_signature(site.storage.directory, number, person, signature)
    _say("signed", lang, person=person, number=number)
    return OK


def _diff(kept: store.Kept, args: dict[str, str]) -> int:
    """What stands in one version and not in the other, rule by rule."""
    old, new = _version(kept, args), _version(kept, {**args, "version": args["other"]})
    before, after = ({entry.name: entry for entry in one.rules} for one in (old, new))
    for name in sorted({*before, *after}):
        was, becomes = before.get(name), after.get(name)
        if was is None or becomes is None or was.hash != becomes.hash:
            print(name)
            print(f"  - {was.formula if was else ''}")
            print(f"  + {becomes.formula if becomes else ''}")
    return OK


def _version(kept: store.Kept, args: dict[str, str]) -> Version:
    number = args["version"]
    if not number.isdigit() or int(number) not in kept.versions:
        raise _Stop(NOT_FOUND, say("no-version", args["lang"], number=number))
    return kept.versions[int(number)]


def _person(site: Site, args: dict[str, str]) -> None:
    if args["person"] not in site.users:
        raise _Stop(NOT_PERMITTED, _say.text("author", args["lang"], person=args["person"]))


def _language(args: dict[str, str]) -> str:
    return "zh-CN" if args["lang"].startswith("zh") else "en"
