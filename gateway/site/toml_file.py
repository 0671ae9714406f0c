"""A TOML file and its pydantic models: every mistake becomes a Problem with file, line and both languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any, TypeVar, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.core.errors import Problem
from gateway.site.messages import SENTENCES, Both, listed, nearest, problem
from gateway.site.place import Place
from gateway.site.text import Document
from gateway.site.toml_marks import Mark, Path, scan

M = TypeVar("M", bound=BaseModel)

_AT = re.compile(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_SYNTAX_ZH = (
    ("Expected '=' after a key", "键名后缺少 ="),
    ("Invalid initial character for a key", "键名的首字符无效"),
    ("Cannot overwrite a value", "键重复定义"),
    ("Cannot declare", "同一节重复定义"),
    ("Unterminated string", "字符串缺少右引号"),
    ("Unclosed array", "数组缺少右方括号 ]"),
    ("Unclosed inline table", "内联表缺少右花括号 }"),
    ("Expected newline or end of document after a statement", "一行内有多余内容"),
    ("Expected ']'", "节名缺少右方括号 ]"),
    ("Illegal character '\\n'", "字符串缺少右引号"),
    ("Illegal character", "含有非法字符"),
    ("Duplicate inline table key", "内联表中的键重复"),
    ("Unescaped '\\' in a string", "字符串中的 \\ 未转义，Windows 路径请用单引号 '…' 括起"),
    ("Invalid value", "值的写法无效"),
)
_TYPES: dict[str, tuple[Both, str]] = {
    "string": (("text", "文本"), '"…"'),
    "int": (("a whole number", "整数"), "100"),
    "float": (("a number", "数字"), "1.5"),
    "bool": (("true or false", "true 或 false"), "true"),
    "list": (("a list", "列表"), '["…"]'),
    "tuple": (("a list", "列表"), "[…]"),
    "dict": (("a table of keys", "键值表"), "{ key = … }"),
    "model": (("a table of keys", "键值表"), "{ key = … }"),
}
_GOT: dict[type, Both] = {
    bool: ("true or false", "true/false"),
    int: ("a whole number", "整数"),
    float: ("a number with a fraction", "小数"),
    str: ("text", "文本"),
    list: ("a list", "列表"),
    dict: ("a table of keys", "键值表"),
}
_BOUNDS: dict[str, tuple[str, Both]] = {
    "greater_than": ("gt", ("above", "大于")),
    "greater_than_equal": ("ge", ("at least", "不小于")),
    "less_than": ("lt", ("below", "小于")),
    "less_than_equal": ("le", ("at most", "不大于")),
}


class TomlFile:
    """The values of one TOML document and the places of its keys."""

    def __init__(self, document: Document, values: dict[str, Any], marks: dict[Path, Mark]) -> None:
        self.document = document
        self.values = values
        self.marks = marks

    def place(self, path: Path, *, value: bool = False) -> Place:
        """The place of the key at `path`, or of the nearest section around it; `value`: of what stands after the `=`."""
        whole = len(path)
        for length in range(whole, 0, -1):
            if mark := self.marks.get(path[:length]):
                if value and length == whole:
                    return self.document.place(mark.value_line, mark.value_column)
                return self.document.place(mark.line, mark.column)
        return self.document.place(1, 1)


def parse(document: Document) -> tuple[TomlFile | None, list[Problem]]:
    """The document's values and marks, or its syntax error with line and column."""
    try:
        values = tomllib.loads(document.text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(document, str(error))]
    except RecursionError:
        return None, [problem("toml.syntax", document.place(1, 1), what=("nested too deeply", "嵌套层数过多"))]
    return TomlFile(document, values, scan(document.text)), []


def _syntax(document: Document, message: str) -> Problem:
    match = _AT.match(message)
    what, line, column = message, document.text.rstrip("\n").count("\n") + 1, 0
    if match:
        what = match[1]
        if match[2]:
            line, column = int(match[2]), int(match[3])
    zh = next((text for start, text in _SYNTAX_ZH if what.startswith(start)), what)
    what = "a quotation mark is not closed" if what.startswith("Illegal character '\\n'") else what
    return problem("toml.syntax", document.place(line, column), what=(what, zh))


def validate(model: type[M], file: TomlFile, values: Any, at: Path) -> tuple[M | None, list[Problem]]:
    """`values`, found under `at`, as a `model`, or every mistake in them."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, _unique(_translate(model, file, at, detail) for detail in details)


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    """Without the repeats that a union of types makes at one place."""
    seen: dict[tuple[int, int, str], Problem] = {}
    for found in problems:
        seen.setdefault((found.line, found.column, found.code), found)
    return list(seen.values())


def _translate(model: type[BaseModel], file: TomlFile, at: Path, detail: ErrorDetails) -> Problem:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    path = _known(file, (*at, *loc), missing=kind == "missing")
    key = next((str(part) for part in reversed((*at, *loc)) if isinstance(part, str)), file.document.file)
    place = file.place(path, value=True)
    shown = _shown(detail["input"])
    if kind == "extra_forbidden":
        fields = sorted(_fields(model, loc[:-1]))
        near, section = nearest(key, fields), section_name((*at, *loc[:-1]))
        return problem("site.unknown-key", file.place(path), key=key, section=section, near=near, known=listed(fields))
    if kind == "missing":
        return problem("site.missing-key", file.place(path), key=key, section=section_name((*at, *loc[:-1])))
    if kind in SENTENCES:
        value = str(detail["input"])
        near = nearest(value, sorted(available_timezones())) if kind == "site.timezone" else ("", "")
        named = str(at[-1]) if kind == "user.pin" and at else str(loc[-2]) if len(loc) > 1 else key
        value = named if kind == "user.pin" else value if kind == "site.timezone" else shown
        return problem(kind, place, key=key, value=value, near=near, **context)
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected", "")).replace("'", '"').replace(" or ", ", ")
        words = [word.strip(' "') for word in expected.split(",")]
        return problem(
            "site.not-one-of",
            place,
            key=key,
            value=shown,
            near=nearest(str(detail["input"]), words),
            expected=(expected, expected.replace(", ", "、")),
        )
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"]).strip("^$")
        return problem(
            "site.name" if pattern.startswith("[a-z") else "site.form", place, key=key, value=shown, pattern=pattern
        )
    if kind in _BOUNDS:
        name, (en, zh) = _BOUNDS[kind]
        limit = context[name]
        return problem("site.bounds", place, key=key, value=shown, bound=(f"{en} {limit}", f"{zh} {limit}"))
    if kind.removeprefix("string_") in ("too_short", "too_long"):
        few, many = ("empty or too short", "为空或过短"), ("too long", "过长")
        return problem("site.length", place, key=key, what=few if kind.endswith("short") else many)
    return _other(detail, kind, key, place)


def _other(detail: ErrorDetails, kind: str, key: str, place: Place) -> Problem:
    expected = _TYPES.get(kind.split("_")[0])
    if expected and ("type" in kind or "parsing" in kind or "from_float" in kind):
        got = _GOT.get(type(detail["input"]), ("something else", "其他类型"))
        return problem("site.wrong-type", place, key=key, expected=expected[0], got=got, example=expected[1])
    context = detail.get("ctx", {})
    error = context.get("error")
    message = detail["msg"].removeprefix("Value error, ")
    en = str(getattr(error, "en", context.get("en", message)))
    zh = str(getattr(error, "zh", context.get("zh", message)))
    return problem("site.value", place, key=key, what=(en.rstrip("."), zh.rstrip("。")))


def _known(file: TomlFile, path: Path, *, missing: bool) -> Path:
    """`path` without the parts that pydantic adds for the branches of a union."""
    kept: Path = ()
    for i, part in enumerate(path):
        if (*kept, part) in file.marks or (missing and i == len(path) - 1):
            kept = (*kept, part)
    return kept


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """The keys that the model at `loc` inside `model` knows."""
    here: list[Any] = [model]
    for part in loc:
        here = [deeper for kind in here for deeper in _step(kind, part)]
    return {
        name for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel) for name in kind.model_fields
    }


def _step(kind: Any, part: int | str) -> list[Any]:
    """The types that stand one key below `kind`, through unions, lists and dicts."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return _open(field.annotation) if field else [kind]  # a union's own label keeps us where we are
    return [deeper for argument in get_args(kind) for deeper in _open(argument)]


def _open(annotation: Any) -> list[Any]:
    """The models and containers of an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = getattr(annotation, "__origin__", None)
    if origin in (list, dict, tuple):
        return [annotation]
    return [deeper for argument in get_args(annotation) for deeper in _open(argument)]


def section_name(path: Path) -> Both:
    """How people call a section."""
    if not path:
        return "the file", "文件顶层"
    name = "[" + ".".join(str(part) for part in path) + "]"
    return name, name


def _shown(value: Any) -> str:
    """A value as it would stand in TOML, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
