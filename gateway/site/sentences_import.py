"""What is said while a tag list of another tool is taken in."""

from __future__ import annotations

from gateway.site.sentence import Sentence

IMPORT: dict[str, Sentence] = {
    "import.row": Sentence(
        "{value} is left out: {what}.",
        "{value} 未导入：{what}。",
        "Nothing to do if nobody needs it; otherwise add it to the tag list by hand.",
        "如无人使用则无需处理；否则请手工加入位号表。",
    ),
    "import.without": Sentence(
        "{value} is taken in without its {what}.",
        "{value} 已导入，但不含其{what}。",
        "Fill it in the tag list by hand if it is needed.",
        "如有需要，请在位号表中手工填写。",
    ),
    "import.twice": Sentence(
        "{value} stands here a second time; both are taken in, this one under another name.",
        "{value} 在此重复出现；两者均导入，此行另取名称。",
        "If it is a mistake, remove one of the rows.",
        "如属误填，请删除其中一行。",
    ),
    "import.output": Sentence(
        "{value} is taken in as an input only: an import never makes an output.",
        "{value} 仅作为输入导入：导入不会产生输出。",
        "If it is an output, fill writable and safe in the tag list yourself.",
        "如确为输出，请在位号表中自行填写 writable（可写）与 safe（安全值）。",
    ),
    "import.xml": Sentence(
        "The file is no usable XML: {what}.",
        "文件不是可用的 XML：{what}。",
        "Export it again from the engineering tool.",
        "请从工程软件重新导出。",
    ),
    "import.left-out": Sentence(
        "{count} variables are properties or belong to types; they are left out.",
        "{count} 个变量为属性或属于类型定义，未导入。",
        "Nothing to do; single nodes can be added to the tag list by their node id.",
        "无需处理；个别节点可按节点标识手工加入位号表。",
    ),
}
