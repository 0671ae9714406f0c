"""What is said of early-warning cards."""

from __future__ import annotations

from gateway.site.sentence import Sentence

_AGAIN = ("Learn the group again: gatehouse warn learn.", "请重新学习该组：gatehouse warn learn。")

WARN: dict[str, Sentence] = {
    "warn.too-many": Sentence(
        "The folder holds {count} cards; at most {limit} are read.",
        "文件夹中有 {count} 张预警卡，最多读取 {limit} 张。",
        "Remove groups that no rule uses.",
        "请删除没有规则使用的组。",
    ),
    "warn.form": Sentence("This is no early-warning card: {what}.", "不是有效的预警卡：{what}。", *_AGAIN),
    "warn.hash": Sentence(
        "The card was changed after it was learned: its hash is of other content.",
        "预警卡在学习后被改动：哈希值与内容不符。",
        "A card is not edited by hand. " + _AGAIN[0],
        "预警卡不得手工修改。" + _AGAIN[1],
    ),
    "warn.field": Sentence("The card contradicts itself in {field}.", "预警卡的 {field} 字段自相矛盾。", *_AGAIN),
    "warn.name": Sentence(
        "The card is of the group {value}, the file is named {right}.",
        "预警卡属于组 {value}，而文件名为 {right}。",
        "Name the file after its group: small letters, digits and _.",
        "请以组名命名文件：小写字母、数字和下划线。",
    ),
    "warn.tag": Sentence(
        "The card was learned from the tag {value}, which the tag list does not have or which is personal.",
        "预警卡引用位号 {value}，位号表中没有该位号，或其为个人数据。",
        "Put the tag back, or learn the group without it.",
        "请恢复该位号，或不含该位号重新学习。",
    ),
    "warn.unit": Sentence(
        "The card knows {value} in {was}; the tag list says {now}.",
        "预警卡中 {value} 的单位是 {was}，位号表中为 {now}。",
        *_AGAIN,
    ),
    "warn.taken": Sentence(
        "The tag list has a tag named {value}, which is the name of a score.",
        "位号表中已有名为 {value} 的位号，与预警得分重名。",
        "Rename the tag.",
        "请给该位号改名。",
    ),
}
