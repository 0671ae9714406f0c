"""Text of one rule to its tree, or one problem at the character where it stops being a rule."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import cast

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from gateway.rulebook.cut import RULE_CHARACTERS_MAX, Chunk
from gateway.rulebook.sheet import Sheet
from gateway.rulebook.tree import RuleNode, parser

_NAMED = {
    "WORD": ("a name", "名称"),
    "NUMBER": ("a number", "数值"),
    "LIMIT": ("a number", "数值"),
    "UNIT": ("a unit", "单位"),
    "STRING": ('a text in "…"', '双引号中的文本 "…"'),
    "OP": ("a comparison < <= > >= = !=", "比较符 < <= > >= = !="),
    "KIND": ("interlock, control, alarm, advisory or permit", "interlock、control、alarm、advisory 或 permit"),
    "CLEAR": ("clear when", "clear when"),
    "MIN_ON": ("min on", "min on"),
    "MIN_OFF": ("min off", "min off"),
    "LPAR": ("a bracket (", "左括号 ("),
    "RPAR": ("a bracket )", "右括号 )"),
    "COMMA": ("a comma", "逗号"),
    "PLUS": ("+", "+"),
    "MINUS": ("-", "-"),
    "STAR": ("*", "*"),
    "SLASH": ("/", "/"),
}
_MEANT = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">=", "&&": "and", "||": "or", "&": "and", "|": "or", "!": "not"}
_MEANT |= {"−": "-", "–": "-", "—": "-", "×": "*", "÷": "/", "“": '"', "”": '"', "；": ",", ";": ","}
_WORDS = dict.fromkeys(("is", "equals", "equal", "等于"), "=")
_WORDS |= dict.fromkeys(("below", "under", "less", "lower", "小于", "低于"), "<")
_WORDS |= dict.fromkeys(("above", "over", "greater", "higher", "more", "exceeds", "大于", "高于", "超过"), ">")
_WORDS |= {"并且": "and", "且": "and", "或者": "or", "或": "or", "OR": "or", "AND": "and", "FOR": "for"}
_BETWEEN = ("level > 50 cm and level < 60 cm",) * 2
_CLAUSES = frozenset({"WHEN", "_THEN", "ELSE", "LATCH", "_ON", "PERMISSIVE", "OVERRIDE", "CLEAR", "MIN_ON", "MIN_OFF"}) | {
    "BYPASS", "VALID", "DEGRADED", "PROOF", "GROUP", "PRIORITY", "PST", "AREA", "TEXT"
}  # fmt: skip
_ANY_CLAUSE = ("a clause (when, then, latch, on bad, …)", "子句（when、then、latch、on bad 等）")
_SHOWN_MAX = 8  # expectations named in one sentence


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return parser(files("gateway.rulebook").joinpath("grammar.lark").read_text(encoding="utf-8"))


def parse(sheet: Sheet, chunk: Chunk) -> RuleNode | None:
    """The tree of one rule, its tokens placed in the chunk; None after reporting what is wrong."""
    text = sheet.text[chunk.start : chunk.end]
    if len(text) > RULE_CHARACTERS_MAX:
        sheet.report("rule.too-long", chunk.start, chunk.start + 1, most=str(RULE_CHARACTERS_MAX))
        return None
    try:
        # The builder of tree.py runs inside the parser, so what comes back is not a lark Tree.
        return cast(RuleNode, _parser().parse(text if chunk.closed else text + "\nend"))
    except UnexpectedInput as error:
        _report(sheet, chunk, error)
        return None


def tokens(text: str) -> Iterator[Token]:
    """The tokens of one rule, all of them, in their order, typed as the parser takes them. Raises UnexpectedInput."""
    yield from _parser().parse_interactive(text).iter_parse()


def _report(sheet: Sheet, chunk: Chunk, error: UnexpectedInput) -> None:
    if isinstance(error, UnexpectedToken):
        expected, what = set(error.accepts or error.expected), str(error.token)
    else:
        expected = set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()
        what = sheet.text[chunk.start + (error.pos_in_stream or 0)] if error.pos_in_stream is not None else ""
    offset = error.pos_in_stream if error.pos_in_stream is not None else chunk.end - chunk.start
    if not chunk.closed and offset >= chunk.end - chunk.start:
        return  # the missing `end` is already reported
    start = min(chunk.start + offset, max(chunk.end - 1, chunk.start))
    if not what and chunk.closed:
        start, what = chunk.end - len("end"), "end"  # the text ran out: point at the word that closed it
    end = start + max(1, len(what))
    if what.startswith('"') and '"' not in what[1:]:
        return  # the missing quotation mark is already reported
    plain = unicodedata.normalize("NFKC", what[:1])
    if what and plain != what[0] and plain.isascii():
        sheet.report("rule.full-width", start, start + 1, what=what[0], expected=plain)
    elif spelling := _meant(sheet.text, start, what, expected):
        begin, written, right = spelling
        sheet.report("rule.spelling", begin, begin + len(written), what=written, expected=right)
    elif what in ("<", "<=", ">", ">=", "≤", "≥") and "OP" not in expected and "HYST" in expected:
        sheet.report("rule.chained", start, end)
    elif what in ("and", "or") and "WHEN" in expected and "_OR" not in expected:
        sheet.report("rule.for-position", start, end, what=what)
    else:
        sheet.report("rule.syntax", start, end, what=what, expected=_expectation(expected))


def _meant(text: str, start: int, what: str, expected: set[str]) -> tuple[int, str, str | tuple[str, str]] | None:
    """Where something stands that another language writes so, what it is, and how it is written here."""
    before = text[:start].rstrip()
    if what == "、":
        both = ("a comma in a list, and the word 'and' between conditions", "半角逗号（列表中）或 and（条件之间）")
        return start, what, both if "_AND" in expected else ","
    if before.endswith((" if", "\nif")) and "OP" in expected:
        return len(before) - 2, "if", ("the condition right behind when", "when 之后直接写条件")
    for wrong, right in _MEANT.items():
        for begin in (start - 1, start):
            if begin >= 0 and text.startswith(wrong, begin) and (begin == start or len(wrong) > 1):
                return begin, wrong, right
    if "OP" in expected and what == "between":
        return start, what, _BETWEEN
    if what in _WORDS and ("OP" in expected or _WORDS[what].isalpha()):
        return start, what, _WORDS[what]
    if what == "worker" or (what and before.endswith("by")):
        return start, what, f"by = {what}"
    if expected == {"LPAR"} and what.isdigit() and before.endswith("of"):
        vote = before.removesuffix("of").rstrip().rsplit(maxsplit=1)[-1]
        return start, what, (f"the vote without it: {vote} of (A, B, C)", f"{vote} of (A, B, C)，不写总数")
    return None


def _expectation(expected: set[str]) -> tuple[str, str]:
    if expected == {"OF"}:
        return (
            "the tag first, as in level < 30 cm; or a vote, as in 2 of (…)",
            "位号写在前面，如 level < 30 cm；表决写作 2 of (…)",
        )
    hidden = {"COMMENT", "SPACE", "$END", "LIMIT"} | _CLAUSES
    if expected & {"OP", "FOR"}:  # a number is written: what people forget is the comparison, not the sum
        hidden |= {"PLUS", "MINUS", "STAR", "SLASH", "LPAR"}
    names = sorted(expected - hidden, key=lambda name: (name != "OP", name not in _NAMED, name))
    words = [_NAMED.get(name, (name.strip("_").lower(),) * 2) for name in names]
    clauses = sorted(expected & _CLAUSES)
    words += [_ANY_CLAUSE] if len(clauses) > 1 else [(name.strip("_").lower(),) * 2 for name in clauses]
    en = [word[0] for word in words[:_SHOWN_MAX]]
    zh = [word[1] for word in words[:_SHOWN_MAX]]
    more = ["…"] if len(words) > _SHOWN_MAX else []
    return ", ".join(en + more), "、".join(zh + more)
