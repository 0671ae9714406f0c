"""The words of a cause & effect workbook: markers, fields with their headings, and what a cell may hold."""

from __future__ import annotations

import re
import unicodedata

MATRIX = "gatehouse cause & effect 因果表"
EXAMPLE = "示例（不会被编译） Example, not compiled"
TEXT = "gatehouse text rules 文本规则"

# field -> (English, Chinese) heading. The first fourteen and eight are those of spec/rules.md, the others keep what a
# rule has besides, so that nothing is lost between the two faces of the language.
CAUSES: dict[str, tuple[str, str]] = {
    "id": ("id", "编号"),
    "tag": ("tag", "位号"),
    "op": ("op", "比较"),
    "limit": ("limit", "限值"),
    "unit": ("unit", "单位"),
    "hyst": ("hyst", "回差"),
    "for": ("for", "延时"),
    "vote": ("vote", "表决"),
    "on_bad": ("on_bad", "坏值处理"),
    "bypass": ("bypass", "旁路"),
    "pst": ("pst", "过程安全时间"),
    "area": ("area", "区域"),
    "zh": ("zh", "中文说明"),
    "en": ("en", "英文说明"),
}
EFFECTS: dict[str, tuple[str, str]] = {
    "id": ("effect", "结果编号"),
    "target": ("target", "输出位号"),
    "value": ("value", "动作值"),
    "readback": ("readback", "动作确认"),
    "within": ("within", "动作时限"),
    "latch": ("latch", "锁存"),
    "reset_by": ("reset_by", "复位角色"),
    "priority": ("priority", "优先级"),
    "delay": ("delay", "跳车延时"),
    "else": ("else", "后备输出"),
    "zh": ("zh title", "中文名称"),
    "en": ("en title", "英文名称"),
    "consequence_zh": ("zh consequence", "中文后果"),
    "consequence_en": ("en consequence", "英文后果"),
    "response_zh": ("zh response", "中文处置"),
    "response_en": ("en response", "英文处置"),
}
TEXTS: dict[str, tuple[str, str]] = {
    "rule": ("rule", "规则"),
    "after": ("after", "位于其后"),
    "why_en": ("why", "原因（英文）"),
    "why_zh": ("why zh", "原因"),
    "text": ("text", "规则文本"),
}

NUMBER = r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?"
TIME = r"[0-9]{1,15}(?:\.[0-9]{1,15})? ?(?:ms|s|min|h|d)"
UNIT = r"(?:[%°℃℉％㎡㎥㎎㎏㎜㎝㎞]|[^\W\d_])(?:[^\s\"#(),<>=!;:\[\]{}]|\(A\))*"
WORD = r"[0-9]*[^\W\d]\w*(?:[.\-]\w+)*"
OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
VOTE = r"([1-9][0-9]?)oo([1-9][0-9]?):(\w{1,16})"

_MARK = re.compile(rf"(?P<letter>[XPANRS])|X ?/ ?(?P<delay>{TIME})|{VOTE}", re.IGNORECASE)
_FIELD = {
    "id": re.compile(r"[A-Za-z0-9_.\-]{1,64}"),
    "tag": re.compile(WORD),
    "op": re.compile("|".join(OPERATORS)),
    "limit": re.compile(NUMBER),
    "unit": re.compile(UNIT),
    "hyst": re.compile(NUMBER),
    "for": re.compile(TIME),
    "vote": re.compile(VOTE, re.IGNORECASE),
    "on_bad": re.compile(
        rf'(?P<policy>trip|safe|avail|alarm)(?: after (?P<after>{TIME}))?(?: because "?(?P<why>.+?)"?)?'
    ),
    "bypass": re.compile(rf"(?P<never>never)|(?:max )?(?P<most>{TIME})(?: by (?P<role>{WORD}))?"),
    "pst": re.compile(TIME),
    "target": re.compile(rf"{WORD}(?: *; *{WORD})*"),
    "value": re.compile(rf"safe|安全值|{NUMBER}"),
    "readback": re.compile(rf"{WORD} *(?:<=|>=|!=|<|>|=) *{NUMBER}(?: ?{UNIT})? within {TIME}"),
    "within": re.compile(rf"{TIME}(?: *; *{TIME})*"),
    "latch": re.compile("yes|no|是|否"),
    "reset_by": re.compile(r"[^\W\d]\w*"),
    "priority": re.compile(r"\w{1,8}"),
    "delay": re.compile(TIME),
    "else": re.compile(rf"{WORD}(?: *; *{WORD})*"),
}
# What a person is told to write, per field.
EXAMPLES = {
    "id": "LSLL_101",
    "tag": "tank1.level",
    "op": "< <= > >= = !=",
    "limit": "30",
    "unit": "cm",
    "hyst": "5",
    "for": "2 s",
    "vote": "2oo3:G1",
    "on_bad": 'safe after 2 s; avail after 2 s because "…"',
    "bypass": "4 h by supervisor; never",
    "pst": "30 s",
    "target": "pump7.permit; valve3.open",
    "value": "safe",
    "readback": "pump7.running = 0 within 3 s",
    "within": "1 s",
    "latch": "yes",
    "reset_by": "supervisor",
    "priority": "P1",
    "delay": "1 s",
    "else": "valve3.open",
}


def fold(text: str) -> str:
    """A heading or marker without case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def spellings(fields: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Every way to write a heading -> its field: English, Chinese, or both in one cell."""
    found: dict[str, str] = {}
    for name, (en, zh) in fields.items():
        for spelling in (name, en, zh, en + zh, zh + en):
            found[fold(spelling)] = name
    return found


def heading(fields: dict[str, tuple[str, str]], name: str) -> str:
    """The heading as it is written: Chinese, then English."""
    en, zh = fields[name]
    return f"{zh} {en}"


def matched(name: str, text: str) -> re.Match[str] | None:
    """`text` as a value of field `name`. Only fields with a form; free texts have none."""
    return _FIELD[name].fullmatch(text)


def has_form(name: str) -> bool:
    """False for free texts."""
    return name in _FIELD


def mark(text: str) -> re.Match[str] | None:
    """What a cell of the matrix says: groups `letter`, `delay`, or 1-of-2 vote parts; None = not a mark."""
    return _MARK.fullmatch(text)
