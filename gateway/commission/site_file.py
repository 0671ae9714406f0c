"""Additions to site.toml that leave every line of it as it is."""

from __future__ import annotations

import json
import os
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


def added(site: Path, name: str, driver: str, url: str, settings: dict[str, Any]) -> None:
    """Append [source.<name>]. Strings of TOML and JSON are written alike."""
    lines = ["", f"[source.{name}]", f"driver = {json.dumps(driver)}", f"url = {json.dumps(url)}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    path = site / "site.toml"
    whole = path.read_bytes().rstrip() + b"\n" + "\n".join([*lines, ""]).encode()
    fresh = path.with_name(".site.toml.part")
    with fresh.open("wb") as out:
        out.write(whole)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
