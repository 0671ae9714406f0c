"""Writes into both model cards what the cards of the graphs and the training log say: the prose around it is written by hand.

    python -m inference.training.modelcard inference/shipped [--runs RUN RUN …]

With `--runs`, the folders of the training's stages in their order, their logs become `training.csv` first. A part of a document
between `<!-- NAME -->` and `<!-- /NAME -->` is made here; a test holds that nobody changed it by hand.
"""

import argparse
import csv
import re
from pathlib import Path

from inference.models.card import Card, Quality, read

DOCUMENTS = {"en": "MODEL_CARD.md", "zh-CN": "MODEL_CARD.zh-CN.md"}
GRAPHS = ("ppe.onnx", "ppe.int8.onnx")
HEADS = {
    "en": "| set | class | labelled | AP50 fp32 | recall | precision | AP50 INT8 | recall | precision |",
    "zh-CN": "| 数据集 | 类别 | 标注数 | AP50 fp32 | 召回率 | 精确率 | AP50 INT8 | 召回率 | 精确率 |",
}
LOSS = {
    "en": "8 bits {verb} {points:.1f} points of mAP50 on css_ppe/valid (allowed: a loss of 1.0).",
    "zh-CN": "8 位量化在 css_ppe/valid 上 mAP50 {verb} {points:.1f} 个百分点（允许下降 1.0）。",
}
VERBS = {"en": ("lose", "gain"), "zh-CN": ("下降", "上升")}
STAGE_HEADS = {
    "en": "| stage | picture side (px) | steps | crops | minutes | mAP50 css_ppe/valid at its end |",
    "zh-CN": "| 阶段 | 图像边长（像素） | 步数 | 裁块数 | 分钟 | 结束时 css_ppe/valid 的 mAP50 |",
}


def table(language: str, graphs: list[Card]) -> str:
    """AP50, recall and precision per set and class, of each graph; under it what eight bits cost."""
    lines = [HEADS[language], "|---" * 9 + "|"]
    for wide, narrow in zip(*(card.measured for card in graphs), strict=True):
        lines += [row(wide, narrow, name) for name in wide.per_class]
        lines.append(
            f"| {wide.data} ({wide.images}) | **mAP50** | | **{wide.map50:.3f}** | | | **{narrow.map50:.3f}** | | |"
        )
    first, second = (card.measured[0] for card in graphs)
    points = (first.map50 - second.map50) * 100
    sentence = LOSS[language].format(verb=VERBS[language][points < 0], points=abs(points))
    return "\n".join([*lines, "", sentence])


def row(wide: Quality, narrow: Quality, name: str) -> str:
    """One class of one set."""
    figures = (item.per_class[name] for item in (wide, narrow))
    cells = " | ".join(f"{own['ap50']:.3f} | {own['recall']:.2f} | {own['precision']:.2f}" for own in figures)
    return f"| {wide.data} | {name} | {wide.per_class[name]['labelled']:.0f} | {cells} |"


def stages(language: str, log: Path) -> str:
    """What each stage of the training saw: the last line of each in the log."""
    with log.open(newline="") as stream:
        last = {line["stage"]: line for line in csv.DictReader(stream)}
    lines = [STAGE_HEADS[language], "|---" * 6 + "|"]
    for stage, line in last.items():
        score = f"{float(line['map50_css_valid']):.3f}"
        lines.append(
            f"| {stage} | {line['side']} | {line['step']} | {line['images']} | {float(line['minute']):.0f} | {score} |"
        )
    return "\n".join(lines)


def gather(runs: list[Path], log: Path) -> None:
    """The logs of all stages as one, each line with the number of its stage and the side it trained at."""
    with log.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        for stage, run in enumerate(runs, start=1):
            side = re.search(r"^side = (\d+)$", (run / "plan.txt").read_text(encoding="utf-8"), re.MULTILINE)
            if side is None:
                raise ValueError(f"{run / 'plan.txt'} names no side")
            with (run / "log.csv").open(newline="", encoding="utf-8") as stream:
                head, *lines = csv.reader(stream)
            if stage == 1:
                writer.writerow(["stage", "side", *head])
            writer.writerows([stage, side[1], *line] for line in lines)


def filled(text: str, language: str, shipped: Path) -> str:
    """A document with its made parts made again. Raises ValueError where a part is missing."""
    graphs = [card for name in GRAPHS if (card := read(shipped / name)) is not None]
    parts = {"measured": table(language, graphs), "training": stages(language, shipped / "training.csv")}
    for name, made in parts.items():
        opened, closed = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        if text.count(opened) != 1 or text.count(closed) != 1:
            raise ValueError(f"{DOCUMENTS[language]}: one part {opened.strip()} … {closed.strip()} is wanted")
        before, rest = text.split(opened)
        text = before + opened + made + closed + rest.split(closed)[1]
    return text


def write(shipped: Path) -> None:
    """Both documents."""
    for language, name in DOCUMENTS.items():
        document = shipped / name
        document.write_text(filled(document.read_text(encoding="utf-8"), language, shipped), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shipped", type=Path, help="folder with the graphs, their cards, the log and the documents")
    parser.add_argument(
        "--runs", type=Path, nargs="+", default=[], help="folders of the training's stages, in their order"
    )
    given = parser.parse_args()
    if given.runs:
        gather(given.runs, given.shipped / "training.csv")
    write(given.shipped)


if __name__ == "__main__":
    main()
