"""What was done to bring a source into service, kept beside the site: one JSON line each, only ever appended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = "commission.jsonl"


def note(site: Path, kind: str, utc_ms: int, **what: Any) -> dict[str, Any]:
    """Append one record: "start", "import", "sanity" or "loop"."""
    record = {"kind": kind, "utc_ms": utc_ms, **what}
    with (site / FILE).open("a", encoding="utf-8") as out:
        out.write(json.dumps(record, ensure_ascii=False) + "\n")
    return record


def notes(site: Path, kind: str = "") -> Iterator[dict[str, Any]]:
    """The records in their order, of one kind if named. A line that a power cut tore is left out."""
    try:
        lines = (site / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "kind" in record and kind in ("", record["kind"]):
            yield record
