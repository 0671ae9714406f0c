"""What is said of workbooks, in both languages, by stable code; the rest is said by `rulebook.sentences`."""

from __future__ import annotations

from gateway.rulebook.sentences.sentence import Sentence

WORKBOOK: dict[str, Sentence] = {
    "matrix.invalid": Sentence(
        "This workbook is not read: {what}.",
        "该工作簿无法读取：{what}。",
        "Save it as a plain .xlsx without password, macros and links, or as CSV UTF-8.",
        "请另存为不加密、不含宏和外部链接的 .xlsx，或“CSV UTF-8”。",
    ),
    "matrix.formula": Sentence(
        "The cell holds a formula.",
        "单元格中是公式。",
        "Replace it by its value (paste special, values): people sign what they see.",
        "请改为数值（选择性粘贴→数值）：签字的内容必须是所见即所得。",
    ),
    "matrix.merged": Sentence(
        "The cells {what} are merged: only the first of them would count.",
        "单元格 {what} 已合并：只有左上角的一个会被读取。",
        "Unmerge them and fill each cell.",
        "请取消合并，并填写每个单元格。",
    ),
    "matrix.hidden": Sentence(
        "Sheet {what} has hidden rows or columns, or is itself hidden.",
        "工作表 {what} 有隐藏的行或列，或本身被隐藏。",
        "Show everything: people can only sign what they can see.",
        "请取消隐藏：看不见的内容不能签字确认。",
    ),
    "matrix.invisible": Sentence(
        "An invisible character ({what}) stands in this cell.",
        "单元格中有不可见字符（{what}）。",
        "Type the cell anew: people can only sign what they can see.",
        "请重新输入：看不见的内容不能签字确认。",
    ),
    "matrix.none": Sentence(
        "There is no cause & effect matrix in this file.",
        "该文件中没有因果表。",
        "Cell A1 of a matrix says '{expected}'; begin with config/templates/interlocks.xlsx.",
        "因果表的 A1 单元格应为“{expected}”；可从 config/templates/interlocks.xlsx 开始。",
    ),
    "matrix.unread": Sentence(
        "Sheet {what} looks like a matrix and is not compiled.",
        "工作表 {what} 像是因果表，但不会被编译。",
        "Write '{expected}' into its cell A1, or delete the sheet.",
        "请在其 A1 单元格填写“{expected}”，或删除该工作表。",
    ),
    "matrix.headings": Sentence(
        "The headings of the causes are missing: {what}.",
        "缺少原因的表头：{what}。",
        "Keep the heading row of the template; columns may be moved but not left out.",
        "请保留模板的表头行；列可以移动，但不能删除。",
    ),
    "matrix.heading": Sentence(
        "'{what}' is not a heading.",
        "“{what}”不是表头。",
        "Headings are {expected}.",
        "可用的表头：{expected}。",
    ),
    "matrix.heading-twice": Sentence(
        "The heading '{what}' stands here twice.",
        "表头“{what}”重复。",
        "Remove one of the two.",
        "请删除其中一个。",
    ),
    "matrix.stray": Sentence(
        "'{what}' stands outside the table and would not be read.",
        "“{what}”在表格之外，不会被读取。",
        "Give its column an effect id or its row a cause id, or delete it.",
        "请填写该列的结果编号或该行的原因编号，或将其删除。",
    ),
    "matrix.mark": Sentence(
        "'{what}' is not a mark of the matrix.",
        "“{what}”不是因果表可用的标记。",
        "Write X, X/5s, P, A, N, R, S or a vote such as 2oo3:G1, or leave the cell empty.",
        "可写 X、X/5s、P、A、N、R、S 或表决如 2oo3:G1，也可留空。",
    ),
    "matrix.value": Sentence(
        "'{what}' is not possible in {field}.",
        "“{field}”一栏不能填“{what}”。",
        "Write for example: {expected}.",
        "请按此形式填写：{expected}。",
    ),
    "matrix.missing": Sentence(
        "{field} is empty.",
        "“{field}”未填写。",
        "Write for example: {expected}.",
        "请按此形式填写：{expected}。",
    ),
    "matrix.duplicate": Sentence(
        "The id {what} is already used in {first}.",
        "编号 {what} 已在 {first} 使用。",
        "Give every cause and every effect an id of its own.",
        "每个原因和每个结果的编号都不得重复。",
    ),
    "matrix.vote": Sentence(
        "Group {group} has {count} votes in effect {effect}, but {what} is written.",
        "结果 {effect} 中表决组 {group} 有 {count} 个通道，但此处写的是 {what}。",
        "Write the same KooN:GROUP in exactly N rows of the column.",
        "请在该列恰好 N 行填写相同的 KooN:组名。",
    ),
    "matrix.terms": Sentence(
        "The causes of effect {effect} differ in {field}: '{what}' here, '{other}' in {first}.",
        "结果 {effect} 的各原因在“{field}”一栏不一致：此处为“{what}”，{first} 为“{other}”。",
        "One function has one such term: write the same, or give the cause an effect column of its own with the same target.",
        "一个功能只能有一种规定：请填写一致，或为该原因另设一列，输出位号相同即可。",
    ),
    "matrix.unsafe": Sentence(
        "An interlock drives {tag} to its safe value {expected}, never to {what}.",
        "联锁只能使 {tag} 到达安全值 {expected}，不能是 {what}。",
        "Leave the cell empty, or correct the safe value in the tag list.",
        "请留空，或在位号表中更正安全值。",
    ),
    "matrix.no-latch": Sentence(
        "An interlock always latches until a person resets it.",
        "联锁动作后必定锁存，直至人工复位。",
        "Leave the cell empty or write yes.",
        "请留空或填写 yes。",
    ),
    "matrix.no-target": Sentence(
        "Effect {effect} has no target: it can alarm (A, R or a vote) but not trip.",
        "结果 {effect} 没有输出位号：只能报警（A、R 或表决），不能跳车。",
        "Fill the target of the column, or write A.",
        "请填写该列的输出位号，或改写 A。",
    ),
    "matrix.idle-cause": Sentence(
        "Cause {what} has no mark in any column.",
        "原因 {what} 在任何一列都没有标记。",
        "Mark what it does, or delete the row.",
        "请填写标记，或删除该行。",
        warning=True,
    ),
    "matrix.idle-effect": Sentence(
        "Effect {what} has no cause that trips or alarms.",
        "结果 {what} 没有任何触发原因。",
        "Mark its causes with X, A or a vote, or delete the column.",
        "请用 X、A 或表决标记其原因，或删除该列。",
    ),
}
