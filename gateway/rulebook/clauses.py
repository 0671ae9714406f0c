"""The clauses of a rule behind its condition: actions, policy, roles, bypass, texts. One function per clause."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from lark import Token

from gateway.core.limits import BYPASS_MAX_NS, CLEAR_NS, DEGRADED_MAX_NS, HOUR, PERMIT_MAX_NS
from gateway.core.program import (
    SECOND,
    BypassTerms,
    Confirm,
    Escalate,
    Notify,
    Policy,
    Role,
    RuleText,
    Set,
    Speak,
    Stop,
    Telling,
)
from gateway.core.tags import Tag
from gateway.rulebook.condition import Conditions, check_limit, report_unknown
from gateway.rulebook.formula import duration
from gateway.rulebook.numbers import operator
from gateway.rulebook.quantity import Reader
from gateway.rulebook.site import TagIndex, has_safe, nearest_of
from gateway.rulebook.tree import Action, AlarmAct, Clause, ConfirmAct, Quantity, SetAct, SpeakAct, StopAct, TellAct

ROLES: tuple[Role, ...] = get_args(Role)
PRIORITIES = ("P1", "P2", "P3", "P4")
FIELDS = ("title", "cause", "consequence", "response")
LANGUAGES = {"en": "en", "zh": "zh-CN", "zh-CN": "zh-CN"}
# What the clauses of a kind may be, in the words of the grammar; `priority area text` and `when` are for every kind.
COMMON = frozenset({"when", "on bad", "priority", "area", "text"})
ALLOWED: dict[str, frozenset[str]] = {
    "interlock": COMMON
    | {"then", "else", "latch", "permissive", "override", "bypass", "pst", "degraded", "proof", "group"},
    "control": COMMON | {"then", "clear when", "min on", "min off", "pst"},
    "alarm": COMMON | {"then", "latch", "bypass", "pst"},
    "advisory": COMMON | {"then", "latch"},
    "permit": COMMON | {"valid", "bypass"},
}
ACTIONS: dict[str, tuple[type, ...]] = {
    "interlock": (StopAct, ConfirmAct, AlarmAct, SpeakAct, TellAct),
    "control": (SetAct, StopAct, AlarmAct, SpeakAct, TellAct),
    "alarm": (AlarmAct, SpeakAct, TellAct),
    "advisory": (AlarmAct, SpeakAct, TellAct),
    "permit": (),
}
POLICIES: dict[str, tuple[Policy, ...]] = {  # the first is the default, but for an interlock
    "interlock": ("trip", "safe", "avail"),
    "control": ("safe",),
    "alarm": ("alarm", "trip", "safe", "avail"),
    "advisory": ("hold",),
    "permit": ("deny",),
}
WORDS_MAX = 200  # characters that are spoken: half a minute of speech
CHINESE_KINDS = {"interlock": "联锁", "control": "联动控制", "alarm": "报警", "advisory": "提示", "permit": "作业许可"}
YEAR_NS = 366 * 24 * 3600 * SECOND  # only so that a wrong number is judged as too long and not as no time at all

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(slots=True)
class Terms:
    """What the clauses of one rule say; None where a clause is absent."""

    stops: list[Stop] = field(default_factory=list)
    otherwise: list[Stop] = field(default_factory=list)
    sets: list[Set] = field(default_factory=list)
    tells: list[Telling] = field(default_factory=list)
    confirms: list[Confirm] = field(default_factory=list)
    announce: bool = False
    latch: bool = False
    reset_role: Role | None = None
    policy: Policy | None = None
    bad_after_ns: int = 2 * SECOND
    because: str = ""
    bypass: BypassTerms | None = None
    priority: Literal[1, 2, 3, 4] | None = None
    pst_ns: int = 0
    area: str = ""
    group: str = ""
    clear_ns: int = CLEAR_NS
    min_on_ns: int = 0
    min_off_ns: int = 0
    valid_ns: int = 8 * HOUR
    degraded_ns: int = 8 * HOUR
    proof_ns: int = 0
    text: dict[str, dict[str, str]] = field(default_factory=dict)
    within: list[tuple[Quantity, int]] = field(default_factory=list)


def _word(token: Token) -> str:
    return plain(token) if token.type == "STRING" else str(token)


def named(action: Action) -> tuple[str, Token]:
    """What an action is called in a sentence, and the token to point at."""
    if isinstance(action, StopAct):
        return f"stop {action.output}", action.output
    return str(action.word), action.word


def plain(token: Token) -> str:
    """The text inside a string token."""
    return _ESCAPE.sub(r"\1", token[1:-1])


def titles(text: str) -> dict[str, str]:
    """`zh | en` to language -> title; a single title goes to the language it is written in."""
    first, bar, second = (part.strip() for part in text.partition("|"))
    if not bar:
        return {"zh-CN" if _CHINESE.search(first) else "en": first} if first else {}
    if _CHINESE.search(second) and not _CHINESE.search(first):
        first, second = second, first
    return {language: title for language, title in (("zh-CN", first), ("en", second)) if title}


class ClauseReader:
    """Reads the clauses of one rule into `terms`, reporting what is wrong in each."""

    def __init__(self, reader: Reader, index: TagIndex, conditions: Conditions, kind: str) -> None:
        self.reader = reader
        self.index = index
        self.conditions = conditions
        self.kind = kind
        self.terms = Terms()
        self._outputs: set[str] = set()

    def read(self, clause: Clause) -> None:
        """Takes one clause that is no condition."""
        parts, terms = clause.parts, self.terms
        match clause.what:
            case "then":
                for action in parts:
                    self._action(action)
            case "else":
                for stop in parts[1:]:
                    self._stop(stop, terms.otherwise)
            case "latch":
                self._latch(parts[1:])
            case "on bad":
                self._on_bad(parts)
            case "bypass":
                self._bypass(parts)
            case "priority":
                self._priority(parts[1])
            case "pst":
                terms.pst_ns = self.reader.time(parts[1]) or 0
            case "min on":
                terms.min_on_ns = self.reader.time(parts[1]) or 0
            case "min off":
                terms.min_off_ns = self.reader.time(parts[1]) or 0
            case "valid":
                terms.valid_ns = self.reader.time(parts[1], SECOND, PERMIT_MAX_NS) or 0
            case "degraded":
                terms.degraded_ns = self.reader.time(parts[1], SECOND, DEGRADED_MAX_NS) or 0
            case "proof":
                terms.proof_ns = self.reader.time(parts[1], 24 * HOUR, 20 * YEAR_NS) or 0
            case "area":
                terms.area = _word(parts[1])
            case "group":
                terms.group = _word(parts[1])
            case "text":
                self._text(parts[1], parts[2:])

    def not_here(self, what: str, token: Token, last: Token | None = None) -> None:
        """Reports a clause or action that the kind of the rule does not have."""
        kind = (self.kind, CHINESE_KINDS[self.kind])
        self.reader.report("rule.not-for-kind", token, last, what=what, kind=kind)

    def _latch(self, parts: tuple[Any, ...]) -> None:
        self.terms.latch = True
        for part in parts:
            if isinstance(part, Token):
                self.terms.reset_role = self._role(part)
            elif self.kind != "interlock":
                self.not_here("latch after", part.number, part.unit)
            else:
                self.terms.clear_ns = self.reader.time(part) or CLEAR_NS

    def _role(self, token: Token) -> Role | None:
        if token in ROLES:
            return cast(Role, str(token))
        near = nearest_of(str(token), ROLES)
        names = ", ".join(ROLES)
        hint = (f"Did you mean {near}? ", f"是否为 {near}？") if near else ("", "")
        expected = (f"{hint[0]}Roles are {names}.", f"{hint[1]}可用角色：{names.replace(', ', '、')}。")
        self.reader.report("rule.unknown-role", token, what=str(token), expected=expected)
        return None

    def role(self, token: Token | None) -> Role:
        """The role of an optional `by`, supervisor without one."""
        return (self._role(token) if token is not None else None) or "supervisor"

    def _action(self, action: Action) -> None:
        if not isinstance(action, ACTIONS[self.kind]):
            what, token = named(action)
            self.not_here(what, token)
            return
        terms = self.terms
        match action:
            case AlarmAct():
                terms.announce = True
            case StopAct():
                self._stop(action, terms.stops)
            case SetAct():
                self._set(action)
            case ConfirmAct():
                self._confirm(action)
            case SpeakAct():
                self._speak(action)
            case TellAct(word=word, role=role):
                self._reachable("role", role) if role is not None else self._reachable("ladder", word)
                terms.tells.append(Notify(str(role)) if word == "notify" else Escalate(str(role or "")))

    def _speak(self, action: SpeakAct) -> None:
        text = titles(plain(action.text))
        if not text:
            self.reader.report("rule.no-words", action.text)
        elif any(len(words) > WORDS_MAX for words in text.values()):
            self.reader.report("rule.too-long", action.text, most=str(WORDS_MAX))
        self._reachable("speaker", action.speaker)
        self.terms.tells.append(Speak(str(action.speaker), text))

    def _reachable(self, kind: str, token: Token) -> None:
        """The site must say where a speaker, a role or the ladder is."""
        channels, name = self.index.channels, "1" if kind == "ladder" else str(token)
        if channels is None or f"{kind}:{name}" in channels:
            return
        if kind == "ladder":
            self.reader.report("rule.no-ladder", token)
            return
        known = tuple(one.partition(":")[2] for one in channels if one.startswith(f"{kind}:"))
        near = nearest_of(name, known)
        hint = (f"Did you mean {near}? ", f"是否为 {near}？") if near else ("", "")
        what = {"speaker": ("speaker", "扬声器"), "role": ("role", "角色")}[kind]
        self.reader.report("rule.unreachable", token, what=name, kind=what, section=f"[{kind}.{name}]", expected=hint)

    def _output(self, token: Token) -> Tag | None:
        """A writable bit with a safe value that the rule does not name yet. None after a report."""
        tag = self.index.by_name.get(token)
        if tag is None:
            report_unknown(self.reader, self.index, token, writable=True)
        elif not tag.writable:
            self.reader.report("rule.not-writable", token, tag=tag.name)
        elif not tag.boolean:
            self.reader.report("rule.not-a-bit", token, tag=tag.name)
        elif not has_safe(tag):
            self.reader.report("rule.no-safe", token, tag=tag.name)
        elif tag.name in self._outputs:
            self.reader.report("rule.duplicate-output", token, tag=tag.name)
        else:
            self._outputs.add(tag.name)
            return tag
        return None

    def _stop(self, action: StopAct, into: list[Stop]) -> None:
        within, tag = self._within(action.within), self._output(action.output)
        if tag is None or within is None:
            return
        if self.kind == "control":
            self.terms.sets.append(Set(tag.name, tag.safe))
        else:
            into.append(Stop(tag.name, within))

    def _set(self, action: SetAct) -> None:
        tag = self._output(action.output)
        if tag is None:
            return
        if action.op != "=":
            self.reader.report("rule.bool-operator", action.op, tag=tag.name, what=str(action.op))
        elif check_limit(self.reader, tag, action.op, float(action.value), action.value):
            self.terms.sets.append(Set(tag.name, float(action.value) + 0.0))

    def _within(self, quantity: Quantity | None) -> int | None:
        if quantity is None:
            return 0
        ns = self.reader.time(quantity)
        if ns is not None:
            self.terms.within.append((quantity, ns))
        return ns

    def _confirm(self, action: ConfirmAct) -> None:
        tag = self.conditions.tag(action.tag)
        if action.within is None:
            self.reader.report("rule.confirm-time", action.word, action.tag, tag=str(action.tag))
            ns = None
        else:
            ns = self.reader.time(action.within)
        if tag is None:
            return
        if tag.writable:
            self.reader.report("rule.confirm-output", action.tag, tag=tag.name)
        value = self.reader.value(tag, action.value)
        if value is not None and check_limit(self.reader, tag, action.op, value, action.value.number) and ns:
            self.terms.confirms.append(Confirm(tag.name, operator(action.op), value, ns))

    def _on_bad(self, parts: tuple[Any, ...]) -> None:
        word = parts[1]
        policies = POLICIES[self.kind]
        if word not in policies:
            expected = (" / ".join(policies), " / ".join(policies))
            self.reader.report("rule.policy", word, what=str(word), expected=expected)
        for part in parts[2:]:
            if isinstance(part, Quantity):
                ns = self.reader.time(part, low=0)
                self.terms.bad_after_ns = 2 * SECOND if ns is None else ns
            else:
                self.terms.because = plain(part).strip()
        justified = word == "avail" or (word == "alarm" and self.kind == "interlock")
        if justified and not self.terms.because:
            self.reader.report("rule.because", word, what=str(word))
        self.terms.policy = cast(Policy, str(word))

    def _bypass(self, parts: tuple[Any, ...]) -> None:
        if len(parts) == 1:
            self.terms.bypass = BypassTerms(max_ns=0)
            return
        if self.kind == "permit":
            self.not_here("bypass max", parts[0])
            return
        ns = self.reader.time(parts[1], high=YEAR_NS)
        role = self._role(parts[2]) if len(parts) > 2 else "supervisor"
        if ns is not None and ns > BYPASS_MAX_NS:
            self.reader.report("rule.bypass-long", parts[1].number, parts[1].unit, what=duration(ns))
        elif ns is not None and role is not None:
            self.terms.bypass = BypassTerms(ns, role)

    def _priority(self, token: Token) -> None:
        if token not in PRIORITIES:
            self.reader.report("rule.priority", token, what=str(token))
            return
        self.terms.priority = cast(Literal[1, 2, 3, 4], int(token[1]))

    def _text(self, language: Token, pairs: tuple[Token, ...]) -> None:
        name = LANGUAGES.get(language)
        if name is None:
            self.reader.report("rule.text-language", language, what=str(language))
            return
        into = self.terms.text.setdefault(name, {})
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if key not in FIELDS:
                self.reader.report("rule.text-field", key, what=str(key))
            elif str(key) in into:
                self.reader.report("rule.duplicate-clause", key, what=f"text {language} {key}")
            else:
                into[str(key)] = plain(value)

    def texts(self, title: Token | None) -> dict[str, RuleText]:
        """Everything people read, by language; a `text … title` wins over the title behind the name."""
        given = titles(plain(title)) if title is not None else {}
        merged = {language: {"title": text} for language, text in given.items()}
        for language, fields in self.terms.text.items():
            merged[language] = merged.get(language, {}) | fields
        return {language: RuleText(**merged[language]) for language in sorted(merged)}
