"""Additions to site.toml that leave every line of it as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.commission.merge import csv_text, replace_file

_NEW = """# Made by gatehouse commission start. 由 gatehouse commission start 生成。
[gateway]
id = "gw-01"
site = "plant"
area = "area1"
language = "{language}"
"""
_COLUMNS = ("tag", "source", "address", "type", "unit", "low", "high", "writable", "safe", "zh", "en")


def created(site: Path, lang: str) -> None:
    """A site folder with the least that `gatehouse check` needs."""
    site.mkdir(parents=True, exist_ok=True)
    replace_file(site / "site.toml", _NEW.format(language="zh-CN" if lang.startswith("zh") else "en"))
    if not any((site / name).exists() for name in ("tags.csv", "tags.xlsx")):
        replace_file(site / "tags.csv", csv_text(_COLUMNS, []))


def with_source(text: str, name: str, driver: str, url: str, settings: dict[str, Any]) -> str:
    """site.toml with [source.<name>] after all that is there. Strings of TOML and JSON are written alike."""
    values = {"driver": driver, "url": url, **settings}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([text.rstrip(), "", f"[source.{name}]", *lines, ""])
