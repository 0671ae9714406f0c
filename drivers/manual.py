"""The manual of the drivers, made of their docstrings, settings and examples: `python -m drivers.manual docs`.

A driver's docstring holds its maturity list: one entry a line, English and Chinese parted by " | ", continued on lines that
begin with two spaces. `name` is the title; `done` is there and tested; `todo` is missing and will come; `exempt` is left out on
purpose and says why; `peer` is what it was tested against that was not written by us.

    name: Modbus TCP | Modbus TCP
    done: writes of coils and registers with read-back | 写线圈和寄存器并回读
    exempt: FIFO queues (24): no device asks for it | FIFO 队列（24）：没有设备使用
    peer: libmodbus 3.1.6 as server | libmodbus 3.1.6（服务端）

The example of a driver is a site folder, `config/examples/<driver>/`: site.toml and tags.csv are printed as they are.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.base import DRIVERS, load

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "config" / "examples"
FILES = {"en": "drivers.md", "zh-CN": "drivers.zh-CN.md"}
KINDS = ("name", "done", "todo", "exempt", "peer")
TEXTS = {
    "title": ("Drivers", "驱动"),
    "note": (
        "One driver for each protocol. This page is made of the drivers themselves (`python -m drivers.manual docs`). "
        "**Done** is there and tested, **to do** is missing and will come, **left out** is missing on purpose. "
        "The other end of every test was not written by us unless the line says so.\n\n"
        "Where a device refuses a tag, the tag is BAD (DEVICE), its neighbours go on, and the log of the gateway says why, "
        "once for each connection: `plc2: tank1.level: the PLC says: the address lies outside (code 0x05)`.",
        "每种协议一个驱动。本页由驱动自身生成（`python -m drivers.manual docs`）。**已支持**：已实现并经过测试；**待做**：尚缺，后续提供；"
        "**不做**：有意不提供。除非注明，测试对端均为第三方程序。\n\n"
        "设备拒绝某个位号时，该位号为 BAD（DEVICE），其余位号不受影响，网关日志在每次连接中说明一次原因："
        "`plc2: tank1.level: … PLC 应答：地址超出范围（代码 0x05）`。",
    ),
    "driver": ("driver", "驱动"),
    "protocol": ("protocol", "协议"),
    "tested": ("tested against", "测试对端"),
    "done": ("done", "已支持"),
    "todo": ("to do", "待做"),
    "exempt": ("left out", "不做"),
    "key": ("key", "键"),
    "default": ("default", "默认值"),
    "bounds": ("bounds", "范围"),
    "required": ("required", "必填"),
}
OTHER_TYPES = ("heartbeat", "reverse_heartbeat")  # the site's own, explained with the watchdog


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a maturity list in both languages."""

    kind: str
    en: str
    zh: str

    def text(self, language: str) -> str:
        """In the language of the reader."""
        return self.en if language == "en" else self.zh


def entries(docstring: str) -> list[Entry]:
    """The maturity list of a docstring. Raises ValueError where a line has no two languages."""
    found: list[Entry] = []
    for match in re.finditer(rf"^({'|'.join(KINDS)}): (.*(?:\n  .*)*)", docstring, re.MULTILINE):
        en, bar, zh = re.sub(r"\s*\n\s+", " ", match[2]).partition(" | ")
        if not bar or not en.strip() or not zh.strip():
            raise ValueError(f'"{match[0]}" has no English and Chinese parted by " | "')
        found.append(Entry(match[1], en.strip(), zh.strip()))
    return found


def manual(language: str) -> str:
    """The whole manual in `language`, as Markdown."""
    at = 0 if language == "en" else 1
    words = {key: text[at] for key, text in TEXTS.items()}
    modules = {name: load(name) for name in DRIVERS}
    lists = {name: entries(module.__doc__ or "") for name, module in modules.items()}
    parts = [f"# {words['title']}", words["note"], _overview(lists, words, language)]
    for name, module in modules.items():
        parts.append(f"## `{name}`: {_of(lists[name], 'name', language)[0]}")
        parts += _example(EXAMPLES / name)
        parts.append(_settings(module, words))
        parts += _maturity(lists[name], words, language)
    return "\n\n".join(part for part in parts if part) + "\n"


def _of(found: list[Entry], kind: str, language: str) -> list[str]:
    return [entry.text(language) for entry in found if entry.kind == kind]


def _overview(lists: dict[str, list[Entry]], words: dict[str, str], language: str) -> str:
    heads = [words[key] for key in ("driver", "protocol", "tested", "done", "todo", "exempt")]
    rows = ["| " + " | ".join(heads) + " |", "|---|---|---|---|---|---|"]
    for name, found in lists.items():
        counts = [str(len(_of(found, kind, language))) for kind in ("done", "todo", "exempt")]
        peers = "; ".join(_of(found, "peer", language)) or "-"
        rows.append("| " + " | ".join([f"`{name}`", _of(found, "name", language)[0], peers, *counts]) + " |")
    return "\n".join(rows)


def _example(folder: Path) -> list[str]:
    files = (("site.toml", "toml"), ("tags.csv", "csv"))
    return [f"```{kind}\n{(folder / name).read_text('utf-8').strip()}\n```" for name, kind in files]


def _settings(module: Any, words: dict[str, str]) -> str:
    rows = [f"| {words['key']} | {words['default']} | {words['bounds']} |", "|---|---|---|"]
    for key, info in module.Settings.model_fields.items():
        if key in OTHER_TYPES:
            continue
        default = words["required"] if info.is_required() else _plain(info.default)
        rows.append(f"| `{key}` | {default} | {_bounds(info)} |")
    return "\n".join(rows)


def _plain(value: object) -> str:
    if value is None or value == "":
        return "-"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(info: Any) -> str:
    """Lowest and highest, or the words that may stand there."""
    limits = {type(one).__name__: one for one in info.metadata}
    low = getattr(limits.get("Ge", limits.get("Gt")), "ge", getattr(limits.get("Gt"), "gt", ""))
    high = getattr(limits.get("Le", limits.get("Lt")), "le", getattr(limits.get("Lt"), "lt", ""))
    if low != "" or high != "":
        return f"{low} … {high}"
    words = [one for one in getattr(info.annotation, "__args__", ()) if isinstance(one, str)]
    return ", ".join(f"`{one}`" for one in words)


def _maturity(found: list[Entry], words: dict[str, str], language: str) -> list[str]:
    parts = []
    for kind in ("done", "todo", "exempt"):
        lines = [f"* {text}" for text in _of(found, kind, language)]
        if lines:
            parts.append(f"**{words[kind][:1].upper() + words[kind][1:]}**\n\n" + "\n".join(lines))
    peers = _of(found, "peer", language)
    if peers:
        parts.append(f"{words['tested'][:1].upper() + words['tested'][1:]}: " + "; ".join(peers))
    return parts


def write(folder: Path) -> None:
    """Write the manual of every language into `folder`."""
    for language, name in FILES.items():
        (folder / name).write_text(manual(language), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
