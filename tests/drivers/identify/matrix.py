"""`python -m tests.drivers.identify.matrix [FILE…]`: identification over the captures, as tables for the manual.

With files it rewrites the part of each between the two marks. The captures are not part of the product: without them it says so.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from drivers.identify.signatures import table
from tests.drivers.identify.run import CAPTURES, findings

BEGIN, END = "<!-- matrix: made by tests.drivers.identify.matrix -->", "<!-- end of matrix -->"
NEGATIVE = "negative_it"
_LABELS = "labels_packets(-1=by directory/port not by dissector)"


@dataclass(frozen=True)
class Judged:
    """One capture: what its manifest says is mainly in it, what else may be, and what was found."""

    main: str
    also: frozenset[str]
    found: frozenset[str]
    industrial: frozenset[str]


def judged() -> list[Judged]:
    """Every capture of the manifest."""
    out = []
    with (CAPTURES / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            rows = findings((CAPTURES / row["file"]).read_bytes())
            also = frozenset(part.partition(":")[0] for part in row[_LABELS].split(";") if part)
            names = frozenset(one["protocol"] for one in rows)
            industrial = frozenset(one["protocol"] for one in rows if one["kind"] == "industrial")
            out.append(Judged(row["main_label"], also, names, industrial))
    return out


def recall(files: list[Judged]) -> tuple[int, int]:
    """Files whose main label was found, of those whose main label is claimed."""
    claimed = [one for one in files if one.main in table().protocols]
    return sum(one.main in one.found for one in claimed), len(claimed)


def false_positives(files: list[Judged]) -> int:
    """Negatives in which an industrial protocol was found."""
    return sum(bool(one.industrial) for one in files if one.main == NEGATIVE)


def tables(files: list[Judged], chinese: bool) -> str:
    """Markdown: the sum, the confusion matrix by main label, and every protocol with its proof."""
    hit, claimed = recall(files)
    negatives = [one for one in files if one.main == NEGATIVE]
    wrong = false_positives(files)
    out = [
        f"{hit} / {claimed} = {hit / claimed:.3f} "
        + ("个文件识别出主要协议；" if chinese else "files with their main protocol found; ")
        + (
            f"{len(negatives)} 个负样本中误报 {wrong} 个。"
            if chinese
            else f"{wrong} false positives in {len(negatives)} negatives."
        ),
        "",
        "| 主要标签 | 文件 | 识别出 | 同一文件中的其他协议（文件数） |"
        if chinese
        else "| main label | files | found | others in the same files (files) |",
        "|---|--:|--:|---|",
    ]
    for label in sorted({one.main for one in files}):
        rows = [one for one in files if one.main == label]
        others = Counter(name for one in rows for name in one.found - {label})
        known = {name for one in rows for name in one.also}
        shown = ", ".join(f"{name} {count}{'' if name in known else ' *'}" for name, count in sorted(others.items()))
        got = "–" if label == NEGATIVE else str(sum(label in one.found for one in rows))
        out.append(f"| {label} | {len(rows)} | {got} | {shown} |")
    out += ["", *_protocols(chinese), ""]
    return "\n".join(out)


def _protocols(chinese: bool) -> list[str]:
    protocols = sorted(table().protocols.values(), key=lambda one: one.id)
    heads = "| 标识 | 协议 | 证明方式 | 能读出 |" if chinese else "| id | protocol | proven by | tells |"
    proofs = (
        {"captures": "抓包", "frames": "按规范构造的帧"}
        if chinese
        else {"captures": "captures", "frames": "frames built from its specification"}
    )
    rows = [
        f"| `{one.id}` | {one.zh if chinese else one.en} | {proofs[one.proven]} | {one.tells} |" for one in protocols
    ]
    title = f"共 {len(protocols)} 种协议：" if chinese else f"{len(protocols)} protocols:"
    return [title, "", heads, "|---|---|---|---|", *rows]


def rewritten(text: str, tables_text: str) -> str:
    """`text` with the part between the marks replaced."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables_text}\n{END}{tail}"


def main(files: list[str]) -> int:
    """Print the tables, or put them into manuals; 1 where the captures are absent."""
    if not (CAPTURES / "manifest.csv").exists():
        print(f"The captures are not here ({CAPTURES}); they are not part of the product.", file=sys.stderr)
        return 1
    found = judged()
    if not files:
        print(tables(found, chinese=False))
    for name in files:
        path = Path(name)
        path.write_text(rewritten(path.read_text("utf-8"), tables(found, "zh-CN" in name)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
