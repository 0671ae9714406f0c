"""What is said of tables, workbooks and tags."""

from __future__ import annotations

from gateway.site.sentence import Sentence

_TABLE: dict[str, Sentence] = {
    "table.empty": Sentence(
        "The list is empty: it has no headings.",
        "表格为空：没有表头。",
        "The first row holds the headings: {known}.",
        "首行应为表头：{known}。",
    ),
    "table.csv": Sentence(
        "This is not a CSV list: {what}.",
        "不是有效的 CSV 表格：{what}。",
        "Look for a quotation mark that is opened and never closed.",
        "请检查是否有未成对的双引号。",
    ),
    "table.heading": Sentence(
        'The heading "{value}" is not known.',
        "未知的表头“{value}”。",
        "{near}Known headings: {known}.",
        "{near}可用的表头：{known}。",
    ),
    "table.heading-twice": Sentence(
        'The column "{value}" stands here twice.',
        "“{value}”列重复出现。",
        "Remove one of the two columns.",
        "请删除其中一列。",
    ),
    "table.heading-missing": Sentence(
        'The column "{value}" is missing.',
        "缺少“{value}”列。",
        "Add the heading {value} ({zh}) and fill the column.",
        "请添加表头 {value}（{zh}）并填写该列。",
    ),
    "table.cells": Sentence(
        "This row has {count} cells, the headings are {width}.",
        "本行有 {count} 个单元格，而表头只有 {width} 列。",
        "Put text that holds the separator in double quotes.",
        "含有分隔符的文本请用英文双引号括起。",
    ),
    "table.line-break": Sentence(
        "A cell holds a line break, or a quotation mark is not closed.",
        "单元格内有换行，或双引号未成对。",
        "Keep every cell on one line and close the quotation mark.",
        "请将单元格内容写在一行内，并补上右侧双引号。",
    ),
    "table.too-many": Sentence(
        "The list has more than {limit} rows.",
        "表格超过 {limit} 行。",
        "Split the plant over several gateways.",
        "请将装置分配给多台网关。",
    ),
    "workbook.invalid": Sentence(
        "This is not an Excel workbook (.xlsx): {what}.",
        "不是有效的 Excel 工作簿（.xlsx）：{what}。",
        "Save it from Excel as .xlsx without a password, or as CSV UTF-8.",
        "请在 Excel 中另存为不加密的 .xlsx，或“CSV UTF-8”。",
    ),
    "workbook.formula": Sentence(
        "The cell holds a formula: {value}",
        "单元格中是公式：{value}",
        "Replace the formula by its value (paste special, values).",
        "请将公式改为数值（选择性粘贴→数值）。",
    ),
    "tags.two-lists": Sentence(
        "There are two tag lists, tags.csv and tags.xlsx.",
        "同时存在 tags.csv 和 tags.xlsx 两份位号表。",
        "Keep one of them; two lists would drift apart.",
        "请只保留一份，以免两份内容不一致。",
    ),
    "tags.none": Sentence(
        "The tag list has no tags.",
        "位号表中没有位号。",
        "Add one row per tag below the headings.",
        "请在表头下每行填写一个位号。",
    ),
}

_TAGS: dict[str, Sentence] = {
    "tag.empty": Sentence(
        'The cell "{column}" is empty.',
        "“{column}”单元格为空。",
        "Every row needs this cell; fill it or remove the row.",
        "每一行都必须填写该单元格；请填写或删除该行。",
    ),
    "tag.name": Sentence(
        'The tag name "{value}" cannot be used.',
        "位号“{value}”不可用。",
        "Use a letter first, then letters a-z, digits, _ and dots between parts, 64 at most, such as tank1.level.",
        "以英文字母开头，由字母、数字、_ 组成，各段以 . 分隔，最多 64 个字符，例如 tank1.level。",
    ),
    "tag.duplicate": Sentence(
        'The tag "{value}" already stands in row {row}.',
        "位号“{value}”与第 {row} 行重复。",
        "Give each tag its own name (capital and small letters do not make a difference).",
        "每个位号须唯一（不区分大小写）。",
    ),
    "tag.unknown-source": Sentence(
        'There is no source "{value}".',
        "没有名为“{value}”的数据源。",
        "{near}Known sources: {known}; a new one needs a section [source.{value}] in site.toml.",
        "{near}已有数据源：{known}；新数据源需在 site.toml 中添加 [source.{value}]。",
    ),
    "tag.unit": Sentence(
        'The unit "{value}" is not known.',
        "未知的单位“{value}”。",
        "{near}Write units such as cm, degC, bar, kPa, m/s, ppm, %LEL, %vol.",
        "{near}单位写法例如 cm、degC、bar、kPa、m/s、ppm、%LEL、%vol。",
    ),
    "tag.number": Sentence(
        '"{value}" in the column {column} is not a number.',
        "{column} 列中的“{value}”不是数字。",
        "Write digits with a decimal point and no unit, such as 12.5.",
        "请只写数字，小数点用英文句点，不带单位，例如 12.5。",
    ),
    "tag.positive": Sentence(
        "{column} is {value}; it must be {bound}.",
        "{column} 为 {value}，应{bound}。",
        "Correct the cell, or leave it empty for the default.",
        "请修改该单元格，或留空以采用默认值。",
    ),
    "tag.range": Sentence(
        "low = {low} is not below high = {high}.",
        "下限 {low} 不小于上限 {high}。",
        "Write the physical range with the smaller number under low.",
        "请填写物理量程，下限填较小值。",
    ),
    "tag.no-safe": Sentence(
        'The writable tag "{value}" has no safe value.',
        "可写位号“{value}”没有安全值。",
        "Write in the column safe the value it is driven to on a trip: 0 for a permit, 1 for a fan that must run.",
        "请在“安全值”列填写联锁动作时的输出值：允许信号填 0，须保持运转的风机填 1。",
    ),
    "tag.safe-not-writable": Sentence(
        'The tag "{value}" has a safe value but is not writable.',
        "位号“{value}”有安全值，但不可写。",
        "Write yes in the column writable, or clear the cell safe.",
        "请在“可写”列填 yes，或清空“安全值”。",
    ),
    "tag.safe-range": Sentence(
        "safe = {value} lies outside {low} to {high}.",
        "安全值 {value} 超出 {low} 至 {high}。",
        "Write a safe value that the output can take.",
        "请填写该输出能够达到的安全值。",
    ),
    "tag.yes-no": Sentence(
        '"{value}" in the column {column} is neither yes nor no.',
        "{column} 列中的“{value}”既不是“是”也不是“否”。",
        "Write yes or no (or leave the cell empty for no).",
        "请填 是 或 否（留空表示否）。",
    ),
    "tag.stale-short": Sentence(
        "stale_ms = {value} is less than three poll periods of {period} ms: one late answer turns the tag BAD.",
        "stale_ms = {value} 小于 3 个轮询周期（{period} ms）：一次应答迟到就会使位号变为坏值。",
        "Write {right} or more, or poll faster.",
        "请填 {right} 或更大，或缩短轮询周期。",
    ),
    "tag.stale-default": Sentence(
        'The tag "{value}" has no stale_ms, and source "{source}" has no period: it turns BAD after 1000 ms of silence.',
        "位号“{value}”未填 stale_ms，且数据源“{source}”没有固定周期：静默 1000 ms 即变为坏值。",
        "Write in stale_ms how long this device may be silent.",
        "请在 stale_ms 列填写该设备允许的最长静默时间。",
    ),
    "tag.address": Sentence(
        "{what}",
        "{what}",
        "Correct the cells address and type of this tag.",
        "请修改该位号的“地址”和“类型”。",
    ),
    "tag.address-note": Sentence(
        "{what}",
        "{what}",
        "Nothing to do; check that this is the point you mean.",
        "无需处理；请确认所指的正是该点。",
    ),
    "tag.same-output": Sentence(
        'The output "{value}" writes the same place as "{other}".',
        "输出“{value}”与“{other}”写同一地址。",
        "Give each output its own address; two writers of one place fight each other.",
        "每个输出须有独立地址；两个输出写同一地址会相互冲突。",
    ),
    "tag.bool": Sentence(
        "{column} = {value} has no meaning for a bool.",
        "开关量不需要 {column} = {value}。",
        "Clear the cell, or choose a number as the type.",
        "请清空该单元格，或将类型改为数值型。",
    ),
    "tag.signal": Sentence(
        'The signal "{value}" is not known.',
        "未知的信号类型“{value}”。",
        "Write 4-20mA, or leave the cell empty.",
        "请填 4-20mA，或留空。",
    ),
    "tag.signal-scaled": Sentence(
        "scale and offset are taken from low and high: 4 mA = {low}, 20 mA = {high} {unit}.",
        "系数和偏移按下限、上限换算：4 mA = {low}，20 mA = {high} {unit}。",
        "Nothing to do if that is the transmitter's range; otherwise write scale and offset.",
        "若与变送器量程一致则无需处理，否则请填写系数和偏移。",
    ),
    "tag.signal-range": Sentence(
        "The raw value is not in mA, so the fault limits are taken from low and high: 4 mA = {low}, 20 mA = {high} {unit}.",
        "原始值不是毫安，故断线和短路判据按下限、上限换算：4 mA = {low}，20 mA = {high} {unit}。",
        "Nothing to do if that is the transmitter's range; otherwise correct low, high, scale and offset.",
        "若与变送器量程一致则无需处理，否则请改正下限、上限、系数和偏移。",
    ),
    "tag.signal-unscaled": Sentence(
        'The 4-20 mA tag "{value}" has neither scale and offset nor low and high.',
        "4-20 mA 位号“{value}”既无系数和偏移，也无下限和上限。",
        "Write low and high (the values at 4 and 20 mA).",
        "请填写下限和上限（对应 4 mA 和 20 mA 的值）。",
    ),
    "tag.privacy": Sentence(
        'The privacy "{value}" is not known.',
        "未知的隐私级别“{value}”。",
        "Write plant or personal, or leave the cell empty for plant.",
        "请填 plant（装置数据）或 personal（个人数据），留空表示 plant。",
    ),
    "tag.personal-output": Sentence(
        'The personal tag "{value}" is writable.',
        "个人数据位号“{value}”被设为可写。",
        "An output is plant data: clear the cell privacy or the cell writable.",
        "输出属于装置数据：请清空“隐私”或“可写”单元格。",
    ),
    "tag.personal-mixed": Sentence(
        'The personal tag "{value}" arrives together with plant tags of source "{source}".',
        "个人数据位号“{value}”与数据源“{source}”的装置数据在同一组中到达。",
        "Give personal tags a source (or a topic) of their own, so that they never enter plant records.",
        "请为个人数据单独设置数据源（或主题），使其不会进入装置记录。",
    ),
    "tag.date": Sentence(
        '"{value}" is not a date.',
        "“{value}”不是有效日期。",
        "Write year-month-day, such as 2026-03-31.",
        "应写作 年-月-日，例如 2026-03-31。",
    ),
    "tag.area": Sentence(
        'The area "{value}" cannot be used.',
        "区域“{value}”不可用。",
        "Use 1 to 32 lower-case letters a-z, digits, _ and -, such as tankfarm; it is a level of the MQTT topic.",
        "请用 1 至 32 个小写字母、数字、_ 或 -，例如 tankfarm；它是 MQTT 主题的一级。",
    ),
    "tag.too-many-outputs": Sentence(
        "The site has {count} outputs; at most {limit} are allowed.",
        "站点有 {count} 个输出，最多允许 {limit} 个。",
        "Split the plant over several gateways.",
        "请将装置分配给多台网关。",
    ),
}

TAGS: dict[str, Sentence] = {**_TABLE, **_TAGS}
